"""Explain one value, or one name, that does not fit its place: what it is, what fits, and what was probably meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from unspool.compiler.faults import Fault, document_schema, fits_part
from unspool.compiler.foreign_keys import WORDS, normalised
from unspool.compiler.guesses import EXAMPLES, fitted
from unspool.compiler.places import BOOLEANS, DURATIONS, TASKS, kind_of
from unspool.compiler.remedies import header_name, task_name, variable_name, workflow_name
from unspool.compiler.wording import (
    TYPE_PHRASES,
    choices,
    either,
    flow,
    found,
    inside,
    place,
    quote,
    snippet,
    write,
)
from unspool.model.diagnostics import Diagnostic
from unspool.model.similar import closest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


_NAME_RULES = {
    "Name": "lower-case letters, digits and `_`, beginning with a letter, at most 64 in all",
    "WorkflowName": "letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, at most 100 in all",
    "EnvName": "letters, digits and `_`, not beginning with a digit",
    "HeaderName": "letters, digits and `-`, at most 256 in all",
}
_RENAMERS = {
    "Name": task_name,
    "WorkflowName": workflow_name,
    "EnvName": variable_name,
    "HeaderName": header_name,
}
_NAMED = {
    "document": "a workflow",
    "inputs": "an input",
    "env": "a variable",
    "headers": "a header",
    "secrets": "a secret",
    "outputs": "an output",
    "values": "an output",
    "resources": "a resource",
    "uses": "a resource",
    "matrix": "an axis",
    "combination": "an axis",
    "templates": "a template",
    "on_failure": "a template",
    "rule": "a template",
    "rulesets": "a ruleset",
}
_FORMS = {
    "Expression": "one expression, `${{ ... }}`",
    "ValueExpression": "one expression, `${{ ... }}`",
    "PythonTarget": "a module and a function, `package.module:function`",
    "Rate": "a number, `/` and a duration, such as `60/1m`",
    "JsonPointer": "a JSON Pointer such as `/failed/0`",
    "ErrorClass": "the name of an error class, such as `timeout`",
}
_LISTS = dict.fromkeys(("for_each", "each", "axis"), "a list or one expression, `${{ ... }}`")
_DURATION = "a whole number with its unit, such as `30s`, `5m` or `2h`"
_TASK_MAPS = {
    "tasks": "write each task under its name, as in `tasks: {build: {run: [make]}}`",
    "templates": "write each template under its name, as in `templates: {fallback: {run: [make]}}`",
    "finally": "write each task under its name, as in `finally: {cleanup: {run: [make, clean]}}`",
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
}


def explain_value(fault: Fault) -> Diagnostic:
    """Explain a fault that concerns one value or one name."""
    return _Case(fault).diagnostic()


class _Case:
    """One value in its place."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.value = fault.value
        self.path = fault.path
        self.kind = kind_of(fault.path)
        self.key = str(fault.path[-1]) if fault.path else ""
        self.definitions: Mapping[str, Any] = document_schema()["$defs"]

    def diagnostic(self) -> Diagnostic:
        """Give the sentence, the place and the way out."""
        rule = self.fault.rule
        if self.value is None and rule in ("type", "anyOf", "enum", "const"):
            return self._null()
        if self.kind in DURATIONS and rule in ("type", "pattern"):
            return self._say("UNS030", f"must be {_DURATION}, not {found(self.value)}", self._duration_hint())
        if self.kind == "wait" and rule in ("anyOf", "pattern"):
            what = "a duration such as `10m`, or a map with `until`"
            return self._say("UNS030", f"must be {what}, not {found(self.value)}", self._remedy())
        explain = _RULES.get(rule)
        return explain(self) if explain else self._say("UNS039", f"does not fit: {self.fault.message}", None)

    def _say(self, code: str, complaint: str, hint: str | None) -> Diagnostic:
        message = f"{place(self.path)} {complaint}"
        return Diagnostic(code, message, self.path, hint=hint or self._example())

    def _null(self) -> Diagnostic:
        message = f"{place(self.path)} has no value"
        return Diagnostic("UNS031", message, self.path, hint=self._null_hint())

    def _null_hint(self) -> str:
        if self.kind in TASKS or self.kind == "schema":
            asked = write(self.key, {"run": ["make"]} if self.kind in TASKS else {"type": "string"})
            return f"say what it is: {asked}" if asked else "say what it is"
        if self.kind == "type":
            return 'write `type: "null"` if the type null is meant'
        if isinstance(self.path[-1], int):
            return "remove the item, or write the text in quotes"
        example = self._example_of_kind()
        return "give it a value or remove it" + (f"; {example}" if example else "")

    def wrong_type(self) -> Diagnostic:
        """The value is of a JSON type that does not fit."""
        return self._say("UNS023", f"must be {self._expected()}, not {found(self.value)}", self._remedy())

    def _expected(self) -> str:
        if self.kind == "join":
            return "`all`, `any` or a whole number"
        if self.fault.rule == "anyOf":
            return either(self._phrase(branch) for branch in self.fault.bound)
        return self._phrase(self.fault.schema)

    def _phrase(self, schema: Mapping[str, Any]) -> str:
        schema = self._resolved(schema)
        form = _FORMS.get(self._defined_as(schema))
        if form is not None:
            return form
        types = schema["type"]
        return either(TYPE_PHRASES[name] for name in ([types] if isinstance(types, str) else types))

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        return self.definitions[reference.rpartition("/")[2]] if reference else schema

    def _defined_as(self, schema: Mapping[str, Any]) -> str:
        pattern = schema.get("pattern")
        if pattern is None:
            return ""
        return next((name for name, part in self.definitions.items() if part.get("pattern") == pattern), "")

    def _remedy(self) -> str | None:
        if self.kind == "required" and isinstance(self.value, bool):
            return "an input without a `default` is required: remove it" if self.value else "give the input a `default`"
        if self.kind in _TASK_MAPS and isinstance(self.value, list):
            return _TASK_MAPS[self.kind]
        if self.kind == "substitute" and isinstance(self.value, dict):
            return "write the task under `templates`, and its name here"
        return self._ask_for(fitted(self.kind, self.value))

    def _ask_for(self, guess: Any) -> str | None:
        if guess is None or not self._fits(guess):
            return None
        if isinstance(self.path[-1], int):
            return f"write `{flow(guess)}`" if len(flow(guess)) < 100 else None
        return write(self.key, guess)

    def _fits(self, guess: Any) -> bool:
        return fits_part(self.fault.place, guess)

    def _example(self) -> str:
        return self._example_of_kind() or "correct it or remove it"

    def _example_of_kind(self) -> str | None:
        kind = "values" if self.kind == "outputs" and len(self.path) == 1 else self.kind
        example = EXAMPLES.get(kind)
        if example is None:
            return None
        shown = f"`{flow(example)}`" if isinstance(self.path[-1], int) else snippet(self.key, example)
        return shown and f"an example: {shown}"

    def _duration_hint(self) -> str | None:
        if self.key in ("timeout", "idle_timeout") and self.value in (0, "0", "0s"):
            return f"remove it: without `{self.key}` there is no limit"
        return self._ask_for(fitted(self.kind, self.value))

    def wrong_form(self) -> Diagnostic:
        """Text that does not have the form its place asks for, or a name of a wrong form."""
        definition = self._defined_as(self.fault.schema)
        if definition in _NAME_RULES:
            return self._wrong_name(definition)
        form = _FORMS.get(definition, "of another form")
        if definition == "Expression":
            form = f"{form}, or true or false" if self.kind in BOOLEANS else _LISTS.get(self.kind, form)
        return self._say("UNS037", f"must be {form}, not {found(self.value)}", self._form_hint())

    def _form_hint(self) -> str | None:
        if self.kind == "python" and self.value.strip().endswith(".py"):
            return "a file is started by `run`: " + str(write("run", ["python3", self.value.strip()]))
        if self.kind == "when" and normalised(self.value) in ("manual", "approval"):
            return "a person is asked by a task of its own, as in `confirm: {approval: Go on?}`, on which this depends"
        if "${{" in self.value and self._defined_as(self.fault.schema) == "Expression":
            if self.kind in _LISTS:
                return "write a list, or nothing beside the one expression that gives it"
            return "put all of it into one expression: `${{ a and b }}`"
        if re.fullmatch(r"\W*(always|success|failure|cancelled)\(\)\W*", self.value):
            return "say which end of a dependency is waited for, as in `depends_on: {build: any}`, and remove it"
        return self._ask_for(fitted(self.kind, self.value))

    def _wrong_name(self, definition: str) -> Diagnostic:
        on_key = self.fault.about_name
        holder = self.path if on_key else self.path[:-1]
        where = f" {inside(holder)}" if holder else ""
        named = _NAMED.get(kind_of(holder), "a task")
        message = f"{quote(self.value)}{where} cannot be the name of {named}: it takes {_NAME_RULES[definition]}"
        path = (*self.path, self.value) if on_key else self.path
        return Diagnostic("UNS025", message, path, on_key=on_key, hint=self._name_hint(definition))

    def _name_hint(self, definition: str) -> str:
        name = _RENAMERS[definition](self.value)
        if name is None:
            example = {"WorkflowName": "nightly", "EnvName": "NAME", "HeaderName": "Accept"}.get(definition, "build")
            return f"write a name of letters, such as `{example}`"
        reason = "; a `-` would read as minus in an expression" if definition == "Name" and "-" in self.value else ""
        return f"write `{name}`{reason}"

    def wrong_word(self) -> Diagnostic:
        """A word that is not among those its place takes."""
        words = self.fault.bound
        allowed = self._expected() if self.kind == "join" else choices(words)
        complaint = f"must be {allowed}, not {found(self.value)}"
        return self._say("UNS024", complaint, self._word_hint(words))

    def _word_hint(self, words: Iterable[str]) -> str | None:
        if not isinstance(self.value, str):
            return None
        plain = normalised(self.value.rpartition("/")[2])
        table = WORDS.get(self.kind, {})
        if self.kind == "on_failure" and plain == "retry":
            return "another attempt is asked for by `retry: {max_attempts: 3}`; remove it"
        if self.kind == "on_failure" and plain in ("substitute", "fallback", "replace"):
            return "name the template that stands in: `on_failure: {substitute: NAME}`"
        guess = plain if plain in words else table.get(plain) or closest(plain, words) or fitted(self.kind, self.value)
        return self._ask_for(guess)

    def wrong_constant(self) -> Diagnostic:
        """The language version is written as something else than the number 1."""
        return self._say("UNS023", f"must be the number 1, not {found(self.value)}", "write `unspool: 1`")

    def out_of_bounds(self) -> Diagnostic:
        """A number beyond what its place takes."""
        rule, bound = self.fault.rule, self.fault.bound
        hint = None if rule == "exclusiveMinimum" else self._ask_for(bound)
        return self._say("UNS028", f"must be {_BOUNDS[rule]} {flow(bound)}, not {flow(self.value)}", hint)

    def too_few(self) -> Diagnostic:
        """An empty text, list or map where something must stand."""
        return self._say("UNS029", "must not be empty", None)

    def too_many(self) -> Diagnostic:
        """A filter with more than one condition: nobody could say whether one or all must hold."""
        return self._say("UNS028", "must have just one key", "write an item of the list for each")

    def too_long(self) -> Diagnostic:
        """Text beyond the length that its place takes."""
        bound = self.fault.bound
        return self._say("UNS028", f"must be at most {bound} characters long, not {len(self.value)}", "shorten it")

    def repeated(self) -> Diagnostic:
        """A list that names something twice."""
        twice = next(item for item in self.value if self.value.count(item) > 1)
        return self._say("UNS038", f"names `{flow(twice)}` more than once", f"keep one `{flow(twice)}`")


_RULES: dict[str, Callable[[_Case], Diagnostic]] = {
    "type": _Case.wrong_type,
    "anyOf": _Case.wrong_type,
    "const": _Case.wrong_constant,
    "enum": _Case.wrong_word,
    "pattern": _Case.wrong_form,
    "minimum": _Case.out_of_bounds,
    "maximum": _Case.out_of_bounds,
    "exclusiveMinimum": _Case.out_of_bounds,
    "minLength": _Case.too_few,
    "minItems": _Case.too_few,
    "minProperties": _Case.too_few,
    "maxLength": _Case.too_long,
    "uniqueItems": _Case.repeated,
    "maxProperties": _Case.too_many,
}
