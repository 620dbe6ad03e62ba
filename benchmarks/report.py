"""Figures to medians, ratios and Markdown tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

BEGIN, END = "<!-- results -->", "<!-- results end -->"


@dataclass(frozen=True)
class Sample:
    """One process that was timed: what it did, its wall time in seconds, its peak memory in MB."""

    group: str
    case: str
    peer: str
    jobs: int
    turn: int
    tasks: int
    seconds: float
    peak_mb: float


class Medians:
    """The median over all turns, by case and peer."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples: dict[tuple[str, str], list[Sample]] = {}
        for sample in samples:
            self._samples.setdefault((sample.case, sample.peer), []).append(sample)
        self.cases = list(dict.fromkeys(case for case, _ in self._samples))
        self.peers = list(dict.fromkeys(sorted((peer for _, peer in self._samples), key=_unspool_first)))

    def seconds(self, case: str, peer: str) -> float | None:
        """Wall time, or None where this was not measured."""
        return self._median(case, peer, "seconds")

    def peak_mb(self, case: str, peer: str) -> float | None:
        """Peak memory of the largest process."""
        return self._median(case, peer, "peak_mb")

    def tasks(self, case: str) -> int:
        """How many tasks the case has."""
        return next(samples[0].tasks for (name, _), samples in self._samples.items() if name == case)

    def _median(self, case: str, peer: str, field: str) -> float | None:
        samples = self._samples.get((case, peer))
        return statistics.median(getattr(sample, field) for sample in samples) if samples else None


def _unspool_first(peer: str) -> tuple[bool, str]:
    return not peer.startswith("unspool"), peer


def write_lines(path: Path, facts: dict, samples: list[Sample]) -> None:
    """Everything measured, one JSON object a line, the environment first."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in [facts, *map(asdict, samples)]))


def update(page: Path, text: str) -> None:
    """Put the tables between the marks of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def markdown(facts: dict, samples: list[Sample]) -> str:
    """All tables, with the versions of what was measured and without a path."""
    parts = [_head(facts)]
    for jobs in sorted({sample.jobs for sample in samples if sample.group == "commands"}):
        chosen = [sample for sample in samples if sample.group == "commands" and sample.jobs == jobs]
        parts += [f"### Commands, {jobs} at a time (seconds)", _commands(Medians(chosen))]
    for group, title, table in (
        ("engines", "### Beside other engines of workflows (seconds for the whole process, two rounds)", _engines),
        ("no-ops", "### Tasks inside the process", _noops),
        ("fan-out", "### Instances, and what sharing costs them", _fan_outs),
        ("emissions", "### Tasks that rules add", _emissions),
        ("compile", "### Load, check and plan a document", _compile),
        ("start", "### Start", _start),
    ):
        chosen = [sample for sample in samples if sample.group == group]
        parts += [title, table(Medians(chosen))] if chosen else []
    return "\n\n".join(parts)


def _head(facts: dict) -> str:
    versions = ", ".join(f"{tool['name']} {tool['version']}" for tool in facts["tools"])
    size = " A quick look at a tenth of the size: no figure to quote." if facts["quick"] else ""
    return (
        f"{versions}; Python {facts['python']}, {facts['system']}, {facts['processors']} processors, "
        f"{facts['disk']}. Medians of {facts['rounds']} rounds.{size}"
    )


def _commands(medians: Medians) -> str:
    ours = [peer for peer in medians.peers if peer.startswith("unspool")]
    rows = [
        _command_row(case, {peer: medians.seconds(case, peer) for peer in medians.peers}, ours, _goal(case))
        for case in medians.cases
    ]
    wide = sorted((case for case in medians.cases if case.startswith("wide")), key=medians.tasks)
    if len(wide) == 2:
        marginal = {peer: _marginal_ms(medians, wide, peer) for peer in medians.peers}
        rows.append(_command_row("each further task, wide (ms)", marginal, ours, "at most 1.4"))
    return _table(["", *medians.peers, *(f"{peer} / quicker ninja" for peer in ours), "goal"], rows)


def _goal(case: str) -> str:
    return "at most 1.6" if case.startswith("chain") else "at most 1.4"


def _command_row(name: str, values: dict[str, float | None], ours: list[str], goal: str) -> list[str]:
    ninjas = [value for peer, value in values.items() if peer.startswith("ninja") and value]
    floor = min(ninjas, default=None)
    return [name, *map(_number, values.values()), *(_ratio(values[peer], floor) for peer in ours), goal]


