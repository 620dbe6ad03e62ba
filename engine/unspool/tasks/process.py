"""What every kind that starts processes does with them."""

from __future__ import annotations

import os
import resource
import signal

from unspool.tasks.attempt import error


def open_pid(pid: int) -> int:
    """Give a descriptor for a child, or end it: nobody could wait for it."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        signal_group(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def reap(pid: int) -> tuple[int, dict[str, float]]:
    """Take the end of a child: its exit code, or negative, the signal that ended it; and what it used.

    A child begins in our memory, before it is a program of its own, and the system counts that in: a peak
    that is not above our own says nothing of the child, and is left out.
    """
    _, status, used = os.wait4(pid, 0)
    usage = {"cpu_s": round(used.ru_utime + used.ru_stime, 6)}
    if used.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        usage["memory_peak_mb"] = round(used.ru_maxrss / 1024, 1)
    return os.waitstatus_to_exitcode(status), usage


def status_error(status: int) -> dict[str, str] | None:
    """Give the error of a process that ended with an exit code, or negative, with a signal; None if all was well."""
    if status == 0:
        return None
    if status > 0:
        return error("exit_code", f"exit code {status}")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return error("signal", f"ended by {name}")


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a process group, if it is still there."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
