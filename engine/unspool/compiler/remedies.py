"""Guess what an author meant by a value of the wrong form: `timeout: 30` is `30s`, `retry: 3` is three attempts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from unspool.compiler.foreign_keys import WORDS, normalised
from unspool.compiler.places import BOOLEANS, DURATIONS, INTEGERS, NUMBERS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*,?\s*")
_TRUE = frozenset(("true", "yes", "on", "y"))
_FALSE = frozenset(("false", "no", "off", "n"))
_SCHEMA_TYPES = frozenset(("string", "integer", "number", "boolean", "array", "object"))

EXAMPLES: dict[str, Any] = {
    "name": "nightly",
    "description": "What it is for.",
    "inputs": {"branch": {"type": "string", "default": "main"}},
    "env": {"CI": "1"},
    "secrets": ["API_TOKEN"],
    "secret": "API_TOKEN",
    "defaults": {"timeout": "15m"},
    "limits": {"concurrency": 4},
    "resources": {"browser": {"slots": 2}},
    "resource": {"slots": 2},
    "slots": 2,
    "things": [8001, 8002],
    "thing": "name",
    "rate": "60/1m",
    "circuit_breaker": {"failures": 5},
    "failures": 5,
    "reset_after": "60s",
    "successes": 1,
    "uses": ["browser"],
    "use": 1,
    "tasks": {"build": {"run": ["make"]}},
    "outputs": {"version": {"type": "string"}},
    "values": {"name": "value"},
    "run": ["make", "test"],
    "python": "package.module:function",
    "http": {"url": "https://example.com/items"},
    "url": "https://example.com/items",
    "method": "POST",
    "headers": {"Accept": "application/json"},
    "body": "text",
    "expect": [200],
    "status": [429, 503],
    "status_code": 200,
    "shell": "bash",
    "stdin": "text",
    "with": {"name": "value"},
    "tags": ["slow"],
    "cwd": "folder",
    "depends_on": ["build"],
    "need": "ok",
    "argument": "text",
    "tag": "slow",
    "code": 75,
    "filter": "timeout",
    "variable": "text",
    "when": "${{ inputs.deploy }}",
    "success_when": "${{ result.exit_code == 0 }}",
    "timeout": "5m",
    "idle_timeout": "5m",
    "grace": "5s",
    "estimate": "1m",
    "delay": "1s",
    "max_delay": "5m",
    "max_elapsed": "15m",
    "retry": {"max_attempts": 3},
    "max_attempts": 3,
    "strategy": "exponential",
    "jitter": True,
    "on": ["timeout"],
    "never": ["timeout"],
    "exit_code": [75],
    "concurrency": 4,
    "queue": 1000,
    "max_tasks": 1000,
    "on_failure": "skip",
    "on_crash": "fail",
    "cache": {"inputs": ["src"], "files": ["dist"]},
    "key": "${{ inputs.version }}",
    "globs": ["src/**/*.py"],
    "glob": "src/**/*.py",
    "ttl": "7d",
    "priority": "high",
    "type": "string",
    "source": "json",
    "path": "/count",
    "document_path": "deploy.yaml",
    "workflow": {"path": "deploy.yaml"},
    "batch": {"size": 10},
    "batch_size": 10,
    "size": 10,
    "within": "1s",
    "by": "${{ item }}",
    "max_bytes": 65536,
    "file": "result.txt",
    "pattern": "^[a-z]+$",
    "enum": ["a", "b"],
    "examples": ["a"],
    "required": ["member"],
    "properties": {"member": {"type": "string"}},
    "items": {"type": "string"},
    "additionalProperties": False,
    "uniqueItems": True,
    "title": "Title",
    "format": "date",
}


def fitted(kind: str, value: Any) -> Any:
    """Give the value that an author probably meant in a place of this kind, None without a good guess."""
    fit = _FITS.get(kind)
    return fit(value) if fit else None


def duration(value: Any) -> str | None:
    """Spell a length of time the way documents do: 30 is `30s`, `1h30m` is `90m`; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _spelt(value * 1_000)
    if not isinstance(value, str):
        return None
    return _from_text(value.strip().removeprefix("PT").removeprefix("P").lower())


def _wait(value: Any) -> str | None:
    return "0s" if value in (0, "0") and value is not False else duration(value)


def _from_text(text: str) -> str | None:
    total = 0.0
    at = 0
    while at < len(text):
        amount = _AMOUNT.match(text, at)
        if amount is None:
            return None
        unit = _unit(amount[2])
        if unit is None:
            return None
        total += float(amount[1]) * unit
        at = amount.end()
    return _spelt(total) if text else None