def _marginal_ms(medians: Medians, wide: list[str], peer: str) -> float | None:
    few, many = (medians.seconds(case, peer) for case in wide)
    if few is None or many is None:
        return None
    return 1000 * (many - few) / (medians.tasks(wide[1]) - medians.tasks(wide[0]))


def _engines(medians: Medians) -> str:
    rows = []
    for case in medians.cases:
        ours = medians.seconds(case, "unspool")
        values = [medians.seconds(case, peer) for peer in medians.peers]
        ratios = [f"{_number(value)} ({_ratio(value, ours)} x)" if value else "" for value in values[1:]]
        rows.append([case, _number(values[0]), *ratios])
    return _table(["", *medians.peers], rows)


def _noops(medians: Medians) -> str:
    rows = []
    for case in medians.cases:
        run, load, floor = (_net(medians, case, peer) for peer in ("unspool", "unspool check", "sqlite loop"))
        ours = None if run is None or load is None else run - load
        goal = "loop at most 1.5" if case.startswith("chain") else "at least 20,000/s" if ours else ""
        whole = (medians.seconds(case, peer) for peer in ("unspool", "unspool check"))
        figures = (*whole, ours and ours * 1000, ours and 1 / ours, floor and floor * 1000)
        rows.append([case, *map(_number, figures), _ratio(ours, floor), goal])
    head = [
        "",
        "whole process, s",
        "`check` of the same, s",
        "each task, ms",
        "tasks/s",
        "sqlite loop, each, ms",
        "unspool / sqlite loop",
        "goal",
    ]
    return (
        _table(head, rows) + "\n\n“Each” leaves out what one single task costs, which is the start of the process, and "
        "what `check` takes for each further task, which is the work of the compiler."
    )


def _fan_outs(medians: Medians) -> str:
    rows = []
    for case in medians.cases:
        whole = [medians.seconds(case, peer) for peer in ("plain", "pool and rate")]
        each = [_net(medians, case, peer, "1 instances") for peer in ("plain", "pool and rate")]
        goal = "at most 1.3" if case.startswith("10,000") else ""
        figures = [_number(value) for value in (*whole, *(one and one * 1000 for one in each))]
        rows.append([case, *figures, _ratio(whole[1], whole[0]), _ratio(each[1], each[0]), goal])
    head = ["", "plain, s", "pool and rate, s", "each, ms", "each with both, ms", "whole, x", "each, x", "goal"]
    return (
        _table(head, rows) + "\n\nThe pool has 8 places, the rate is 1,000,000 a second. “Each” leaves out the start."
    )


def _emissions(medians: Medians) -> str:
    rows = []
    for case in medians.cases:
        emitted, written = medians.seconds(case, "by a rule"), medians.seconds(case, "written down")
        peak = medians.peak_mb(case, "by a rule")
        goal = "at most 2" if written is not None else "bounded memory"
        rows.append([case, _number(emitted), _number(written), _ratio(emitted, written), _number(peak), goal])
    head = ["", "by a rule, s", "written down, s", "x", "peak memory by a rule, MB", "goal"]
    return _table(head, rows) + "\n\nThe 100,000 are added by 1,000 tasks that a rule has added."


def _net(medians: Medians, case: str, peer: str, least: str = "wide 1") -> float | None:
    whole, single = medians.seconds(case, peer), medians.seconds(least, peer)
    if whole is None or single is None or case == least:
        return None
    return (whole - single) / (medians.tasks(case) - 1)


def _compile(medians: Medians) -> str:
    peer = medians.peers[0]
    goals = {"10,000 tasks": "at most 1.0 s", "100,000 tasks": "at most 12 s and 600 MB"}
    rows = [
        [case, _number(medians.seconds(case, peer)), _number(medians.peak_mb(case, peer)), goals.get(case, "")]
        for case in medians.cases
    ]
    if len(medians.cases) == 2:
        small, large = (medians.seconds(case, peer) for case in medians.cases)
        rows.append(["ten times the tasks, times as long", _ratio(large, small), "", "at most 12"])
    return _table(["", "whole process, s", "peak memory, MB", "goal"], rows)


def _start(medians: Medians) -> str:
    goals = {"unspool check hello.yaml": "at most 100 ms", "unspool run hello.yaml": "at most 120 ms"}
    rows = [
        [f"`{peer}`", _number(1000 * (medians.seconds("start", peer) or 0)), goals.get(peer, "")]
        for peer in medians.peers
    ]
    return _table(["", "whole process, ms", "goal"], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _ratio(value: float | None, floor: float | None) -> str:
    return f"{value / floor:.2f}" if value is not None and floor else ""
