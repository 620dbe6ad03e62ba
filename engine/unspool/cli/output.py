"""Where the output of a run's tasks lies in its journal folder."""

from __future__ import annotations

from pathlib import Path

from unspool.model.lognames import attempt_of


def log_files(folder: Path, run: str, task: str) -> list[Path]:
    """Give the kept output files of a task, oldest attempt first; each ends in `.out` or `.err`."""
    kept = folder / "logs" / run
    files = {file: attempt_of(file.name, task) for file in kept.iterdir()} if kept.is_dir() else {}
    own = [(attempt, file.suffix, file) for file, attempt in files.items() if attempt is not None]
    return [file for _, _, file in sorted(own)]
