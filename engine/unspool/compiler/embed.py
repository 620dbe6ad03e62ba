"""Puts other documents in the place of the tasks that name them: each becomes a group of its parent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from unspool.compiler.emissions import inlined
from unspool.compiler.lower import DEFAULT_SHELL
from unspool.compiler.text import Format, load
from unspool.compiler.value_schemas import misfit
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

CODES = {
    "UNS180": "a document that a task names cannot be read",
    "UNS181": "a document that a task names has errors",
    "UNS182": "documents name each other in a cycle",
    "UNS183": "the inputs that a task hands to a document do not fit",
    "UNS184": "a document asks for what the one around it does not give",
}

SourceText = Callable[[Path], str | None]


class Source(NamedTuple):
    """A document beside the one that names it.

    Attributes:
        name: tells it apart from every other document of the project.
        folder: its folder, as seen from that of the outermost document; empty for the same one.
        data, format: its text.
    """

    name: str
    folder: str
    data: bytes
    format: Format


class Sources(Protocol):
    """Where other documents come from."""

    name: str

    def read(self, path: str) -> Source:
        """Give the document at a path, counted from the document that names it.

        Raises:
            ValueError: there is none that may be read; the text says why.
        """

    def beside(self, source: Source) -> Sources:
        """Give the sources of a document that was read here."""


class NoSources:
    """For a text that stands in no file: it can name no other."""

    name = "this document"

    def read(self, path: str) -> Source:
        """Refuse."""
        raise ValueError(f"cannot be read from a text that is no file ({path})")

    def beside(self, source: Source) -> Sources:
        """Give itself."""
        return self


class Compiled(Protocol):
    """What compiling a document gives."""

    @property
    def plan(self) -> Any:
        """The plan, None where there are errors."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What was found."""


Compile = Callable[[bytes, Format, Sources, tuple[str, ...]], Compiled]


def has_workflows(tasks: Any) -> bool:
    """Whether any task names a document, also inside groups."""
    return isinstance(tasks, dict) and any(
        isinstance(body, dict)
        and ("workflow" in body or ("group" in body and has_workflows(body["group"].get("tasks"))))
        for body in tasks.values()
    )


