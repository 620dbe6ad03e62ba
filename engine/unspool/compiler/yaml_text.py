"""YAML text to a plain value, built straight from the parser's events and checked on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from unspool.compiler.locate import Lines, Locator
from unspool.compiler.reading import Reading
from unspool.compiler.scalars import NUMBER_STARTS, WORDS, Suspect, resolve_plain
from unspool.compiler.text_limits import MAX_ALIAS_NODES, MAX_DEPTH, MAX_DIGITS, MAX_KEY, MAX_NODES
from unspool.compiler.wording import quote
from unspool.compiler.yaml_errors import comment_cuts_expression, explain, glued_colon, reserved_start
from unspool.compiler.yaml_events import event_kinds, feed
from unspool.model.diagnostics import Diagnostic, Path

_ITEM = object()  # the "key" of whatever stands in a list
_SKIPPED = object()  # the key of a value that cannot be kept; taken out again at the end
_OPEN = object()  # the value of an anchor whose list or map is still being read
_COMMENT = re.compile(r"[ \t]*#")
_TAG = re.compile(r"!\S*")
_DIRECTIVE = re.compile(r"^%(?!YAML 1\.2\s)[^\r\n]*", re.MULTILINE)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ANCHOR_NAME = re.compile(r"[A-Za-z0-9_-]+")


class _Anchor(NamedTuple):
    """A value that aliases can stand for.

    `size` counts its values, `levels` the collections inside each other, and
    `suspects` is the part of all suspects that lies within.
    """

    value: Any
    size: int
    levels: int
    path: Path | None
    suspects: slice


class _Opened(NamedTuple):
    """An anchored collection that is still being read."""

    name: str
    mark: _Anchor
    nodes: int
    path: Path | None
    suspects: int


class _Refused(Exception):  # no error: reading stops, the findings say why
    """A limit is passed; nothing more is read."""


def read_yaml(text: str, lines: Lines, locator: Locator) -> Reading:
    """Read a YAML text in which only characters that YAML allows stand.

    Args:
        text: the document without a byte order mark.
        lines: its lines.
        locator: finds the places of its paths.
    """
    builder, failure = feed(text, lambda: _Builder(text, lines))
    findings = builder.findings
    findings += [_duplicate(path, key, index, locator) for path, key, index in builder.duplicates]
    if failure is not None:
        findings.append(explain(failure, text, lines))
    return Reading(None if failure else builder.finish(), tuple(findings), tuple(builder.suspects))


def _duplicate(path: Path | None, key: str, index: int, locator: Locator) -> Diagnostic:
    where = f" on line {locator.position(path, on_key=True).line}" if path else ""
    return Diagnostic(
        "UNS006",
        f"the key {quote(key)} stands here for the second time; the first is{where or ' above'}",
        position=locator.lines.position(index),
        hint="remove one of them, or give it another name",
    )


class _Builder:
    """Makes one value of one stream of events."""

    def __init__(self, text: str, lines: Lines) -> None:
        self.findings: list[Diagnostic] = []
        self.duplicates: list[tuple[Path | None, str, int]] = []
        self.suspects: list[Suspect] = []
        self._text = text
        self._lines = lines
        self._root: list[Any] = []
        # The lists and maps around the one being read, each with the key it waits to store under. A map's key is
        # None while the next scalar is a key.
        self._stack: list[tuple[Any, Any]] = []
        self._levels: list[int] = []  # of each open collection: how deep the collections in it go
        self._nodes = 0
        self._documents = 0
        self._names: dict[str, str] = {}  # keys seen before: checked once, and kept in memory once
        self._anchors: dict[str, _Anchor] = {}
        self._opened: dict[int, _Opened] = {}
        self._alias_nodes = 0
        self._dirty: list[dict[Any, Any]] = []

    def finish(self) -> Any:
        """Give the value read; None where reading was stopped or nothing was there."""
        for container in self._dirty:
            container.pop(_SKIPPED, None)
        return None if self._stack or not self._root else self._root[0]

    def consume(self, events: Iterator[Any]) -> None:
        """Build the value; findings say what is wrong with it."""
        try:
            self._build(self._counted(events) if len(self._text) > MAX_NODES else events)
        except _Refused:
            return

    def _build(self, events: Iterator[Any]) -> None:  # noqa: C901, PLR0912, PLR0915  # a call per event would cost a third more
        kinds = event_kinds()
        scalar, map_start, list_start, map_end, list_end = (
            kinds.scalar,
            kinds.map_start,
            kinds.list_start,
            kinds.map_end,
            kinds.list_end,
        )
        stack, levels, names, opened = self._stack, self._levels, self._names, self._opened
        container: Any = self._root
        key: Any = _ITEM
        for event in events:
            kind = type(event)
            if kind is scalar:
                value = event.value
                if event.ctag is not None:
                    self._refuse_tag(event)
                if key is None:
                    name = names.get(value) or self._key(event, container)
                    key = self._duplicate_key(event, container, name) if name in container else name
                    continue
                if event.implicit[0]:
                    if value in WORDS or value[0] in NUMBER_STARTS:
                        value = self._plain(event, container, key)
                    elif "${{" in value:
                        self._check_cut(event)
                elif not value.isascii():
                    value = self._without_surrogates(event)
                if event.anchor is not None:
                    self._anchors[event.anchor] = self._scalar_anchor(value, container, key)
            elif kind is map_start or kind is list_start:
                if event.ctag is not None:
                    self._refuse_tag(event)
                if event.anchor is not None:
                    self._open_anchor(event.anchor, container, key)
                if key is None:
                    self._refuse_complex_key(event)
                stack.append((container, key))
                levels.append(0)
                if len(stack) > MAX_DEPTH:
                    self._refuse_depth(event)
                container, key = ({}, None) if kind is map_start else ([], _ITEM)
                continue
            elif kind is map_end or kind is list_end:
                value = container
                if opened and len(stack) in opened:
                    self._close_anchor(value)
                container, key = stack.pop()
                below = levels.pop()
                if levels and levels[-1] <= below:
                    levels[-1] = below + 1
                self._nodes += len(value)
                if key is None:
                    key = self._skip(container)
                    continue
            elif kind is kinds.alias:
                value = self._alias(event, container, key)
                if key is None:
                    key = self._skip(container)
                    continue
            else:
                if kind is kinds.document_start:
                    self._start_document(event)
                continue
            if key is _ITEM:
                container.append(value)
            else:
                container[key] = value
                key = None

    def _counted(self, events: Iterator[Any]) -> Iterator[Any]:
        kinds = event_kinds()
        counted = (kinds.scalar, kinds.alias, kinds.map_start, kinds.list_start)
        count = 0
        for event in events:
            count += isinstance(event, counted)
            if count > MAX_NODES:
                self._find(
                    "UNS005",
                    f"more than {MAX_NODES:,} keys and values, which is the limit",
                    event,
                    "split the document",
                )
                raise _Refused
            yield event

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        directive = _DIRECTIVE.search(self._text, 0, event.end_mark.index)
        if directive is not None:
            message = f"the directive {quote(directive.group())} is not supported; YAML 1.2 is read"
            position = self._lines.position(directive.start())
            self.findings.append(Diagnostic("UNS019", message, position=position, hint="remove the line"))
        if self._documents > 1:
            hint = "keep one workflow in a file; remove the `---`"
            self._find("UNS012", "a second document begins here", event, hint)
            raise _Refused

    def _key(self, event: Any, container: dict[Any, Any]) -> Any:
        """Check a key that is met for the first time; give what to store under."""
        name = event.value
        if len(name) > MAX_KEY:
            self._find("UNS005", f"a key of {len(name):,} characters; the limit is {MAX_KEY:,}", event, "shorten it")
            return self._skip(container)
        if not event.implicit[0]:
            return self._without_surrogates(event)
        if name == "<<":
            hint = "write the keys out; a whole value can be repeated with an anchor and an alias"
            self._find("UNS009", "merge keys (`<<`) are not supported", event, hint)
            return self._skip(container)
        if (name in WORDS or name[0] in NUMBER_STARTS) and not _is_text(name):
            hint = f'quote it: "{name[:40]}"' if name else "write a key before the `:`"
            self._find("UNS008", f"the key {quote(name)} is not text" if name else "a key is missing", event, hint)
            return name
        self._names[name] = name
        return name

    def _duplicate_key(self, event: Any, container: dict[Any, Any], name: Any) -> Any:
        if name is not _SKIPPED:
            path = self._path(container, None)
            whole = None if path is None else (*path, name)
            self.duplicates.append((whole, name, event.start_mark.index))
        return self._skip(container)

    def _skip(self, container: dict[Any, Any]) -> object:
        """Have the next value of this map thrown away; its key is of no use."""
        self._dirty.append(container)
        return _SKIPPED

    def _plain(self, event: Any, container: Any, key: Any) -> Any:
        """Give the value of a plain scalar that may be more than text."""
        text = event.value
        if not text:
            self._check_glued_colon(event, key)
            return None
        value, flaw = resolve_plain(text)
        if flaw == "not_finite":
            hint = f'quote it if you mean the word: "{text}"'
            self._find("UNS015", f"`{text}` is a number that JSON cannot hold", event, hint)
        elif flaw == "too_long":
            self._find("UNS005", f"a number of {len(text):,} digits; the limit is {MAX_DIGITS:,}", event, "quote it")
        elif flaw is not None:
            path = self._path(container, key)
            self.suspects += [] if path is None else [Suspect(path, flaw, text)]
        elif "${{" in text:
            self._check_cut(event)
        return value

    def _without_surrogates(self, event: Any) -> str:
        """Give the text of a quoted scalar; the C parser refuses half characters by itself."""
        text: str = event.value
        if _SURROGATE.search(text) is None:
            return text
        hint = "write a character beyond FFFF as \\U0001F600, not as two \\uD83D\\uDE00"
        self._find("UNS004", "an escape here is half a character", event, hint)
        return _SURROGATE.sub("\ufffd", text)

    def _check_cut(self, event: Any) -> None:
        text, opening = event.value, event.value.rfind("${{")
        if text.rfind("}}") > opening or text[opening - 1 : opening] == "$":
            return
        comment = _COMMENT.match(self._text, event.end_mark.index)
        if comment is not None:
            self.findings.append(comment_cuts_expression(comment.end() - 1, self._lines))

    def _check_glued_colon(self, event: Any, key: Any) -> None:
        """In `{a:1}` the whole `a:1` is a key without a value."""
        before = self._text[: event.start_mark.index].rstrip() if isinstance(key, str) and ":" in key else ":"
        if not before.endswith(":"):
            message, hint = glued_colon(*key.split(":", 1))
            self._find("UNS001", message, event, hint)

    def _refuse_tag(self, event: Any) -> None:
        tag = _TAG.search(self._text, event.start_mark.index, event.end_mark.index)
        index = tag.start() if tag else event.start_mark.index  # the Python parser may begin behind the tag
        message = f"the tag {quote(tag.group() if tag else '!')} is not supported"
        hint = "remove it; quote a value that starts with `!`"
        self.findings.append(Diagnostic("UNS007", message, position=self._lines.position(index), hint=hint))

    def _refuse_complex_key(self, event: Any) -> None:
        if any(under is None for _, under in self._stack):
            return  # already inside such a key
        start = event.start_mark.index
        braces = "{{" in self._text[max(0, start - 1) : start + 2]
        hint = (
            "an expression is written with a dollar sign and in quotes: '${{ ... }}'" if braces else "write it as text"
        )
        self._find("UNS008", "a key must be text, not a list, a map or an alias", event, hint)

    def _refuse_depth(self, event: Any) -> None:
        message = f"lists and maps nest deeper than {MAX_DEPTH} levels, which is the limit"
        self._find("UNS005", message, event, "write the document with less nesting")
        raise _Refused

    def _scalar_anchor(self, value: Any, container: Any, key: Any) -> _Anchor:
        path = self._path(container, key)
        count = len(self.suspects)
        own = bool(count and path is not None and self.suspects[-1].path == path)
        return _Anchor(value, 1, 0, path, slice(count - own, count))

    def _open_anchor(self, name: str, container: Any, key: Any) -> None:
        path = self._path(container, key)
        mark = _Anchor(_OPEN, 0, 0, path, slice(0))
        self._anchors[name] = mark
        self._opened[len(self._stack) + 1] = _Opened(name, mark, self._nodes, path, len(self.suspects))

    def _close_anchor(self, value: Any) -> None:
        opened = self._opened.pop(len(self._stack))
        if self._anchors[opened.name] is not opened.mark:
            return  # an anchor of the same name inside came later, and aliases mean the latest
        size = 1 + self._nodes + len(value) - opened.nodes
        suspects = slice(opened.suspects, len(self.suspects))
        self._anchors[opened.name] = _Anchor(value, size, self._levels[-1] + 1, opened.path, suspects)

    def _alias(self, event: Any, container: Any, key: Any) -> Any:
        """Give what an alias stands for. It is shared, never copied: nothing may change a value that was read."""
        anchor = self._anchors.get(event.anchor)
        if key is None:
            self._refuse_complex_key(event)
            return None
        if anchor is None:
            return self._refuse_unknown_alias(event)
        if anchor.value is _OPEN:
            hint = "an alias cannot stand inside the value that it repeats; write the value out"
            self._find("UNS011", f"the value of {quote('&' + event.anchor)} contains itself", event, hint)
            return None
        self._count_alias(event, anchor)
        path = self._path(container, key)
        if path is not None and anchor.path is not None:
            depth = len(anchor.path)
            within = self.suspects[anchor.suspects]
            self.suspects += [Suspect(path + one.path[depth:], one.kind, one.text) for one in within]
        return anchor.value

    def _count_alias(self, event: Any, anchor: _Anchor) -> None:
        self._alias_nodes += anchor.size
        self._nodes += anchor.size - 1
        if self._alias_nodes > MAX_ALIAS_NODES:
            message = f"the aliases stand for more than {MAX_ALIAS_NODES:,} values, which is the limit"
            self._find("UNS011", message, event, "write the repeated part once, as a default or an input")
            raise _Refused
        if len(self._stack) + anchor.levels > MAX_DEPTH:
            self._refuse_depth(event)
        if self._levels:
            self._levels[-1] = max(self._levels[-1], anchor.levels)

    def _refuse_unknown_alias(self, event: Any) -> None:
        if _ANCHOR_NAME.fullmatch(event.anchor):
            hint = f"define it with `&{event.anchor[:40]}`, or quote the value: '*{event.anchor[:40]}'"
            self._find("UNS010", f"no anchor {quote('&' + event.anchor)} stands before this alias", event, hint)
        else:
            message, hint = reserved_start(event.start_mark.index, self._text)
            self._find("UNS019", message, event, hint)

    def _find(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        self.findings.append(
            Diagnostic(code, message, position=self._lines.position(event.start_mark.index), hint=hint)
        )

    def _path(self, container: Any, key: Any) -> Path | None:
        """Give the path of the value being read, None where it will be thrown away."""
        steps = [len(held) if under is _ITEM else under for held, under in self._stack[1:]]
        steps += [len(container) if key is _ITEM else key] if self._stack else []
        ends = steps[:-1] if key is None else steps
        return None if _SKIPPED in ends or None in ends else tuple(ends)


def _is_text(name: str) -> bool:
    value, flaw = resolve_plain(name)
    return isinstance(value, str) and flaw in (None, "yes_no")
