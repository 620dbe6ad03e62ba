"""What is known of programs that a script calls: which read code, which start others, which take options."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unspool.compiler.shell_words import DYNAMIC, HOLE, Word

HARMLESS = frozenset(("echo", ":", "true", "false", "pwd", "times"))
NUMBERS = frozenset(("exit", "return", "break", "continue", "shift", "logout", "bye"))
NAMES = frozenset(("unset", "getopts", "mapfile", "readarray", "vared", "zparseopts"))
NAME_OPTIONS = {"wait": "-p", "print": "-v"}
DECLARING = frozenset(("export", "readonly", "declare", "typeset", "local", "integer", "float"))
CODE = frozenset(
    ("eval", "trap", "alias", "complete", "compgen", "bind", "enable", "sched", "emulate", "watch", "parallel")
)
WITHOUT_DASHES = frozenset(("find",))

# Assigning to these evaluates arithmetic.
INTEGER_VARIABLES = frozenset(
    ("RANDOM", "SRANDOM", "SECONDS", "OPTIND", "HISTCMD", "LINENO", "BASHPID", "EPOCHSECONDS", "UID", "EUID", "PPID")
)
ZSH_INTEGER_VARIABLES = frozenset(
    "BAUD COLUMNS DIRSTACKSIZE EGID ERRNO FUNCNEST GID HISTSIZE KEYTIMEOUT LINES LISTMAX LOGCHECK MAILCHECK PERIOD "
    "SAVEHIST SHLVL TMOUT TRY_BLOCK_ERROR TRY_BLOCK_INTERRUPT TTYIDLE ZLE_RPROMPT_INDENT".split()
)
CODE_VARIABLES = frozenset(
    "PS0 PS1 PS2 PS4 PROMPT PROMPT2 PROMPT4 RPROMPT PROMPT_COMMAND BASH_ENV ZDOTDIR LD_PRELOAD LD_AUDIT "
    "GIT_SSH_COMMAND".split()
)

_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash"))
# Interpreters: the letters of the options behind which code stands, and their long forms.
_INTERPRETERS = {
    **dict.fromkeys(_SHELLS, "c"),
    "python": "c",
    "pypy": "c",
    "perl": "eE",
    "ruby": "e",
    "node": "ep",
    "nodejs": "ep",
    "php": "r",
    "lua": "e",
    "Rscript": "e",
    "env": "S",
}
_LATE_CODE = {"psql": "c", "mysql": "e", "mariadb": "e", "su": "c", "runuser": "c", "script": "c", "flock": "c"}
_LONG_CODE = ("--eval", "--print", "--command", "--execute", "--expression", "--split-string", "--run")
_CONTAINERS = frozenset(("docker", "podman", "nerdctl", "kubectl", "oc", "lxc", "vagrant"))
_VERSION = re.compile(r"(python|pypy|perl|ruby|php|lua)[0-9.]+\Z")

# Programs whose first plain argument is code (the second of sqlite3), with the options that take an argument.
_PROGRAM_AT = {"sed": 0, "awk": 0, "gawk": 0, "mawk": 0, "nawk": 0, "jq": 0, "sqlite3": 1}
_TAKING = {
    "sed": {"-e": 1, "-f": 1, "--expression": 1, "--file": 1, "-l": 1},
    "jq": {"--arg": 2, "--argjson": 2, "--slurpfile": 2, "--rawfile": 2, "-f": 1, "--from-file": 1, "--indent": 1},
    **{name: {"-v": 1, "-F": 1, "-f": 1, "--assign": 1, "--file": 1} for name in ("awk", "gawk", "mawk", "nawk")},
    **{name: {"-e": 1, "--regexp": 1} for name in ("grep", "egrep", "fgrep", "rg")},
    "find": dict.fromkeys(
        "-name -iname -path -ipath -regex -newer -type -size -mtime -mmin -maxdepth -mindepth -user -group".split(), 1
    ),
    "git": {"-m": 1, "--message": 1},
    "ssh": {f"-{letter}": 1 for letter in "BbcDEeFIiJLlmOopQRSWw"},
}
_PROGRAM_ELSEWHERE = frozenset(("-e", "-f", "--expression", "--file", "--from-file"))

# Commands that start the command behind them: the letters of their options that take an argument.
WRAPPERS = {
    **dict.fromkeys(("command", "builtin", "noglob", "nocorrect", "-", "nohup", "setsid", "chronic", "busybox"), ""),
    **dict.fromkeys(("kubectl", "oc", "nsenter", "unshare", "systemd-run", "npx", "uv", "lxc"), ""),
    "exec": "a",
    "sudo": "ugpCDhRrtTU",
    "doas": "uC",
    "env": "uCS",
    "nice": "n",
    "ionice": "cnpPu",
    "time": "fo",
    "timeout": "ks",
    "stdbuf": "ioe",
    "xargs": "IiLnPsdEa",
    "chroot": "",
    "taskset": "",
    "chrt": "",
}
_AFTER_DASHES = frozenset(("kubectl", "oc", "nsenter", "unshare", "systemd-run", "npx", "uv", "lxc"))
_ONE_ARGUMENT_FIRST = frozenset(("timeout", "chroot", "taskset", "chrt"))
_SETTING = re.compile(r"[A-Za-z_\0][A-Za-z0-9_\0]*=")


def name_of(word: Word) -> str:
    """The program's name without folder and version; it holds marks where it is not fixed."""
    name = word.literal.rpartition("/")[2]
    version = _VERSION.match(name)
    return version.group(1) if version else name


