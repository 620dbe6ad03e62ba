"""The repository keeps its own rules: links, names, locks, sizes, and nothing of anybody's machine."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from unspool.compiler.compile import compile_document

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "engine" / "unspool"

# What building, testing and running leave behind; none of it is ever committed.
LEFTOVERS = {"build", "dist", "__pycache__"}

# Modules without a test file of their own, and the file that proves them instead: parts of a whole, or seams.
_ELSEWHERE = {
    "tests/e2e/test_run.py": """cli.cancel cli.check cli.documents cli.drive cli.follow cli.logs cli.ls cli.main
        cli.output cli.page cli.plan cli.resume cli.run cli.runs cli.schema cli.show errors host.engine""",
    "tests/e2e/test_rehearse.py": "cli.record cli.rehearsals cli.rehearse cli.simulate",
    "tests/unit/compiler/test_explain.py": """compiler.faults compiler.foreign_keys compiler.places
        compiler.unknown_keys compiler.wording compiler.wrong_values""",
    "tests/unit/compiler/test_json_text.py": "compiler.json_scan",
    "tests/unit/compiler/test_yaml_text.py": "compiler.yaml_errors compiler.yaml_events",
    "tests/unit/compiler/test_toml_text.py": "compiler.toml_outline",
    "tests/unit/compiler/test_locate.py": "compiler.yaml_outline",
    "tests/unit/compiler/test_render.py": "model.diagnostics",
    "tests/property/test_laws.py": """core.book core.limits core.reuse core.run core.state core.context core.edges
        model.commands model.events""",
    "tests/property/test_plans.py": "model.plan",
    "tests/unit/model/test_document.py": "model.document_parts model.document_types",
    "tests/e2e/test_workflows.py": "cli.approve cli.asking",
    "tests/unit/compiler/test_scope.py": "compiler.members",
    "tests/unit/host/test_local.py": "host.simulate",
    "tests/conformance/test_clock.py": "host.clock",
    "tests/conformance/test_reactor.py": "host.reactor",
    "tests/conformance/test_task_kind.py": "host.ports",
    "tests/conformance/test_guardian.py": "tasks.guardian tasks.sweep",
    "tests/unit/core/test_run.py": "core.ending",
    "tests/unit/core/test_interpreting.py": "core.interpret_sources core.interpret_values model.interpreters",
    "tests/e2e/test_growing.py": "cli.submit",
    "tests/unit/tasks/test_run.py": "tasks.process",
    "tests/unit/tasks/test_workers.py": "worker",
    "tests/unit/tasks/test_python.py": "tasks.printed",
    "tests/unit/tasks/test_capture.py": "tasks.slots",
    "tests/unit/tasks/test_http.py": "tasks.http_client",
    "tests/conformance/test_journal.py": "journal.memory journal.rows",
}
NOT_MIRRORED = {module: file for file, modules in _ELSEWHERE.items() for module in modules.split()}

PURE = ["errors.py", "model", "expr", "compiler", "analysis", "core"]


def _files() -> list[Path]:
    return sorted(path for top in ROOT.iterdir() if not _is_leftover(top) for path in _below(top))


def _below(top: Path) -> list[Path]:
    if top.is_file():
        return [top]
    return [path for path in top.rglob("*") if path.is_file() and not LEFTOVERS & set(path.relative_to(top).parts)]


def _is_leftover(path: Path) -> bool:
    kept = {".ci", ".editorconfig", ".gitignore", ".github"}
    hidden = path.name.startswith(".") and path.name not in kept
    return hidden or path.name in LEFTOVERS or (path / "pyvenv.cfg").exists()


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


PAGES = [path for path in _files() if path.suffix == ".md"]


WORKFLOWS = [path for path in sorted((ROOT / "workflows").glob("*.yaml")) if ".rehearsal." not in path.name]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_found_in_the_workflows_that_we_ship(path: Path):
    compilation = compile_document(path.read_bytes())
    assert compilation.diagnostics == ()
    assert compilation.plan is not None


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    broken = [link for link in _links(page) if not _leads_somewhere(page, link)]
    assert broken == []


def _links(page: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(<?([^)\s>]+)", prose) + re.findall(r"^\[[^\]]+\]:\s*(\S+)", prose, re.MULTILINE)
    return [link for link in links if not re.match(r"[a-z]+:", link)]


def _leads_somewhere(page: Path, link: str) -> bool:
    target, _, anchor = link.partition("#")
    path = (page.parent / target) if target else page
    if not path.exists():
        return False
    return not anchor or path.suffix != ".md" or anchor in _anchors(path)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_top_level_folder_is_named_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not _is_leftover(path)}
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name not in LEFTOVERS}
    assert [name for name in sorted(folders | rooms) if f"{name}/" not in text] == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    # Written in pieces, so that this file does not find itself.
    homes = "|".join(["/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "/wo" + "rk/", "/op" + "t/", "/tmp/" + "lab"])
    address = r"https?://[^\s\"'<>)]*(?:/sim" + r"ple\b|/-/|\.wh" + r"l\b|\.tg" + "z|python" + "hosted)"
    option = "--(?:extra-)?ind" + "ex-url|--find" + "-links"
    pattern = re.compile(rf"(?<![\w./-])(?:{homes})|{address}|{option}|file" + "://")
    found = [
        f"{_name(path)}:{number}: {line.strip()[:120]}"
        for path in _files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_locks_hold_versions_and_nothing_else() -> None:
    lines = {line for lock in _locks() for line in lock.read_text().splitlines()}
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []


def test_no_package_is_locked_twice() -> None:
    names = [name for lock in _locks() for name in _locked(lock.stem)]
    assert sorted(names) == sorted(set(names))


def test_the_locks_cover_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    runtime = _locked("runtime")
    _assert_covers(runtime, project["build-system"]["requires"] + project["project"]["dependencies"])
    _assert_covers(runtime | _locked("dev"), extras["dev"] + extras["http"])
    _assert_covers(_locked("bench"), extras["bench"])


def _assert_covers(locked: dict[str, str], wanted: list[str]) -> None:
    needed = [need for need in map(Requirement, wanted) if need.marker is None or need.marker.evaluate()]
    versions = {need.name: locked.get(canonicalize_name(need.name), "0") for need in needed}
    assert [str(need) for need in needed if not need.specifier.contains(versions[need.name])] == []


def _locks() -> list[Path]:
    return sorted((ROOT / "requirements").glob("*.txt"))


def _locked(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    return {canonicalize_name(package): version for package, _, version in (line.partition("==") for line in lines)}


def test_every_module_says_its_job_on_line_one() -> None:
    assert [_name(path) for path in _modules() if not re.match(r'r?"""\S', path.read_text())] == []


