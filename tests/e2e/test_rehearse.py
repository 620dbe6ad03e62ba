"""`rehearse` and `plan --simulate`, as a user calls them: what is told, by which exit code, and that nothing runs."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.command import unspool

ROOT = Path(__file__).parents[2]

FLOW = """\
unspool: 1
name: flow
inputs: {who: {type: string, default: me}}
secrets: [TOKEN]
tasks:
  test:
    run: [touch, ran]
    env: {TOKEN: "${{ secrets.TOKEN }}"}
    retry: {max_attempts: 2, delay: 5s, jitter: false}
  deploy: {depends_on: [test], run: [touch, "${{ inputs.who }}"], outputs: {url: {type: string}}}
  ask: {depends_on: [deploy], approval: "Go?"}
outputs: {url: "${{ tasks.deploy.outputs.url }}"}
"""
CASES = """\
unspool_rehearsal: 1
cases:
  good:
    stubs:
      test: [{exit_code: 1, seconds: 1}, {seconds: 1}]
      deploy: {outputs: {url: x}, seconds: 10}
      ask: {seconds: 3}
    expect: {tasks: {test: {state: completed, attempts: 2}}, order: [test, deploy, ask], outputs: {url: x}, seconds: 20}
"""
BAD = """\
  bad:
    stubs: {test: {exit_code: 1}}
    expect: {tasks: {test: completed, deploy: failed}, order: [deploy, test]}
