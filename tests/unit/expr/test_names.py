"""The values an expression names, and whether it minds their absence."""

from __future__ import annotations

import pytest

from unspool.expr import parse_expression


def named(source):
    """Paths joined by dots; `?` where absence does no harm, `*` where a computed member follows."""
    return [
        ".".join(map(str, found.path)) + ("" if found.exact else "*") + ("?" if found.guarded else "")
        for found in parse_expression(source).references
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1", []),
        ("a", ["a"]),
        ("tasks.x.outputs.y", ["tasks.x.outputs.y"]),
        ("tasks['x'].outputs[0]", ["tasks.x.outputs.0"]),
        ("a[-1].b", ["a.-1.b"]),
        ("a.b[c.d].e", ["a.b*", "c.d"]),
        ("a[b][c]", ["a*", "b", "c"]),
        ("a.b[1:c]", ["a.b", "c"]),
        ("a.b[1:] | default('')", ["a.b?"]),
        ("a + b * -c // d", ["a", "b", "c", "d"]),
        ("a ~ b", ["a", "b"]),
        ("a < b <= c", ["a", "b", "c"]),
        ("[a, {b: c}]", ["a", "b", "c"]),
        ("a | join(b) | replace(old=c, new=d)", ["a", "b", "c", "d"]),
        ("a | default(b)", ["a?", "b"]),
        ("a.b[c] | default(0)", ["a.b*?", "c"]),
        ("a | default(b) | default(c)", ["a?", "b?", "c"]),
        ("a | first | default(0)", ["a"]),
        ("(a ~ b) | default(0)", ["a", "b"]),
        ("a is defined", ["a?"]),
        ("a is undefined or a > 1", ["a?", "a?"]),
        ("a is none", ["a"]),
        ("a is eq b", ["a", "b"]),
        ("a.b is defined and a.b.c > a.b", ["a.b?", "a.b.c", "a.b?"]),
        ("a.b.c is defined and a.b", ["a.b.c?", "a.b?"]),
        ("a is defined or a", ["a?", "a"]),
        ("a if a is defined else b", ["a?", "a?", "b"]),
        ("b if a is undefined else a", ["b", "a?", "a?"]),
        ("b if not a is defined else a", ["b", "a?", "a?"]),
        ("(a ~ b) if a is defined and b is defined else ''", ["a?", "b?", "a?", "b?"]),
        ("c if (a is undefined or b is undefined) else a ~ b", ["c", "a?", "b?", "a?", "b?"]),
        ("a if a[b] is defined else c", ["a", "a*?", "b", "c"]),
        ("(a if b else c).d", ["a", "b", "c"]),
        ("x if not (a is defined) else y", ["x", "a?", "y"]),
    ],
)
def test_references(source, expected):
    assert named(source) == expected


def test_offsets_lead_to_the_name():
    source = "1 + tasks.x.y ~ (inputs.z | default(env.E))"
    for found in parse_expression("  " + source).references:
        assert source[found.offset :].startswith(found.path[0] + "." + found.path[1])
