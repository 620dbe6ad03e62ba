"""What a compensation takes over from its task, as it is when the compensation begins."""

from __future__ import annotations

from typing import Any

from tests.playing import FAILS, Player
from unspool.model.commands import StartAttempt

FAIL = "run: [x], on_failure: {rollback: {then: cancel}}"


def specs(played: Player) -> dict[str, Any]:
    orders = [order for entry in played.entries for order in entry.commands if isinstance(order, StartAttempt)]
    return {played.run.nodes[order.tasks[0]].id: order.spec for order in orders}


def undone(text: str, fates: dict[str, Any], **how: Any) -> dict[str, tuple[str, str, str | None]]:
    """Give state, variable `A` and folder of each compensation."""
    played = Player(text, fates, **how)
    played.finish()
    found = specs(played)
    return {
        name.removesuffix("/compensate"): (state, found[name]["env"]["A"], found[name]["cwd"])
        for name, state in played.states().items()
        if name.endswith("/compensate")
    }


def test_each_instance_has_its_own_item():
    text = f"""
    inputs: {{stage: {{type: string, default: live}}}}
    tasks:
      book:
        for_each: [a, b]
        run: [x]
        env: {{A: "${{{{ item }}}} ${{{{ inputs.stage }}}}"}}
        cwd: "d-${{{{ item }}}}"
        compensate: {{run: [undo]}}
      ship: {{depends_on: [book], {FAIL}}}
    """
    for seed in range(5):
        assert undone(text, {"ship": FAILS}, seed=seed) == {
            "book[a]": ("completed", "a live", "d-a"),
            "book[b]": ("completed", "b live", "d-b"),
        }


def test_the_step_before_is_that_of_the_copy():
    text = f"""
    tasks:
      g:
        for_each: [1, 2]
        group:
          tasks:
            a: {{run: [x], outputs: {{v: {{type: string, from: stdout}}}}}}
            b:
              run: [x]
              env: {{A: "${{{{ previous.outputs.v }}}}/${{{{ item }}}}"}}
              cwd: "${{{{ tasks.a.outputs.v }}}}"
              compensate: {{run: [undo, "${{{{ previous.outputs.v }}}}"]}}
      ship: {{depends_on: [g], {FAIL}}}
    """
    played = Player(text, {"ship": FAILS, "g[1].a": "one", "g[2].a": "two"})
    played.finish()
    found = specs(played)
    for name, value, number in (("g[1].b", "one", 1), ("g[2].b", "two", 2)):
        spec = found[f"{name}/compensate"]
        assert (spec["argv"], spec["env"], spec["cwd"]) == (["undo", value], {"A": f"{value}/{number}"}, value)


def test_what_stands_in_has_the_inputs_of_its_template():
    text = f"""
    tasks:
      book: {{run: [x], on_failure: {{substitute: spare, with: {{n: 7}}}}}}
      ship: {{depends_on: [book], {FAIL}}}
    templates:
      spare:
        inputs: {{n: {{type: integer}}}}
        run: [x]
        env: {{A: "${{{{ inputs.n }}}}"}}
        cwd: "n-${{{{ inputs.n }}}}"
        compensate: {{run: [undo]}}
    """
    assert undone(text, {"ship": FAILS, "book": FAILS}) == {"book/spare": ("completed", "7", "n-7")}


def test_a_task_whose_variables_could_not_be_made_did_nothing_that_could_be_undone():
    """Its compensation has the same variables."""
    text = f"""
    inputs: {{n: {{type: integer, default: 0}}}}
    tasks:
      book: {{run: [x], env: {{A: a}}, compensate: {{run: [undo]}}}}
      ship: {{depends_on: [book], env: {{A: "${{{{ 1 // inputs.n }}}}"}}, compensate: {{run: [undo]}}, {FAIL}}}
    """
    played = Player(text, {})
    played.finish()
    assert [name for name in played.begun if name.endswith("/compensate")] == ["book/compensate"]
    assert (played.run.reason, played.ends()["ship"]) == ("task_failed", ("failed", "expression_error"))
