"""A reader who does what hints say, to the letter."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from unspool.model.diagnostics import Diagnostic

_WRITTEN = re.compile(r"(?:write|add|an example:|such as) `((?:[^`\\]|\\.)+)`")
_RENAMED = re.compile(r"(?:did you mean|is spelt) `([^`]+)`")
_REMOVED = re.compile(r"(?:remove|keep one and remove) (?:it\b|the item|the default|`([^`]+)`)")


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def follow(document: Any, diagnostic: Diagnostic) -> Any:
    """Give the document with one hint followed, or None for a hint that asks for a decision."""
    document = copy.deepcopy(document)
    holder = document
    for key in diagnostic.path[:-1]:
        holder = holder[key]
    changed = _change(document, holder, diagnostic)
    return document if changed else None


def _change(document: Any, holder: Any, diagnostic: Diagnostic) -> bool:
    hint = diagnostic.hint or ""
    written, removed = _WRITTEN.search(hint), _REMOVED.search(hint)
    if diagnostic.code == "UNS022":
        _put(holder[diagnostic.path[-1]] if diagnostic.path else document, written[1])
    elif not diagnostic.path:
        return False
    elif diagnostic.code == "UNS026" and written:
        _put(holder[diagnostic.path[-1]], written[1])
    elif diagnostic.code == "UNS026":
        del holder[diagnostic.path[-1]][removed[1]]
    elif diagnostic.code == "UNS038":
        items = holder[diagnostic.path[-1]]
        items.remove(next(item for item in items if items.count(item) > 1))
    elif removed and not (written and written.start() < removed.start()):
        named = isinstance(holder, dict) and removed[1] in holder
        del holder[removed[1] if named else diagnostic.path[-1]]
    else:
        return _write(holder, diagnostic, written, _RENAMED.search(hint))
    return True


def _write(holder: Any, diagnostic: Diagnostic, written: re.Match[str] | None, renamed: re.Match[str] | None) -> bool:
    key = diagnostic.path[-1]
    if written and diagnostic.on_key:
        _replace_key(holder, key, written[1])
    elif renamed:
        _rename(holder, key, renamed[1])
    elif written:
        _put(holder, written[1], key)
    else:
        return False
    return True


def _put(holder: Any, text: str, key: Any = None) -> None:
    value = read(text)
    if isinstance(value, dict) and isinstance(holder, dict) and key in (None, *value):
        holder.update(value)
    else:
        holder[key] = value


def _replace_key(holder: Any, key: Any, text: str) -> None:
    value = read(text)
    if not isinstance(value, dict):
        _rename(holder, key, text)
        return
    del holder[key]
    for name, part in value.items():
        merges = isinstance(part, dict) and isinstance(holder.get(name), dict)
        holder[name] = {**holder[name], **part} if merges else part


def _rename(holder: Any, old: str, new: str) -> None:
    pairs = [(new if key == old else key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(pairs)
