"""Every error a user can act on: one class per cause, and the exit code it means."""

from __future__ import annotations


class UnspoolError(Exception):
    """Something went wrong in unspool; the message says what, where and what to do."""

    exit_code = 2

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class DocumentError(UnspoolError):
    """The workflow document cannot be used; its diagnostics say where and why."""


class StubNeeded(DocumentError):
    """A task of a rehearsal has outputs without defaults, and no stub that gives them."""


class InputError(UnspoolError):
    """A value given for an input does not fit what the document declares."""


class SecretError(UnspoolError):
    """A secret has no value, or one that cannot be used."""


class ExpressionError(UnspoolError):
    """An expression could not be evaluated."""


class ValueTooLarge(ExpressionError):
    """A value is larger than an expression may hold."""


class LimitError(UnspoolError):
    """A limit or a policy refuses this."""

    exit_code = 3


class IllegalEvent(UnspoolError):
    """This event cannot happen in the state that the run is in; nothing was changed."""


class JournalError(UnspoolError):
    """The journal cannot be read or written."""


class JournalDamaged(JournalError):
    """The journal fails its checks; nothing was believed from the bad row on."""


class JournalMismatch(JournalError):
    """Replaying the journal gives other commands than were recorded."""


class JournalLocked(JournalError):
    """Another process owns this run."""


class RunNotFound(UnspoolError):
    """No run has this name here."""


class SpawnError(UnspoolError):
    """A task's process could not be started."""


class UnsupportedPlatform(UnspoolError):
    """unspool runs on Linux and macOS; Windows is not supported."""
