"""What others may ask of a run: about tasks that people see, and nothing else."""

from __future__ import annotations

import pytest

from tests.property.shapes import Trial
from unspool.host.ports import Request


@pytest.mark.parametrize("name", ["g._gate", "book/compensate", "nobody"])
def test_nobody_can_name_what_is_no_task_to_people(name):
    trial = Trial("rollback" if "book" in name else "sequence")
    trial.host.step()
    assert trial.host.request(Request("one", "r1", "cancel", name)) == f"run r1 has no task {name!r}"
    assert trial.drive().state != "cancelled"


def test_what_a_run_has_grown_can_be_named():
    trial = Trial("pool")
    trial.host.step()
    assert trial.host.request(Request("one", "r1", "cancel", "each[j]")) == "ok"
    trial.drive()
    assert trial.ends()["each[j]"] == ("cancelled", "cancelled_by_person")


def test_only_who_is_waited_for_can_decide():
    trial = Trial("closing")
    trial.host.step()
    assert "does not wait for a person: it is queued" in trial.host.request(Request("one", "r1", "approve", "pause"))
    assert trial.host.request(Request("two", "r1", "approve")) == "say which task is meant"
    assert trial.host.request(Request("three", "r1", "reject", "ask", note="not today")) == "ok"
    trial.drive()
    assert trial.ends()["ask"] == ("failed", "rejected")
    assert "nobody" not in trial.run.tasks[0].error["message"]
