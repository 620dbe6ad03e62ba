"""Finds secret values in bytes, in every form that is likely, and puts `***` in their place; also in streams."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASKED = b"***"
LEAST = 4  # characters of a secret, of a line of it, and bytes of a form: what is shorter stands everywhere by chance

_LINES = (64, 76)  # characters after which tools break base64 text
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")
_HEX = re.compile(r"%[0-9A-F]{2}")
_COMPONENT = "!'()*"  # what browsers do not encode in a part of an address
_ADDRESS = ";/?:@&=+$,#" + _COMPONENT  # nor in a whole one

Span = tuple[int, int]


class Mask:
    """Knows the values that nothing may show.

    Masked is every run of bytes that is covered by forms of secrets, overlapping and touching ones
    together: a result does not depend on how the bytes were cut.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        """Prepare the forms.

        Args:
            values: by name; each of at least `LEAST` characters.
        """
        self.names = tuple(values)
        forms = {form for value in values.values() for form in forms_of(value)}
        self.forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def stream(self) -> StreamMask:
        """Give a mask for bytes that come in parts."""
        return StreamMask(self)

    def content(self, content: bytes) -> bytes:
        """Mask bytes that are all there."""
        if not any(form in content for form in self.forms):
            return content
        stream = self.stream()
        return stream.feed(content) + stream.end()

    def text(self, text: str) -> str:
        """Mask a text."""
        content = text.encode("utf-8", "surrogatepass")
        masked = self.content(content)
        return text if masked is content else masked.decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """Mask every text of plain JSON, names of maps too; a number that shows a secret becomes a text."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = json.dumps(value)
            masked = self.text(written)
            return value if masked == written else masked
        return value

    def spans(self, content: bytes, known: int) -> list[Span]:
        """Give where forms stand that end behind the first `known` bytes."""
        found: list[Span] = []
        for form in self.forms:
            length = len(form)
            at = content.find(form, max(0, known - length + 1))
            while at >= 0:
                found.append((at, at + length))
                at = content.find(form, at + 1)
        return found

    def unfinished(self, content: bytes) -> int:
        """Give where the first form begins of which the rest may still come; the length where none does."""
        first = len(content)
        for form in self.forms:
            at = content.find(form[:1], max(0, len(content) - len(form) + 1), first)
            while at >= 0 and not form.startswith(content[at:]):
                at = content.find(form[:1], at + 1, first)
            first = at if at >= 0 else first
        return first


class StreamMask:
    """Masks bytes that come in parts. What may be the beginning of a form is kept back until it is known.

    That is less than the longest form, and mostly nothing.
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""
        self._spans: list[Span] = []  # in what is held
        self._in_mask = False  # the last byte that went out was masked

    def feed(self, part: bytes) -> bytes:
        """Take the next part and give what is certain now."""
        known = len(self._held)
        self._held += part
        self._spans = _merged([*self._spans, *self._mask.spans(self._held, known)])
        return self._release(self._mask.unfinished(self._held))

    def end(self) -> bytes:
        """Give what was kept back: nothing follows."""
        return self._release(len(self._held))

    def _release(self, until: int) -> bytes:
        out: list[bytes] = []
        at = 0
        for start, end in self._spans:
            if start >= until:
                break
            self._pass(out, self._held[at:start])
            if not self._in_mask:
                out.append(MASKED)
                self._in_mask = True
            at = min(end, until)
        self._pass(out, self._held[at:until])
        self._held = self._held[until:]
        self._spans = [(max(0, start - until), end - until) for start, end in self._spans if end > until]
        return b"".join(out)

    def _pass(self, out: list[bytes], clear: bytes) -> None:
        if clear:
            out.append(clear)
            self._in_mask = False


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


# -- forms ----------------------------------------------------------------------------------------


def forms_of(value: str) -> set[bytes]:
    """Give the bytes by which a value is recognised: as it is, escaped, encoded, and each line by itself."""
    forms: set[bytes] = set()
    for text in {value, value.strip()}:
        raw = text.encode()
        forms.update(form.encode() for form in (*_escaped(text), *_in_addresses(text)))
        forms.update((raw, *_base64(raw)))
    for line in _lines(value):
        forms.update(form.encode() for form in (line, *_escaped(line)))
    return {form for form in forms if len(form) >= LEAST}


def _lines(value: str) -> list[str]:
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if len(line) >= LEAST] if len(lines) > 1 else []


def _escaped(text: str) -> Iterator[str]:
    """Give a text as JSON, as Python and as shells write it inside quotes."""
    for once in {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
        yield once
        yield _ESCAPE.sub(lambda found: "\\u" + found[1].upper(), once)
        yield once.replace("/", "\\/")
        yield once.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        yield json.dumps(once, ensure_ascii=False)[1:-1]  # a text that holds JSON, in JSON
    yield repr(text)[1:-1]
    yield repr(text + "'\"")[1:-4]  # with its single quotes escaped
    yield repr(text.encode())[2:-1]
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")


def _in_addresses(text: str) -> Iterator[str]:
    forms = [quote(text, safe=safe) for safe in ("", "/", _COMPONENT, _ADDRESS)]
    forms += [quote_plus(text), quote_plus(text, safe="*").replace("~", "%7E")]
    for form in forms:
        yield form
        yield _HEX.sub(lambda found: found[0].lower(), form)


def _base64(raw: bytes) -> Iterator[bytes]:
    """Give what is the same in every base64 text that holds these bytes: there are three ways to lie in it."""
    for letters in (b"+/", b"-_"):
        whole = b64encode(raw, letters)
        yield from (whole, whole.rstrip(b"="))
        for before in range(3):
            text = b64encode(bytes(before) + raw, letters)
            yield text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield from _pieces(whole)


def _pieces(text: bytes) -> Iterable[bytes]:
    for width in _LINES:
        if len(text) > width:
            yield from (text[at : at + width] for at in range(0, len(text), width))