def _unit(word: str) -> int | None:
    if not word:
        return _UNITS["s"]
    if word == "ms" or word.startswith(("msec", "milli")):
        return _UNITS["ms"]
    if word[0] == "w":
        return 7 * _UNITS["d"]
    return _UNITS.get(word[0])


def _spelt(milliseconds: float) -> str | None:
    if not 0 < milliseconds < _UNITS["d"] * 1e6:
        return None
    whole = max(1, round(milliseconds))
    unit = next(name for name in ("d", "h", "m", "s", "ms") if whole % _UNITS[name] == 0)
    return f"{whole // _UNITS[unit]}{unit}"


def task_name(text: str) -> str | None:
    """Turn text into a name as tasks, inputs and outputs have, None if nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()).strip("_")
    return (name if name[:1].isalpha() else f"t_{name}")[:64] if name else None


def workflow_name(text: str) -> str | None:
    """Turn text into a name as workflows have, None if nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-")[:100] or None


def variable_name(text: str) -> str | None:
    """Turn text into the name of an environment variable, None if nothing is left of it."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return (f"_{name}" if name[:1].isdigit() else name) or None


def header_name(text: str) -> str | None:
    """Turn text into the name of a header, None if nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:256] or None


def boolean(value: Any) -> bool | None:
    """Take yes, on, 1 and their opposites for what they mean, None for anything else."""
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if not isinstance(value, str):
        return None
    word = value.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def condition(value: Any) -> Any:
    """Make an expression, or a boolean, of what stands in `when`; None without a good guess."""
    known = boolean(value)
    if known is not None:
        return known
    if not isinstance(value, str) or not value.strip() or "{%" in value:
        return None
    inner = re.sub(r"^\$?\{{1,2}|\}{1,2}$", "", value.strip()).strip()
    return f"${{{{ {inner} }}}}" if inner else None


def module_function(value: Any) -> str | None:
    """Put the colon between module and function: `pkg.mod.fn` is `pkg.mod:fn`."""
    if not isinstance(value, str):
        return None
    name = r"[A-Za-z_][A-Za-z0-9_]*"
    parts = re.fullmatch(rf"({name}(?:\.{name})*)[.:/]({name})(?:\(\))?", value.strip())
    return f"{parts[1]}:{parts[2]}" if parts and parts[2] != "py" else None


def pointer(value: Any) -> str | None:
    """Turn a dotted or JSONPath-like path into a JSON Pointer: `$.failed[0]` is `/failed/0`."""
    if not isinstance(value, str):
        return None
    parts = [part for part in re.split(r"[.\[\]'\"/]+", value.strip().removeprefix("$")) if part]
    return "".join(f"/{part}" for part in parts) if parts and "~" not in value else None


def environment(value: Any) -> dict[str, Any] | None:
    """Make a map of a list of `NAME=value`, or of `{name: ..., value: ...}`."""
    if not isinstance(value, list) or not value:
        return None
    pairs = [_variable(item) for item in value]
    return None if None in pairs else dict(pair for pair in pairs if pair)


def _variable(item: Any) -> tuple[str, Any] | None:
    if isinstance(item, str) and "=" in item:
        name, _, text = item.partition("=")
        return name, text
    if isinstance(item, dict) and set(item) == {"name", "value"}:
        return str(item["name"]), item["value"]
    if isinstance(item, dict) and len(item) == 1:
        return next(iter(item.items()))
    return None


def _retry(value: Any) -> dict[str, Any] | None:
    attempts = _integer(value)
    return {"max_attempts": max(1, attempts)} if attempts is not None else None


def _http(value: Any) -> dict[str, Any] | None:
    return {"url": value} if isinstance(value, str) and value else None


def _method(value: Any) -> str | None:
    return value.strip().upper() if isinstance(value, str) else None


def _cache(value: Any) -> dict[str, Any] | None:
    """`true` is a cache by what is run, a text a key, a list of texts the files that count."""
    if isinstance(value, str) and value:
        return {"key": value}
    if isinstance(value, list) and value and all(isinstance(item, str) and item for item in value):
        return {"inputs": value}
    return {} if value is True else None


def _names(value: Any) -> list[str] | None:
    if not isinstance(value, str):
        return None
    names = [task_name(part) for part in re.split(r"[,;\s]+|&&", value) if part]
    return [name for name in names if name] or None


