from dataclasses import replace

from unspool.model.plan import Task, changed


def test_a_changed_task_is_what_replace_gives():
    task = Task(1, "a", "run", {"argv": ["true"]}, needs=((0, "ok"),), env={"A": "1"}, timeout=2.0)
    assert changed(task, index=5, id="a[x]", needs=()) == replace(task, index=5, id="a[x]", needs=())
    assert changed(task) == task
    assert task.index == 1