"""


@pytest.fixture
def flow(project: Path) -> Path:
    (project / "flow.yaml").write_text(FLOW)
    (project / "flow.rehearsal.yaml").write_text(CASES)
    return project


def test_a_folder_is_rehearsed_and_nothing_runs(flow: Path):
    done = unspool("rehearse")
    assert done.stdout == (
        "ok     flow.rehearsal.yaml#good: completed in 20 s, cut at 11 events\n1 case, all as expected\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in flow.iterdir()) == ["flow.rehearsal.yaml", "flow.yaml"]


def test_what_differs_stands_side_by_side(flow: Path):
    (flow / "flow.rehearsal.yaml").write_text(CASES + BAD)
    done = unspool("rehearse", "flow.rehearsal.yaml")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[1] == "FAIL   flow.rehearsal.yaml#bad: failed (task_failed) in 2 min 5 s, cut at 7 events"
    table = [line.split("  ") for line in lines[2:-1]]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in table]
    assert cells == [
        ["expected", "actual"],
        ["the run", "completed", "failed (task_failed)"],
        ["test", "completed", "failed (exit_code): exit code 1"],
        ["deploy", "failed", "cancelled (dependency_failed)"],
        ["order", "deploy > test", "test (did not begin: deploy)"],
    ]
    assert lines[-1] == "2 cases, 1 not as expected"
    assert unspool("rehearse", "flow.rehearsal.yaml#good").returncode == 0


def test_programs_read_json_and_junit(flow: Path):
    (flow / "flow.rehearsal.yaml").write_text(CASES + BAD)
    done = unspool("rehearse", "--format", "json", "--junit", "report.xml")
    assert done.returncode == 1
    good, bad = json.loads(done.stdout)
    assert good == {
        "file": "flow.rehearsal.yaml",
        "case": "good",
        "ok": True,
        "state": "completed",
        "seconds": 20.0,
        "cuts": 11,
        "differences": [],
        "other_ends": [],
    }
    assert bad["differences"][0] == {"what": "the run", "expected": "completed", "actual": "failed (task_failed)"}
    suites = ET.parse(flow / "report.xml").getroot()
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("2", "1", "0")
    refused = unspool("rehearse", "--junit", "no/such/report.xml")
    assert "cannot write no/such/report.xml" in refused.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cases: {a: {stubs: {tst: {}}}}", "flow.rehearsal.yaml:2:21: error[UNS200]: the workflow has no task `tst`"),
        ("cases: {a: {stub: {}}}", "flow.rehearsal.yaml:2:13: error[UNS020]: unknown key `stub` in case `a`"),
        ("cases: {a: {}}", "flow.rehearsal.yaml:2:9: error[UNS203]: task `deploy` begins and has no stub"),
        ("cases: {a: {}}\nworkflow: no.yaml", "yaml:3:11: error[UNS205]: cannot read no.yaml: No such file"),
        ("cases: [", "flow.rehearsal.yaml:2:9: error[UNS001]"),
    ],
)
def test_what_is_wrong_has_its_place(flow: Path, text: str, told: str):
    (flow / "flow.rehearsal.yaml").write_text(f"unspool_rehearsal: 1\n{text}\n")
    done = unspool("rehearse")
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("hint:") >= 1


def test_a_workflow_that_is_wrong_is_told_too_and_other_files_are_rehearsed(flow: Path):
    (flow / "a.yaml").write_text("unspool: 1\nname: a\ntasks: {a: {rn: [x]}}\n")
    (flow / "a.rehearsal.yaml").write_text("unspool_rehearsal: 1\ncases: {one: {}}\n")
    done = unspool("rehearse")
    assert done.returncode == 2
    assert "a.rehearsal.yaml:1:1: error[UNS205]: the workflow a.yaml has errors" in done.stderr
    assert "correct what `unspool check a.yaml` says" in done.stderr
    assert "ok     flow.rehearsal.yaml#good" in done.stdout
    assert done.stdout.endswith("1 case, 1 file could not be read\n")


def test_rehearsals_are_checked_like_documents(flow: Path):
    done = unspool("check", "flow.yaml", "flow.rehearsal.yaml")
    assert (done.returncode, done.stdout) == (0, "flow.yaml: ok, 3 tasks\nflow.rehearsal.yaml: ok, 1 case\n")
    (flow / "flow.rehearsal.yaml").write_text("unspool_rehearsal: 1\ncases: {a: {stubs: {tst: {}}}}\n")
    done = unspool("check", "flow.rehearsal.yaml", "--format", "json")
    assert done.returncode == 2
    (found,) = json.loads(done.stdout)
    assert (found["code"], found["line"], found["column"], found["path"]) == (
        "UNS200",
        2,
        21,
        ["cases", "a", "stubs", "tst"],
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["flow.yaml"], "the name of a rehearsal ends in .rehearsal.yaml"),
        (["flow.rehearsal.yaml#nothing"], "has no case nothing; its cases are good"),
        (["none.rehearsal.yaml"], "cannot read none.rehearsal.yaml"),
        (["empty"], "there is no rehearsal in empty"),
        (["-o", "x"], "-o goes with --record"),
        (["--record", "latest", "flow.rehearsal.yaml"], "--record takes one run"),
    ],
)
def test_a_wrong_call(flow: Path, arguments: list[str], told: str):
    (flow / "empty").mkdir()
    done = unspool("rehearse", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_the_workflow_is_found_by_the_name_of_its_rehearsal(flow: Path):
    (flow / "flow.rehearsal.yaml").rename(flow / "flow.when.it.rains.rehearsal.yml")
    assert unspool("rehearse").returncode == 0
    (flow / "flow.yaml").rename(flow / "other.yaml")
    assert "the document beside it cannot be used: cannot read flow.yaml" in unspool("rehearse").stderr


def test_a_cut_that_matters_is_told(project: Path):
    group = "{mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}}}"
    text = f"limits: {{concurrency: 1}}\ntasks: {{g: {{group: {group}}}}}"
    (project / "race.yaml").write_text(f"unspool: 1\nname: race\n{text}\n")
    rehearsal = project / "race.rehearsal.yaml"
    rehearsal.write_text("unspool_rehearsal: 1\ncases: {one: {}}\n")
    done = unspool("rehearse")
    assert done.returncode == 1
    assert "and resumed, it ends otherwise:" in done.stdout
    assert "write `resume: false` into the case" in done.stdout
    rehearsal.write_text("unspool_rehearsal: 1\ncases: {one: {resume: false}}\n")
    done = unspool("rehearse")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "ok     race.rehearsal.yaml#one: completed in 1 min 0 s, never cut",
    )


def test_a_run_becomes_a_rehearsal(project: Path):
    (project / "flow.yaml").write_text(
        """
unspool: 1
name: flow
tasks:
  list: {run: [echo, '["a", "b"]'], outputs: {all: {type: array, from: json}}}
  each:
    depends_on: [list]
    for_each: "${{ tasks.list.outputs.all }}"
    run: |
      echo "n=$UNSPOOL_ATTEMPT" >> "$UNSPOOL_OUTPUT"
      [ "$UNSPOOL_ATTEMPT" = 2 ]
    retry: {max_attempts: 2, delay: 1ms}
    outputs: {n: {type: integer}}
  odd: {run: [sh, -c, "echo oh no >&2; exit 3"], on_failure: skip}
outputs: {n: "${{ tasks.each.outputs.n }}"}
"""
    )
    assert unspool("run", "flow.yaml", "-q").returncode == 0
    done = unspool("rehearse", "--record", "latest", "-o", "flow.rehearsal.yaml")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    played = unspool("rehearse")
    assert played.returncode == 0, played.stdout
    text = (project / "flow.rehearsal.yaml").read_text()
    assert "workflow: flow.yaml" in text
    assert "attempts: 2" in text
    again = unspool("rehearse", "--record", "latest", "-o", "flow.rehearsal.yaml")
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    assert unspool("rehearse", "--record", "latest").stdout == text
    (project / "flow.rehearsal.yaml").write_text(text.replace("reason: exit_code", "reason: timeout"))
    assert unspool("rehearse").returncode == 1


def test_a_recording_holds_no_secret(project: Path):
    (project / "flow.yaml").write_text(
        """