def _breaker(value: Any) -> dict[str, Any] | None:
    failures = _integer(value)
    return {"failures": failures} if failures else None


def _texts(value: Any) -> list[str] | None:
    return [part for part in re.split(r"[,\s]+", value) if part] or None if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def _secrets(value: Any) -> list[str] | None:
    """Other systems write a map, of which the names are meant, or one name."""
    if not isinstance(value, dict | str):
        return None
    names = [variable_name(str(part)) for part in ([value] if isinstance(value, str) else value)]
    return list(dict.fromkeys(name for name in names if name)) or None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return int(value)
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and abs(value) < 1e9 else None


def _number(value: Any) -> float | None:
    text = value.strip() if isinstance(value, str) else ""
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text):
        return None
    return float(text) if "." in text else int(text)


def rate(value: Any) -> str | None:
    """Spell a rate the way documents do: 60 or `60 per minute` is `60/1m`, `10/s` is `10/1s`; None if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}/1m" if value > 0 else None
    parts = re.fullmatch(r"\s*([1-9][0-9]{0,8})\s*(?:/|per|every)\s*([0-9]{0,9})\s*([A-Za-z]+)\s*", str(value))
    time = parts and duration(f"{parts[2] or 1}{parts[3]}")
    return f"{parts[1]}/{time}" if parts and time else None


def _resource(value: Any) -> dict[str, Any] | None:
    if isinstance(value, list) and value:
        return {"items": value}
    slots = _integer(value)
    return {"slots": slots} if slots else {"rate": rate(value)} if isinstance(value, str) and rate(value) else None


def _codes(value: Any) -> list[int] | None:
    code = _integer(value)
    return [code] if code is not None else None


def _filter(value: Any) -> Any:
    codes = _codes(value)
    if codes:
        return {"exit_code": codes}
    return task_name(value) if isinstance(value, str) else None


def _need(value: Any) -> Any:
    """Other systems write `{task: build}` in the list, or `build: {condition: ...}` in the map."""
    if not isinstance(value, dict) or len(value) != 1:
        return _text(value)
    (key, word), *_ = value.items()
    return WORDS["need"].get(normalised(str(word))) if key == "condition" else task_name(str(word))


def _argument(value: Any) -> str | None:
    """In a YAML list `echo: x` without quotes is a map."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    (key, text), *_ = value.items()
    return f"{key}: {text}" if isinstance(text, str) else f"{key}:" if text is None else None


def _filters(value: Any) -> list[Any] | None:
    if isinstance(value, dict):
        return [value]
    one = _filter(value)
    return [one] if one is not None else None


def _task(value: Any) -> dict[str, Any] | None:
    usable = (isinstance(value, str) and value) or (
        isinstance(value, list) and value and all(isinstance(item, str) for item in value)
    )
    return {"run": value} if usable else None


def _schema(value: Any) -> Any:
    if value is None:
        return {"type": "string"}
    if isinstance(value, str) and value in _SCHEMA_TYPES:
        return {"type": value}
    return {"default": value} if isinstance(value, str | int | float | list) else None


def _output(value: Any) -> dict[str, Any] | None:
    if value in ("output", "stdout", "json", "result"):
        return {"from": value}
    return {"type": value} if isinstance(value, str) and value in _SCHEMA_TYPES else None


_FITS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(DURATIONS, _wait),
    "timeout": duration,
    "idle_timeout": duration,
    "max_elapsed": duration,
    "ttl": duration,
    "cache": _cache,
    "globs": _texts,
    **dict.fromkeys(TEXTS, _text),
    **dict.fromkeys(INTEGERS, _integer),
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(BOOLEANS, boolean),
    "when": condition,
    "success_when": condition,
    "python": module_function,
    "path": pointer,
    "workflow": lambda value: {"path": value} if isinstance(value, str) and value else None,
    "batch": lambda value: {"size": value} if _integer(value) and value > 0 else None,
    "env": environment,
    "retry": _retry,
    "depends_on": _names,
    "tags": _texts,
    "secrets": _secrets,
    "required": _texts,
    "on": _filters,
    "never": _filters,
    "filter": _filter,
    "need": _need,
    "argument": _argument,
    "exit_code": _codes,
    "status": _codes,
    "expect": _codes,
    "http": _http,
    "method": _method,
    "headers": environment,
    "unspool": lambda _: 1,
    "task": _task,
    "schema": _schema,
    "output": _output,
    "uses": _names,
    "rate": rate,
    "resource": _resource,
    "circuit_breaker": _breaker,
}
