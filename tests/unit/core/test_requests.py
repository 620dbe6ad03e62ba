import pytest

from tests.property.worlds import started
from unspool.core.evaluation import build_spec
from unspool.core.run import Run
from unspool.errors import ExpressionError
from unspool.model.commands import StartAttempt
from unspool.model.events import TaskAdmitted
from unspool.model.plan import Plan, Task

INPUTS = {
    "flag": True,
    "item": 7,
    "name": "a/b c",
    "nothing": None,
    "statuses": [200, 404],
    "host": "example.com",
    "lines": "a\nb",
}


def spec_of(**action) -> dict:
    action = {"url": "http://a/", "method": "GET", "headers": {}, "expect": None, **action}
    task = Task(0, "t", "http", action, dynamic=True)
    run = Run()
    run.apply(started(Plan("p", (task,)))._replace(inputs=INPUTS))
    return build_spec(task, run._seen())


def test_every_part_of_a_request_is_evaluated():
    assert spec_of(
        url="https://${{ inputs.host }}/items/${{ inputs.item }}?q=${{ inputs.name | urlencode }}",
        method="${{ 'PUT' if inputs.flag else 'POST' }}",
        headers={"X-Item": "${{ inputs.item }}", "Accept": "text/plain"},
        json={"id": "${{ inputs.item }}", "text": "no ${{ inputs.item }}", "none": None},
        expect="${{ inputs.statuses }}",
    ) == {
        "url": "https://example.com/items/7?q=a%2Fb%20c",
        "method": "PUT",
        "headers": {"X-Item": "7", "Accept": "text/plain"},
        "json": {"id": 7, "text": "no 7", "none": None},
        "expect": [200, 404],
        "env": {},
        "cwd": None,
    }


def test_a_request_is_built_when_its_leases_are_known():
    """In life and on replay alike: the fact of the admission holds them."""
    action = {"url": "http://a/${{ lease.port }}", "method": "GET", "headers": {"X": "${{ lease.port }}"}}
    action |= {"json": ["${{ lease.port }}"], "expect": None}
    run = Run()
    run.apply(started(Plan("p", (Task(0, "t", "http", action, dynamic=True, uses=(("port", 1),)),))))
    order = run.apply(TaskAdmitted(1001.0, 0, 1, 1, {"port": 8001}))[0]
    assert isinstance(order, StartAttempt)
    assert order.spec is not None
    assert (order.spec["url"], order.spec["headers"], order.spec["json"]) == ("http://a/8001", {"X": "8001"}, [8001])


def test_a_body_is_text_and_json_keeps_its_type():
    assert spec_of(body="${{ inputs.statuses }}")["body"] == "[200,404]"
    assert spec_of(json="${{ inputs.nothing }}")["json"] is None


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"url": "${{ inputs.host }}/x"}, r"url: 'example.com/x' must begin with `http://`"),
        ({"url": "ftp://${{ inputs.host }}"}, "url: .* must begin with"),
        ({"url": "http://a/${{ inputs.name }}"}, "url: .* holds a space .* urlencode"),
        ({"url": "http://a/${{ inputs.lines }}"}, "url: .* control character"),
        ({"url": "${{ inputs.nothing }}"}, "url: .* gives null"),
        ({"method": "${{ 'get' }}"}, "method: 'get' is none of GET, HEAD"),
        ({"headers": {"X": "${{ inputs.lines }}"}}, "X: the value holds a line end"),
        ({"headers": {"X": "${{ inputs.item + inputs.name }}"}}, "X: "),
        ({"expect": "${{ inputs.item }}"}, "expect: it must be a list of statuses"),
        ({"expect": "${{ [true] }}"}, "expect: it must be"),
        ({"expect": "${{ [] }}"}, "expect: it must be"),
        ({"expect": "${{ [99] }}"}, "expect: it must be"),
        ({"json": {"a": "${{ tasks.other.outputs.x }}"}}, "absent"),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is(action, said):
    with pytest.raises(ExpressionError, match=said):
        spec_of(**action)


def test_a_request_that_cannot_be_sent_fails_its_task_for_good():
    from unspool.model.events import TaskAdmitted
    from unspool.model.plan import Retry

    action = {"url": "${{ inputs.host }}", "method": "GET", "headers": {}, "expect": None}
    run = Run()
    task = Task(0, "t", "http", action, dynamic=True, retry=Retry(max_attempts=5))
    run.apply(started(Plan("p", (task,)))._replace(inputs=INPUTS))
    assert [order.text for order in run.apply(TaskAdmitted(1001.0, 0, 1, 1))] == ["release:1", "finish:failed"]
    assert run.tasks[0].reason == "expression_error"
