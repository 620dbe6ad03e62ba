"""What is said about an expression in a shell script: code, severity, sentence and way out."""

from __future__ import annotations

from typing import Literal, NamedTuple

CODES = {
    "UNS090": "a script for this shell cannot hold expressions",
    "UNS091": "an expression stands inside single quotes",
    "UNS092": "an expression stands in a quoted here-document, or is its end word",
    "UNS093": "an expression stands where the shell reads arithmetic",
    "UNS094": "an expression stands inside backticks",
    "UNS095": "an expression stands inside ${...}, other than as a default",
    "UNS096": "an expression stands where the shell reads a name",
    "UNS097": "a backslash or a dollar stands in front of an expression",
    "UNS098": "an expression stands inside a pattern or another expansion",
    "UNS099": "it is not certain how the shell reads the place of an expression",
    "UNS100": "an expression becomes code of another program or shell",
    "UNS101": "an expression names the program to run",
    "UNS102": "the value of an expression could be read as an option",
    "UNS103": "the value of an expression could be read as an operator or a format",
    "UNS104": "an expression names a file descriptor",
    "UNS105": "a script uses a name or a character that unspool needs for itself",
}


class Reason(NamedTuple):
    """One sentence; `{}` in it takes a detail."""

    code: str
    message: str
    hint: str
    severity: Literal["error", "warning"] = "error"


_FIRST = 'set a variable on a line before (`value=${{ ... }}`) and use "$value" here'

REASONS = {
    "shell": Reason(
        "UNS090",
        "expressions cannot stand in a script for {}",
        "hand the value over in `env` and read it there, or use sh, bash, dash or zsh",
    ),
    "single_quotes": Reason(
        "UNS091",
        "the shell expands nothing inside single quotes",
        "use double quotes, or close the single quotes before the expression and open them again behind it",
    ),
    "ansi_quotes": Reason(
        "UNS091",
        "the shell expands nothing inside $'...'",
        "close the quotes before the expression and open them again behind it",
    ),
    "quoted_document": Reason(
        "UNS092",
        "the shell expands nothing in a here-document whose end word is quoted",
        "write the end word without quotes (and \\$ for a literal dollar), or hand the value over in `env`",
    ),
    "end_word": Reason(
        "UNS092",
        "the end word of a here-document is never expanded",
        "write a fixed word such as EOF",
    ),
    "arithmetic": Reason(
        "UNS093",
        "the shell reads arithmetic here, and arithmetic can run commands",
        "check the value first and use the variable: `n=${{ ... }}; case $n in ''|*[!0-9]*) exit 2;; esac`, "
        "or compute it in the expression itself",
    ),
    "comparison": Reason(
        "UNS093",
        "[[ ]] reads the operands of {} as arithmetic, and arithmetic can run commands",
        "compare with [ ... ], which takes plain numbers only, or in the expression itself",
    ),
    "integer": Reason(
        "UNS093",
        "the shell evaluates what is assigned to {}",
        "assign to a plain variable, declared without an option such as -i, -a, -A or -n",
    ),
    "backticks": Reason("UNS094", "quotes mean something else inside backticks", "write $( ... ) instead"),
    "parameter": Reason(
        "UNS095",
        "the shell reads a name, a pattern or arithmetic in this place of ${{...}}",
        "compute it in the expression itself, or " + _FIRST,
    ),
    "assigned_default": Reason(
        "UNS095",
        "the assigned default of an unquoted ${{name:=...}} is split into words",
        'put double quotes around it: "${name:=...}"',
    ),
    "name": Reason(
        "UNS096",
        "the shell reads a name here, and a name can run commands",
        "write the name itself; choose between names with `case`",
    ),
    "escaped": Reason(
        "UNS097",
        "the character in front of the expression would change how the shell reads it",
        "write $${{ for literal text, or put the character in single quotes: '\\'${{ ... }}",
    ),
    "pattern": Reason(
        "UNS098",
        "the value would stand inside a pattern or a brace expansion",
        "put the whole word in double quotes if it is plain text, or " + _FIRST,
    ),
    "tilde": Reason(
        "UNS098",
        "the shell expands ~ only in front of a plain name",
        'write ~ and a fixed name, or "$HOME"',
    ),
    "regex": Reason(
        "UNS098",
        "the value would be read as a regular expression",
        "compare with == and a quoted pattern, or match in the expression itself",
    ),
    "condition": Reason("UNS098", "[[ ]] is not known to every sh", "write [ ... ], or set `shell: bash`"),
    "doubt": Reason(
        "UNS099",
        "it is not certain how the shell reads this place ({})",
        'set a variable at the start of the script (`value=${{ ... }}`) and use "$value" here',
    ),
    "code": Reason(
        "UNS100",
        "{} reads this argument as code, so the value can change what it does",
        "hand the value over as data: an argument of its own (sh -c '... \"$1\"' _ ${{ ... }}) or `env`",
        "warning",
    ),
    "code_input": Reason(
        "UNS100",
        "{} reads its input as code, so the value can change what it does",
        "hand the value over as data: an argument or `env`",
        "warning",
    ),
    "code_variable": Reason("UNS100", "the shell runs what is in {}", "write a fixed text", "warning"),
    "code_output": Reason(
        "UNS100",
        "the shell evaluates what this command prints, so the value can run commands",
        "check what it prints before using it",
        "warning",
    ),
    "program": Reason(
        "UNS101",
        "the value names the program to run",
        "choose between fixed programs with `case`, or give the input an `enum`",
        "warning",
    ),
    "option": Reason(
        "UNS102",
        "a value that begins with - would be read as an option of {}",
        "put -- before it, or give the input a `pattern` such as ^[a-z0-9]",
        "warning",
    ),
    "option_argument": Reason(
        "UNS102",
        "a value that begins with - could be read as an option of {}",
        "join it to its option (--name=${{ ... }}), put -- before it, or give the input a `pattern` such as ^[a-z0-9]",
        "warning",
    ),
    "option_find": Reason(
        "UNS102",
        "a value that begins with - would be read as an expression of find",
        "put ./ before it, or give the input a `pattern` such as ^[a-z0-9]",
        "warning",
    ),
    "format": Reason("UNS103", "printf reads this argument as a format", "write printf '%s' ${{ ... }}", "warning"),
    "test": Reason(
        "UNS103",
        "with -a or -o a value such as ( or ! is read as an operator",
        "write [ ... ] && [ ... ] or [ ... ] || [ ... ]",
        "warning",
    ),
    "descriptor": Reason(
        "UNS104",
        "bash expands the target of this redirection a second time, which runs what is in the value",
        "write `> file 2>&1`, or a fixed number",
    ),
    "reserved_name": Reason(
        "UNS105",
        "the script uses {}, a name that carries the values of expressions",
        "use another name",
    ),
    "nul": Reason("UNS105", "a script cannot hold the character NUL", "remove it"),
}
