"""Random documents of everything that grows: no run ever has more tasks than the compiler has counted."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.playing import FAILS, Player
from unspool.compiler.compile import compile_document
from unspool.compiler.fan_outs import check_fan_outs
from unspool.compiler.flatten import flatten
from unspool.compiler.readable import whole
from unspool.compiler.worst_case import worst_case

_TEMPLATES = ("s0", "s1", "s2")


class _Fates(dict):  # type: ignore[type-arg]
    """Lets attempts fail as often as chance likes."""

    def __init__(self, seed: int) -> None:
        super().__init__({"": None})
        self.seed = seed
        self.likely = random.Random(seed).choice((1.0, 1.0, 0.8, 0.5, 0.3))

    def get(self, name: str, default: Any = None) -> Any:
        return FAILS if random.Random(f"{self.seed}/{name}").random() < self.likely else "ok\n"


class _Drawing:
    """Draws documents in which much fans out, stands in for other things, and is undone."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def document(self) -> dict[str, Any]:
        chance = self.chance
        tasks = {f"t{number}": self._task(0, _TEMPLATES) for number in range(chance.randint(1, 3))}
        for number in range(1, len(tasks)):
            if chance.random() < 0.6:
                tasks[f"t{number}"]["depends_on"] = {f"t{number - 1}": chance.choice(("ok", "any"))}
        templates = {name: self._template(_TEMPLATES[number + 1 :]) for number, name in enumerate(_TEMPLATES)}
        limits = {"max_tasks": 10**6}
        return {"unspool": 1, "name": "drawn", "limits": limits, "tasks": tasks, "templates": templates}

    def _template(self, stand_ins: tuple[str, ...]) -> dict[str, Any]:
        made = self._task(1, stand_ins)
        kept = made.keys() - ({"for_each", "matrix"} if "group" in made else set())
        return {key: value for key, value in made.items() if key in kept}

    def _task(self, depth: int, stand_ins: tuple[str, ...]) -> dict[str, Any]:
        chance, made = self.chance, dict[str, Any]()
        if chance.random() < 0.4:
            fans = {"for_each": list("ab")[: chance.randrange(3)]}, {"matrix": {"x": [1, 2], "include": [{"x": 3}]}}
            made |= chance.choice(fans)
        if depth < 2 and chance.random() < 0.35:
            names = list("pq")[: chance.randint(1, 2)]
            mode = chance.choice(("sequential", "parallel"))
            made["group"] = {"mode": mode, "tasks": {name: self._task(depth + 1, stand_ins) for name in names}}
        else:
            made |= {"run": ["x"], **({"compensate": {"run": ["y"]}} if chance.random() < 0.5 else {})}
        return made | self._policy("compensate" in made, stand_ins)

    def _policy(self, can_undo: bool, stand_ins: tuple[str, ...]) -> dict[str, Any]:
        policy = self.chance.choice(("substitute", "substitute", "rollback", "again", "skip", None))
        if policy == "substitute" and stand_ins:
            return {"on_failure": {"substitute": self.chance.choice(stand_ins)}}
        if policy == "again" and can_undo:
            return {"on_failure": {"rollback": {"then": "retry", "attempts": self.chance.randint(1, 2)}}}
        if policy == "rollback" and can_undo:
            return {"on_failure": {"rollback": {}}}
        return {"on_failure": "skip"} if policy == "skip" else {}


def bound_and_made(seed: int) -> tuple[int, int]:
    """Give how many tasks may come to be, and how many one run made."""
    document = _Drawing(seed).document()
    compilation = compile_document(json.dumps(document))
    assert compilation.plan is not None, [found.message for found in compilation.diagnostics]
    flat = flatten(whole(document))
    bound = worst_case(flat, check_fan_outs(flat)[0])
    if bound > 150:  # which takes long to play
        return bound, 0
    player = Player(compilation.plan, _Fates(seed), seed=seed)
    return bound, len(player.finish().nodes)


def check(seeds: range) -> int:
    """Hold runs against their bounds; give how many reached it."""
    reached = 0
    for seed in seeds:
        bound, made = bound_and_made(seed)
        assert made <= bound, f"seed {seed}: {made} tasks, where {bound} were counted"
        reached += made == bound
    return reached


def test_no_run_has_more_tasks_than_were_counted():
    assert check(range(300)) > 60, "bounds that nothing comes near tell little"


@pytest.mark.slow
def test_thousands_of_runs_have_no_more_tasks_than_were_counted():
    assert check(range(300, 3000)) > 500
