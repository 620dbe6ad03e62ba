"""Writes a value as TOML in styles drawn at random, with no code of the reader."""

from __future__ import annotations

import json
import random
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN = re.compile(r"[\t\x20-\x7e\x80-\ud7ff\ue000-\U0010ffff]")
_ESCAPES = {"\b": "\\b", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class TomlWriter:
    """One document; it holds no null, which TOML has no word for."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def document(self, value: dict[str, Any]) -> str:
        return "".join(f"{line}\n" for line in self.table(value, ()))

    def table(self, value: dict[str, Any], path: tuple[str, ...]) -> list[str]:
        """The pairs of a table, then those of its tables under headers of their own."""
        lines, later = [], []
        for key, item in value.items():
            if self.is_table(item) and self.chance.random() < 0.6:
                later += [f"{self.gap()}[{self.header((*path, key))}]", *self.table(item, (*path, key))]
            elif isinstance(item, list) and item and all(map(self.is_table, item)) and self.chance.random() < 0.6:
                for one in item:
                    later += [f"[[{self.header((*path, key))}]]  # {key!a}", *self.table(one, (*path, key))]
            elif self.is_table(item) and item and self.chance.random() < 0.5:
                lines += [f"{self.key(key)} . {line}" for line in self.dotted(item)]
            else:
                lines.append(f"{self.gap()}{self.key(key)}{self.space()}={self.space()}{self.value(item)}")
        return lines + later

    def dotted(self, value: dict[str, Any]) -> list[str]:
        return [f"{self.key(key)} = {self.value(item)}" for key, item in value.items()]

    @staticmethod
    def is_table(value: Any) -> bool:
        return isinstance(value, dict)

    def gap(self) -> str:
        return self.chance.choice(("", "", "", "\n", "# = [\n", "  "))

    def space(self) -> str:
        return self.chance.choice(("", " ", "\t "))

    def header(self, path: tuple[str, ...]) -> str:
        return self.chance.choice((".", " . ")).join(map(self.key, path))

    def key(self, key: str) -> str:
        if _BARE.fullmatch(key) and self.chance.random() < 0.7:
            return key
        return self.line(key)

    def value(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(self.dotted(value)) + "}"
        if isinstance(value, list):
            between = self.chance.choice((", ", ",\n  # ]\n  "))
            return "[" + between.join(map(self.value, value)) + self.chance.choice(("", "\n")) + "]"
        if isinstance(value, str):
            return self.lines(value) if self.chance.random() < 0.3 else self.line(value)
        return json.dumps(value)

    def line(self, text: str) -> str:
        if self.chance.random() < 0.4 and "'" not in text and all(map(_SHOWN.fullmatch, text)):
            return f"'{text}'"
        return f'"{"".join(map(_escape, text))}"'

    def lines(self, text: str) -> str:
        """Text in three quotes."""
        raw = all(char == "\n" or _SHOWN.fullmatch(char) for char in text) and "'" not in text
        if raw and self.chance.random() < 0.5:
            return f"'''\n{text}'''"
        parts = [char if char == "\n" else _escape(char) for char in text]
        if parts and self.chance.random() < 0.5:
            at = self.chance.randrange(len(parts))
            # What follows a folded line would lose the space that it begins with.
            rest = "".join(parts[at:])
            kept = rest.lstrip(" \t\n")
            spelt = "".join(f"\\u{ord(char):04x}" for char in rest[: len(rest) - len(kept)])
            parts[at:] = ["\\\n   \n ", spelt, kept]
        return '"""\n' + "".join(parts) + '"""'


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if _SHOWN.fullmatch(char):
        return char
    return f"\\u{ord(char):04x}"
