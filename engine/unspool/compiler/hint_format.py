"""Hints quote what to write as YAML; here they are told in the format of the document."""

from __future__ import annotations

import json
import re
from typing import Any

from unspool.compiler.text import Format, load
from unspool.model.diagnostics import Diagnostic

_SNIPPET = re.compile(r"`([A-Za-z_][A-Za-z0-9_-]*: [^`]+)`")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def in_format(found: Diagnostic, format: Format) -> Diagnostic:  # noqa: A002  # as in `load`
    """Give a diagnostic whose hint quotes `key: value` as the document would have it."""
    if found.hint is None or format == "yaml" or "`" not in found.hint:
        return found
    return found._replace(hint=_SNIPPET.sub(lambda match: _respelt(match, format), found.hint))


def _respelt(match: re.Match[str], format: Format) -> str:  # noqa: A002  # as in `load`
    loaded = load(match[1], "yaml")
    if loaded.diagnostics or not isinstance(loaded.value, dict):
        return match[0]
    if format == "json":
        return f"`{json.dumps(loaded.value, ensure_ascii=False)[1:-1]}`"
    return f"`{', '.join(f'{_key(key)} = {_toml(value)}' for key, value in loaded.value.items())}`"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {_toml(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