unspool: 1
name: flow
secrets: [TOKEN]
tasks:
  a:
    run: echo "it is $T"
    env: {T: "${{ secrets.TOKEN }}"}
    outputs: {n: {type: string, from: stdout}}
outputs: {n: "${{ tasks.a.outputs.n }}"}
"""
    )
    assert unspool("run", "flow.yaml", "-q", env={"TOKEN": "hunter2hunter2"}).returncode == 0
    done = unspool("rehearse", "--record", "latest")
    assert done.returncode == 0, done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "it is ***" in done.stdout


def test_what_if(flow: Path):
    done = unspool("plan", "flow.yaml", "--simulate", "flow.rehearsal.yaml", "--workers", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "flow, simulated by good with 1 worker\n"
        "\n"
        "  task          start          end\n"
        "  test            0 s          7 s  ========                  completed, 2 attempts\n"
        "  deploy          7 s         17 s          ============      completed\n"
        "  ask            17 s         20 s                      ====  completed\n"
        "url: x\n"
        "critical path: test > deploy > ask\n"
        "completed in 20 s\n"
    )  # fmt: skip
    told = json.loads(unspool("plan", "flow.yaml", "--simulate", "flow.rehearsal.yaml#good", "--format", "json").stdout)
    assert (told["state"], told["seconds"], told["outputs"]) == ("completed", 20.0, {"url": "x"})
    assert told["tasks"]["deploy"] == {
        "state": "completed",
        "attempts": 1,
        "start_s": 7.0,
        "end_s": 17.0,
        "outputs": {"url": "x"},
    }


def test_what_if_by_a_map_of_stubs(flow: Path):
    (flow / "stubs.yaml").write_text("test: {exit_code: 1, seconds: 2}\n")
    done = unspool("plan", "flow.yaml", "--simulate", "stubs.yaml", "-i", "who=you", "--workers", "4")
    assert done.returncode == 0
    assert done.stdout.startswith("flow, simulated with 4 workers\n")
    assert done.stdout.endswith("failed (task_failed) in 9 s\n")
    (flow / "stubs.yaml").write_text("tst: {}\ntest: {exit: 1}\n")
    wrong = unspool("plan", "flow.yaml", "--simulate", "stubs.yaml")
    assert (wrong.returncode, "stubs.yaml:2:8: error[UNS020]" in wrong.stderr) == (2, True)
    (flow / "stubs.yaml").write_text("tst: {}\n")
    wrong = unspool("plan", "flow.yaml", "--simulate", "stubs.yaml")
    assert (wrong.returncode, "stubs.yaml:1:1: error[UNS200]" in wrong.stderr) == (2, True)
    (flow / "stubs.yaml").write_text("test: {}\n")
    wrong = unspool("plan", "flow.yaml", "--simulate", "stubs.yaml")
    assert (wrong.returncode, "error[UNS203]: task `deploy` begins" in wrong.stderr) == (2, True)


def test_a_map_of_stubs_holds_no_inputs(project: Path):
    document = "unspool: 1\nname: a\ninputs: {n: {type: integer}}\ntasks: {a: {run: [x, '${{ inputs.n }}']}}\n"
    (project / "a.yaml").write_text(document)
    (project / "stubs.yaml").write_text("a: {exit_code: 0}\n")
    wrong = unspool("plan", "a.yaml", "--simulate", "stubs.yaml")
    assert (wrong.returncode, "give it: `-i n=...`" in wrong.stderr) == (2, True)
    assert unspool("plan", "a.yaml", "--simulate", "stubs.yaml", "-i", "n=3").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-i", "who=you"], "-i and --inputs go with --simulate"),
        (["--simulate", "flow.rehearsal.yaml#no"], "has no case no; its cases are good"),
        (["--simulate", "none.yaml"], "cannot read none.yaml"),
        (["--simulate", "none"], "the name of a rehearsal or a file of stubs ends in"),
        (["--simulate", "flow.rehearsal.yaml", "-i", "what=1"], "has no input `what`"),
    ],
)
def test_a_wrong_what_if(flow: Path, arguments: list[str], told: str):
    done = unspool("plan", "flow.yaml", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_the_workflows_that_are_shipped_do_what_their_rehearsals_say():
    done = unspool("rehearse", str(ROOT / "workflows"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for name in ("build-matrix", "harvest", "release"):
        assert f"{name}.rehearsal.yaml#" in done.stdout


def test_the_schema_is_printed():
    assert json.loads(unspool("schema", "rehearsal").stdout)["title"] == "unspool rehearsal"
