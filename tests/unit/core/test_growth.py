"""How a run grows: instances, their ends, and what becomes of their parent."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play

FANNED = """
inputs: {items: {type: array, default: [a, b, c]}}
tasks:
  before: {run: [x]}
  each:
    depends_on: [before]
    for_each: ${{ inputs.items }}
    run: [x, "${{ item }}", "${{ index }}"]
    outputs: {said: {type: string, from: stdout, default: none}}
    on_failure: %s
  after: {depends_on: {each: any}, run: [y, "${{ tasks.each.outputs.said | default([]) | join(',') }}"]}
"""


def test_one_instance_for_each_item():
    player = play(FANNED % "skip")
    assert player.states() == {
        "before": "completed",
        "each": "completed",
        "after": "completed",
        "each[a]": "completed",
        "each[b]": "completed",
        "each[c]": "completed",
    }


def test_others_see_lists_in_the_order_of_the_items():
    player = play(FANNED % "skip", {"each[b]": FAILS})
    spec = next(
        command.spec
        for entry in player.entries
        for command in entry.commands
        if type(command).__name__ == "StartAttempt" and command.tasks == (2,)
    )
    assert spec["argv"] == ["y", "each[a],none,each[c]"]


@pytest.mark.parametrize(
    ("policy", "fates", "parent", "run"),
    [
        ("skip", {}, ("completed", None), "completed"),
        ("skip", {"each[a]": FAILS}, ("failed", "instance_failed"), "completed"),
        ("cancel_dependents", {"each[a]": FAILS}, ("failed", "instance_failed"), "failed"),
        ("abort", {"each[a]": FAILS}, None, "failed"),
    ],
)
def test_the_state_of_a_parent_is_that_of_its_instances(policy, fates, parent, run):
    orders = 1 if policy == "abort" else 6  # who is cancelled depends on who was under way
    player = play(FANNED % policy, fates, orders)
    assert player.run.state == run
    if parent is not None:
        assert player.ends()["each"] == parent
        assert player.states()["each[b]"] == "completed", "siblings go on"


def test_an_empty_list_completes_at_once():
    player = play(FANNED % "skip", inputs={"items": []})
    assert player.ends()["each"] == ("completed", None)
    assert player.states()["after"] == "completed"


@pytest.mark.parametrize(
    ("items", "reason"),
    [(["a", "a"], "duplicate_key"), ("text", "expression_error"), (list(range(101)), "budget_exhausted")],
)
def test_a_list_that_cannot_be_used_fails_the_parent(items, reason):
    player = play(FANNED % "skip", inputs={"items": items})
    assert player.ends()["each"] == ("failed", reason)
    assert player.states()["after"] == "completed"


def test_a_run_never_has_more_tasks_than_its_limit():
    text = "limits: {max_tasks: 105}" + FANNED % "cancel_dependents"
    player = play(text, inputs={"items": [str(n) for n in range(100)]})
    assert len(player.run.tasks) == 103
    text = text.replace("max_tasks: 105", "max_tasks: 103").replace(
        "${{ inputs.items }}", "{items: '${{ inputs.items }}', max: 99}"
    )
    player = play(text, inputs={"items": [str(n) for n in range(100)]})
    assert player.ends()["each"] == ("failed", "budget_exhausted")
    assert (player.run.state, player.run.reason) == ("failed", "budget_exhausted")


def test_no_more_instances_are_on_their_way_than_may_be():
    text = """
    tasks:
      each:
        for_each: {items: [a, b, c, d, e], max_parallel: 2}
        run: [x]
    """
    for seed in range(10):
        player = Player(text, seed=seed)
        while not player.run.is_final:
            player.step()
            live = [task for task in player.run.tasks[1:] if task.state not in ("created", "completed")]
            assert len(live) <= 2
        assert set(player.states().values()) == {"completed"}


def test_when_is_asked_for_each_instance_where_it_uses_the_item():
    text = """
    inputs: {go: {type: boolean, default: true}}
    tasks:
      each: {for_each: [a, b], when: "${{ item != 'a' }}", run: [x]}
      once: {for_each: [a, b], when: "${{ inputs.go }}", run: [x]}
    """
    assert play(text).states() == {
        "each": "completed",
        "once": "completed",
        "each[a]": "skipped",
        "each[b]": "completed",
        "once[a]": "completed",
        "once[b]": "completed",
    }
    assert play(text, inputs={"go": False}).ends()["once"] == ("skipped", "when_false")
    nobody = text.replace("item != 'a'", "item == 'z'")
    assert play(nobody).ends()["each"] == ("skipped", "when_false")


def test_instances_retry_by_themselves():
    text = "tasks: {each: {for_each: [a, b], retry: {max_attempts: 2}, run: [x]}}"
    player = play(text, {"each[a]#1": FAILS})
    assert player.states()["each"] == "completed"
    assert player.run.tasks[player.index("each[a]")].attempts == 2


def test_a_person_cancels_a_parent_with_all_its_instances():
    player = Player("tasks: {each: {for_each: {items: [a, b, c], max_parallel: 1}, run: [x]}, other: {run: [x]}}")
    player.cancel("each")
    player.finish()
    assert player.states() == {
        "each": "cancelled",
        "other": "completed",
        "each[a]": "cancelled",
        "each[b]": "cancelled",
        "each[c]": "cancelled",
    }


def test_the_list_may_come_from_a_result():
    text = """
    tasks:
      find: {run: [x], outputs: {found: {type: array, from: json}}}
      each: {depends_on: [find], for_each: "${{ tasks.find.outputs.found }}", run: [x]}
    """
    player = play(text, {"find": '["p", "q"]'})
    assert [name for name in player.states() if name.startswith("each[")] == ["each[p]", "each[q]"]


def test_a_group_is_made_for_each_item():
    text = """
    tasks:
      deploy:
        for_each: [eu, us]
        group:
          mode: dag
          tasks:
            push: {depends_on: [build], run: [x, "${{ tasks.build.outputs.v }}", "${{ item }}"]}
            build: {run: [x], outputs: {v: {type: string, from: stdout}}}
    """
    player = play(text, {"deploy[eu].build": FAILS})
    assert player.ends() == {
        "deploy": ("failed", "instance_failed"),
        "deploy[eu].build": ("failed", "exit_code"),
        "deploy[eu].push": ("cancelled", "dependency_failed"),
        "deploy[eu]": ("failed", "member_failed"),
        "deploy[us].build": ("completed", None),
        "deploy[us].push": ("completed", None),
        "deploy[us]": ("completed", None),
    }
    assert player.run.failed == 1


def test_fan_outs_may_stand_inside_each_other():
    text = """
    limits: {max_tasks: 100}
    tasks:
      outer:
        for_each: [a, b]
        group:
          tasks:
            inner:
              for_each: [1, 2]
              group: {tasks: {leaf: {run: [x, "${{ item }}"]}}}
    """
    states = play(text, orders=3).states()
    assert set(states.values()) == {"completed"}
    leaves = sorted(name for name in states if name.endswith("leaf"))
    assert leaves == [f"outer[{outer}].inner[{inner}].leaf" for outer in "ab" for inner in "12"]


@pytest.mark.parametrize("body", ["run: [x]", "group: {tasks: {m: {run: [x]}}}"])
def test_an_instance_that_is_cancelled_before_it_begins_makes_no_room(body):
    player = Player(f"tasks: {{each: {{for_each: {{items: [a, b, c, d, e], max_parallel: 2}}, {body}}}}}")
    assert len(player.run.attempts) == 2
    player.cancel("each[e]")
    player.cancel("each[d]")
    assert len(player.run.attempts) == 2
    player.finish()
    assert [player.states()[f"each[{key}]"] for key in "abcde"] == ["completed"] * 3 + ["cancelled"] * 2


def test_others_see_the_stand_in_of_an_instance():
    text = """
    tasks:
      each:
        for_each: [a, b]
        run: [x]
        outputs: {said: {type: string, from: stdout, default: none}}
        on_failure: {substitute: spare}
      after:
        depends_on: [each]
        run:
          - y
          - ${{ tasks.each.outputs.said | join(',') }}
          - ${{ tasks.each.instances | map(attribute='state') | join(',') }}
    templates:
      spare: {run: [x], outputs: {said: {type: string, from: stdout}}}
    """
    player = play(text, {"each[a]": FAILS})
    assert player.ends()["each"] == ("completed", None)
    specs = [
        command.spec["argv"] for entry in player.entries for command in entry.commands if getattr(command, "spec", None)
    ]
    assert specs[-1] == ["y", "each[a]/spare,each[b]", "completed,completed"]
