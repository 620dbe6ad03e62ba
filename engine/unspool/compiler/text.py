"""The text of a document to a plain value, with everything that is wrong with the text."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from unspool.compiler.locate import Lines, Locator, resolve
from unspool.compiler.reading import Reading
from unspool.compiler.scalars import Suspect
from unspool.compiler.text_limits import MAX_BYTES
from unspool.model.diagnostics import Diagnostic, Position

Format = Literal["yaml", "json", "toml"]

CODES = {
    "UNS001": "the text is not valid YAML, or not valid TOML",
    "UNS002": "the text is not valid JSON",
    "UNS003": "the text is not UTF-8",
    "UNS004": "a character cannot stand in a document",
    "UNS005": "the text is beyond a limit of size, depth or length",
    "UNS006": "a key stands twice in one map",
    "UNS007": "YAML tags are not supported",
    "UNS008": "a key is not text",
    "UNS009": "YAML merge keys are not supported",
    "UNS010": "an alias has no anchor before it",
    "UNS011": "aliases expand to too much, or to themselves",
    "UNS012": "there is more than one document in the text",
    "UNS013": "the document is empty",
    "UNS014": "the document is not a map",
    "UNS015": "a value is no JSON: a number that is not finite, a date",
    "UNS016": "a YAML comment begins inside an expression",
    "UNS017": "a word that is text looks like a boolean",
    "UNS018": "a number loses digits when it is read",
    "UNS019": "a value without quotes, or a line, starts with a sign that YAML reserves",
}

# Which of the first four bytes are zero, where two ASCII characters stand without a byte order mark.
_INTERLEAVED: dict[tuple[bool, ...], str] = {
    (False, True, False, True): "UTF-16",
    (True, False, True, False): "UTF-16",
    (False, True, True, True): "UTF-32",
    (True, True, True, False): "UTF-32",
}
# What YAML 1.2 calls unprintable, and the line ends of YAML 1.1, which editors show as no line ends.
# Compiled only when needed: large classes of characters cost milliseconds.
_NOT_IN_YAML = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
_ALLOWED_ASCII = bytes((9, 10, 13, *range(32, 127)))
_SURROGATE = r"[\ud800-\udfff]"
_OTHER_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_FIRST_LINES = {
    "yaml": "write `key: value` lines, such as `name: hello`; each `:` needs a space behind it",
    "json": 'write the keys and values in braces: {"name": "hello"}',
    "toml": 'write `key = value` lines, such as `name = "hello"`',
}


class Loaded(NamedTuple):
    """A document as it was read.

    Attributes:
        value: plain JSON, None where the text cannot be read. Parts of it may be shared, where YAML
            aliases stand; nothing may change it. Where `diagnostics` holds errors it is what could be
            made of the text: the first of equal keys counts, what stands under a merge key is missing.
        diagnostics: what is wrong, each with its position, in the order of the text.
        locate: finds the places of paths, and the source text of scalars.
        suspects: plain scalars that probably do not mean what the author thinks, as (path, kind, text), an
            alias to one being one too: `yes_no` for yes, no, on and off, which stay text; `lossy_number` for
            `3.10`, `0123`, integers beyond 2**53, and `1e400`, which stays text because no float holds it.
            The text alone cannot tell whether they do harm (in argv and env the spelling counts, so
            they do not): whoever knows the schema passes those that do to `scalars.suspect_diagnostic`.
        text: the text without its byte order mark; what was no UTF-8 in it stands as U+FFFD.
    """

    value: Any
    diagnostics: tuple[Diagnostic, ...]
    locate: Locator
    suspects: tuple[Suspect, ...] = ()
    text: str = ""


def load(data: str | bytes, format: Format) -> Loaded:  # noqa: A002  # the word that authors use
    """Read the text of a document. It never raises for what the text holds.

    Args:
        data: the text, or its bytes in UTF-8, either with or without a byte order mark.
        format: the language it is written in.
    """
    if len(data) > MAX_BYTES:
        message = f"the text is larger than {MAX_BYTES >> 20} MiB, which is the limit"
        return _refused("", Diagnostic("UNS005", message, position=Position(1, 1), hint="split the document"))
    text, bad_encoding = (data, None) if isinstance(data, str) else _decode(data)
    text = text.removeprefix("\ufeff")
    bad = bad_encoding or _bad_character(text, format)
    return _refused(text, bad) if bad is not None else _read(text, format)


def _read(text: str, format: Format) -> Loaded:  # noqa: A002  # as in `load`
    lines = Lines(text)
    reading, locator = _READERS[format](text, lines)
    unusable = () if reading.value is None and reading.diagnostics else _not_a_map(reading.value, format)
    value = None if unusable else reading.value
    return Loaded(value, resolve((*reading.diagnostics, *unusable), locator), locator, reading.suspects, text)


def _read_yaml(text: str, lines: Lines) -> tuple[Reading, Locator]:
    from unspool.compiler.yaml_outline import outline_yaml
    from unspool.compiler.yaml_text import read_yaml

    locator = Locator(lines, outline_yaml)
    return read_yaml(text, lines, locator), locator


def _read_json(text: str, lines: Lines) -> tuple[Reading, Locator]:
    from unspool.compiler.json_text import outline_json, read_json

    return read_json(text, lines), Locator(lines, outline_json)


def _read_toml(text: str, lines: Lines) -> tuple[Reading, Locator]:
    from unspool.compiler.toml_outline import outline_toml
    from unspool.compiler.toml_text import read_toml

    locator = Locator(lines, outline_toml)
    return read_toml(text, lines, locator), locator


_READERS = {"yaml": _read_yaml, "json": _read_json, "toml": _read_toml}


def _not_a_map(value: Any, format: Format) -> tuple[Diagnostic, ...]:  # noqa: A002  # as in `load`
    match value:
        case dict():
            return ()
        case None:
            return (Diagnostic("UNS013", "the document is empty", hint=_FIRST_LINES[format]),)
        case list():
            hint = "write the tasks as a map under `tasks:`"
            return (Diagnostic("UNS014", "the document is a list, not a map of keys and values", hint=hint),)
        case _:
            return (
                Diagnostic(
                    "UNS014", "the document is one value, not a map of keys and values", hint=_FIRST_LINES[format]
                ),
            )


def _refused(text: str, found: Diagnostic) -> Loaded:
    return Loaded(None, (found,), Locator(Lines(text)), (), text)


def _decode(data: bytes) -> tuple[str, Diagnostic | None]:
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text, bad = data.decode(), None
    except UnicodeDecodeError as error:
        text = data.decode(errors="replace")
        bad = _not_utf8(data, error.start, text)
    encoding = _other_encoding(data)
    if encoding:
        message = f"the text is {encoding}, not UTF-8"
        bad = Diagnostic("UNS003", message, position=Position(1, 1), hint="save the file as UTF-8")
    return text, bad


def _other_encoding(data: bytes) -> str | None:
    marked = next((name for mark, name in _OTHER_ENCODINGS if data.startswith(mark)), None)
    return marked or _INTERLEAVED.get(tuple(byte == 0 for byte in data[:4]))


def _not_utf8(data: bytes, start: int, text: str) -> Diagnostic:
    position = Lines(text).position(len(data[:start].decode()))
    message = f"the byte 0x{data[start]:02X} (number {start + 1:,} of the text) is not UTF-8"
    return Diagnostic("UNS003", message, position=position, hint="save the file as UTF-8")


def _bad_character(text: str, format: Format) -> Diagnostic | None:  # noqa: A002  # as in `load`
    if text.isascii() and (format != "yaml" or not text.encode().translate(None, _ALLOWED_ASCII)):
        return None
    found = re.search(_NOT_IN_YAML if format == "yaml" else _SURROGATE, text)
    if found is None:
        return None
    code = ord(found.group())
    escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    whole = not 0xD800 <= code < 0xE000
    message = f"the character U+{code:04X} cannot stand in a document" if whole else f"U+{code:04X} is half a character"
    hint = f'remove it, or write it inside double quotes as "{escape}"' if whole else "write the whole character"
    return Diagnostic("UNS004", message, position=Lines(text).position(found.start()), hint=hint)
