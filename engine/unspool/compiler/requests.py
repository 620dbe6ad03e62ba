"""Check the requests of `http` tasks: addresses, headers, and outputs that no answer can fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unspool.compiler.wording import found, place, quote, write
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.urls import has_scheme, header_problem, url_problem

CODES = {
    "UNS131": "a request cannot go to this address",
    "UNS132": "a request cannot have this header",
    "UNS133": "an output asks an http task for what only a process writes",
}

# They frame the message, so who sends it writes them.
_OWN_HEADERS = frozenset(("content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"))


def check_requests(document: dict[str, Any]) -> list[Diagnostic]:
    """Say what is wrong with the requests of a document.

    Args:
        document: its well-formed parts.
    """
    diagnostics: list[Diagnostic] = []
    for name, task in document["tasks"].items():
        request = task.get("http")
        if request is not None:
            path: Path = ("tasks", name, "http")
            diagnostics += _address(request.get("url", ""), (*path, "url"))
            diagnostics += _headers(request.get("headers", {}), (*path, "headers"))
            diagnostics += _outputs(task.get("outputs", {}), ("tasks", name, "outputs"))
    return diagnostics


def _address(url: str, path: Path) -> Iterator[Diagnostic]:
    fixed, expression, _ = url.partition("${{")
    if expression and (not fixed or has_scheme(fixed)):
        return  # the rest is known when the expressions are
    problem = url_problem(url)
    if problem is None:
        return
    hint = "correct it; an example: `url: https://example.com/items`"
    if "://" not in url and url_problem(f"https://{url}") is None:
        hint = write("url", f"https://{url}") or hint
    elif has_scheme(url) and " " in url.strip():
        hint = "write `%20` for a space"
    yield Diagnostic("UNS131", f"{place(path)} {problem}: it is {found(url)}", path, hint=hint)


def _headers(headers: dict[str, Any], path: Path) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for name, value in headers.items():
        problem = header_problem(value) if isinstance(value, str) else None
        if name.lower() in _OWN_HEADERS:
            message = f"{quote(name)} of {place(path)} is set by unspool itself"
            yield Diagnostic("UNS132", message, (*path, name), on_key=True, hint="remove it")
        elif name.lower() in seen:
            message = f"{quote(name)} of {place(path)} stands there twice: small letters and capitals are the same"
            yield Diagnostic("UNS132", message, (*path, name), on_key=True, hint="keep one of them")
        elif problem is not None:
            message = f"{quote(name)} of {place(path)} {problem}"
            yield Diagnostic("UNS132", message, (*path, name), hint="remove the control characters")
        seen.add(name.lower())


def _outputs(outputs: dict[str, Any], path: Path) -> Iterator[Diagnostic]:
    for name, output in outputs.items():
        source = output.get("from", "output")
        if source == "output" or isinstance(source, dict):
            wanted = "the file `UNSPOOL_OUTPUT`" if source == "output" else "a file"
            message = f"{place((*path, name))} is read from {wanted}, and a request writes none"
            hint = "read it from the answer: write `from: json` with a `path`, `from: stdout` or `from: result`"
            at: Path = (*path, name, "from") if "from" in output else (*path, name)
            yield Diagnostic("UNS133", message, at, on_key="from" not in output, hint=hint)
