"""What can be known of a function of the user's project without running any of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from unspool.errors import SpawnError
from unspool.model.similar import closest


def is_coroutine(name: str, folder: str) -> bool:
    """Whether `module:function` is written down as an `async def`.

    The module is looked for as an import from `folder` would look for it, and read, not imported. What
    the text does not tell (a function that is imported, or made when the module runs) counts as plain.

    Raises:
        SpawnError: there is no such module, its text is no Python, or it has nothing of that name.
    """
    module, _, function = name.partition(":")
    if module in sys.builtin_module_names:
        return False
    spec = _find(module, folder)
    if spec is None:
        raise SpawnError(f"cannot load {name!r} from {folder}: there is no module {module!r}; write module:function")
    if spec.origin is None or not spec.origin.endswith(".py"):
        return False
    try:
        tree = ast.parse(Path(spec.origin).read_bytes())
    except (OSError, SyntaxError, ValueError) as problem:
        raise SpawnError(f"cannot load {name!r} from {folder}: {type(problem).__name__}: {problem}") from None
    written = [node for node in tree.body if getattr(node, "name", None) == function]
    if written:
        return isinstance(written[-1], ast.AsyncFunctionDef)
    names = set(_names(tree))
    if not names & {function, "*", "__getattr__"}:
        raise SpawnError(
            f"cannot load {name!r} from {folder}: {spec.origin} has no {function!r}{_meant(function, names)}"
        )
    return False


def _find(module: str, folder: str) -> ModuleSpec | None:
    path: list[str] | None = [folder, *sys.path]
    spec: ModuleSpec | None = None
    names = module.split(".")
    for depth in range(len(names)):
        spec = PathFinder.find_spec(".".join(names[: depth + 1]), path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or [])
    return spec


def _names(tree: ast.Module) -> Iterator[str]:
    """Give every name that the text could give a meaning to, at any depth."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)


def _meant(function: str, names: set[str]) -> str:
    close = closest(function, names)
    return f"; did you mean {close!r}?" if close else ""
