"""The secrets of a run: where their values come from, who gets them, and that nothing else of them is kept."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from unspool.core.placeholders import fill
from unspool.errors import SecretError
from unspool.model.plan import Plan, Task
from unspool.model.plan_json import plan_to_json
from unspool.tasks.attempt import Ended
from unspool.tasks.masking import LEAST, Mask

MOST_BYTES = 64 * 1024  # of one value
_MOST_FILE_BYTES = 1024 * 1024
_BY_NAME = ("output", "outputs")  # members of a result that hold values by name


class RunSecrets:
    """What the host knows of one run's secrets."""

    def __init__(self, values: Mapping[str, str], private: str) -> None:
        """Prepare the mask.

        Args:
            values: by name, checked.
            private: a folder outside the state, for files that may hold a value in clear.
        """
        self._values = dict(values)
        self.mask = Mask(values)
        self.private = private

    def variables(self, task: Task, env: dict[str, str]) -> dict[str, str]:
        """Put the values into the variables of a task that is given any."""
        if not task.secrets:
            return env
        given = {name: self._values[name] for name in task.secrets}
        return {name: fill(text, given) for name, text in env.items()}

    def headers(self, task: Task, action: dict[str, Any]) -> dict[str, Any]:
        """Put the values into the headers of a request that is given any."""
        if not task.secrets or "headers" not in action:
            return action
        return {**action, "headers": self.variables(task, action["headers"])}

    def ended(self, end: Ended) -> Ended:
        """Mask what a task kind tells of an attempt's end."""
        error = end.error
        if error is not None:
            error = {**error, "message": self.mask.text(error["message"])}
        result = end.result
        if result is not None:
            result = {key: self._told(key, value) for key, value in result.items()}
        return end._replace(error=error, result=result)

    def _told(self, key: str, value: Any) -> Any:
        """Mask one member of a result, but not the form in which values travel."""
        if key in _BY_NAME and isinstance(value, dict):
            return {self.mask.text(name): self._travelling(stored) for name, stored in value.items()}
        return value if key == "exit_code" else self._travelling(value)

    def _travelling(self, stored: Any) -> Any:
        if isinstance(stored, dict) and stored.keys() == {"inline"}:
            return {"inline": self.mask.value(stored["inline"])}
        if isinstance(stored, dict) and stored.keys() == {"ref", "size", "head"}:
            return {**stored, "head": self.mask.text(stored["head"])}
        return self.mask.value(stored)


def refuse_recorded(values: Mapping[str, str], plan: Plan, inputs: Mapping[str, Any], paths: list[str]) -> None:
    """See to it that no value is recorded with what a run begins with.

    Args:
        values: of the secrets.
        plan: what is run.
        inputs: its inputs.
        paths: of the document.

    Raises:
        SecretError: a value stands in an input, in the document, or in its path.
    """
    recorded = {key: value for key, value in plan_to_json(plan).items() if key not in ("hash", "secrets")}
    places = {f"the input {name!r}": list(_texts(value, numbers=True)) for name, value in inputs.items()}
    places |= {"the document": list(_texts(recorded)), "the path of the document": paths}
    for place, texts in places.items():
        for name, value in values.items():
            if any(value.strip() in text for text in texts):
                raise SecretError(
                    f"{place} holds the value of the secret {name} in clear, and would be recorded; "
                    f'hand it over by `env: {{{name}: "${{{{ secrets.{name} }}}}"}}`, or change the secret'
                )


