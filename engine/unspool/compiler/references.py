"""Check every `${{ }}` of a document: known names, ancestors, declared outputs, values that may be absent.

When a value may be absent: `tasks.A.result` and `tasks.A.outputs` exist once A ran, thus not where A
may have been skipped or cancelled. An output without a `default` may also be missing where A may
have failed. What may have happened to A when the reading task starts is in `ancestry.py`.
`| default(...)` and `is defined` make a reference safe; `tasks.A.state` always exists. In the
workflow's own `outputs` an absent value is null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from unspool.compiler.absence import Reading, check_readings
from unspool.compiler.emissions import rules_of
from unspool.compiler.flatten import Flat, asks_each
from unspool.compiler.graph import Graph
from unspool.compiler.inherited import check_inherited
from unspool.compiler.scope import Scope, Spot
from unspool.compiler.secrets import computed
from unspool.compiler.wording import TYPE_PHRASES, quote
from unspool.model.diagnostics import Diagnostic, Path

if TYPE_CHECKING:
    from unspool.expr.names import Reference
    from unspool.expr.template import Expression

CODES = {
    "UNS063": "an expression uses a name that the language does not have",
    "UNS064": "an expression uses a value that is not known in its place",
    "UNS065": "an expression names an input that the document does not declare",
    "UNS066": "an expression names a variable that the document's `env` does not have",
    "UNS067": "an expression names a task that does not exist",
    "UNS068": "an expression names an output that the task does not declare",
    "UNS069": "an expression asks a value for a member that it does not have",
    "UNS070": "a task reads another one that does not come before it",
    "UNS071": "a value that an expression uses may be absent",
    "UNS072": "a reference does not say which value it means",
    "UNS073": "a condition is not exactly one expression",
    "UNS074": "an expression stands where none is evaluated",
    "UNS075": "a list or a map stands in a script",
    "UNS076": "a condition gives something else than true or false",
    "UNS162": "a template reads what only the rest of the document knows",
    "UNS187": "an interpreter is given a parameter that it does not have, or that does not fit",
    "UNS174": "what a task multiplies over is not a list",
    "UNS175": "what a task waits for is not text",
}


class Checked(NamedTuple):
    """What the references of a document told.

    Attributes:
        diagnostics: what is wrong with them.
        uses: of each task, the fields of its `result` that some expression reads; `*` is all of it.
        secrets: of each task that is given any, their names.
        asked: the inputs that expressions name, see `Scope`; None where there are no expressions.
        read: the outputs that expressions read, see `Scope`.
    """

    diagnostics: list[Diagnostic]
    uses: dict[str, set[str]]
    secrets: dict[str, set[str]]
    asked: dict[int, set[str]] | None
    read: dict[int, set[str]]


def check_references(flat: Flat, graph: Graph) -> Checked:
    """Look into every expression of the document.

    Cost: O(size of the document), plus what `ancestry.standings` takes.
    """
    checker = _Checker(flat, graph)
    checker.check()
    if flat.roles:
        checker.found += check_inherited(flat, graph, checker.scope.secrets)
    found = list(dict.fromkeys(checker.found)) if "rulesets" in flat.source else checker.found
    found += check_readings(graph, checker.tasks, checker.readings, flat)
    scope = checker.scope
    return Checked(found, scope.uses, scope.secrets, scope.asked if checker.is_used else None, scope.read)


class _Checker:
    """Goes through the fields that hold expressions and judges each reference in them."""

    def __init__(self, flat: Flat, graph: Graph) -> None:
        self.document = flat.readable.document
        self.flat = flat
        self.scope = Scope(flat, graph)
        self.graph = graph
        self.tasks: list[dict[str, Any]] = list(self.document["tasks"].values())
        self.found: list[Diagnostic] = []
        self.readings: list[Reading] = []
        self.is_used = False  # any expression was seen

    def check(self) -> None:
        """Go through the whole document."""
        for name, schema in self.document.get("inputs", {}).items():
            self._warn_if_literal(schema.get("default"), ("inputs", name, "default"))
        self.value(self.document.get("env"), Spot("env", ("env",)))
        for node, (name, task) in enumerate(self.document["tasks"].items()):
            for key in task:
                check = _FIELDS.get(key)
                if check is not None:
                    check(self, task[key], Spot("start", ("tasks", name, key), node))
        self._common_folder(self.document.get("defaults", {}).get("cwd"))
        self.value(self.document.get("outputs"), Spot("outputs", ("outputs",)))

    def _common_folder(self, folder: Any) -> None:
        """Check the `cwd` of `defaults` as what it is to each task without one; what is wrong is told once."""
        if not isinstance(folder, str) or "${{" not in folder:
            return
        before = len(self.found)
        for node, (name, task) in enumerate(self.document["tasks"].items()):
            is_foreign = self.flat.role(name).frame is not None
            if not is_foreign and "cwd" not in task and not task.keys().isdisjoint(("run", "python")):
                self.value(folder, Spot("start", ("tasks", name, "cwd"), node))
        told = {found.message: found._replace(path=("defaults", "cwd")) for found in self.found[before:]}
        self.found[before:] = told.values()

    def value(self, value: Any, spot: Spot) -> None:
        """Check every text in a value of lists and maps."""
        if type(value) is str:
            if "${{" in value:
                self._text(value, spot)
        elif isinstance(value, list | dict):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                if type(item) is not str or "${{" in item:
                    self.value(item, spot._replace(path=(*spot.path, key)))

    def _text(self, text: str, spot: Spot) -> None:
        from unspool.expr.syntax import ExpressionSyntaxError
        from unspool.expr.template import parse_template

        try:
            template = parse_template(text)
        except ExpressionSyntaxError as error:
            self._syntax(error, spot)
            return
        is_argument = template.single is not None and spot.path[2:3] == ("run",) and not spot.is_script
        for part in template.parts:
            if isinstance(part, str):
                continue
            if self._expression(part, spot, is_argument=is_argument) and spot.is_script:
                self._check_script_value(part, spot)

    def _check_script_value(self, expression: Expression, spot: Spot) -> None:
        if self._type(expression, spot) in _COLLECTIONS:
            hint = "make it one text, such as with `| join(' ')`; or write `run` as a list, where it is spliced"
            message = f"{quote(expression.source)} is a list or a map, which cannot stand in a script"
            self.found.append(Diagnostic("UNS075", message, spot.path, offset=expression.offset, hint=hint))

    def condition(self, value: Any, spot: Spot) -> None:
        """Check `when` or another field that is one expression."""
        if isinstance(value, bool):
            return
        if spot.path[-1] == "when" and not asks_each(self.tasks[spot.node]):
            spot = spot._replace(knows_own=False)
        expression = self.one_expression(value, spot)
        if expression is not None:
            self._check_condition_value(expression, spot)

    def one_expression(self, value: str, spot: Spot) -> Expression | None:
        """Check a field that is exactly one expression; give it where nothing is wrong with it by itself."""
        from unspool.compiler.conditions import NotOneExpression, condition
        from unspool.expr.syntax import ExpressionSyntaxError

        try:
            expression = condition(value)
        except ExpressionSyntaxError as error:
            self._syntax(error, spot)
        except NotOneExpression as error:
            hint = "put all of it into one expression: `${{ a and b }}`"
            message = f"{quote(str(spot.path[-1]))} must be exactly one expression"
            self.found.append(Diagnostic("UNS073", message, spot.path, offset=error.offset, hint=hint))
        else:
            return expression if self._expression(expression, spot) else None
        return None

    def _check_condition_value(self, expression: Expression, spot: Spot) -> None:
        kind = self._type(expression, spot)
        if kind is not None and kind != "boolean":
            hint = f"compare it with something, such as {quote(expression.source + _COMPARED.get(kind, ' == ...'))}"
            message = f"{quote(expression.source)} is {TYPE_PHRASES[kind]}, not true or false"
            self.found.append(Diagnostic("UNS076", message, spot.path, offset=expression.offset, hint=hint))

    def success_when(self, value: Any, spot: Spot) -> None:
        """Check `success_when`, which knows the task's own result."""
        self.condition(value, spot._replace(place="success_when"))

    def fan_out(self, value: Any, spot: Spot) -> None:
        """Check the list of a fan-out, which does not know its own items, and its `key`, which does."""
        blind = spot._replace(knows_own=False)
        if spot.path[-1] == "matrix":
            for axis, values in value.items():
                self._listed(values, blind._replace(path=(*spot.path, axis)))
        elif isinstance(value, dict):
            self._listed(value.get("items"), blind._replace(path=(*spot.path, "items")))
            self.value(value.get("key"), spot._replace(path=(*spot.path, "key")))
        else:
            self._listed(value, blind)

    def _listed(self, value: Any, spot: Spot) -> None:
        """Check a list, or the one expression that gives it."""
        if not isinstance(value, str):
            self.value(value, spot)
            return
        kind, expression = self._only(value, spot)
        if expression is not None and kind not in (None, "array"):
            hint = "write a list, such as `[a, b]`, or an expression that gives one"
            message = f"{quote(expression.source)} is {TYPE_PHRASES[kind]}, not a list"
            self.found.append(Diagnostic("UNS174", message, spot.path, offset=expression.offset, hint=hint))

    def _only(self, value: str, spot: Spot) -> tuple[str | None, Expression | None]:
        """Check text that must be one expression; give its type, where that is known, and the expression."""
        from unspool.compiler.conditions import NotOneExpression, condition
        from unspool.expr.syntax import ExpressionSyntaxError

        try:
            expression = condition(value)
        except ExpressionSyntaxError as error:
            self._syntax(error, spot)
        except NotOneExpression as error:
            message = f"{quote(str(spot.path[-1]))} must be exactly one expression"
            hint = "write nothing beside it"
            self.found.append(Diagnostic("UNS073", message, spot.path, offset=error.offset, hint=hint))
        else:
            is_sound = self._expression(expression, spot)
            return self._type(expression, spot) if is_sound else None, expression
        return None, None

    def wait(self, value: Any, spot: Spot) -> None:
        """Check what is waited for: text in any case."""
        path = (*spot.path, "until") if isinstance(value, dict) else spot.path
        text = value.get("until") if isinstance(value, dict) else value
        at = spot._replace(path=path)
        before = len(self.found)
        self.value(text, at)
        if not isinstance(text, str) or "${{" not in text or len(self.found) != before:
            return
        from unspool.compiler.conditions import NotOneExpression, condition

        try:
            expression = condition(text)
        except NotOneExpression:
            return
        kind = self._type(expression, at)
        if kind not in (None, "string"):
            hint = "write text that gives a moment" if isinstance(value, dict) else "write a unit behind it"
            hint += f", such as `{text.strip()}s`" if not isinstance(value, dict) and kind in _NUMERIC else ""
            message = f"{quote(expression.source)} is {TYPE_PHRASES[kind]}, not text"
            self.found.append(Diagnostic("UNS175", message, path, offset=expression.offset, hint=hint))

    def batch(self, value: Any, spot: Spot) -> None:
        """Check what instances are brought together by."""
        self.value(value.get("by"), spot._replace(path=(*spot.path, "by")))

    def on_failure(self, value: Any, spot: Spot) -> None:
        """Check the arguments of a substitute."""
        if isinstance(value, dict) and "with" in value:
            self.value(value["with"], spot._replace(path=(*spot.path, "with")))

    def on_result(self, _value: Any, spot: Spot) -> None:
        """Check the rules of a task, those of rulesets too."""
        for rule in rules_of(self.flat.source, self.graph.names[spot.node], self.tasks[spot.node]):
            for when, path in (*rule.around, (rule.keys.get("when", True), (*rule.path, "when"))):
                self._rule_condition(when, spot._replace(place="on_result", path=path))
            at = spot._replace(place="on_result", path=rule.path)
            inside = at
            if "for_each" in rule.keys:
                self._listed(rule.keys["for_each"], at._replace(path=(*rule.path, "for_each")))
                inside = at._replace(words=frozenset(("item", "index")))
            for key in ("key", "with", "fail", "note"):
                self.value(rule.keys.get(key), inside._replace(path=(*rule.path, key)))
            self.value(rule.keys.get("retry"), at._replace(path=(*rule.path, "retry")))

    def interpret(self, value: Any, spot: Spot) -> None:
        """Check the parameters of an interpreter."""
        if not isinstance(value, dict):
            return
        from unspool.model.interpreters import INTERPRETERS, check_parameters  # most documents have none

        for name, given in value.items():
            for key, one in given.items():
                at = spot._replace(path=(*spot.path, name, key))
                is_known = key in INTERPRETERS.get(name, ())
                if is_known and isinstance(one, str) and "${{" in one:
                    self.value(one, at)
                elif name in INTERPRETERS and (wrong := check_parameters(name, {key: one})) is not None:
                    hint = "correct it" if is_known else "remove it, or name one of these"
                    self.found.append(Diagnostic("UNS187", wrong, at.path, on_key=not is_known, hint=hint))

    def _rule_condition(self, value: Any, spot: Spot) -> None:
        if isinstance(value, str):
            expression = self.one_expression(value, spot)
            if expression is not None:
                self._check_condition_value(expression, spot)

    def group(self, value: Any, spot: Spot) -> None:
        """Check how the value of a group is made; its tasks are checked by themselves."""
        aggregate = value.get("aggregate")
        role = self.flat.role(self.graph.names[spot.node])
        if isinstance(aggregate, dict) and role.kind == "group":
            scope = f"{self.graph.names[spot.node]}."
            path = (*spot.path, "aggregate", "reduce")
            self._only(aggregate["reduce"], Spot("start", path, spot.node, scope=scope))

    def variables(self, value: Any, spot: Spot) -> None:
        """Check the `env` of a task, the one place that takes secrets."""
        self.value(value, spot._replace(place="variable"))

    def request(self, value: Any, spot: Spot) -> None:
        """Check a request, whose headers take secrets too."""
        for key, part in value.items() if isinstance(value, dict) else ():
            place = "variable" if key == "headers" else spot.place
            self.value(part, spot._replace(place=place, path=(*spot.path, key)))

    def workflow(self, value: Any, spot: Spot) -> None:
        """Check what is handed to another document."""
        self.value(value.get("inputs"), spot._replace(path=(*spot.path, "inputs")))

    def outputs(self, outputs: Any, spot: Spot) -> None:
        """Warn of expressions in declared outputs, which hold none."""
        for name, output in outputs.items():
            self._warn_if_literal(output.get("default"), (*spot.path, name, "default"))
            self._warn_if_literal(output.get("from"), (*spot.path, name, "from"))

    def _warn_if_literal(self, value: Any, path: Path) -> None:
        if isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                self._warn_if_literal(item, (*path, key))
        elif isinstance(value, str) and "${{" in value:
            message = "an expression is not evaluated here: the text is taken as it stands"
            hint = "write the value itself, or use the expression where the value is used"
            self.found.append(Diagnostic("UNS074", message, path, hint=hint, severity="warning"))

    def _syntax(self, error: Any, spot: Spot) -> None:
        from unspool.expr.syntax import GRAMMAR

        hint = error.hint or GRAMMAR
        self.found.append(Diagnostic(error.code, error.message, spot.path, offset=error.offset, hint=hint))

    def _expression(self, expression: Expression, spot: Spot, *, is_argument: bool = False) -> bool:
        """Check what an expression names; say whether nothing is wrong with it by itself."""
        is_sound = self.is_used = True
        refused = computed(expression, spot.place, spot.path) if "secrets" in expression.source else None
        if refused is not None:
            self.found.append(refused)
            return False
        for reference in expression.references:
            at = expression.offset + reference.offset
            problem = self.scope.problem(reference.path, spot)
            if problem is not None:
                code, message, hint = problem
                self.found.append(Diagnostic(code, message, spot.path, offset=at, hint=hint))
                is_sound = False
            elif reference.path[0] in ("tasks", "previous") and spot.place != "outputs":
                self._read(reference, spot, at, expression, is_argument=is_argument)
        return is_sound

    def _type(self, expression: Expression, spot: Spot) -> str | None:
        """Give the JSON type of an expression that is a constant, a list, or one value of a declared type."""
        from unspool.expr.tree import Concat, Constant, Filter, ListOf, MapOf, Member, Name

        if isinstance(expression.node, Constant):
            return _CONSTANT_TYPES.get(type(expression.node.value))
        if isinstance(expression.node, ListOf | MapOf | Concat):
            return {ListOf: "array", MapOf: "object", Concat: "string"}[type(expression.node)]
        if isinstance(expression.node, Filter):
            return "array" if expression.node.name in _GIVE_LISTS else None
        if isinstance(expression.node, Name | Member) and len(expression.references) == 1:
            only = expression.references[0]
            return self.scope.declared_type(only.path, spot) if only.exact else None
        return None

    def _absent(self, reference: Reference, spot: Spot, at: int, when: str) -> None:
        message = f"{quote('.'.join(map(str, reference.path)))} may be absent {when}"
        self.found.append(Diagnostic("UNS071", message, spot.path, offset=at, hint="add `| default(...)`"))

    def _reads_at_the_end(self, node: int, target: int) -> bool:
        """Whether a task of `finally` reads one that is not."""
        reader, read = self.graph.names[node], self.graph.names[target]
        return self.flat.role(reader).closing and not self.flat.role(read).closing

    def _read(self, reference: Reference, spot: Spot, at: int, expression: Expression, *, is_argument: bool) -> None:
        name, field, *rest = reference.path if reference.path[0] == "previous" else reference.path[1:]
        target = self.scope.target(str(name), spot)
        if target is None:
            return
        is_safe = reference.guarded or field in ("state", "instances")
        if self._reads_at_the_end(spot.node, target):
            if not is_safe:
                self._absent(reference, spot, at, "at the end of the run, whatever happened before")
            return
        many = self.scope.fans_out(target)
        keeps_failure = many or field == "result" or not rest or self.scope.has_default(target, str(rest[0]))
        consumer = None
        if many and field == "outputs" and len(rest) == 1 and not self.scope.has_default(target, str(rest[0])):
            from unspool.compiler.gaps import consumers

            consumer = consumers(expression.node, is_argument=is_argument).get(reference.offset)
        self.readings.append(
            Reading(target, spot.node, reference.path, spot.path, at, is_safe, keeps_failure, consumer)
        )


_GIVE_LISTS = frozenset(
    "lines list items keys values sort unique map select reject selectattr rejectattr split".split()
)
_NUMERIC = ("integer", "number")
_COLLECTIONS = ("array", "object")
_CONSTANT_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_COMPARED = {"string": " != ''", "integer": " > 0", "number": " > 0", "array": " != []"}

_FIELDS: dict[str, Callable[[_Checker, Any, Spot], None]] = {
    "run": _Checker.value,
    "http": _Checker.request,
    "stdin": _Checker.value,
    "with": _Checker.value,
    "env": _Checker.variables,
    "cwd": _Checker.value,
    "cache": _Checker.value,
    "when": _Checker.condition,
    "success_when": _Checker.success_when,
    "outputs": _Checker.outputs,
    "for_each": _Checker.fan_out,
    "matrix": _Checker.fan_out,
    "workflow": _Checker.workflow,
    "batch": _Checker.batch,
    "wait": _Checker.wait,
    "approval": _Checker.value,
    "on_failure": _Checker.on_failure,
    "on_result": _Checker.on_result,
    "interpret": _Checker.interpret,
    "group": _Checker.group,
}
