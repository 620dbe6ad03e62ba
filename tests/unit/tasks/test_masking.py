"""The mask: whatever the form of a secret, and wherever the stream is cut, `***` stands in its place."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import urllib.parse
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unspool.tasks.masking import LEAST, MASKED, Mask, StreamMask, forms_of

NASTY = [
    "correct horse",
    'it\'s "quoted" \\ and/or <b>&amp;',
    "päss wörd +%41~",
    "first line\nsecond=line\r\nthird/line+",
    "\U0001f511 key \u2028 end",
    "/+/+/+/+",
    "aaaaaaaa",
    "-----BEGIN KEY-----\n" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w\n" * 4 + "-----END KEY-----\n",
]


def shown_in(value: str) -> dict[str, str]:
    """Write a value in every way that a task might."""
    raw = value.encode()
    return {
        "raw": value,
        "json": json.dumps(value),
        "json unicode": json.dumps(value, ensure_ascii=False),
        "json twice": json.dumps(json.dumps({"token": value})),
        "python": repr(value),
        "bytes": repr(raw),
        "shell": shlex.quote(value),
        "url": urllib.parse.quote(value),
        "url component": urllib.parse.quote(value, safe=""),
        "form": urllib.parse.urlencode({"token": value}),
        "lower": urllib.parse.quote(value, safe="").lower() if value.islower() else urllib.parse.quote(value),
        "base64": base64.b64encode(raw).decode(),
        "base64 shifted by one": base64.b64encode(b"u" + raw + b"x").decode(),
        "base64 shifted by two": base64.b64encode(b"u:" + raw + b"yz").decode(),
        "base64 for addresses": base64.urlsafe_b64encode(b"user:" + raw).decode().rstrip("="),
        "base64 in lines": base64.encodebytes(raw).decode(),
    }


def survivors(text: bytes, value: str) -> list[bytes]:
    return [form for form in forms_of(value) if form in text]


@pytest.mark.parametrize("value", NASTY)
def test_no_form_of_a_secret_survives(value: str):
    mask = Mask({"S": value})
    for name, text in shown_in(value).items():
        masked = mask.content(f"before {text} after".encode())
        assert MASKED in masked, name
        assert survivors(masked, value) == [], name
        assert (masked[:7], masked[-6:]) == (b"before ", b" after"), name


@pytest.mark.parametrize("value", NASTY)
def test_each_line_is_masked_by_itself(value: str):
    mask = Mask({"S": value})
    for line in value.splitlines():
        if len(line.strip()) >= LEAST:
            assert mask.text(f"> {line.strip()} <") == "> *** <"


@pytest.mark.parametrize("wrap", [76, 64])
def test_base64_that_tools_break_into_lines(wrap: int):
    value = "".join(chr(33 + number * 7 % 90) for number in range(300))
    text = subprocess.run(["base64", "-w", str(wrap)], input=value.encode(), capture_output=True, check=True).stdout
    masked = Mask({"S": value}).content(text)
    assert masked == b"***\n" * text.count(b"\n")


def test_text_without_a_secret_is_as_it_was():
    mask = Mask({"S": "sesame-open"})
    content = bytes(range(256)) * 40
    assert mask.content(content) is content
    text = "sesame-ope\udc80n"
    assert mask.text(text) is text


def test_runs_that_overlap_or_touch_become_one():
    mask = Mask({"A": "abab", "B": "xyxy"})
    assert mask.text("-ababab-") == "-***-"
    assert mask.text("-ababxyxyabab-") == "-***-"
    assert mask.text("-abab-xyxy-") == "-***-***-"


def test_texts_numbers_and_names_of_json_are_masked():
    mask = Mask({"A": "1234567", "B": "it's"})
    value = {"it's": [1234567, 0.1234567, "x it's", True, None, 7], "n": {"a": ("it's",)}}
    assert mask.value(value) == {"***": ["***", "0.***", "x ***", True, None, 7], "n": {"a": ["***"]}}


def test_a_text_comes_through_at_once_unless_it_may_begin_a_secret():
    stream = Mask({"S": "sesame-open"}).stream()
    assert stream.feed(b"10 %\r") == b"10 %\r"
    assert stream.feed(b"doors: ") == b"doors: "
    assert stream.feed(b"sesame-") == b""
    assert stream.feed(b"closed") == b"sesame-closed"
    assert stream.feed(b"sesame-op") == b""
    assert stream.end() == b"sesame-op"


def test_what_is_kept_back_is_less_than_the_longest_form():
    mask = Mask({"S": "a" * 50 + "b"})
    stream = mask.stream()
    longest = max(map(len, mask.forms))
    for _ in range(50):
        stream.feed(b"a" * 1000)
        assert len(stream._held) < longest


SECRETS = st.lists(st.text("ab+/ ü\n\"'%", min_size=LEAST, max_size=12).filter(str.strip), min_size=1, max_size=3)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Give secrets, and a stream of their forms, halves of them, and other bytes."""
    values = draw(SECRETS)
    forms = sorted({form for value in values for form in forms_of(value)})
    halves = st.sampled_from(forms).flatmap(lambda form: st.integers(1, len(form)).map(lambda cut: form[:cut]))
    parts = draw(st.lists(st.one_of(st.sampled_from(forms), halves, st.binary(max_size=3)), max_size=12))
    return values, b"".join(parts)


def cut(content: bytes, data: Any) -> list[bytes]:
    places = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    return [content[start:end] for start, end in zip([0, *places], [*places, len(content)], strict=True)]


def run(stream: StreamMask, parts: list[bytes]) -> bytes:
    return b"".join([*map(stream.feed, parts), stream.end()])


@given(streams(), st.data())
def test_wherever_a_stream_is_cut_the_result_is_the_same(given_: tuple[list[str], bytes], data: Any):
    values, content = given_
    mask = Mask({str(number): value for number, value in enumerate(values)})
    whole = run(mask.stream(), [content])
    assert run(mask.stream(), cut(content, data)) == whole
    assert run(mask.stream(), [content[at : at + 1] for at in range(len(content))]) == whole
    assert mask.content(content) == whole


@given(streams())
@example((["ab\nab", "a  b"], b"ab\nab\nab"))
def test_nothing_of_a_stream_shows_a_form(given_: tuple[list[str], bytes]):
    values, content = given_
    mask = Mask({str(number): value for number, value in enumerate(values)})
    masked = mask.content(content)
    assert [form for form in mask.forms if form in masked] == []
    assert masked == by_hand(mask.forms, content)


def by_hand(forms: tuple[bytes, ...], content: bytes) -> bytes:
    """Mask byte by byte: slow, and plainly right."""
    covered = [False] * len(content)
    for form in forms:
        for at in range(len(content) - len(form) + 1):
            if content[at : at + len(form)] == form:
                covered[at : at + len(form)] = [True] * len(form)
    out = bytearray()
    for at, byte in enumerate(content):
        if not covered[at]:
            out.append(byte)
        elif not at or not covered[at - 1]:
            out += MASKED
    return bytes(out)
