"""What a plan says of tasks that are parts of something: the fields of gates, groups, templates and their like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unspool.compiler.conditions import condition_source
from unspool.compiler.flatten import UNDO, Flat, Role
from unspool.compiler.graph import EACH, GATE, Graph
from unspool.model.plan import Group

_DEFAULT_ROLLBACKS = 1


def plan_order(flat: Flat, graph: Graph) -> list[int]:
    """Give the order of the plan: what runs first, then what copies are made of, each region in one piece.

    A region ends with the node that stands for the whole copy.
    """
    if not flat.roles:
        return graph.order
    position = {node: at for at, node in enumerate(graph.order)}
    regions = _regions(flat)

    def laid(names: Iterable[str]) -> list[int]:
        inside = list(names)
        nested = [name for name in inside if name in regions]
        hidden = {each for name in nested for each in regions[name]}
        own = [graph.number[name] for name in inside if name not in hidden]
        *first, last = own
        first.sort(key=position.__getitem__)
        return [*first, *(node for name in nested for node in laid(regions[name])), last]

    within = {each for region in regions.values() for each in region}
    main = [node for node in graph.order if flat.role(graph.names[node]).template == 0]
    loose = [node for node in graph.order if flat.role(graph.names[node]).template and graph.names[node] not in within]
    outer = [name for name in regions if name not in within]
    return [*main, *loose, *(node for name in outer for node in laid(regions[name]))]


def _regions(flat: Flat) -> dict[str, tuple[str, ...]]:
    """Give what copies are made of, by the name of what they are copied for."""
    return {name: role.region for name, role in flat.roles.items() if role.region and role.kind != "template"}


def needs_within(flat: Flat, graph: Graph) -> list[list[tuple[int, str]]]:
    """Give what each task waits for, without what lies outside the copy that it will be a part of."""
    if not flat.roles:
        return graph.needs
    home: dict[int, str] = {}
    regions = _regions(flat)
    for name, region in sorted(regions.items(), key=lambda pair: flat.roles[pair[0]].template):
        for each in region:
            home[graph.number[each]] = name  # the innermost counts: it comes last
    for name, role in flat.roles.items():
        if role.kind == "undo":
            home[graph.number[name]] = name
    return [
        [(need, state) for need, state in needs if home.get(need) == home.get(node)]
        for node, needs in enumerate(graph.needs)
    ]


def parts_of(name: str, body: Mapping[str, Any], role: Role, place: Mapping[str, int]) -> dict[str, Any]:
    """Give the fields of a plan's task that say what it is a part of, and what its failure asks for.

    Args:
        name: its whole name.
        body: its keys.
        role: what it is.
        place: the index of every task, where any is a part.
    """
    fields: dict[str, Any] = {}
    if role.scope:
        fields["scope"] = role.scope
    if role.closing:
        fields["closing"] = True
    if role.template:
        fields["template"] = role.template
    is_template = role.frame is None and not role.scope and role.kind in ("task", "fan_out")
    if role.inputs is not None and is_template:
        fields["inputs"] = role.inputs
    if role.frame is not None:
        fields["frame"] = place[role.frame]
    if role.shielded:
        fields["shielded"] = True
    if role.previous is not None:
        fields["previous"] = place[role.previous]
    if is_template and role.template and f"{name}{EACH}" in place:
        fields["collector"] = place[f"{name}{EACH}"]
    if f"{name}{UNDO}" in place:
        fields["undo"] = place[f"{name}{UNDO}"]
    fields |= _kind_of(name, body, role, place)
    return fields | _failure_of(body, place)


def _kind_of(name: str, body: Mapping[str, Any], role: Role, place: Mapping[str, int]) -> dict[str, Any]:
    if role.kind == "door":
        return {"kind": "door"}
    if role.kind == "template":
        region = role.region and (place[role.region[-1]] + 1 - len(role.region), place[role.region[-1]] + 1)
        return {"kind": "template", "peers": tuple(place[peer] for peer in role.peers), "region": region or None}
    if role.kind == "gate":
        return {"kind": "gate", "inputs": body["workflow"]["declared"]} if "workflow" in body else {"kind": "gate"}
    if role.kind == "fan_out":
        return {"kind": "group", "region": (place[role.region[-1]] + 1 - len(role.region), place[role.region[-1]] + 1)}
    if role.kind == "group":
        if "is_document" in body["group"]:
            members = tuple(place[member] for member in role.members)
            return {"kind": "group", "group": Group(place[f"{name}{GATE}"], members, "values", body["group"]["values"])}
        aggregate = body["group"].get("aggregate", "collect")
        reduce = None if isinstance(aggregate, str) else condition_source(aggregate["reduce"])
        members = tuple(place[member] for member in role.members)
        return {
            "kind": "group",
            "group": Group(place[f"{name}{GATE}"], members, "reduce" if reduce else aggregate, reduce),
        }
    kind = next((word for word in ("wait", "approval") if word in body), None)
    return {} if kind is None else {"kind": kind}


def _failure_of(body: Mapping[str, Any], place: Mapping[str, int]) -> dict[str, Any]:
    policy = body.get("on_failure")
    if not isinstance(policy, dict):
        return {}
    if "substitute" in policy:
        return {"substitute": (place[policy["substitute"]], policy.get("with", {}))}
    then = policy["rollback"].get("then", "cancel")
    return {"rollback": (then, int(policy["rollback"].get("attempts", _DEFAULT_ROLLBACKS)))}


def action_without_attempt(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the action of a kind that the run carries out by itself."""
    if "wait" in body:
        wait = body["wait"]
        return {"for": wait} if isinstance(wait, str) else {"until": wait["until"]}
    if "approval" in body:
        asked = body["approval"]
        keys = {"prompt": asked} if isinstance(asked, str) else asked
        return {"prompt": keys["prompt"], "default": keys.get("default", "reject")}
    if "workflow" in body:
        return {"with": body["workflow"]["inputs"], "env": body["workflow"]["env"]}
    return {}
