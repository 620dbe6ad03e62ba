"""Rules: what they add to a run, in which order, and where that ends."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play
from unspool.model.events import RunClosed, TaskSubmitted

REPAIR = """
limits: {max_depth: 9}
tasks:
  test:
    run: [x]
    on_failure: skip
    on_result:
      - when: ${{ outcome == 'failed' }}
        emit: fix
        with: {round: 1}
  report: {depends_on: [fix], run: [x, "${{ tasks.fix.outputs.n | join(',') }}"]}
templates:
  fix:
    inputs: {round: {type: integer}}
    run: [x]
    outputs: {n: {type: integer, from: stdout, default: 0}}
    on_result:
      - when: ${{ inputs.round < 3 }}
        emit: fix
        max: 5
        with: {round: "${{ inputs.round + 1 }}"}
"""


FIXES = {"test/fix": "1", "test/fix/fix": "2", "test/fix/fix/fix": "0"}


def test_a_template_grows_as_its_rules_ask_and_what_waits_for_it_waits_for_all():
    for seed in range(20):
        player = Player(REPAIR, {"test": FAILS, **FIXES}, seed=seed)
        player.finish()
        assert player.begun == ["test", "test/fix", "test/fix/fix", "test/fix/fix/fix", "report"]
        assert player.states()["fix"] == "completed"
        (spec,) = [c.spec for e in player.entries for c in e.commands if type(c).__name__ == "StartAttempt" and c.spec]
        assert spec["argv"] == ["x", "1,2,0"]
        assert player.run.state == "completed"


def test_a_template_that_nothing_emitted_is_skipped_and_what_waits_for_it_goes_on():
    player = play(REPAIR)
    assert player.ends()["fix"] == ("skipped", "nothing_emitted")
    assert player.begun == ["test", "report"]


@pytest.mark.parametrize("fate", ["cancelled", "skipped"])
def test_a_template_closes_where_its_emitters_never_ran(fate):
    when = "false" if fate == "skipped" else "true"
    text = f"""
    tasks:
      a: {{run: [x], when: {when}, on_result: [{{emit: t}}]}}
      b: {{depends_on: {{t: any}}, run: [x]}}
    templates: {{t: {{run: [x]}}}}
    """
    player = Player(text)
    if fate == "cancelled":
        player.cancel("a")
    player.finish()
    assert player.ends()["a"][0] == fate
    assert player.ends()["t"] == ("skipped", "nothing_emitted")
    assert player.states()["b"] == "completed"


EACH = """
tasks:
  scan:
    run: [x]
    outputs: {urls: {type: array, from: json}}
    on_result:
      - emit: page
        for_each: ${{ outputs.urls }}
        key: ${{ item.name }}
        with: {n: "${{ index }}"}
templates:
  page: {inputs: {n: {type: integer}}, run: [x, "${{ inputs.n }}"]}