def may_vanish(word: Word) -> bool:
    """Whether a word such as an unquoted `$sudo` may expand to nothing, so that the next word is the command."""
    return bool(word.shape) and not word.shape.strip(DYNAMIC)


def starts_another(word: Word) -> bool:
    """Whether the command that begins with this word may be found behind it."""
    return name_of(word) in WRAPPERS or may_vanish(word)


def wrapped(words: list[Word]) -> list[Word]:
    """The command that a wrapper such as `sudo` starts; empty where there is none."""
    name = name_of(words[0])
    literals = [word.literal for word in words]
    if may_vanish(words[0]):
        return words[1:]
    if name in _AFTER_DASHES:
        return words[literals.index("--") + 1 :] if "--" in literals else []
    if name == "command" and {"-v", "-V"} & set(literals[1:2]):
        return []
    return words[_start_of_inner(name, literals) :]


def _start_of_inner(name: str, literals: list[str]) -> int:
    place, skip = 1, 1 if name in _ONE_ARGUMENT_FIRST else 0
    while place < len(literals):
        literal = literals[place]
        if literal == "--":
            place += 1
            continue
        if literal[:1] == "-" and literal != "-":
            place += 2 if len(literal) == 2 and literal[1] in WRAPPERS[name] else 1
        elif name in {"env", "sudo"} and _SETTING.match(literal):
            place += 1
        elif skip:
            place, skip = place + 1, skip - 1
        else:
            break
    return place


def find_commands(words: list[Word]) -> Iterator[list[Word]]:
    """The commands behind `-exec` and the like of `find`."""
    start = 0
    for place, word in enumerate(words):
        if word.literal in {"-exec", "-execdir", "-ok", "-okdir"}:
            start = place + 1
        elif start and word.literal in {";", "+"}:
            yield words[start:place]
            start = 0
    if start:
        yield words[start:]


def code_arguments(words: list[Word]) -> Iterator[tuple[int, str]]:
    """Places of arguments that a program reads as code, with the program's name."""
    first = name_of(words[0])
    for place, word in enumerate(words):
        name = name_of(word)
        if name in _INTERPRETERS:
            for found in _behind_option(words, place, _INTERPRETERS[name], shell=name in _SHELLS):
                yield found, name
    if first in _LATE_CODE:
        for found in _late_options(words, _LATE_CODE[first]):
            yield found, first
    elif first == "ssh":
        for found in _plain(words, _TAKING["ssh"])[1:]:
            yield found, first
    elif first in _PROGRAM_AT:
        for found in _programs(words, first):
            yield found, first


