"""What becomes of the expressions of a script: where they are replaced, refused, or warned of."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.compiler.shells import HOSTILE, PRESENT, run_each, run_once, syntax_is_right
from unspool.compiler.shell import SHELLS, Interpolated, interpolate, shell_argv

RICH = ("bash", "zsh")
POSIX = ("sh", "dash", "bash", "zsh")


def made(script: str, shell: str = "bash") -> Interpolated:
    """Interpolate a script in which `§` stands for an expression."""
    return interpolate(script.replace("§", "${{ inputs.x }}"), shell)


def codes(found: Interpolated, severity: str) -> list[str]:
    return [one.code for one in found.diagnostics if one.severity == severity]


# -- where the value goes ------------------------------------------------------------------------------------------

REPLACED = [
    # words
    ("echo §", 'echo "§"'),
    ("echo a§b", 'echo a"§"b'),
    ("echo §§", 'echo "§""§"'),
    ("echo 'a b'§'c'", "echo 'a b'\"§\"'c'"),
    ("echo \\'§", "echo \\'\"§\""),
    ("echo \\\\§", 'echo \\\\"§"'),
    ("echo a\\\n§", 'echo a\\\n"§"'),
    ("echo *§*", 'echo *"§"*'),
    ("echo a#§", 'echo a#"§"'),
    ("echo ./§ --name=§", 'echo ./"§" --name="§"'),
    ("echo $HOME/§", 'echo $HOME/"§"'),
    ("echo $1§", 'echo $1"§"'),
    ("echo {a,§}", 'echo {a,"§"}'),
    ("echo $'a\\'b'§", "echo $'a\\'b'\"§\""),
    ("echo a;echo §", 'echo a;echo "§"'),
    ("true&&echo §||echo §", 'true&&echo "§"||echo "§"'),
    ("! echo §", '! echo "§"'),
    ("echo § &", 'echo "§" &'),
    # double quotes
    ('echo "§"', 'echo "§"'),
    ('echo "a § b"', 'echo "a § b"'),
    ("echo \"it's §\"", "echo \"it's §\""),
    ('echo "\\"§\\""', 'echo "\\"§\\""'),
    ('echo "\\\\§"', 'echo "\\\\§"'),
    ('echo "# §"', 'echo "# §"'),
    ('echo "$(echo §)"', 'echo "$(echo "§")"'),
    ('echo "$(echo "§")"', 'echo "$(echo "§")"'),
    ('echo "$(echo "$(echo § "§")")"', 'echo "$(echo "$(echo "§" "§")")"'),
    ('echo "${x:-§}"', 'echo "${x:-§}"'),
    ('echo "${x:-a $(echo §) b}"', 'echo "${x:-a $(echo "§") b}"'),
    ('echo "${x:=§}"', 'echo "${x:=§}"'),
    ('echo $"a §"', 'echo $"a §"'),
    # expansions
    ("echo ${x:-§}", 'echo ${x:-"§"}'),
    ('echo ${x-"§"}', 'echo ${x-"§"}'),
    ("echo ${x:+a§b}", 'echo ${x:+a"§"b}'),
    ("echo ${x?§}", 'echo ${x?"§"}'),
    ("echo ${1:-§}", 'echo ${1:-"§"}'),
    ("echo ${x:-${y:-§}}", 'echo ${x:-${y:-"§"}}'),
    ("echo ${x#a} §", 'echo ${x#a} "§"'),
    ('echo ${x//"}"/} §', 'echo ${x//"}"/} "§"'),
    ("echo $(echo §)", 'echo $(echo "§")'),
    ("echo $(echo \\) §) §", 'echo $(echo \\) "§") "§"'),
    ("echo $(case a in a) echo §;; esac) §", 'echo $(case a in a) echo "§";; esac) "§"'),
    ("echo $(# it's )\necho §) §", 'echo $(# it\'s )\necho "§") "§"'),
    ("echo `date` §", 'echo `date` "§"'),
    ("echo `echo \\`date\\` '` §", "echo `echo \\`date\\` '` \"§\""),
    ("echo $((1 + (2))) §", 'echo $((1 + (2))) "§"'),
    ("echo $((16#ff<<2)) §", 'echo $((16#ff<<2)) "§"'),
    ("cat <(echo §) >(cat §)", 'cat <(echo "§") >(cat "§")'),
    # assignments and redirections
    ("x=§", 'x="§"'),
    ("x=a§ y=§ env", 'x=a"§" y="§" env'),
    ("x+=§", 'x+="§"'),
    ("x[1]=§", 'x[1]="§"'),
    ("export X=§", 'export X="§"'),
    ("local x=§ y=a§", 'local x="§" y=a"§"'),
    ("x=(§ b)", 'x=("§" b)'),
    ("x=(\n§ # it's §\n)", 'x=(\n"§" # it\'s value\n)'),
    ("declare -A m=([k]=§)", 'declare -A m=([k]="§")'),
    ("echo >§", 'echo >"§"'),
    ("echo 2>>§ <§", 'echo 2>>"§" <"§"'),
    ("echo &>§", 'echo &>"§"'),
    ("cat <<<§", 'cat <<<"§"'),
    ("cat <<< §", 'cat <<< "§"'),
    # here-documents
    ("cat <<EOF\n§\nEOF", "cat <<EOF\n§\nEOF"),
    ("cat <<EOF\n'§' \"§\" it's\nEOF\necho §", "cat <<EOF\n'§' \"§\" it's\nEOF\necho \"§\""),
    ("cat <<-EOF\n\t§\n\tEOF\necho §", 'cat <<-EOF\n\t§\n\tEOF\necho "§"'),
    ("cat <<A <<B; echo §\n§\nA\n§ A\nB\necho §", 'cat <<A <<B; echo "§"\n§\nA\n§ A\nB\necho "§"'),
    ('cat <<EOF\n$(echo § "§")\nEOF', 'cat <<EOF\n$(echo "§" "§")\nEOF'),
    ("cat <<EOF\n${x:-§}\nEOF", "cat <<EOF\n${x:-§}\nEOF"),
    ("cat <<'EOF'\n'\"$(`\nEOF\necho §", "cat <<'EOF'\n'\"$(`\nEOF\necho \"§\""),
    ("cat <<\\EOF\n'\nEOF\necho §", "cat <<\\EOF\n'\nEOF\necho \"§\""),
    ('cat <<"A B"\n\'\nA B\necho §', 'cat <<"A B"\n\'\nA B\necho "§"'),
    ("cat <<EOF | cat §\n§\nEOF", 'cat <<EOF | cat "§"\n§\nEOF'),
    ("x=$(cat <<EOF\n§)\nEOF\n)§", 'x=$(cat <<EOF\n§)\nEOF\n)"§"'),
    ("cat <<EOF\nEOF \n§\nEOF", "cat <<EOF\nEOF \n§\nEOF"),
    # commands of the shell
    ("case § in §) echo §;; a|§) ;; (*) echo § ;; esac; echo §",
     'case "§" in "§") echo "§";; a|"§") ;; (*) echo "§" ;; esac; echo "§"'),
    ("case x in\nx) echo §\n;;\nesac\necho §", 'case x in\nx) echo "§"\n;;\nesac\necho "§"'),
    ("for f in § b; do echo §; done", 'for f in "§" b; do echo "§"; done'),
    ("for ((i=0;i<3;i++)); do echo §; done", 'for ((i=0;i<3;i++)); do echo "§"; done'),
    ("if [ § = a ]; then echo §; fi", 'if [ "§" = a ]; then echo "§"; fi'),
    ("while read -r l; do echo §; done <§", 'while read -r l; do echo "§"; done <"§"'),
    ("f() { echo §; }; f §", 'f() { echo "§"; }; f "§"'),
    ("function f { echo §; }", 'function f { echo "§"; }'),
    ("(echo §)", '(echo "§")'),
    ("{ echo §; }", '{ echo "§"; }'),
    ("((x++)); echo §", '((x++)); echo "§"'),
    ("[[ § == § && -n § ]] && echo §", '[[ "§" == "§" && -n "§" ]] && echo "§"'),
    ("[[ $x =~ ^(a|b)$ ]]; echo §", '[[ $x =~ ^(a|b)$ ]]; echo "§"'),
    ("[[ $x == *§* ]]", '[[ $x == *"§"* ]]'),
    ("[[ ( a < § ) || ! -f § ]]", '[[ ( a < "§" ) || ! -f "§" ]]'),
    # comments
    ("echo a # § it's \"\necho §", 'echo a # value it\'s "\necho "§"'),
    ("# §\n#§\necho §", '# value\n#value\necho "§"'),
    ("echo a;# §", "echo a;# value"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), REPLACED)
def test_replaced_with_quotes_for_its_place(script: str, expected: str) -> None:
    found = made(script)
    assert codes(found, "error") == []
    assert found.script == expected.replace("§", "${UNSPOOL_V1}")


@pytest.mark.parametrize("script", [row[0] for row in REPLACED])
def test_what_is_replaced_can_still_be_read_by_the_shell(script: str) -> None:
    if "bash" not in PRESENT:
        pytest.skip("bash is not here")
    assert syntax_is_right("bash", made(script).script)


def test_equal_sources_share_a_variable_and_the_numbers_follow_the_text() -> None:
    found = interpolate("echo ${{ inputs.b }} ${{inputs.a}} '' \"${{  inputs.b  }}\" # ${{ inputs.c }}")
    assert found.values == {"UNSPOOL_V1": "inputs.b", "UNSPOOL_V2": "inputs.a"}
    assert found.script == 'echo "${UNSPOOL_V1}" "${UNSPOOL_V2}" \'\' "${UNSPOOL_V1}" # value'


def test_a_script_without_expressions_stays_as_it_is() -> None:
    script = "echo 'it' \"is\" $((1)) `odd <<EOF ${ (( ["
    assert interpolate(script, "fish") == Interpolated(script, {}, ())


def test_the_escape_is_literal_text() -> None:
    assert interpolate("echo '$${{ x }}'").script == "echo '${{ x }}'"
    found = interpolate("echo '$${{ x }}' ${{ inputs.x }}")
    assert found.script == "echo '${{ x }}' \"${UNSPOOL_V1}\""
    assert found.diagnostics == ()


# -- where it cannot go --------------------------------------------------------------------------------------------

REFUSED = [
    ("echo '§'", "bash", "UNS091"),
    ("echo 'a\n§'", "bash", "UNS091"),
    ("echo 'it'\\''s §'", "bash", "UNS091"),
    ("echo $'§'", "bash", "UNS091"),
    ("echo \"$(echo '§')\"", "bash", "UNS091"),
    ("cat <<'EOF'\n§\nEOF", "bash", "UNS092"),
    ('cat <<"EOF"\n§\nEOF', "sh", "UNS092"),
    ("cat <<\\EOF\n§\nEOF", "sh", "UNS092"),
    ("cat <<-'EOF'\n\t§\n\tEOF", "sh", "UNS092"),
    ("cat <<§\nx\n", "sh", "UNS092"),
    ("cat <<a§\nx\n", "sh", "UNS092"),
    ("echo $((§ + 1))", "sh", "UNS093"),
    ("echo $(( ${x:-§} ))", "sh", "UNS093"),
    ('echo "$((§))"', "sh", "UNS093"),
    ("echo $[§]", "bash", "UNS093"),
    ("((x = §))", "bash", "UNS093"),
    ("for ((i=0;i<§;i++)); do :; done", "bash", "UNS093"),
    ("let x=§", "bash", "UNS093"),
    ("$maybe let x=§", "bash", "UNS093"),
    ("[[ § -eq 1 ]]", "bash", "UNS093"),
    ("[[ 1 -lt § && a == b ]]", "bash", "UNS093"),
    ('[[ a == b || "§" -ge 2 ]]', "zsh", "UNS093"),
    ("declare -i x=§", "bash", "UNS093"),
    ("declare -i x; x=§", "bash", "UNS093"),
    ("integer x; x=§", "zsh", "UNS093"),
    ("declare -a x=§", "bash", "UNS093"),
    ("x=(1); declare x=§", "bash", "UNS093"),
    ("declare -n r=§", "bash", "UNS093"),
    ("RANDOM=§", "bash", "UNS093"),
    ("COLUMNS=§ ls", "zsh", "UNS093"),
    ("exit §", "zsh", "UNS093"),
    ("printf '%d' §", "zsh", "UNS093"),
    ("[ -t § ]", "zsh", "UNS093"),
    ("repeat § echo", "zsh", "UNS093"),
    ("echo `echo §`", "sh", "UNS094"),
    ('echo "`echo "§"`"', "sh", "UNS094"),
    ("echo ${§}", "sh", "UNS095"),
    ("echo ${a§}", "sh", "UNS095"),
    ("echo ${x#§}", "sh", "UNS095"),
    ('echo "${x%%"§"}"', "sh", "UNS099"),
    ('echo ${x%%"§"}', "sh", "UNS095"),
    ("echo ${x/a/§}", "bash", "UNS095"),
    ("echo ${x:§:2}", "bash", "UNS095"),
    ("echo ${x[§]}", "bash", "UNS095"),
    ("echo ${x:=§}", "sh", "UNS095"),
    ("§=1", "sh", "UNS096"),
    ("a§=1 env", "sh", "UNS096"),
    ("x[§]=1", "bash", "UNS096"),
    ('x["§"]=1', "bash", "UNS096"),
    ("m=([§]=1)", "bash", "UNS096"),
    ("export §", "sh", "UNS096"),
    ("export §=1", "sh", "UNS096"),
    ("unset §", "bash", "UNS096"),
    ("read §", "bash", "UNS096"),
    ("command read -r §", "bash", "UNS096"),
    ("printf -v § x", "bash", "UNS096"),
    ("test -v §", "bash", "UNS096"),
    ("[[ -v § ]]", "bash", "UNS096"),
    ("mapfile -t §", "bash", "UNS096"),
    ("getopts ab §", "sh", "UNS096"),
    ("for § in a; do :; done", "sh", "UNS096"),
    ("§() { :; }", "sh", "UNS096"),
    ("function § { :; }", "bash", "UNS096"),
    ("echo \\§", "sh", "UNS097"),
    ('echo "\\§"', "sh", "UNS097"),
    ("cat <<EOF\n\\§\nEOF", "sh", "UNS097"),
    ("echo ~§", "sh", "UNS098"),
    ("x=~§", "sh", "UNS098"),
    ("echo =§", "zsh", "UNS098"),
    ("echo a[§]", "sh", "UNS098"),
    ("echo {1..§}", "bash", "UNS098"),
    ("echo !(§)", "bash", "UNS098"),
    ("echo *(§)", "zsh", "UNS098"),
    ("[[ $x =~ ^(§|b)$ ]]", "bash", "UNS098"),
    ("[[ $x =~ § ]]", "zsh", "UNS098"),
    ("[[ § == b ]]", "sh", "UNS098"),
    ("echo \"${x:-'§'}\"", "sh", "UNS099"),
    ("((a)); echo §", "sh", "UNS099"),
    ("echo $'\\'' §", "dash", "UNS099"),
    ("cat <<<§", "sh", "UNS099"),
    ("a[1 + §]=3", "bash", "UNS099"),
    ("echo $a[§]", "zsh", "UNS099"),
    ("echo $((echo §) | cat)", "bash", "UNS093"),
    ("echo 'never closed\necho §", "sh", "UNS099"),
    ('echo "never closed §', "sh", "UNS099"),
    ("cat <<EOF\n§", "sh", "UNS099"),
    ('cat <<EOF "a\nb"\n§\nEOF', "sh", "UNS099"),
    ("case x in x) echo §", "sh", "UNS099"),
    ("echo a) §", "sh", "UNS099"),
    ("coproc a { eval §; }", "bash", "UNS099"),
    ("echo >&§", "bash", "UNS104"),
    ("echo 2>&§", "sh", "UNS104"),
    ("echo §", "fish", "UNS090"),
    ("print(§)", "python3", "UNS090"),
    ("echo §", "/bin/bash", "UNS090"),
    ("UNSPOOL_V1=a; echo §", "sh", "UNS105"),
    ("echo \0 §", "sh", "UNS105"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "shell", "code"), REFUSED)
def test_refused_where_it_cannot_work(script: str, shell: str, code: str) -> None:
    found = made(script, shell)
    assert codes(found, "error") == [code]
    assert all(one.hint and "${{{{" not in one.hint for one in found.diagnostics)


def test_an_error_stands_at_its_expression() -> None:
    script = "echo ${{ inputs.a }} \\\n  '${{  inputs.b }}'"
    (found,) = interpolate(script).diagnostics
    assert found.offset is not None
    assert script[found.offset :].startswith("inputs.b")
    assert found.path == ()


def test_every_error_is_reported_in_one_pass() -> None:
    found = made("echo '§' $((§)) `§`\n§=1\ncat <<'E'\n§\nE\n")
    assert codes(found, "error") == ["UNS091", "UNS093", "UNS094", "UNS096", "UNS092"]


def test_doubt_names_the_line_and_covers_all_that_follows() -> None:
    found = made("echo §\n\n((x))\necho § # §", "sh")
    assert [(one.code, one.offset) for one in found.diagnostics] == [("UNS099", 37), ("UNS099", 55)]
    assert "line 3" in found.diagnostics[0].message
    assert found.diagnostics[0].hint is not None
    assert "at the start of the script" in found.diagnostics[0].hint


def test_an_expression_that_cannot_be_parsed_is_a_diagnostic() -> None:
    (found,) = interpolate("echo ${{ 1 + }}").diagnostics
    assert found.code == "UNS060"
    assert found.offset is not None
    (found,) = interpolate("echo ${{ inputs.x").diagnostics
    assert found.code == "UNS060"
    assert found.offset == 5


# -- where the author should know ----------------------------------------------------------------------------------

WARNED = [
    ("eval §", "UNS100"),
    ('eval "x $(echo §)"', "UNS100"),
    ("$maybe eval §", "UNS100"),
    ('builtin eval "a §"', "UNS100"),
    ("sh -c §", "UNS100"),
    ('bash -ec "ls §"', "UNS100"),
    ("/bin/sh -c § a b", "UNS100"),
    ('sudo -u me bash -c "§"', "UNS100"),
    ("docker exec box sh -c §", "UNS100"),
    ("su -c § me", "UNS100"),
    ("su me --command=§", "UNS100"),
    ("ssh -p 22 host §", "UNS100"),
    ('ssh host "cd §"', "UNS100"),
    ("find . -exec sh -c § \\;", "UNS100"),
    ("xargs sh -c §", "UNS100"),
    ("trap § EXIT", "UNS100"),
    (". §", "UNS100"),
    ("source ./§", "UNS100"),
    ("python3.11 -c §", "UNS100"),
    ("python -c 'print(1)' && python -c \"§\"", "UNS100"),
    ("perl -ne §", "UNS100"),
    ("node --eval=§", "UNS100"),
    ("sed -e s/a/§/ file", "UNS100"),
    ('sed "s/a/§/" file', "UNS100"),
    ('awk "{ print § }" file', "UNS100"),
    ("env -S §", "UNS100"),
    ('psql -h host -c "select §"', "UNS100"),
    ("alias x=§", "UNS100"),
    ("PS4=§", "UNS100"),
    ("export BASH_ENV=§", "UNS100"),
    ("bash <<EOF\necho §\nEOF", "UNS100"),
    ("cat <<EOF | ssh host\necho §\nEOF", "UNS100"),
    ("python - <<EOF\n§\nEOF", "UNS100"),
    ("bash <<< §", "UNS100"),
    ("echo § | sudo bash -s", "UNS100"),
    ("docker exec -i db psql <<EOF\n§\nEOF", "UNS100"),
    ("echo $(( $(cat -- §) + 1 ))", "UNS100"),
    ("[[ $(cat -- §) -eq 1 ]]", "UNS100"),
    ("§", "UNS101"),
    ("§ a b", "UNS101"),
    ("./bin/§.sh", "UNS101"),
    ("sudo §", "UNS101"),
    ("timeout 5 §", "UNS101"),
    ("x=1 §", "UNS101"),
    ("if §; then :; fi", "UNS101"),
    ("rm §", "UNS102"),
    ('rm -rf "§/x"', "UNS102"),
    ("git fetch origin §", "UNS102"),
    ("rm $x§", "UNS102"),
    ("rm -§", "UNS102"),
    ("sudo -- rm §", "UNS102"),
    ("kubectl exec pod -- rm §", "UNS102"),
    ("find § -delete", "UNS102"),
    ("find -- §", "UNS102"),
    ("ssh § uptime", "UNS102"),
    ("set §", "UNS102"),
    ("cd §", "UNS102"),
    ("printf §", "UNS103"),
    ('printf -- "a §"', "UNS103"),
    ("[ a = b -a § = c ]", "UNS103"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "code"), WARNED)
def test_warned_of(script: str, code: str) -> None:
    found = made(script)
    assert codes(found, "error") == []
    assert codes(found, "warning") == [code]
    assert all(one.hint for one in found.diagnostics)


QUIET = [
    "git fetch origin -- §",
    'rm -rf -- § "§"',
    'rm ./§ a§ "x§"',
    "rm --name=§",
    "echo §",
    "printf '%s\\n' §",
    "[ § = a ] && test -n §",
    "sh -c 'echo \"$1\"' _ § §",
    "sh -c 'cat' -- §",
    "docker exec box sh -c 'rm -- \"$1\"' _ §",
    "find . -name \"x§\" -exec sh -c 'cat \"$1\"' _ § \\;",
    "grep -e § file",
    "git commit -m §",
    "awk -v x=§ '{ print x }'",
    "jq --arg x § .a",
    "exit §",
    "set -- §",
    "python3 script.py -- §",
    "read -p § x",
    "export X=§",
    "case § in a) ;; esac",
    "cat <<EOF\n§\nEOF",
    "cat <<EOF | tee -- log\n§\nEOF",
    "bash script.sh <<EOF\n§\nEOF",
    "x=§ y=$(cat -- §)",
]  # fmt: skip


@pytest.mark.parametrize("script", QUIET)
def test_nothing_to_say(script: str) -> None:
    assert made(script).diagnostics == ()


def test_loading_the_command_line_of_a_script_loads_no_compiler() -> None:
    code = "import sys, unspool.compiler.shell; print(sorted(n for n in sys.modules if n.startswith('unspool.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_import_path())
    assert done.stdout.split() == [
        "['unspool.compiler',",
        "'unspool.compiler.shell',",
        "'unspool.model',",
        "'unspool.model.diagnostics']",
    ]


def _import_path() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}


# -- the command line ----------------------------------------------------------------------------------------------


def test_the_command_line_of_each_shell() -> None:
    assert shell_argv("sh", "ls") == ["sh", "-e", "-c", "ls"]
    assert shell_argv("dash", "ls") == ["dash", "-e", "-c", "ls"]
    assert shell_argv("bash", "ls") == ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", "ls"]
    assert shell_argv("zsh", "ls") == ["zsh", "-f", "-e", "-o", "pipefail", "-c", "ls"]
    assert shell_argv("fish", "ls") == ["fish", "-c", "ls"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_never_an_option(shell: str) -> None:
    assert shell_argv(shell, "-x")[-1] == " -x"


# -- the proof: shells hand on exactly the value -------------------------------------------------------------------

Expected = Callable[[str], list[list[str]]]


def once(value: str) -> list[list[str]]:
    return [[value]]


def marked(value: str) -> list[list[str]]:
    return [[value + "x"]]


def between(value: str) -> list[list[str]]:
    return [["a" + value + "b"]]


PLACES: list[tuple[tuple[str, ...], str, Expected]] = [
    (POSIX, "show §", once),
    (POSIX, "show a§b", between),
    (POSIX, 'show "§"', once),
    (POSIX, 'show "a§b"', between),
    (POSIX, "show 'a'§'b'", between),
    (POSIX, "show a\\\n§b", between),
    (POSIX, 'show § "§" x', lambda v: [[v, v, "x"]]),
    (POSIX, "show §§", lambda v: [[v + v]]),
    (POSIX, 'x=§; show "$x"', once),
    (POSIX, 'x=a§b; show "$x"', between),
    (POSIX, 'x="a§b"; show "$x"', between),
    (POSIX, 'export X=§; show "$X"', once),
    (POSIX, 'f() { local x=§; show "$x"; }; f', once),
    (POSIX, 'readonly x=§; show "$x"', once),
    (POSIX, 'f() { show "$1"; }; f §', once),
    (POSIX, 'set -- §; show "$@"', once),
    (POSIX, 'show "$(printf %s §; printf x)"', marked),
    (POSIX, 'show "$(printf %s "§"x)"', marked),
    (POSIX, 'show "$(printf %s "$(printf %sx §)")"', marked),
    (POSIX, 'x=$(printf %sx §); show "$x"', marked),
    (POSIX, 'show "$(case a in a) printf %sx §;; esac)"', marked),
    (POSIX, "show \"$(# )'\nprintf %sx §)\"", marked),
    (POSIX, "unset x; show ${x:-§}", once),
    (POSIX, 'unset x; show "${x:-§}"', once),
    (POSIX, 'unset x; show "${x:-a§b}"', between),
    (POSIX, "unset x y; show ${x-${y-a§b}}", between),
    (POSIX, "x=1; show ${x:+§}", once),
    (POSIX, 'x=1; show "${x+§}"', once),
    (POSIX, 'unset x; show "${x=§}" "$x"', lambda v: [[v, v]]),
    (POSIX, 'unset x; show "${x:-$(printf %sx §)}"', marked),
    (POSIX, "body <<EOF\n§\nEOF", lambda v: [[v + "\n"]]),
    (POSIX, "body <<EOF\na'§'\"§\"`printf b`\nEOF", lambda v: [["a'" + v + "'\"" + v + '"b\n']]),
    (POSIX, "body <<-EOF\n\ta§\n\tEOF", lambda v: [["a" + v + "\n"]]),
    (POSIX, "body <<EOF\n$(printf %sx §)\nEOF", lambda v: [[v + "x\n"]]),
    (POSIX, "unset x; body <<EOF\n${x:-§}\nEOF", lambda v: [[v + "\n"]]),
    (POSIX, "body <<A; body <<B; show §\n§\nA\n§A\nB\nshow §", lambda v: [[v + "\n"], [v + "A\n"], [v], [v]]),
    (POSIX, 'x=$(cat <<EOF\n§)\nEOF\n); show "$x"', lambda v: [[v + ")"]]),
    (RICH, "body <<<§", lambda v: [[v + "\n"]]),
    (RICH, "body <<< a§b", lambda v: [["a" + v + "b\n"]]),
    (POSIX, "case § in §) show §;; *) show no;; esac", once),
    (POSIX, "case a§b in a§b) show §;; *) show no;; esac", once),
    (POSIX, 'case "§" in "§") show §;; *) show no;; esac', once),
    (POSIX, "case xy§z in x*§*) show §;; *) show no;; esac", once),
    (POSIX, 'for x in §; do show "$x"; done', once),
    (POSIX, "if [ § = § ]; then show §; fi", once),
    (POSIX, "if test a§ = a§; then show §; fi", once),
    (POSIX, "(show §); { show §; }; true && show §", lambda v: [[v], [v], [v]]),
    (POSIX, "true | show §", once),
    (POSIX, "x=§ sh -c 'printf %sx \"$x\"' | { read_all=$(cat); show \"$read_all\"; }", marked),
    (POSIX, "printf '%s' § | { x=$(cat; printf x); show \"$x\"; }", marked),
    (POSIX, "sh -c 'printf %s \"$1\"' _ § | { x=$(cat; printf x); show \"$x\"; }", marked),
    (POSIX, "show a # § '\nshow §", lambda v: [["a"], [v]]),
    (POSIX, "show $((1 + 1)) §", lambda v: [["2", v]]),
    (POSIX, "show `printf a` §", lambda v: [["a", v]]),
    (RICH, "show {a,§}", lambda v: [["a", v]] if v else [["a", ""]]),
    (RICH, "show $'\\'' §", lambda v: [["'", v]]),
    (("bash",), 'show $"a§b"', between),
    (RICH, 'x=(§ b); show "${x[@]}"', lambda v: [[v, "b"]]),
    (RICH, 'x=(a); x+=(§); show "${x[@]}"', lambda v: [["a", v]]),
    (RICH, 'declare -a x=(§ b); show "${x[@]}"', lambda v: [[v, "b"]]),
    (RICH, 'declare -A m=([k]=§); show "${m[k]}"', once),
    (RICH, 'x=(a b); x[1]=§; show "${x[1]}"', once),
    (RICH, 'declare x=§; show "$x"', once),
    (RICH, 'x=a; x+=§; show "$x"', lambda v: [["a" + v]]),
    (RICH, "if [[ § == § ]]; then show §; fi", once),
    (RICH, "x=§; if [[ $x == § && -n a§ ]]; then show §; fi", once),
    (RICH, "if [[ a§b == a*§* ]]; then show §; fi", once),
    (("bash",), "if [[ x§y =~ ^x§y$ ]]; then show §; fi", once),
    (RICH, 'show "$(cat <(printf %sx §))"', marked),
    (RICH, "for ((i = 0; i < 1; i++)); do show §; done", once),
    (RICH, "function f { show §; }; f", once),
    (("zsh",), "{ show § } always { show § }", lambda v: [[v], [v]]),
]  # fmt: skip


def proofs(shell: str) -> list[tuple[str, Expected]]:
    return [(script, expected) for shells, script, expected in PLACES if shell in shells]


def accepted(script: str, shell: str) -> Interpolated:
    """Interpolate a script that must be accepted."""
    found = made(script, shell)
    assert codes(found, "error") == [], script
    return found


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_each_place_hands_on_the_bytes_of_the_value(shell: str, tmp_path: Path) -> None:
    if shell not in PRESENT:
        pytest.skip(f"{shell} is not here")
    cases = [(accepted(script, shell), value, expected) for script, expected in proofs(shell) for value in HOSTILE]
    for start in range(0, len(cases), 250):
        batch = cases[start : start + 250]
        ran = run_each(
            shell, [(found.script, dict.fromkeys(found.values, value)) for found, value, _ in batch], tmp_path
        )
        for (found, value, expected), calls in zip(batch, ran, strict=True):
            assert calls == expected(value), (found.script, value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arguments"]


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_each_place_works_in_a_process_of_its_own(shell: str, tmp_path: Path) -> None:
    if shell not in PRESENT:
        pytest.skip(f"{shell} is not here")
    value = "-n '\"\\ $(touch pwned) `touch pwned`; * é\n"
    for script, expected in proofs(shell):
        assert run_once(shell, accepted(script, shell), value, tmp_path) == expected(value), script
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arguments"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_value_names_the_target_of_a_redirection(shell: str, tmp_path: Path) -> None:
    if shell not in PRESENT:
        pytest.skip(f"{shell} is not here")
    name = "-$(touch pwned) `x` '\"\\ * ;é"
    run_once(shell, accepted("printf a >§; printf b >>./§; printf c 2>|§.2", shell), name, tmp_path)
    assert (tmp_path / name).read_text() == "ab"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["arguments", name, f"{name}.2"])