"""


def test_one_rule_adds_a_task_for_each_item_and_names_it_by_its_key():
    player = play(EACH, {"scan": '[{"name": "a/b"}, {"name": "c"}]'})
    assert sorted(player.begun) == ["scan", "scan/page[a%2Fb]", "scan/page[c]"]
    assert [task.depth for task in player.run.tasks] == [0, 0, 0, 1, 1]


def test_instances_of_a_fan_out_emit_by_their_item():
    text = """
    tasks:
      t: {for_each: [a, b], run: [x], on_result: [{emit: f, with: {v: "${{ item }}"}}]}
    templates: {f: {inputs: {v: {type: string}}, run: [x, "${{ inputs.v }}"]}}
    """
    player = play(text)
    assert sorted(player.begun) == ["t[a]", "t[a]/f[a]", "t[b]", "t[b]/f[b]"]


def refused(text: str, fates: dict | None = None, task: str = "a") -> tuple[str, str]:
    player = play(text, fates or {})
    assert player.states()[task] == "failed"
    assert not any("/" in name for name in player.begun), "half of a pass happened"
    error = player.run.tasks[player.index(task)].error
    return error["class"], error["message"]


def test_two_tasks_of_one_name_and_other_values_are_refused():
    text = """
    tasks: {a: {run: [x], on_result: [{emit: t, for_each: [1, 2], key: same, with: {n: "${{ item }}"}}]}}
    templates: {t: {inputs: {n: {type: integer}}, run: [x]}}
    """
    kind, message = refused(text)
    assert kind == "duplicate_key"
    assert "same" in message


def test_the_same_name_with_the_same_values_is_one_task():
    text = """
    tasks: {a: {run: [x], on_result: [{emit: t, with: {n: 1}}, {emit: t, with: {n: 1}}]}}
    templates: {t: {inputs: {n: {type: integer}}, run: [x]}}
    """
    assert play(text).begun == ["a", "a/t"]
    other = text.replace("{emit: t, with: {n: 1}}]", "{emit: t, with: {n: 2}}]")
    assert refused(other)[0] == "duplicate_key"


BUDGETS = {
    "max": """
    tasks:
      a: {run: [x], outputs: {l: {type: array, from: json}}, on_failure: skip,
          on_result: [{emit: t, for_each: "${{ outputs.l }}", max: 2}]}
    templates: {t: {run: [x]}}
    """,
    "max_tasks": """
    limits: {max_tasks: 103}
    tasks:
      a: {run: [x], outputs: {l: {type: array, from: json}}, on_failure: skip,
          on_result: [{emit: t, for_each: "${{ outputs.l }}"}]}
      b: {when: false, for_each: "${{ tasks.a.outputs.l }}", depends_on: [a], run: [x]}
    templates: {t: {run: [x]}}
    """,
}


def test_one_too_many_adds_nothing_and_no_policy_tolerates_it():
    kind, message = refused(BUDGETS["max"], {"a": "[1, 2, 3]"})
    assert kind == "budget_exhausted"
    assert "a.on_result[0]" in message
    player = play(BUDGETS["max"], {"a": "[1, 2, 3]"})
    assert (player.run.state, player.run.reason) == ("failed", "budget_exhausted")
    assert play(BUDGETS["max"], {"a": "[1, 2]"}).run.state == "completed"


def test_max_counts_over_the_whole_run():
    text = """
    tasks:
      a: {for_each: [1, 2, 3], run: [x], on_result: [{emit: t, max: 2}]}
    templates: {t: {run: [x]}}
    """
    for seed in range(10):
        player = Player(text, seed=seed)
        player.finish()
        assert sum("/" in name for name in player.begun) == 2
        assert [reason for _, reason in player.ends().values()].count("budget_exhausted") == 1


def test_depth_ends_what_nothing_else_ends():
    text = """
    limits: {max_depth: 3}
    tasks: {a: {run: [x], on_result: [{emit: t}]}}
    templates: {t: {run: [x], on_result: [{emit: t, max: 50}]}}
    """
    player = play(text)
    assert player.begun == ["a", "a/t", "a/t/t", "a/t/t/t"]
    assert player.ends()["a/t/t/t"] == ("failed", "budget_exhausted")
    assert "max_depth" in player.run.tasks[player.index("a/t/t/t")].error["message"]
    assert player.run.reason == "budget_exhausted"


def test_the_run_has_no_more_tasks_than_it_may():
    text = """
    limits: {max_tasks: 60}
    tasks: {a: {run: [x], on_result: [{emit: t}]}}
    templates: {t: {run: [x], on_result: [{emit: t, max: 50}]}}
    """
    player = Player(text.replace("max_tasks: 60", "max_tasks: 60, max_depth: 99"))
    player.finish()
    assert sum("/" in name for name in player.begun) == 51
    assert player.run.reason == "budget_exhausted"


PING = """
limits: {max_depth: 20}
tasks:
  a: {run: [x], on_result: [{emit: ping, with: {n: 4}}]}
  end: {depends_on: {ping: any, pong: any}, run: [x]}
