"""The live view of a run on a terminal: what runs and what it says, what waits for what, what failed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from unspool.core.pools import Pool
from unspool.core.run import Run
from unspool.model.entry import Entry
from unspool.model.events import AttemptStarted
from unspool.model.status import CREATED, FAILED, FINAL_STATES, QUEUED, READY, RUNNING, WAITING_FOR_PERSON
from unspool.observe.console import PlainProgress, printable, tail

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

PERIOD = 0.1  # seconds between two drawings
FIRST = 0.3  # seconds before the first: a short run draws nothing, and does not pay for rich
_MOST_LINES = 16  # of running tasks
_MOST_WAITING = 3
_LOOKED_AT = 500  # tasks that are asked what they wait for, at each drawing
_PATIENT = 1.0  # seconds after which it is told that a task waits for what it uses
_ROOM = 6  # lines that are never used, so that the view does not scroll


class _Running(NamedTuple):
    """An attempt that runs."""

    since: float
    files: tuple[Path, ...] = ()


class LiveView:
    """A listener that draws. It is drawn over in place, so its size never exceeds the terminal's."""

    def __init__(
        self,
        stream: TextIO,
        runs: Mapping[str, Run],
        logs: Path,
        now: float,
        *,
        verbose: bool,
        pools: Callable[[], Iterable[Pool]] = tuple,
    ) -> None:
        """Prepare to draw.

        Args:
            stream: the terminal.
            runs: all runs by id, as they are.
            logs: where kept output lies: `RUN/TASK.ATTEMPT.out` and `.err`.
            now: the moment, in seconds since the epoch.
            verbose: tell each change of state and what each task wrote, too.
            pools: gives the resources that are shared.
        """
        self._stream = stream
        self._runs = runs
        self._running: dict[tuple[str, int], _Running] = {}
        self._counts: dict[str, int] = {}
        self._seen: dict[str, tuple[int, int]] = {}  # of each run: nodes looked at, and those of them that are shown
        self._news: list[str] = []  # what is told once, above the view
        self._plain = PlainProgress(_Lines(self._news), runs.__getitem__, logs, verbose=verbose, pools=pools)
        self._verbose = verbose
        self._due = now + FIRST
        self._live: Live | None = None

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take what is new; nothing is drawn yet."""
        for entry in entries:
            event = entry.event
            for index, state, _ in entry.moves:
                self._moved(entry, index, state)
            if isinstance(event, AttemptStarted):
                self._begun(entry.run, event)
        told = [entry for entry in entries if self._verbose or any(move[1] == FAILED for move in entry.moves)]
        self._plain.heard(told)

    def draw(self, now: float) -> float:
        """Draw, if it is time, and give the moment of the next drawing."""
        if now >= self._due:
            self._due = now + PERIOD
            try:
                live = self._live or self._begin()
                self._tell(live.console)
                live.update(self._view(live.console, now), refresh=True)
            except OSError:  # the terminal is gone; the run goes on
                self._due = math.inf
        return self._due

    def close(self) -> None:
        """Take the view away; what was told stays."""
        with suppress(OSError):
            self._close()

    def _close(self) -> None:
        if self._live is not None:
            from rich.text import Text

            self._tell(self._live.console)
            self._live.update(Text(), refresh=True)
            self._live.stop()
            self._live = None
            return
        for line in self._news:
            self._stream.write(line)
        self._news.clear()
        self._stream.flush()

    def _begin(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, highlight=False, markup=False, emoji=False, soft_wrap=False)
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        return self._live

    def _tell(self, console: Console) -> None:
        if self._news:
            console.print("".join(self._news), end="", soft_wrap=True)
            self._news.clear()

    def _moved(self, entry: Entry, index: int, state: str) -> None:
        key = (entry.run, index)
        if not self._runs[entry.run].nodes[index].is_shown:
            return
        if state == RUNNING:
            self._running[key] = _Running(entry.event.at)
        else:
            self._running.pop(key, None)
        if state in FINAL_STATES:
            self._counts[state] = self._counts.get(state, 0) + 1

    def _begun(self, name: str, event: AttemptStarted) -> None:
        run = self._runs[name]
        attempt = run.attempts.get(event.attempt)
        if attempt is not None and event.record:
            files = tuple(Path(event.record[stream]) for stream in ("out", "err") if stream in event.record)
            self._running[name, attempt.task] = _Running(event.at, files)

    def _view(self, console: Console, now: float) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        width = max(20, console.width - 1)
        room = max(1, min(_MOST_LINES, console.height - _ROOM - _MOST_WAITING))
        parts: list[Any] = [Text(line, no_wrap=True, overflow="ellipsis") for line in self._heads(now)]
        running = sorted(self._running.items(), key=lambda item: item[1].since)
        names = max((len(self._name(*key)) for key, _ in running[:room]), default=0)
        for key, one in running[:room]:
            line = Text(f"  {self._name(*key):<{min(names, width // 3)}} {_clock(now - one.since):>7}  ", no_wrap=True)
            line.append(_last_line(one.files), style="dim")
            parts.append(line)
        if len(running) > room:
            parts.append(Text(f"  and {len(running) - room} more", style="dim"))
        parts += [Text(line, style="dim", no_wrap=True) for line in self._waiting(now)]
        for part in parts:
            part.truncate(width, overflow="ellipsis")
        return Group(*parts)

    def _heads(self, now: float) -> list[str]:
        lines = []
        for run in self._runs.values():
            if not run.state:
                continue
            done = sum(self._counts.values())
            shown = self._count(run)
            counts = [f"{done}/{shown} done", f"{len(self._running)} running"]
            counts += [f"{self._counts[state]} {state}" for state in sorted(self._counts) if state != "completed"]
            lines.append(f"{printable(run.plan.name)} {run.state}  {', '.join(counts)}  {_clock(now - run.started_at)}")
        return lines

    def _count(self, run: Run) -> int:
        """Give how many tasks people see; the nodes of a run only grow, so each is looked at once."""
        looked, shown = self._seen.get(run.id, (0, 0))
        if looked < len(run.nodes):
            shown += sum(run.nodes[index].is_shown for index in range(looked, len(run.nodes)))
            self._seen[run.id] = len(run.nodes), shown
        return shown

    def _waiting(self, now: float) -> list[str]:
        """Say of the first few waiting tasks what they wait for."""
        lines: list[str] = []
        for run in self._runs.values():
            for plan, task in zip(run.nodes[:_LOOKED_AT], run.tasks, strict=False):
                if len(lines) == _MOST_WAITING:
                    return lines
                if task.reason == WAITING_FOR_PERSON:
                    lines.append(
                        f"  {plan.id} asks: {printable(task.prompt or '')} (unspool approve {run.id} {plan.id})"
                    )
                elif task.state == QUEUED:
                    again = run.timers.get(f"retry:{task.index}.{task.attempts + 1}")
                    due = run.timers.get(f"wait:{task.index}", now) if again is None else again
                    lines.append(f"  {plan.id} {'goes on' if again is None else 'tries again'} in {_clock(due - now)}")
                elif task.state == READY and plan.uses and now - (task.queued_at or now) > _PATIENT:
                    names = ", ".join(name for name, _ in plan.uses)
                    lines.append(f"  {plan.id} waits for its turn with {names}")
                elif task.state == CREATED:
                    needs = [need for need, _ in plan.needs if (run.id, need) in self._running]
                    if needs:
                        names = ", ".join(run.nodes[need].id for need in needs[:_MOST_WAITING])
                        lines.append(f"  {plan.id} waits for {names}")
        return lines

    def _name(self, run: str, index: int) -> str:
        return self._runs[run].nodes[index].id


class _Lines:
    """A stream that keeps what is written."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def write(self, text: str) -> int:
        self._lines.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


def _last_line(files: Sequence[Path]) -> str:
    """Give the last line that was written to the files, of the one that was written to last."""
    newest, lines = 0, [""]
    for file in files:
        with suppress(OSError):  # it may have its final name by now, or be gone with all of the state
            status = file.stat()
            if status.st_size and status.st_mtime_ns > newest:
                newest, lines = status.st_mtime_ns, tail(file, 1) or lines
    return lines[-1].expandtabs(4)


def _clock(seconds: float) -> str:
    """Write a duration as people read it: `4.2s`, `3m05s`, `1h02m`."""
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes = int(seconds) // 60
    return f"{minutes}m{int(seconds) % 60:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"
