"""Runs the command line and kills itself at the n-th step of keeping a result. Used by test_cache_kills.

Arguments: number of the step, then the command line's own arguments.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unspool.cli.main import main
from unspool.host.cache import FileCache


def arm(number: int) -> None:
    """Let the machine stop before the `number`-th sync or renaming while a result is kept."""
    left = number
    keeping = False

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal left
            left -= keeping
            if keeping and not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments)

        return call

    def keep(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal keeping
            keeping = True
            real(*arguments)
            keeping = False

        return call

    os.fsync = guarded(os.fsync)
    Path.replace = guarded(Path.replace)  # type: ignore[method-assign]
    FileCache.keep = keep(FileCache.keep)  # type: ignore[method-assign]


if __name__ == "__main__":
    arm(int(sys.argv[1]))
    sys.argv[1:2] = []
    main()
