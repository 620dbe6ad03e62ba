"""Where the output of a run's tasks lies in its journal folder."""

from __future__ import annotations

from pathlib import Path


def log_files(folder: Path, run: str, task: str) -> list[Path]:
    """Give the kept output files of a task, oldest attempt first; each ends in `.out` or `.err`."""
    files = (folder / "logs" / run).glob(f"{task}.*")
    return sorted(files, key=lambda file: (int(file.name.split(".")[-2]), file.suffix))
