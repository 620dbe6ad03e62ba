"""Bring the templates and rulesets of libraries into a document: those that it uses, and what these use."""

from __future__ import annotations

from typing import Any

from unspool.compiler.emissions import emitted_by, substitute_of
from unspool.compiler.readable import Readable
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.resources import LIBRARIES, library_text
from unspool.model.similar import closest

CODES = {
    "UNS188": "a document imports what is no library, or nothing of a library is used",
    "UNS189": "a template takes the place of one in a library, and does not take what that does",
}


def with_imports(readable: Readable) -> tuple[Readable, list[Diagnostic]]:
    """Give a document with what it uses of the libraries that it imports.

    A template or a ruleset of the document stands before one of the same name in a library.
    """
    document = readable.document
    names: list[str] = document.get("import", [])
    found: list[Diagnostic] = []
    for number, name in enumerate(names):
        path: Path = ("import", number)
        if name not in LIBRARIES:
            meant = closest(name, LIBRARIES)
            hint = f"did you mean {quote(meant)}?" if meant else "known are " + ", ".join(map(quote, LIBRARIES))
            found.append(Diagnostic("UNS188", f"there is no library {quote(name)}", path, hint=hint))
            continue
        library = _load(name)
        found += _unfit(document, library)
        used = _used(document, library)
        if not used["templates"] and not used["rulesets"]:
            message = f"nothing uses the library {quote(name)}"
            hint = "apply a ruleset of it, such as " + quote(f"ruleset: {next(iter(library['rulesets']))}")
            found.append(Diagnostic("UNS188", message, path, hint=hint, severity="warning"))
        for key, parts in used.items():
            if parts:
                document = {**document, key: {**document.get(key, {}), **parts}}
    return readable._replace(document=document), found


def placed(found: list[Diagnostic], source: dict[str, Any]) -> list[Diagnostic]:
    """Give findings about what was imported their place where that is done; none that another one explains."""
    is_explained = any(diagnostic.code == "UNS189" for diagnostic in found)
    told = []
    for diagnostic in found:
        path = diagnostic.path
        is_own = len(path) < 2 or path[0] not in ("templates", "rulesets") or path[1] in source.get(str(path[0]), {})
        if is_own:
            told.append(diagnostic)
        elif not is_explained or diagnostic.code != "UNS166":
            told.append(diagnostic._replace(path=("import",), on_key=True, offset=None))
    return told


def takes_a_place(document: dict[str, Any], name: str) -> bool:
    """Whether a template of a document stands in the place of one in a library that it imports."""
    libraries = (each for each in document.get("import", ()) if each in LIBRARIES)
    return any(name in _load(each)["templates"] for each in libraries)


def _load(name: str) -> dict[str, Any]:
    from unspool.compiler.text import load

    value: dict[str, Any] = load(library_text(name), "yaml").value
    return value


def _used(document: dict[str, Any], library: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give what a document uses of a library, and has not itself."""
    parts: dict[str, dict[str, Any]] = {"rulesets": {}, "templates": {}}
    own = [body for key in ("tasks", "templates", "finally") for body in _all(document.get(key, {}))]
    left = [*own, *({"on_result": rules} for rules in document.get("rulesets", {}).values())]
    while left:
        body = left.pop()
        rules = body.get("on_result", [])
        named = [("rulesets", rule["ruleset"]) for rule in rules if "ruleset" in rule]
        named += [("templates", each) for rule in rules for each in emitted_by(rule)]
        named += [("templates", each) for each in (substitute_of(body), *body.get("depends_on", ())) if each]
        for key, name in named:
            if name in library[key] and name not in document.get(key, {}) and name not in parts[key]:
                if key == "templates" and name in document["tasks"]:
                    continue
                parts[key][name] = library[key][name]
                left += [{"on_result": library[key][name]} if key == "rulesets" else library[key][name]]
    return parts


def _all(tasks: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for body in tasks.values():
        found.append(body)
        if "group" in body:
            found += _all(body["group"]["tasks"])
    return found


def _unfit(document: dict[str, Any], library: dict[str, Any]) -> list[Diagnostic]:
    """Say which templates of a document would not take what the library gives to those whose place they take."""
    found = []
    for name, body in document.get("templates", {}).items():
        if name not in library["templates"]:
            continue
        own, given = body.get("inputs", {}), library["templates"][name].get("inputs", {})
        missing = [each for each in given if each not in own]
        needed = [each for each, schema in own.items() if each not in given and "default" not in schema]
        path: Path = ("templates", name)
        if missing:
            listed = ", ".join(map(quote, missing))
            message = f"the template {quote(name)} takes the place of one in a library, which has the input {listed}"
            hint = f"declare {listed} too, or give the template another name"
            found.append(Diagnostic("UNS189", message, path, on_key=True, hint=hint))
        if needed:
            listed = ", ".join(map(quote, needed))
            message = f"the template {quote(name)} takes the place of one in a library, which gives no {listed}"
            hint = "give each a `default`, or give the template another name"
            found.append(Diagnostic("UNS189", message, path, on_key=True, hint=hint))
    return found