def gather(names: tuple[str, ...], file: str | None, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Find the values of the secrets that a document declares.

    Args:
        names: what it declares.
        file: named by --secrets-file; what stands in it wins over the environment.
        environ: the environment.

    Raises:
        SecretError: a value is missing or cannot be used, or the file cannot.
    """
    given = {} if file is None or not names else read_file(file)
    values: dict[str, str] = {}
    missing: list[str] = []
    for name in names:
        if name in given:
            values[name] = _usable(name, given[name], str(file))
        elif name in environ:
            values[name] = _usable(name, environ[name], "the environment")
        else:
            missing.append(name)
    if missing:
        raise SecretError(_missing(missing, file))
    return values


def hide(names: tuple[str, ...], environ: MutableMapping[str, str] = os.environ) -> None:
    """Take secrets out of this process's environment, also out of what /proc shows of it."""
    there = [name for name in names if name in environ]
    if there and environ is os.environ:
        _blot_out(there)
    for name in there:
        del environ[name]


def read_file(path: str) -> dict[str, str]:
    """Read a file of secrets: a JSON object of texts, or lines `NAME=value`.

    Raises:
        SecretError: it cannot be read, others may read it, or it is neither. No content is told.
    """
    try:
        text = _read_private(path).decode("utf-8").removeprefix("\ufeff")
    except OSError as problem:
        raise SecretError(f"cannot read {path}: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        raise SecretError(f"{path}: byte {problem.start + 1} is not UTF-8") from None
    return _from_json(path, text) if text.lstrip().startswith("{") else _from_lines(path, text)


def _read_private(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would wait
    try:
        _check_private(path, os.fstat(descriptor))
        os.set_blocking(descriptor, True)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(_MOST_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MOST_FILE_BYTES:
        raise SecretError(f"{path} is larger than {_MOST_FILE_BYTES} bytes, which no file of secrets is")
    return content


def _check_private(path: str, status: os.stat_result) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
        raise SecretError(f"{path} is no file; name a file of secrets")
    if status.st_uid not in (0, os.geteuid()):
        raise SecretError(f"{path} belongs to another user, who can change it; make a copy of your own")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise SecretError(f"{path} can be read or changed by others (mode {mode:o}); `chmod 600 {path}`")


def _from_json(path: str, text: str) -> dict[str, str]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _each_once(path, pairs)

    try:
        values = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as problem:
        at = f" (line {problem.lineno})" if isinstance(problem, json.JSONDecodeError) else ""
        raise SecretError(f"{path} is not JSON{at}; write an object of texts, or lines `NAME=value`") from None
    for name, value in values.items():
        if not isinstance(value, str):
            raise SecretError(f"{path}: the value of {name} is no text; put it in quotes")
    return values  # type: ignore[no-any-return]


def _from_lines(path: str, text: str) -> dict[str, str]:
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.removesuffix("\r").partition("=")
        if not equals or not name.strip().isidentifier():
            raise SecretError(f"{path}:{number}: this is not `NAME=value`; a value of several lines needs JSON")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            raise SecretError(f"{path}:{number}: quotes would be part of the value of {name}; leave them out")
        pairs.append((name.strip(), value))
    return _each_once(path, pairs)


def _each_once(path: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise SecretError(f"{path}: {twice} stands there more than once; keep one")
    return values


def _usable(name: str, value: str, source: str) -> str:
    problem = None
    if not value.strip():
        problem = "is empty"
    elif len(value.strip()) < LEAST:
        problem = f"has fewer than {LEAST} characters, too few to be told from other text in what tasks write"
    elif len(value) > MOST_BYTES or len(value.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        problem = f"is larger than {MOST_BYTES} bytes; name a file that holds it instead"
    elif "\0" in value:
        problem = "holds a NUL character, which no variable can"
    elif any("\ud800" <= character <= "\udfff" for character in value):
        problem = "is not UTF-8; encode it, such as with base64"
    if problem is not None:
        raise SecretError(f"the secret {name}, from {source}, {problem}")
    return value


def _missing(names: list[str], file: str | None) -> str:
    shown = " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
    verb = "has no value" if len(names) == 1 else "have no value"
    where = f"put it into {file}" if file else "set the environment variable, or name a file: --secrets-file FILE"
    return f"the secret{'' if len(names) == 1 else 's'} {shown} {verb}; {where}"


def _texts(value: Any, *, numbers: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item, numbers=numbers)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, numbers=numbers)
    elif numbers and isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value)


def _blot_out(names: list[str]) -> None:
    """Overwrite the block that this process was started with: removing a variable leaves its text there."""
    import ctypes  # 10 ms that only such runs pay

    library = ctypes.CDLL(None)
    library.getenv.restype = ctypes.c_void_p
    for name in names:
        place = library.getenv(os.fsencode(name))
        if place:
            ctypes.memset(place, 0, len(ctypes.string_at(place)))
