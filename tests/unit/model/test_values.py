"""A value travels inline or as a reference, and comes back as it went."""

from __future__ import annotations

import json

import pytest

from unspool.model.values import Inline, Ref, from_json, to_json


@pytest.mark.parametrize("value", [Inline(None), Inline([1, {"a": "b"}]), Ref("ab" * 32, 10**7, "first lines")])
def test_both_forms_survive_the_journal(value):
    back = from_json(json.loads(json.dumps(to_json(value))))
    assert back == value
    assert type(back) is type(value)


def test_the_stored_forms_are_what_the_design_says():
    assert to_json(Inline(3)) == {"inline": 3}
    assert to_json(Ref("ab", 5, "hello")) == {"ref": "ab", "size": 5, "head": "hello"}


def test_anything_else_is_refused():
    with pytest.raises(ValueError, match="neither `inline` nor `ref`"):
        from_json({"value": 3})