class Embedding:
    """Embeds what one document names.

    Args:
        document: plain JSON values of a good shape.
        sources: where other documents come from.
        above: the names of the documents around this one, outermost first, and its own.
        compiled: compiles a document by itself.

    Attributes:
        found: what is wrong.
    """

    def __init__(self, document: dict[str, Any], sources: Sources, above: tuple[str, ...], compiled: Compile) -> None:
        self._document = document
        self._sources = sources
        self._above = above
        self._compiled = compiled
        self.found: list[Diagnostic] = []
        self._limits: list[dict[str, Any]] = [document.get("limits", {})]

    def done(self) -> dict[str, Any]:
        """Give the document with groups in the place of tasks that name others."""
        document = dict(self._document)
        for key in ("tasks", "finally", "templates"):
            if key in document:
                document[key] = self._all(document[key], (key,))
        limits = dict(document.get("limits", {}))
        for key in ("concurrency", "queue"):
            asked = [each[key] for each in self._limits if key in each]
            limits.update({key: min(asked)} if asked else {})
        return {**document, "limits": limits} if limits else document

    def _all(self, tasks: dict[str, Any], path: Path) -> dict[str, Any]:
        return {name: self._one(body, (*path, name)) for name, body in tasks.items()}

    def _one(self, body: dict[str, Any], path: Path) -> dict[str, Any]:
        if "group" in body:
            inner = self._all(body["group"]["tasks"], (*path, "group", "tasks"))
            return {**body, "group": {**body["group"], "tasks": inner}}
        if "workflow" not in body:
            return body
        group = self._group(body["workflow"], (*path, "workflow"))
        if group is None:
            return {**{key: value for key, value in body.items() if key != "workflow"}, "run": ["true"]}
        own = {key: value for key, value in body.items() if key != "workflow"}
        limit = group.pop("timeout", None)
        if limit is not None:
            own.setdefault("timeout", limit)
        if "outputs" not in own and group["values"]:
            own["outputs"] = {name: {"from": "json", "path": "/" + name, "default": None} for name in group["values"]}
        return {**own, "group": group}

    def _group(self, workflow: dict[str, Any], path: Path) -> dict[str, Any] | None:
        """Read a document and give it as a group, None where it cannot be one."""
        wanted = workflow["path"]
        try:
            source = self._sources.read(wanted)
        except ValueError as problem:
            self._find("UNS180", f"{quote(wanted)} {problem}", (*path, "path"), "name a document of this project")
            return None
        if source.name in self._above:
            chain = " -> ".join((*self._above[self._above.index(source.name) :], source.name))
            self._find(
                "UNS182", f"these documents name each other: {chain}", (*path, "path"), "remove one of the steps"
            )
            return None
        beside, above = self._sources.beside(source), (*self._above, source.name)
        if not self._is_sound(source, beside, above, path):
            return None
        loaded = load(source.data, source.format)
        inner = _with_own_rules(Embedding(loaded.value, beside, above, self._compiled).done())
        self._limits.append(inner.get("limits", {}))
        self._check_inputs(workflow.get("inputs", {}), inner.get("inputs", {}), path)
        self._check_asked(inner, wanted, path)
        return _as_group(inner, workflow, source.folder, loaded.locate.source_text)

    def _is_sound(self, source: Source, beside: Sources, above: tuple[str, ...], path: Path) -> bool:
        compilation = self._compiled(source.data, source.format, beside, above)
        if compilation.plan is not None:
            return True
        errors = [found for found in compilation.diagnostics if found.is_error]
        first = errors[0]
        line = f"line {first.position.line}: " if first.position else ""
        count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
        message = f"{quote(source.name)} has {count}, first in {line}{first.message}"
        self._find("UNS181", message, (*path, "path"), f"run `unspool check {source.name}`")
        return False

    def _check_inputs(self, given: dict[str, Any], declared: dict[str, Any], path: Path) -> None:
        for name, value in given.items():
            at: Path = (*path, "inputs", name)
            if name not in declared:
                self._find("UNS183", f"the document has no input {quote(name)}", at, "remove it", on_key=True)
            elif not _is_dynamic(value) and (wrong := misfit(declared[name], value)) is not None:
                self._find("UNS183", f"the input {quote(name)} {wrong}", at, "correct it")
        for name, schema in declared.items():
            if name not in given and "default" not in schema:
                hint = f"write `inputs: {{{name}: ...}}`"
                self._find("UNS183", f"the document needs a value for its input {quote(name)}", path, hint, on_key=True)

    def _check_asked(self, inner: dict[str, Any], wanted: str, path: Path) -> None:
        """A document may ask for secrets and resources only as the one around it knows them."""
        for name in inner.get("secrets", ()):
            if name not in self._document.get("secrets", ()):
                message = f"{quote(wanted)} uses the secret {quote(name)}, which this document does not declare"
                self._find("UNS184", message, (*path, "path"), f"add it: `secrets: [{name}]`")
        for name, resource in inner.get("resources", {}).items():
            if self._document.get("resources", {}).get(name) != resource:
                message = f"{quote(wanted)} shares the resource {quote(name)}, which is not the same here"
                self._find("UNS184", message, (*path, "path"), "declare it under `resources` with the same values")
        if "templates" in inner or "import" in inner:
            message = f"{quote(wanted)} has templates, and cannot be a part of another document in this version"
            self._find("UNS184", message, (*path, "path"), "move the templates' tasks into a document of their own")

    def _find(self, code: str, message: str, path: Path, hint: str, *, on_key: bool = False) -> None:
        self.found.append(Diagnostic(code, message, path, on_key=on_key, hint=hint))


def _with_own_rules(document: dict[str, Any]) -> dict[str, Any]:
    """Give a document whose tasks need none of its rulesets."""
    if "rulesets" not in document:
        return document

    def own(tasks: dict[str, Any]) -> dict[str, Any]:
        made = {}
        for name, body in tasks.items():
            made[name] = {**body, "on_result": inlined(document, body)} if "on_result" in body else body
            if "group" in body:
                made[name] = {**made[name], "group": {**body["group"], "tasks": own(body["group"]["tasks"])}}
        return made

    return {**document, **{key: own(document[key]) for key in ("tasks", "finally") if key in document}}


