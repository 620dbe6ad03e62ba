"""One engine: a journal folder with everything that drives runs in it, put together and taken apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from unspool import __version__
from unspool.core.run import Run
from unspool.errors import JournalError, JournalMismatch, UnsupportedPlatform
from unspool.host import home
from unspool.host.artifacts import FileArtifacts
from unspool.host.clock import WallClock
from unspool.host.local import LocalHost
from unspool.host.reactor import EpollReactor
from unspool.host.resume import fold, losses, recorded_versions
from unspool.host.spool import FileSpool
from unspool.journal.sqlite import SqliteJournal
from unspool.model.events import CancelRequested, RunStarted
from unspool.model.plan import Plan
from unspool.model.plan_json import plan_to_json
from unspool.tasks import sweep
from unspool.tasks.guardian import ProcessGuardian
from unspool.tasks.run import RunKind
from unspool.tasks.slots import Slots

_MOST_NOTES = 50
VERSIONS = {"engine": __version__, "language": 1, "expressions": 1}


class Engine:
    """Owns one journal folder, as a context manager.

    Entering takes the lock and starts the guardian; leaving ends every process that is left.
    """

    def __init__(
        self, folder: Path, slots: int, durability: str = "full", cache: Path | None = None, *, reuse: bool = True
    ) -> None:
        """Prepare an engine.

        Args:
            folder: of the journal.
            slots: how many attempts may run at once.
            durability: `full` or `normal`, see the journal.
            cache: the folder of results that tasks may reuse; without one, none is.
            reuse: whether what is in it is used, or only replaced.
        """
        if sys.platform != "linux":
            raise UnsupportedPlatform(f"unspool needs Linux (pidfd, epoll, /proc); this is {sys.platform}")
        self._folder = folder.absolute()  # tasks run elsewhere, and are told of files in it
        self._slots = slots
        self._durability = durability
        self._cache = cache
        self._reuse = reuse
        self._interrupts = 0
        self._private: Path | None = None
        self.notes: list[str] = []  # what a person should hear of

    def __enter__(self) -> Self:
        """Take the journal.

        Raises:
            JournalLocked: another process has it.
            JournalError: the folder cannot be used.
        """
        with ExitStack() as held:
            try:
                self._equip(held)
            except OSError as problem:
                raise JournalError(f"{self._folder} cannot be used: {problem}") from None
            self._held = held.pop_all()
        return self

    def _equip(self, held: ExitStack) -> None:
        owner = home.this_process()
        held.callback(self._remove_private)  # last of all
        self.journal = SqliteJournal(self._folder, owner, self._durability)
        held.callback(self.journal.close)
        self._mark = home.owner_mark(owner)
        self._reactor = EpollReactor()
        held.callback(self._reactor.close)
        self._clock = WallClock()
        self.artifacts = FileArtifacts(self._folder / "artifacts")
        self._spool = FileSpool(self._folder / "requests")
        held.callback(self._spool.close)
        now = self._clock.now
        self._guardian = ProcessGuardian(self._mark)
        self._files = Slots(self._folder, self.journal.epoch)
        run_kind = RunKind(self._reactor, now, self._files, self.artifacts, self._mark)
        self._kinds: dict[str, Any] = {"run": run_kind}
        held.callback(self._close_kinds)
        held.callback(self._guardian.close)
        self.host = LocalHost(self.journal, self._kinds, self._reactor, self._clock, self._slots, self._spool)
        self._reactor.watch(self._spool.listen(), self._called)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what is left and let the journal go."""
        self._held.close()

    def start(
        self,
        plan: Plan,
        inputs: dict[str, Any],
        folder: Path,
        document: str,
        run_id: str,
        secrets: Mapping[str, str] | None = None,
    ) -> Run:
        """Put a new run in; `drive` then works on it.

        Args:
            plan: what to run.
            inputs: checked values.
            folder: of the document; tasks run there.
            document: how the user named the document.
            run_id: an id that no run has.
            secrets: a value for each secret that the plan names.

        Raises:
            SecretError: a secret has no value, or the run would be recorded with one.
        """
        if plan.secrets:
            from unspool.host.secrets import refuse_recorded

            self._keep_secret(run_id, plan, secrets or {})
            refuse_recorded(secrets or {}, plan, inputs, [str(folder), document])
        self._prepare(plan)
        seed = int.from_bytes(os.urandom(6), "big")
        event = RunStarted(
            self._clock.now(), run_id, plan_to_json(plan), inputs, seed, VERSIONS, str(folder), plan.hash, document
        )
        return self.host.begin(event)

    def resume(self, run_id: str, previous: str | None, secrets: Mapping[str, str] | None = None) -> Run:
        """Take a run up again where its journal ends.

        Args:
            run_id: the run.
            previous: the mark of the owner before, whose processes are ended first.
            secrets: a value for each secret that its plan names.

        Raises:
            SecretError: a secret has no value.
            JournalDamaged, JournalMismatch: the journal cannot be trusted; nothing was changed.
        """
        run = self._fold(run_id)
        if run.is_final:
            return run
        if previous is not None:
            sweep.end_all(os.fsencode(previous))
        if run.plan.secrets:
            self._keep_secret(run_id, run.plan, secrets or {})
        self._prepare(run.plan)
        self.host.open(run)
        for event in losses(run, self.journal.epoch, self._clock.now()):
            self.host.put(run.id, event, urgent=True)
        return run

    def _fold(self, run_id: str) -> Run:
        rows = list(self.journal.read(run_id))
        try:
            return fold(rows)
        except JournalMismatch as problem:
            if recorded_versions(rows) == VERSIONS:
                raise
            # Another version may decide otherwise. What is recorded was done, so it stands.
            self.notes.append(f"written by another version, whose decisions stand: {problem}")
            return fold(rows, compare=False)

    def drive(self) -> None:
        """Work until every run is final."""
        self.host.drive()

    def interrupt(self) -> None:
        """Cancel every run as Ctrl-C does; a second time ends everything by force at once."""
        self._interrupts += 1
        event = CancelRequested(self._clock.now(), f"interrupt-{os.getpid()}-{self._interrupts}", None, "interrupt")
        for run in self.host.runs:  # also one that is not begun: what it is told first stands first
            self.host.put(run, event, urgent=True)

    def watch_descriptor(self, descriptor: int) -> None:
        """Wake up when a descriptor can be read; its content is taken."""

        def called() -> None:
            with suppress(BlockingIOError):
                os.read(descriptor, 4096)

        self._reactor.watch(descriptor, called)

    def _keep_secret(self, run_id: str, plan: Plan, values: Mapping[str, str]) -> None:
        """Have a run's secrets masked from now on, and out of what its tasks inherit."""
        from unspool.host.secrets import RunSecrets, gather, hide  # and what they import: most runs have none

        checked = gather(plan.secrets, None, values)
        hide(plan.secrets)
        self.host.secrets[run_id] = RunSecrets(checked, str(self._private_folder()))

    def _private_folder(self) -> Path:
        """Make a folder outside the state, that goes with the engine however it ends."""
        if self._private is None:
            from tempfile import mkdtemp

            try:
                self._private = Path(mkdtemp(prefix="unspool-"))
            except OSError as problem:
                raise JournalError(f"cannot make a private folder: {problem.strerror}; set TMPDIR") from None
            self._guardian.remove_after_death(str(self._private))
        return self._private

    def _remove_private(self) -> None:
        if self._private is not None:
            import shutil

            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None

    def _prepare(self, plan: Plan) -> None:
        """Have ready what the kinds of a plan's tasks need."""
        kinds = {task.kind for task in plan.tasks}
        if self._cache is not None and any(task.cache is not None for task in plan.tasks):
            from unspool.host.cache import FileCache  # few plans have one

            self.host.cache = FileCache(
                self._cache.absolute(), self.artifacts, self._clock.now, self._note, reuse=self._reuse
            )
        if "run" in kinds:
            self._guardian.start()
        if "python" in kinds and "python" not in self._kinds:
            from unspool.tasks.python import PythonKind  # and what it imports
            from unspool.tasks.workers import Workers

            workers = Workers(self._reactor, self._mark, self._guardian.start, self._slots)
            self._kinds["python"] = PythonKind(self._reactor, self._clock.now, self._files, self.artifacts, workers)

        if "http" in kinds and "http" not in self._kinds:
            from unspool.tasks.http import HttpKind  # and what it imports

            self._kinds["http"] = HttpKind(self._reactor, self._clock.now, self._files, self.artifacts)

    def _note(self, text: str) -> None:
        """Take down what a person should hear of, once."""
        if text not in self.notes and len(self.notes) < _MOST_NOTES:
            self.notes.append(text)

    def _close_kinds(self) -> None:
        for kind in self._kinds.values():
            kind.close()

    def _called(self) -> None:
        self._spool.heard()
        self.host.look_for_requests()
