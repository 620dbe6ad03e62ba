"""Small workflows of every shape that a run can have, before the real host in virtual time."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from tests.playing import plan_of
from tests.property.documents import Grown
from tests.property.simulated import FragileJournal, Simulated
from unspool.core.pools import Pool
from unspool.core.run import Run
from unspool.host.ports import Request
from unspool.host.simulate import Stub
from unspool.model.plan import Plan
from unspool.model.status import WAITING_FOR_PERSON
from unspool.tasks.attempt import AttemptSpec

EXIT_1 = {"class": "exit_code", "message": "exit code 1"}
AT = 1_700_000_000.0

SHAPES = {
    "chain": "tasks: {a: {run: [x]}, b: {depends_on: [a], run: [x]}, c: {depends_on: [b], run: [x]}}",
    "fan_out": """
    tasks:
      list: {run: [x]}
      each: {depends_on: [list], for_each: {items: [a, b, c, d, e, f], max_parallel: 2}, run: [x]}
      sum: {depends_on: [each], run: [x]}
    """,
    "diamond": """
    tasks:
      top: {run: [x]}
      left: {depends_on: [top], run: [fails-once], retry: {max_attempts: 2, delay: 30s}}
      right: {depends_on: [top], run: [fails-once], retry: {max_attempts: 2, delay: 10s}}
      end: {depends_on: [left, right], run: [x]}
    """,
    "sequence": """
    tasks:
      g: {timeout: 100s, group: {tasks: {a: {run: [x]}, b: {for_each: [p, q], run: [x]}, c: {run: [x]}}}}
      after: {depends_on: [g], run: [x]}
    """,
    "race": """
    tasks:
      g: {group: {mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}, c: {run: [stubborn]}}}}
      after: {depends_on: [g], run: [x]}
    """,
    "pool": """
    resources: {port: {items: [8001]}}
    tasks: {each: {for_each: [a, b, c, d, e, f, g, h, i, j], run: [x, "${{ lease.port }}"], uses: [port]}}
    """,
    "closing": """
    tasks:
      ask: {approval: 'Go?'}
      pause: {wait: 20s}
      work: {depends_on: [ask, pause], run: [x]}
    finally:
      tidy: {run: [x]}
      tell: {depends_on: [tidy], for_each: [a, b], run: [x]}
    """,
    "rollback": """
    tasks:
      book: {run: [x], compensate: {run: [undo]}}
      pay: {depends_on: [book], for_each: [a, b], run: [x], compensate: {run: [undo]}}
      log: {depends_on: [book], run: [stubborn]}
      ship: {depends_on: [pay], run: [fails], on_failure: {rollback: {then: cancel}}}
      tell: {depends_on: {ship: failed}, run: [x]}
    finally: {tidy: {run: [x]}}
    """,
    "stand_in": """
    tasks:
      t: {run: [fails], on_failure: {substitute: team}}
      again:
        run: [fails-once]
        compensate: {run: [undo]}
        on_failure: {rollback: {then: retry}}
      after: {depends_on: [t, again], run: [x]}
    templates: {team: {group: {tasks: {a: {run: [x]}, b: {run: [x]}}}}}
    """,
}
PLANS: dict[str, Plan] = {name: plan_of(text) for name, text in SHAPES.items()}


def script(spec: AttemptSpec) -> Stub:
    """End attempts as the first word of their command says, each after a time of its own."""
    word = spec.action["argv"][0]
    seconds = 1.0 + (spec.task.index * 7 + spec.number) % 5
    if word == "fails" or (word == "fails-once" and spec.number == 1):
        return Stub(seconds, {"exit_code": 1}, EXIT_1)
    if word == "stubborn":
        return Stub(300.0, {"exit_code": 0}, stubborn=True)
    return Stub(seconds, {"exit_code": 0})


def fated(world: Grown) -> Callable[[AttemptSpec], Stub]:
    """End the attempts of a random document as chance has decided."""

    def ends(spec: AttemptSpec) -> Stub:
        fate = world.fate(spec.task.id, spec.number)
        seconds = random.Random(f"{world.seed}/{spec.task.id}/{spec.number}").choice((0.001, 0.02, 1.0, 3.0))
        if isinstance(fate, dict):
            return Stub(seconds, {"exit_code": 1}, fate)
        return Stub(seconds, {"exit_code": 0, "stdout": {"inline": fate}})

    return ends


class Trial(Simulated):
    """Drives a shape or a random document; a person decides at once what is asked.

    `kept` is what had not been given back when the run ended.
    """

    def __init__(
        self,
        shape: str | Grown,
        *,
        slots: int = 3,
        journal: FragileJournal | None = None,
        at: float = AT,
        later: Callable[[Trial], None] = lambda _: None,
    ) -> None:
        self.later = later  # called whenever a commit has been made
        self.kept: list[Any] = []
        self.world = None if isinstance(shape, str) else shape
        plan, ends = (PLANS[shape], script) if isinstance(shape, str) else (shape.plan, fated(shape))
        super().__init__(plan, ends, slots, journal=journal, at=at)
        self._watch_end()
        self._watch_commits()

    def _watch_end(self) -> None:
        close = self.host.admission.close

        def closes(run: str) -> None:
            queue = self.host.admission._runs[run]
            self.kept += [*queue.held, *queue.asked, *(pool.name for pool in queue.pools.values() if is_short(pool))]
            close(run)

        self.host.admission.close = closes  # type: ignore[method-assign]

    def _watch_commits(self) -> None:
        append = self.journal.append

        def appends(entries: Any) -> int:
            last = append(entries)
            self.later(self)
            return last

        self.journal.append = appends  # type: ignore[method-assign]

    def drive(self) -> Run:
        """Go on to the end of the run, and approve on the way."""
        self.host.step()
        for _ in range(10_000):
            if self.run.is_final and not self.host._inbox:
                return self.run
            self._approve()
            assert self._is_awaiting(), "the host waits for nothing"
            self.reactor.wait(self.host._patience())
            self.clock.advance(1e-6)
            self.host.step()
        raise AssertionError("the run does not end")

    def _approve(self) -> None:
        for node, task in zip(self.run.nodes, self.run.tasks, strict=True):
            if task.reason == WAITING_FOR_PERSON:
                action = "approve" if self.world is None or self.world.approves(node.id) else "reject"
                self.host.request(Request(f"answer-{node.id}", "r1", action, node.id))

    def ends(self) -> dict[str, tuple[str, str | None]]:
        """Give state and reason of every task that people see."""
        pairs = zip(self.run.nodes, self.run.tasks, strict=True)
        return {node.id: (task.state, task.reason) for node, task in pairs if node.is_shown}

    def begun_names(self) -> list[str]:
        """Give the ids of the tasks whose attempts were told to begin, in that order."""
        return [self.run.nodes[index].id for index, _ in self.begun]


def is_short(pool: Pool) -> bool:
    """Whether something of a pool was not given back."""
    lacks = pool.free != pool.size or (pool.items is not None and len(pool.items) != pool.size)
    return lacks or (pool.circuit is not None and pool.circuit.moment() == math.inf)
