"""Interpret results in tests: what tools and agents write, and what holds for every interpretation."""

from __future__ import annotations

import json

from unspool.core.interpreting import FIELDS, interpret
from unspool.core.results import is_text, result_view
from unspool.core.schema import fits

PYTEST = """\
=================================== FAILURES ===================================
________________________________ test_addition _________________________________
E       assert 3 == 4
=========================== short test summary info ============================
FAILED tests/test_sums.py::test_addition - assert 3 == 4
========================= 1 failed, 11 passed in 0.31s =========================
"""
UNITTEST = "Ran 4 tests in 0.002s\n\nFAILED (failures=1, errors=1)\n"
CARGO_TEST = """\
test sums::adds ... ok
test sums::carries ... FAILED

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
"""
CARGO_BUILD = """\
   Compiling sums v0.1.0
error[E0308]: mismatched types
 --> src/lib.rs:3:5
warning: unused variable: `carry`
error: could not compile `sums` (lib) due to 1 previous error; 1 warning emitted
"""
CARGO_COLOURS = "\x1b[0m\x1b[1m\x1b[38;5;9merror[E0425]\x1b[0m\x1b[0m\x1b[1m: cannot find value `x`\x1b[0m\n"
GCC = """\
sums.c: In function 'add':
sums.c:3:14: error: expected ';' before '}' token
sums.c:2:9: warning: unused variable 'c' [-Wunused-variable]
"""
TSC = "src/sums.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.\n"
CLEAN = "collected 12 items\n\ntests/test_sums.py ............ [100%]\n\n12 passed in 0.20s\n"

CLAUDE = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "result": "The carry was lost. I changed one line and ran the suite.",
    "num_turns": 4,
    "session_id": "5f0c",
    "total_cost_usd": 0.021,
    "usage": {"input_tokens": 12, "output_tokens": 340},
    "permission_denials": [],
}


def seen(name: str, view: object, **parameters) -> dict:
    """Interpret, and hold what holds for every interpretation."""
    found = interpret(name, view, parameters)
    assert fits(found, FIELDS[name]) is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert is_text(found)
    return found


def ran(stdout: str = "done", exit_code: int = 0, **collected) -> dict:
    error = {"class": "exit_code", "message": f"exit code {exit_code}"} if exit_code else None
    return result_view({"exit_code": exit_code, "stdout": {"inline": stdout}, **collected}, error, 1.0)


def agent(view: dict | None = None, /, **fields) -> dict:
    return seen("claude_code", {**(ran() if view is None else view), **fields})


def names(found: dict) -> list[str]:
    return [one["name"] for one in found["suggestions"]]


def checks(found: dict) -> list[str]:
    return [one["check"] for one in found["problems"]]