templates:
  ping:
    inputs: {n: {type: integer}}
    run: [x]
    on_result: [{when: "${{ inputs.n > 0 }}", emit: pong, max: 9, with: {n: "${{ inputs.n - 1 }}"}}]
  pong:
    inputs: {n: {type: integer}}
    run: [x]
    on_result: [{when: "${{ inputs.n > 0 }}", emit: ping, with: {n: "${{ inputs.n - 1 }}"}}]
"""


def test_templates_that_emit_each_other_are_over_together():
    for seed in range(20):
        player = Player(PING, seed=seed)
        player.finish()
        assert len(player.begun) == 7
        assert player.begun[-1] == "end"
        assert player.states()["ping"] == player.states()["pong"] == "completed"


def test_a_rule_fails_a_task_that_had_succeeded_and_its_on_failure_answers():
    text = """
    tasks:
      a:
        run: [x]
        retry: {max_attempts: 3}
        on_result: [{when: "${{ result.stdout == 'bad' }}", fail: "it said ${{ result.stdout }}"}, {emit: t}]
        on_failure: {substitute: s}
    templates: {t: {run: [x]}, s: {run: [x]}}
    """
    player = play(text, {"a": "bad"})
    assert player.begun[:1] == ["a"]
    assert sorted(player.begun) == ["a", "a/s", "a/t"]
    task = player.run.tasks[player.index("a")]
    assert (task.attempts, task.error) == (1, {"class": "rule", "message": "it said bad"})
    assert player.run.state == "completed"


def test_a_rule_asks_for_another_attempt_and_all_else_of_the_pass_is_dropped():
    text = """
    tasks:
      a:
        run: [x]
        retry: {max_attempts: 2}
        on_result:
          - note: looked at ${{ attempt }}
          - {when: "${{ result.stdout == 'again' }}", retry: {after: 3s}}
          - {emit: t, with: {n: "${{ attempt }}"}}
    templates: {t: {inputs: {n: {type: integer}}, run: [x]}}
    """
    player = play(text, {"a": "again"})
    assert player.begun == ["a", "a", "a/t"]
    assert [note.text for note in player.run.notes] == ["looked at 2"]
    assert player.run.tasks[player.index("a/t")].local == {"inputs": {"n": 2}}


def test_a_rule_cancels_the_run():
    text = """
    tasks:
      a: {run: [x], on_result: [{cancel: run}]}
      b: {depends_on: [a], run: [x]}
    finally: {z: {run: [x]}}
    """
    player = play(text)
    assert (player.run.state, player.run.reason) == ("cancelled", "rule")
    assert player.states() == {"a": "completed", "b": "cancelled", "z": "completed"}


def test_rules_see_failures_but_nothing_that_never_ran():
    text = """
    tasks:
      a: {run: [x], on_result: [{note: "${{ outcome }} ${{ reason }}"}]}
      b: {depends_on: [a], run: [x], on_result: [{note: never}]}
    """
    player = play(text, {"a": FAILS})
    assert [note.text for note in player.run.notes] == ["failed exit_code"]


def test_an_expression_that_fails_fails_the_task_and_nothing_of_the_pass_happens():
    text = """
    tasks: {a: {run: [x], on_result: [{note: one}, {emit: t}, {note: "${{ result.json.no.such }}"}]}}
    templates: {t: {run: [x]}}
    """
    player = play(text)
    assert player.ends()["a"] == ("failed", "expression_error")
    assert player.run.notes == []
    assert player.begun == ["a"]


def test_groups_are_emitted_whole_and_emit_as_one():
    text = """
    tasks:
      a: {run: [x], on_result: [{emit: g, for_each: [1, 2], with: {n: "${{ item }}"}}]}
      z: {depends_on: [h], run: [x]}
    templates:
      g:
        inputs: {n: {type: integer}}
        group: {tasks: {one: {run: [x, "${{ inputs.n }}"]}, two: {run: [x]}}}
        on_result: [{emit: h}]
      h: {run: [x]}
    """
    for seed in range(10):
        player = Player(text, seed=seed)
        player.finish()
        assert player.begun[-1] == "z"
        assert {"a/g[1].one", "a/g[2].two", "a/g[1]/h", "a/g[2]/h"} <= set(player.begun)
        assert player.states()["g"] == player.states()["h"] == "completed"


def test_a_substitute_counts_as_an_instance_of_its_template():
    text = """
    tasks:
      a: {run: [x], on_failure: {substitute: t}}
      b: {run: [x], on_result: [{emit: t}]}
      c: {depends_on: [t], run: [x]}
    templates: {t: {run: [x]}}
    """
    for seed in range(10):
        player = Player(text, {"a": FAILS}, seed=seed)
        player.finish()
        family = player.run.tasks[player.index("t")].family
        assert sorted(player.run.nodes[each].id for each in family.instances) == ["a/t", "b/t"]
        assert player.begun[-1] == "c"


def test_a_failed_instance_fails_the_run_and_what_needs_the_template():
    player = play(REPAIR, {"test": FAILS, "test/fix": FAILS, "test/fix/fix/fix": FAILS})
    assert player.ends()["fix"] == ("failed", "instance_failed")
    assert player.ends()["report"] == ("cancelled", "dependency_failed")
    assert player.run.state == "failed"


def test_cancels_at_any_moment_leave_nothing_open():
    for seed in range(60):
        for text in (REPAIR, PING):
            player = Player(text, {"test": FAILS, **FIXES}, seed=seed)
            for _ in range(seed % 12):
                if not player.run.is_final:
                    player.step()
            player.cancel()
            player.finish()
            assert player.run.state in ("cancelled", "completed")


def test_a_cancelled_template_takes_no_more_instances():
    player = Player(REPAIR, {"test": FAILS})
    player.cancel("fix")
    player.finish()
    assert player.ends()["test/fix"] == ("cancelled", "cancelled_by_person")
    assert player.run.state == "cancelled"


def test_rulesets_apply_where_their_own_condition_holds():
    text = """
    rulesets:
      watch: [{when: "${{ result.stdout == 'x' }}", note: x}, {note: any}]
    tasks:
      a: {run: [x], on_result: [{ruleset: watch}]}
      b: {run: [x], on_result: [{when: "${{ outcome == 'failed' }}", ruleset: watch}]}
    """
    player = play(text, {"a": "x"})
    assert [note.text for note in player.run.notes] == ["x", "any"]


def test_events_are_kept_with_their_values():
    text = """
    tasks: {a: {run: [x], on_result: [{event: code_modified, with: {n: "${{ attempt }}"}}]}}
    """
    assert [(told.name, told.values) for told in play(text).run.events] == [("code_modified", {"n": 1})]


# -- what is added from outside ---------------------------------------------------------------------

DOOR = """
limits: {max_tasks: 9}
tasks:
  a: {run: [x], on_result: [{emit: t}]}
  z: {depends_on: [t], run: [x]}
