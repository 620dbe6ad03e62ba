"""Finds what hosts must read of attempts beyond what expressions name: what groups collect, and what stand-ins show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from unspool.compiler.flatten import Flat

_VALUE = frozenset(("json", "*"))
_JSON = frozenset(("json",))


def with_collected(flat: Flat, uses: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
    """Give of each task the fields of its `result` that somebody comes to see; `*` is all of it.

    Args:
        flat: the document.
        uses: of each task, those fields that expressions read.

    Cost: O(size of the document), for each of the few fields that there are.
    """
    if not flat.roles:
        return uses
    tasks = flat.readable.document["tasks"]
    wanted = {name: frozenset(fields) for name, fields in uses.items()}
    left = [*wanted, *(name for name in flat.roles if "outputs" in tasks[name])]
    while left:
        name = left.pop()
        for other, fields in _made_of(flat, name, wanted.get(name, frozenset())):
            if not fields <= wanted.get(other, frozenset()):
                wanted[other] = wanted.get(other, frozenset()) | fields
                left.append(other)
    return wanted


def _made_of(flat: Flat, name: str, fields: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Give the tasks whose results make up that of another one, each with what is needed of it."""
    tasks = flat.readable.document["tasks"]
    body, role = tasks[name], flat.role(name)
    policy = body.get("on_failure")
    stand_in = policy.get("substitute") if isinstance(policy, dict) else None
    if stand_in is not None and stand_in in tasks:
        yield stand_in, fields
    if role.region:
        yield role.region[-1], fields
    if role.kind == "group" and ("outputs" in body or fields & _VALUE):
        for member in _collected(body["group"], role.members):
            if "outputs" not in tasks[member]:
                yield member, _JSON


def _collected(group: dict[str, object], members: tuple[str, ...]) -> tuple[str, ...]:
    """Give the members of a group whose values it takes as they are."""
    takes_all = isinstance(group.get("aggregate", "collect"), str) and "is_document" not in group
    return members if takes_all else ()
