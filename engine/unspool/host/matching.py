"""Which files below a folder fit patterns such as `src/**/*.py`; bounded, and without following links out of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import translate

from unspool.model.globs import EVERYTHING_BELOW, is_literal, parts_of

MAX_FILES = 10_000
MAX_LOOKED = 200_000  # names looked at


class TooMany(Exception):
    """Patterns that fit more files than anybody means, or lead through more folders."""


def matching(folder: str, patterns: Iterable[str]) -> list[str]:
    """Give the files that fit any of the patterns, as sorted paths relative to the folder.

    A part with a wildcard fits no name that begins with a dot, unless it begins with one itself; `**` leads through
    any number of folders, and a folder that is named in full stands for all in it. Folders that are links are not
    entered; a file that is one counts where it leads to a file in the folder.

    Raises:
        TooMany: more than `MAX_FILES` fit.
        OSError: a folder cannot be read.
    """
    search = _Search(folder)
    for pattern in patterns:
        search.follow(parts_of(pattern))
    return sorted(search.found)


def is_file(folder: str, path: str) -> bool:
    """Whether a path is a file in the folder, or a link to one that is in it."""
    full = os.path.join(folder, path)
    try:
        mode = os.lstat(full).st_mode
    except OSError:
        return False
    if not stat.S_ISLNK(mode):
        return stat.S_ISREG(mode)
    real, base = os.path.realpath(full), os.path.realpath(folder)
    return real.startswith(base.rstrip("/") + "/") and os.path.isfile(real)


class _Search:
    """Looks through a folder, at each place once for the same rest of a pattern."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._looked = 0
        self.found: set[str] = set()

    def follow(self, parts: tuple[str, ...]) -> None:
        """Add the files that one pattern fits."""
        seen: set[tuple[str, int]] = set()
        left = [("", 0)]
        while left:
            place = left.pop()
            if place not in seen:
                seen.add(place)
                left += self._step(*place, parts)

    def _step(self, place: str, at: int, parts: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        """Try one part in one folder; give the folders to go on in, each with the part that comes next there."""
        part, is_last = parts[at], at + 1 == len(parts)
        if part == EVERYTHING_BELOW:
            yield from self._any_depth(place, at, is_last=is_last)
        elif is_literal(part):
            yield from self._named(f"{place}{part}", at, is_last=is_last)
        else:
            for name, is_folder in self._names(place, part):
                if is_folder and not is_last:
                    yield name, at + 1
                elif is_last and not is_folder:
                    self._add(name)

    def _any_depth(self, place: str, at: int, *, is_last: bool) -> Iterator[tuple[str, int]]:
        if not is_last:
            yield place, at + 1
        for name, is_folder in self._names(place, None):
            if is_folder:
                yield name, at
            elif is_last:
                self._add(name)

    def _named(self, name: str, at: int, *, is_last: bool) -> Iterator[tuple[str, int]]:
        if not self._is_folder(name):
            if is_last:
                self._add(name)
        elif not is_last:
            yield f"{name}/", at + 1
        else:
            left = [f"{name}/"]
            while left:
                left += [below for below, _ in self._any_depth(left.pop(), 0, is_last=True)]

    def _names(self, place: str, part: str | None) -> Iterator[tuple[str, bool]]:
        """Give what is in a folder and fits a part, and whether it is a folder, whose name then ends in a slash."""
        fits = None if part is None else re.compile(translate(part)).match
        hidden = part is not None and part.startswith(".")
        with suppress(FileNotFoundError), os.scandir(os.path.join(self._folder, place)) as entries:
            for entry in entries:
                self._looked += 1
                if self._looked > MAX_LOOKED:
                    raise TooMany(f"the patterns lead through more than {MAX_LOOKED} names")
                if (entry.name.startswith(".") and not hidden) or (fits is not None and not fits(entry.name)):
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                yield f"{place}{entry.name}{'/' if is_folder else ''}", is_folder

    def _is_folder(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(os.path.join(self._folder, name)).st_mode)
        except OSError:
            return False

    def _add(self, name: str) -> None:
        if not is_file(self._folder, name):
            return
        self.found.add(name)
        if len(self.found) > MAX_FILES:
            raise TooMany(f"the patterns fit more than {MAX_FILES} files")
