"""The typed form of a document."""

from __future__ import annotations

import copy

import pytest
from pydantic import ValidationError

from tests.property.mutants import SEEDS
from unspool.model.document import Document, Retry, Task


def document(**task):
    return {"unspool": 1, "name": "x", "tasks": {"a": task or {"run": "true"}}}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed["name"])
def test_a_document_is_read_and_given_back_unchanged(seed):
    assert Document.model_validate(copy.deepcopy(seed)).to_value() == seed


def test_keys_that_are_words_of_python_have_other_names():
    read = Document.model_validate(document(run="x", **{"with": {"a": 1}}, outputs={"n": {"from": "json"}}))
    assert read.tasks["a"].arguments == {"a": 1}
    assert read.tasks["a"].outputs["n"].source == "json"


def test_only_given_keys_count_as_given():
    task = Document.model_validate(document(run="x", timeout="5m")).tasks["a"]
    assert task.model_fields_set == {"run", "timeout"}
    assert task.retry is None


def test_documents_can_be_built_in_python():
    built = Document(unspool=1, name="x", tasks={"a": Task(run=["make"], retry=Retry(max_attempts=3))})
    assert built.to_value() == document(run=["make"], retry={"max_attempts": 3})


def test_a_document_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Document.model_validate(document()).name = "y"


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        ({"description": "nothing to do"}, "exactly one of run, python, http"),
        ({"run": "x", "python": "a:b"}, "exactly one of run, python, http"),
        ({"run": ["x"], "shell": "bash"}, "`shell` goes with a script"),
        ({"python": "a:b", "stdin": "x"}, "`stdin` goes with `run`"),
        ({"http": {"url": "http://a/"}, "env": {}}, "go with a process, not with `http`"),
        ({"http": {"url": "http://a/", "json": None, "body": ""}}, "not both"),
        ({"http": {"url": "http://a/", "expect": [99]}}, "greater than or equal to 100"),
        ({"run": "x", "retry": {"on": [{}]}}, "exactly one of `exit_code` and `status`"),
        ({"run": "x", "retry": {"on": [{"exit_code": [1], "status": [500]}]}}, "exactly one of `exit_code` and"),
        ({"run": "x", "timeout": None}, "`timeout` must not be null"),
        ({"run": "x", "tiemout": "5m"}, "Extra inputs are not permitted"),
        ({"run": "x", "depends_on": ["b", "b"]}, "must differ"),
        ({"run": "x", "retry": {"max_attempts": True}}, "not a number"),
        ({"run": "x", "retry": {"max_attempts": "3"}}, "valid integer"),
    ],
)
def test_what_the_language_refuses_is_refused(task, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Document.model_validate(document(**task))


def test_a_whole_number_may_be_spelt_with_a_fraction_of_zero():
    read = Document.model_validate(document(run="x", retry={"max_attempts": 3.0}))
    assert read.tasks["a"].retry.max_attempts == 3
    assert isinstance(read.tasks["a"].retry.max_attempts, int)


def test_only_extension_keys_may_be_added_at_the_top():
    assert Document.model_validate({**document(), "x-anchors": None}).model_extra == {"x-anchors": None}
    with pytest.raises(ValidationError, match="unknown key `anchors`"):
        Document.model_validate({**document(), "anchors": {}})