def _behind_option(words: list[Word], owner: int, letters: str, *, shell: bool) -> Iterator[int]:
    """The code of an interpreter: only its leading options count, what follows is the script's own."""
    place = owner + 1
    while place < len(words) and words[place].literal[:1] == "-":
        literal = words[place].literal
        if _is_attached_code(literal, letters):
            yield place
        elif _is_code_option(literal, letters, anywhere=shell):
            place += 1
            while shell and place < len(words) and words[place].literal[:1] in {"-", "+"}:
                place += 1
            if place < len(words):
                yield place
            return
        place += 1


def _late_options(words: list[Word], letters: str) -> Iterator[int]:
    for place, word in enumerate(words):
        if _is_attached_code(word.literal, letters):
            yield place
        elif _is_code_option(word.literal, letters, anywhere=False) and place + 1 < len(words):
            yield place + 1


def _is_code_option(literal: str, letters: str, *, anywhere: bool) -> bool:
    if literal in _LONG_CODE:
        return True
    if literal[:1] != "-" or literal[:2] == "--":
        return False
    return any(letter in literal for letter in letters) if anywhere else literal[-1:] in letters and len(literal) > 1


def _is_attached_code(literal: str, letters: str) -> bool:
    if HOLE not in literal and DYNAMIC not in literal:
        return False
    if literal[:2] == "--":
        return literal.partition("=")[0] in _LONG_CODE
    return literal[:1] == "-" and literal[1:2] in letters and len(literal) > 2


def _programs(words: list[Word], name: str) -> Iterator[int]:
    taking = _TAKING.get(name, {})
    elsewhere = False
    for place, word in enumerate(words):
        literal = word.literal
        option = literal.partition("=")[0] if literal[:2] == "--" else literal[:2]
        if option not in _PROGRAM_ELSEWHERE or name == "sqlite3":
            continue
        elsewhere = True
        if option in {"-e", "--expression"} and name == "sed":
            yield place + 1 if literal == option and place + 1 < len(words) else place
    plain = _plain(words, taking)
    if not elsewhere and len(plain) > _PROGRAM_AT[name]:
        yield plain[_PROGRAM_AT[name]]


def _plain(words: list[Word], taking: dict[str, int]) -> list[int]:
    """Places of the arguments that are neither options nor arguments of options."""
    found, place, options = [], 1, True
    while place < len(words):
        literal = words[place].literal
        if options and literal == "--":
            options = False
        elif options and literal[:1] == "-" and literal != "-":
            place += taking.get(literal, 0)
        else:
            found.append(place)
        place += 1
    return found


def data_arguments(words: list[Word]) -> set[int]:
    """Places of arguments that can begin with `-` without being read as an option."""
    if not words:
        return set()
    data: set[int] = set()
    taking = _TAKING.get(name_of(words[0]), {})
    for place, word in enumerate(words):
        data.update(range(place + 1, place + 1 + taking.get(word.literal, 0)))
    behind = [place for place, owner in code_arguments(words) if owner in _INTERPRETERS and owner != "env"]
    return data.union(range(behind[0] + 1, len(words))) if behind else data


def reads_code(words: list[Word]) -> str:
    """The name of the program, where the command runs what it reads on its standard input, else nothing."""
    for _ in range(20):
        if not words or not starts_another(words[0]):
            break
        words = wrapped(words)
    if not words:
        return ""
    name = name_of(words[0])
    return name if _reads_code(words, name) else ""


def _reads_code(words: list[Word], name: str) -> bool:
    if name in _CONTAINERS:
        return any(name_of(word) in _INTERPRETERS or name_of(word) in _LATE_CODE for word in words[1:])
    plain = [words[place].literal for place in _plain(words, _TAKING.get(name, {}))]
    if name in {"ssh", "sqlite3"}:
        return len(plain) <= 1
    if name in {"at", "batch"}:
        return True
    if name in _LATE_CODE and name not in {"script", "flock"}:
        return not list(code_arguments(words))
    if name not in _INTERPRETERS or list(code_arguments(words)):
        return False
    return not plain or plain[0] == "-" or (name in _SHELLS and any(word.literal == "-s" for word in words))