def test_no_module_is_too_long_to_read() -> None:
    assert [_name(path) for path in _modules() if len(path.read_text().splitlines()) >= 450] == []


def test_the_pure_rooms_call_no_builtin_that_reaches_the_world() -> None:
    # import-linter sees imports; it does not see these.
    reaching = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}
    found = [
        f"{_name(path)}:{node.lineno}: {node.func.id}()"
        for path in _modules()
        if path.relative_to(PACKAGE).parts[0] in PURE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in reaching
    ]
    assert found == []


def test_a_code_of_a_finding_means_one_thing() -> None:
    tables = [node for path in _modules() for node in ast.parse(path.read_text()).body if _is_table_of_codes(node)]
    codes = [key.value for table in tables for key in table.value.keys]
    assert sorted(code for code, times in Counter(codes).items() if times > 1) == []
    named = {code for path in _modules() for code in re.findall(r'"(UNS\d{3})"', path.read_text())}
    assert sorted(named - set(codes)) == [], "a code stands in no table"


def _is_table_of_codes(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(getattr(target, "id", None) == "CODES" for target in node.targets)


def test_every_module_has_a_test_file_or_a_reason() -> None:
    untested = {_module_name(path) for path in _modules() if _has_functions(path) and not _has_tests(path)}
    assert sorted(untested - NOT_MIRRORED.keys()) == [], "write tests/unit/<room>/test_<module>.py, or give the reason"
    assert [file for file in _ELSEWHERE if not (ROOT / file).is_file()] == []


def _module_name(path: Path) -> str:
    return str(path.relative_to(PACKAGE).with_suffix("")).replace("/", ".")


def _has_functions(module: Path) -> bool:
    """A module of constants and plain values has nothing to call."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, functions) for node in ast.walk(ast.parse(module.read_text())))


def _has_tests(module: Path) -> bool:
    """The mirror of a module, which may be split: test_run.py, test_run_cancel.py."""
    folder = ROOT / "tests" / "unit" / module.relative_to(PACKAGE).parent
    return any([*folder.glob(f"test_{module.stem}.py"), *folder.glob(f"test_{module.stem}_*.py")])
