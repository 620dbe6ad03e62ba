"""Mutants of valid documents: small random changes, some harmless, some not."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

Path = tuple[Any, ...]

SEEDS: tuple[dict[str, Any], ...] = (
    {"unspool": 1, "name": "hello", "tasks": {"greet": {"run": "echo hello"}}},
    {
        "unspool": 1,
        "name": "nightly-quality.v2",
        "description": "Test every suite.",
        "x-common": {"anything": [1, None, {"goes": True}]},
        "inputs": {
            "branch": {"type": "string", "default": "main", "pattern": "[A-Za-z0-9/_.]+", "maxLength": 40},
            "suites": {"type": "array", "items": {"type": "string", "enum": ["unit", "api"]}, "default": ["unit"]},
            "level": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 9.5, "default": None},
            "options": {
                "type": "object",
                "properties": {"deep": {"type": "boolean", "title": "Deep"}, "rate": {"multipleOf": 0.5}},
                "required": ["deep"],
                "additionalProperties": {"anyOf": [{"const": 1}, {"type": "number", "format": "float"}]},
            },
        },
        "env": {"CI": "1", "DEBUG": True, "LEVEL": 3, "RATIO": 0.5},
        "secrets": ["TOKEN", "_key2"],
        "defaults": {"timeout": "15m", "retry": {"max_attempts": 2, "delay": "0s"}, "shell": "bash", "cwd": "src"},
        "limits": {"concurrency": 4, "max_tasks": 200, "timeout": "2h", "queue": 20},
        "resources": {
            "browser": {"slots": 2},
            "port": {"items": [8001, "8002", 0.5]},
            "model": {"rate": "60/1m", "circuit_breaker": {"failures": 5, "reset_after": "60s", "successes": 2}},
        },
        "tasks": {
            "checkout": {"run": ["git", "fetch", "origin", "--", "${{ inputs.branch }}"], "tags": ["git", "slow"]},
            "test": {
                "depends_on": ["checkout"],
                "when": "${{ inputs.level != 3 }}",
                "run": "pytest -q",
                "shell": "sh",
                "stdin": "text",
                "with": {"suite": ["${{ inputs.suites }}", None, 1.5]},
                "env": {"A_B": "x", "T": "Bearer ${{ secrets.TOKEN }}", "K": "${{ secrets._key2 }}"},
                "timeout": "250ms",
                "idle_timeout": "1m",
                "grace": "0s",
                "retry": {
                    "max_attempts": 3,
                    "strategy": "exponential",
                    "delay": "2s",
                    "max_delay": "1m",
                    "jitter": True,
                    "on": ["timeout", {"exit_code": [75, 0]}],
                    "never": ["auth", {"status": [501]}],
                    "max_elapsed": "15m",
                },
                "success_when": "${{ result.exit_code in [0, 5] }}",
                "outputs": {
                    "failed": {"type": "integer", "from": "json", "path": "/failed/0", "default": 0, "max_bytes": 10},
                    "log": {"from": {"file": "out.txt"}, "minLength": 1, "description": "The log."},
                },
                "on_failure": "skip",
                "on_crash": "fail",
                "cache": {"key": "v1", "inputs": ["src/**", "*.c"], "files": ["dist"], "ttl": "7d"},
                "priority": "high",
                "uses": ["model", "port"],
                "estimate": "2h",
            },
            "report": {
                "depends_on": {"checkout": "ok", "test": "any"},
                "python": "package.module:function.method",
                "description": "Say how it went.",
                "uses": {"browser": 2},
                "when": True,
                "with": {},
            },
            "post": {
                "depends_on": ["report"],
                "http": {
                    "url": "https://example.com/${{ inputs.branch }}",
                    "method": "PUT",
                    "headers": {"Accept": "application/json", "X-Version": 3},
                    "json": {"a": [1, None, "${{ env.CI }}"]},
                    "expect": [200, 201],
                },
                "retry": {"on": [{"status": [429, 503]}, "connection"]},
            },
            "send": {
                "http": {
                    "url": "http://localhost:8000",
                    "method": "${{ 'POST' }}",
                    "body": "",
                    "expect": "${{ [204] }}",
                },
            },
        },
        "outputs": {"failed": "${{ tasks.test.outputs.failed }}", "all": {"list": [None, 1]}},
    },
    {
        "unspool": 1,
        "name": "parts",
        "inputs": {"suites": {"type": "array", "items": {"type": "string"}, "default": ["unit", "api"], "maxItems": 9}},
        "tasks": {
            "test": {
                "for_each": "${{ inputs.suites }}",
                "run": ["pytest", "${{ item }}"],
                "outputs": {"line": {"type": "string", "from": "stdout", "default": ""}},
            },
            "parts": {
                "for_each": {"items": [{"a": 1}, "x", None], "key": "k${{ index }}", "max_parallel": 2, "max": 9},
                "run": "true",
            },
            "each": {"for_each": [1, "a"], "python": "a:b", "with": {"n": "${{ item }}"}},
            "grid": {
                "matrix": {
                    "os": ["linux", "mac"],
                    "py": "${{ inputs.suites }}",
                    "include": [{"os": "bsd", "py": 3}],
                    "exclude": [{"os": "mac"}],
                },
                "run": "echo ${{ matrix.os }} ${{ matrix.py }}",
                "when": "${{ matrix.os != 'x' }}",
            },
            "some": {"depends_on": ["test", "parts", "grid"], "join": 2, "run": "true"},
            "deploy": {
                "depends_on": {"some": "completed"},
                "join": "any",
                "group": {
                    "mode": "dag",
                    "tasks": {
                        "build": {"run": ["make"], "outputs": {"v": {"type": "string", "from": "stdout"}}},
                        "push": {
                            "depends_on": ["build"],
                            "group": {
                                "tasks": {
                                    "one": {"run": ["push", "${{ tasks.build.outputs.v }}"]},
                                    "two": {"wait": "${{ '1s' }}"},
                                    "tri": {"run": "echo ${{ previous.state }} ${{ tasks.one.state }}"},
                                },
                            },
                        },
                    },
                    "aggregate": {"reduce": "${{ tasks.build.outputs.v }}"},
                },
                "timeout": "1h",
            },
            "race": {
                "group": {"mode": "parallel", "aggregate": "first", "tasks": {"a": {"run": "a"}, "b": {"run": "b"}}},
            },
            "pause": {"wait": "100ms"},
            "until": {"wait": {"until": "2030-03-01T07:00:00Z"}},
            "ask": {"approval": "Go on?", "timeout": "1h"},
            "decide": {"approval": {"prompt": "Deploy?", "default": "approve"}, "on_failure": "skip"},
            "shaky": {"run": "false", "on_failure": {"substitute": "fallback", "with": {"why": ["broken", None]}}},
            "move": {
                "run": "true",
                "compensate": {
                    "run": "undo ${{ tasks.move.result.exit_code }}",
                    "shell": "bash",
                    "stdin": "x",
                    "with": {"a": 1},
                    "env": {"A": "${{ inputs.suites[0] }}"},
                    "timeout": "5m",
                    "retry": {"max_attempts": 2},
                },
                "on_failure": {"rollback": {"then": "retry", "attempts": 2}},
            },
            "undo": {"run": "true", "compensate": {"python": "a:b", "cwd": "c"}, "on_failure": {"rollback": {}}},
            "unsend": {
                "run": "true",
                "compensate": {
                    "http": {"url": "https://a/${{ tasks.unsend.state }}", "method": "DELETE", "expect": [200, 404]},
                    "retry": {"max_attempts": 2},
                    "uses": ["port"],
                },
            },
        },
        "templates": {
            "fallback": {
                "inputs": {"why": {"type": "array"}, "how": {"type": "string", "default": "so"}},
                "run": ["echo", "${{ inputs.how }}", "${{ inputs.why | length }}"],
                "outputs": {"x": {"type": "string", "from": "stdout"}},
            },
        },
        "finally": {"bye": {"run": "echo ${{ run.state }}"}, "then": {"depends_on": ["bye"], "run": "true"}},
    },
    {
        "unspool": 1.0,
        "name": "numbers",
        "limits": {"concurrency": 2.0},
        "inputs": {
            "count": {"oneOf": [{"type": "integer"}, {"allOf": [{"minimum": 1}, {"maximum": 3}]}], "examples": [1]},
            "words": {"minItems": 0, "maxItems": 3, "uniqueItems": True, "items": {}, "required": []},
        },
        "tasks": {
            "a": {"run": [1, 2.5, True, "x"], "depends_on": [], "tags": [], "on_failure": "abort"},
            "b": {
                "run": "true",
                "retry": {"strategy": "jittered", "on": []},
                "success_when": False,
                "priority": "idle",
            },
        },
    },
)

JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2.0, 1.5, 256, 1001, 2**70, "", " ", "x", "a", "Ab", "a-b", "_a", "9", "a" * 64),
    *(
        "a" * 65,
        "ü",
        "yes",
        "5m",
        "0s",
        "05m",
        "5 m",
        "1h30m",
        "${{ a }}",
        " ${{ a",
        "a:b",
        "a.b:c.d",
        "a:",
        "/a~0",
        "a/b",
    ),
    *("/~2", "any", "ok", "abort", "bash", "json", "array", "low", "linear", "UNSPOOL", [], [[]], ["a"], ["a", "a"]),
    *([1], [None], [True, 1], {}, {"a": 1}, {"a": None}, {"a": "ok"}, {"file": "x"}, {"exit_code": [1]}, {"run": "x"}),
    *({"type": "string"}, {"max_attempts": 1}, {"run": ["x"], "python": "a:b"}, {"python": "a:b", "stdin": ""}),
)
SUFFIXES = ("\n", " ", "x", "0", "-", "_", "é", "\x00", ".", ":")


def mutants(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Give so many mutants, the same ones for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        document = copy.deepcopy(chance.choice(SEEDS))
        for _ in range(chance.choice((1, 1, 1, 2))):
            chance.choices(_CHANGES, _WEIGHTS)[0](document, chance)
        yield document


def _places(value: Any, path: Path = ()) -> Iterator[tuple[Any, Any]]:
    """Every key or index in a document, with the map or list that holds it."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in list(members):
        yield value, key
        yield from _places(member, (*path, key))


