"""How a filter or test is called: its arguments, read from the Python function behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

_OWN: Final = 2  # the meter and the value come before what an author writes
_VARIADIC: Final = 0x04  # flag of a code object that takes *arguments


class Signature(NamedTuple):
    """A filter or test.

    Attributes:
        run: takes the meter, the value, and the arguments.
        parameters: names of those that may be given by place, in order.
        required: how many of them must be given.
        named: names of those that must be given by name.
        variadic: more may follow by place.
    """

    run: Callable[..., Any]
    parameters: tuple[str, ...]
    required: int
    named: tuple[str, ...]
    variadic: bool

    def problem(self, count: int, names: tuple[str, ...] = ()) -> str | None:
        """Say what is wrong with `count` arguments by place and `names` by name, or None."""
        for name in names:
            if name not in self.parameters + self.named:
                return f"has no argument `{name}`"
            if name in self.parameters[:count]:
                return f"gets `{name}` twice"
        if len(set(names)) < len(names):
            return "gets an argument twice"
        if count > len(self.parameters) and not self.variadic:
            return f"takes {_counted(len(self.parameters))}, not {count}"
        missing = [name for name in self.parameters[count : self.required] if name not in names]
        return f"needs its argument `{missing[0]}`" if missing else None


def signatures(functions: dict[str, Callable[..., Any]]) -> dict[str, Signature]:
    """Read the signatures of a table of functions."""
    return {name: _signature_of(function) for name, function in functions.items()}


def _signature_of(run: Callable[..., Any]) -> Signature:
    code = run.__code__
    places = code.co_argcount
    parameters = code.co_varnames[_OWN:places]
    return Signature(
        run,
        parameters,
        required=len(parameters) - len(run.__defaults__ or ()),
        named=code.co_varnames[places : places + code.co_kwonlyargcount],
        variadic=bool(code.co_flags & _VARIADIC),
    )


def _counted(number: int) -> str:
    return "no argument" if number == 0 else f"at most {number} argument{'s' if number > 1 else ''}"