def _is_dynamic(value: Any) -> bool:
    if isinstance(value, str):
        return "${{" in value
    items: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_is_dynamic(item) for item in items)


def _as_group(inner: dict[str, Any], workflow: dict[str, Any], folder: str, spelt: SourceText) -> dict[str, Any]:
    common = inner.get("defaults", {})
    env = _texts(inner.get("env", {}), ("env",), spelt)

    def adapted(key: str) -> dict[str, Any]:
        tasks = inner.get(key, {})
        return {name: _adapted(body, (key, name), common, env, folder, spelt) for name, body in tasks.items()}

    group = {
        "mode": "dag",
        "tasks": adapted("tasks"),
        "closing": adapted("finally"),
        "inputs": inner.get("inputs", {}),
        "given": workflow.get("inputs", {}),
        "env": env,
        "values": inner.get("outputs", {}),
        "is_document": True,
    }
    limits = inner.get("limits", {})
    if "timeout" in limits:
        group["timeout"] = limits["timeout"]
    return group


def _adapted(
    body: dict[str, Any],
    path: Path,
    common: dict[str, Any],
    env: dict[str, str],
    folder: str,
    spelt: SourceText,
) -> dict[str, Any]:
    """Give a task as it must read in another document: with the defaults, spellings and folder of its own."""
    if "group" in body:
        group = body["group"]
        if "is_document" in group:  # adapted by its own document, but for where it lies
            return {**dict(_defaults_for(body, common)), **body}
        inner = {
            name: _adapted(each, (*path, "group", "tasks", name), common, env, folder, spelt)
            for name, each in group["tasks"].items()
        }
        return {**dict(_defaults_for(body, common)), **body, "group": {**group, "tasks": inner}}
    made = {**dict(_defaults_for(body, common)), **body}
    if "retry" in body and "retry" in common:
        made["retry"] = {**common["retry"], **body["retry"]}
    if isinstance(body.get("run"), list):
        made["run"] = [_text(item, (*path, "run", index), spelt) for index, item in enumerate(body["run"])]
    if isinstance(body.get("run"), str):
        made.setdefault("shell", DEFAULT_SHELL)  # not the default of the document around it
    if "headers" in body.get("http", ()):
        headers = _texts(body["http"]["headers"], (*path, "http", "headers"), spelt)
        made["http"] = {**body["http"], "headers": headers}
    if "run" in body or "python" in body:
        made["env"] = {**env, **_texts(body.get("env", {}), (*path, "env"), spelt)}
        cwd = made.get("cwd", "")
        made["cwd"] = cwd if cwd.startswith("/") else "/".join(part for part in (folder, cwd) if part) or "."
    if "compensate" in body:
        is_process = "env" in made  # whose variables and folder its compensation takes over
        added = {} if is_process else env
        made["compensate"] = _adapted(body["compensate"], (*path, "compensate"), common, added, folder, spelt)
        if is_process and "cwd" not in body["compensate"]:
            made["compensate"].pop("cwd", None)
    return made


_OF_PROCESSES = frozenset(("cwd", "shell", "idle_timeout", "grace", "on_crash", "retry", "uses", "timeout"))


def _defaults_for(body: dict[str, Any], common: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in common.items():
        if key == "retry" and "retry" in body:
            continue
        if key == "shell" and not isinstance(body.get("run"), str):
            continue
        if key in _OF_PROCESSES and not body.keys() & {"run", "python", "http"}:
            continue
        if key == "cwd" and "http" in body:
            continue
        yield key, value


def _texts(env: dict[str, Any], path: Path, spelt: SourceText) -> dict[str, str]:
    return {name: _text(value, (*path, name), spelt) for name, value in env.items()}


def _text(value: Any, path: Path, spelt: SourceText) -> str:
    if isinstance(value, str):
        return value
    text = spelt(path)
    return str(value) if text is None else text.replace("_", "")