templates:
  t: {inputs: {n: {type: integer, default: 0}}, run: [x, "${{ inputs.n }}"]}
  free: {run: [x]}
"""


def submit(player: Player, template: str, request: str = "s1", key: str | None = None, **given: object) -> str | None:
    node = next(node for node in player.run.nodes if node.id == template and node.template)
    player.say(TaskSubmitted(player.at, request, node.index, key, given))
    return player.run.refusals.get(request)


def test_a_task_is_added_from_outside_and_what_waits_for_its_template_waits_for_it():
    for seed in range(10):
        player = Player(DOOR, seed=seed)
        assert submit(player, "t", "s1", n=7) is None
        assert submit(player, "t", "s1", n=7) is None, "a request is heard once"
        assert submit(player, "t", "s2", key="mine", n=1) is None
        assert submit(player, "free", "s3") is None
        player.finish()
        assert player.begun[-1] == "z"
        assert sorted(player.begun) == ["a", "a/t", "free[0]", "t[0]", "t[mine]", "z"]


def test_what_cannot_be_added_says_why_and_changes_nothing():
    player = Player(DOOR)
    assert "n" in submit(player, "t", "s1", n="seven")
    assert submit(player, "t", "s2", key="k", n=1) is None
    assert submit(player, "t", "s3", key="k", n=1) is None, "the same task again"
    assert "other values" in submit(player, "t", "s4", key="k", n=2)
    assert [submit(player, "t", f"s{n}") for n in (5, 6, 7)] == [None] * 3
    assert "max_tasks" in submit(player, "t", "s8")
    player.finish()
    assert sum(name.startswith("t[") for name in player.begun) == 4
    assert player.ends()["a"] == ("failed", "budget_exhausted")
    assert "the run is failed" in submit(player, "t", "s9")


def test_a_template_that_is_over_takes_no_more():
    player = Player(DOOR)
    while "z" not in player.begun:
        player.step()
    assert "over" in submit(player, "t")


# -- runs that stay open ----------------------------------------------------------------------------

OPEN = """
open: true
limits: {idle: 10m}
tasks:
  a: {run: [x]}
  z: {depends_on: [t], run: [x]}