def _by_key() -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for seed in SEEDS:
        for holder, key in _places(seed):
            found.setdefault(key, []).append(holder[key])
    return found


_KNOWN = _by_key()
_KEYS = sorted(key for key in _KNOWN if isinstance(key, str))


def _pick(document: Any, chance: random.Random) -> tuple[Any, Any]:
    return chance.choice(list(_places(document)) or [({"": None}, "")])


def _swap(document: Any, chance: random.Random) -> None:
    holder, key = _pick(document, chance)
    holder[key] = copy.deepcopy(chance.choice(_KNOWN.get(key, JUNK)))


def _spoil(document: Any, chance: random.Random) -> None:
    holder, key = _pick(document, chance)
    holder[key] = copy.deepcopy(chance.choice(JUNK))


def _delete(document: Any, chance: random.Random) -> None:
    holder, key = _pick(document, chance)
    del holder[key]


def _add(document: Any, chance: random.Random) -> None:
    holder, _ = _pick(document, chance)
    if isinstance(holder, dict):
        key = chance.choice(_KEYS)
        holder[key] = copy.deepcopy(chance.choice(_KNOWN[key]))
    else:
        holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(chance.choice(JUNK)))


def _repeat(document: Any, chance: random.Random) -> None:
    lists = [holder[key] for holder, key in _places(document) if isinstance(holder[key], list) and holder[key]]
    if lists:
        items = chance.choice(lists)
        items.append(copy.deepcopy(chance.choice(items)))


def _rename(document: Any, chance: random.Random) -> None:
    maps = [(holder, key) for holder, key in _places(document) if isinstance(holder, dict)]
    if maps:
        holder, key = chance.choice(maps)
        new = chance.choice((key + chance.choice(SUFFIXES), key.upper(), "x-" + key, key[1:], chance.choice(_KEYS)))
        holder[new] = holder.pop(key)


def _bend(document: Any, chance: random.Random) -> None:
    """Change a scalar a little."""
    leaves = [(holder, key) for holder, key in _places(document) if not isinstance(holder[key], dict | list)]
    holder, key = chance.choice(leaves or [({"": ""}, "")])
    value = holder[key]
    if isinstance(value, str):
        holder[key] = chance.choice((value + chance.choice(SUFFIXES), value.upper(), value[1:], value * 2))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        holder[key] = chance.choice((value + 1, -value, float(value), value + 0.25, value * 10**30, str(value)))
    else:
        holder[key] = chance.choice((not value, str(value), 1))


_CHANGES = (_swap, _spoil, _delete, _add, _repeat, _rename, _bend)
_WEIGHTS = (6, 3, 5, 2, 2, 2, 6)