templates:
  t: {inputs: {n: {type: integer, default: 0}}, run: [x, "${{ inputs.n }}"]}
"""


def door(player: Player) -> str:
    return player.run.tasks[player.run.door].state


def test_an_open_run_takes_tasks_until_it_is_closed():
    for seed in range(10):
        player = Player(OPEN.replace("limits: {idle: 10m}", ""), seed=seed)
        while player.run.attempts:
            player.step()
        assert (player.run.state, door(player), player.states()["z"]) == ("running", "queued", "created")
        assert submit(player, "t", "s1") is None
        while player.run.attempts:
            player.step()
        player.say(RunClosed(player.at, "c1", "ann"))
        assert "over" in str(submit(player, "t", "s2"))
        player.finish()
        assert player.begun == ["a", "t[0]", "z"]
        assert player.run.state == "completed"
        player.say(RunClosed(player.at, "c2", "ann"))
        assert player.run.refusals["c2"] == "the run is not open"


def test_it_closes_by_itself_when_it_has_had_nothing_to_do_for_long():
    player = Player(OPEN)
    timer = f"door:{player.run.door}"
    assert timer not in player.run.timers, "something runs"
    player.say_of("a")
    assert player.run.timers[timer] == player.at + 600
    player.at += 500
    assert submit(player, "t") is None
    assert timer not in player.run.timers
    player.say_of("t[0]")
    assert player.run.timers[timer] == player.at + 600
    player.finish()
    assert player.begun[-1] == "z"
    assert player.run.state == "completed"


def test_an_open_run_can_be_cancelled():
    player = Player(OPEN)
    player.say_of("a")
    player.cancel()
    player.finish()
    assert player.run.state == "cancelled"
    assert not player.run.timers


# -- what results mean --------------------------------------------------------------------------------


def test_success_when_and_rules_see_it_and_parameters_may_be_inputs():
    text = """
    inputs: {least: {default: 0.9}}
    tasks:
      a:
        run: [x]
        interpret: {claude_flow: {quality_threshold: "${{ inputs.least }}"}}
        success_when: ${{ interpretation.success }}
        on_result: [{note: "${{ interpretation.problems | map(attribute='check') | join(' ') }}"}]
    """
    player = Player(text, {"a": '{"quality_score": 0.8}'})
    player.finish()
    assert player.ends()["a"] == ("failed", "success_when_false")
    assert [note.text for note in player.run.notes] == ["quality"]
    wrong = Player(text, {"a": '{"quality_score": 0.8}'}, inputs={"least": "no"})
    wrong.finish()
    assert wrong.ends()["a"] == ("failed", "expression_error")


def test_which_rules_applied_is_known_and_a_pass_that_was_dropped_leaves_nothing():
    text = """
    tasks:
      a:
        run: [x]
        retry: {max_attempts: 2}
        on_result: [{when: "${{ attempt == 2 }}", note: two}, {retry: {after: 1s}}, {note: end}]
    """
    player = play(text)
    assert [one.rule for one in player.run.applied] == ["a.on_result[0]", "a.on_result[1]", "a.on_result[2]"]
    assert [note.text for note in player.run.notes] == ["two", "end"]
