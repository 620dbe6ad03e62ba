"""The typed form of a workflow document, for those who build or read documents in Python.

`Document.model_validate(value)` takes what a YAML or JSON parser gave; `document.to_value()` gives it back.
The published JSON Schema is generated from these models. The command line does not load this module:
it checks documents by that schema, which is much quicker to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from unspool.model.document_parts import (
    Approval,
    Batch,
    FanOut,
    Matrix,
    Moment,
    Reduce,
    Resource,
    Rollback,
    Rule,
    Substitute,
    Workflow,
)
from unspool.model.document_types import (
    AnyValue,
    AsInteger,
    Duration,
    Environment,
    EnvName,
    ErrorClass,
    Expression,
    Glob,
    HeaderName,
    HttpMethod,
    HttpStatus,
    Name,
    NeedState,
    OnCrash,
    OnFailure,
    Part,
    Positive,
    PositiveDuration,
    Priority,
    PythonTarget,
    Scalar,
    Shell,
    Text,
    Unique,
    Uses,
    ValueExpression,
    WorkflowName,
)
from unspool.model.value_schema import Output, ValueSchema

if TYPE_CHECKING:
    from pydantic.config import JsonDict


Interpreter = Literal["analysis", "claude_code", "claude_flow"]
_ONE_KEY: JsonDict = {"minProperties": 1, "maxProperties": 1}
_NOTHING: JsonDict = {"not": {}}  # no value fits


class Filter(Part):
    """A retry filter by what the attempt gave: its exit code, or the status that a server answered."""

    model_config = ConfigDict(json_schema_extra=_ONE_KEY)

    exit_code: Annotated[list[Annotated[int, Field(ge=0, le=255), AsInteger]], Field(min_length=1)] | None = Field(
        None, description="The exit codes that are meant."
    )
    status: Annotated[list[HttpStatus], Field(min_length=1)] | None = Field(
        None, description="The HTTP statuses that are meant."
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.exit_code is None) == (self.status is None):
            raise ValueError("a filter has exactly one of `exit_code` and `status`")
        return self


_Filters = list[ErrorClass | Filter]


class Retry(Part):
    """How often, when and after what wait a failed attempt is followed by another."""

    max_attempts: Annotated[int, Field(ge=1, le=1000), AsInteger] | None = Field(
        None, description="How many attempts there are at most, the first one counted. Default: 1."
    )
    strategy: Literal["immediate", "linear", "exponential", "jittered"] | None = Field(
        None,
        description="How the wait before attempt n+1 grows: `immediate` (none), `linear` (delay * n), `exponential` "
        "(default: delay * 2^(n-1)), `jittered` (exponential, times 0.5 to 1.5).",
    )
    delay: Duration | None = Field(None, description="The first wait. Default: 1s.")
    max_delay: Duration | None = Field(None, description="No wait is longer than this. Default: 5m.")
    jitter: bool | None = Field(None, description="Whether up to 10 % is added to each wait. Default: true.")
    on: _Filters | None = Field(
        None,
        description="Retry only these: error classes, `timeout`, `{exit_code: [75]}`, or `{status: [429, 503]}`. "
        "Default: what may pass.",
    )
    never: _Filters | None = Field(None, description="Never retry these; it beats `on`.")
    max_elapsed: PositiveDuration | None = Field(
        None, description="No attempt begins later than this after the start of the first one. Default: no limit."
    )


class Http(Part):
    """A request to a server. Expressions work in all of it."""

    model_config = ConfigDict(json_schema_extra={"dependentSchemas": {"json": {"properties": {"body": _NOTHING}}}})

    nullable_keys = frozenset(("json",))

    url: Text = Field(description="Where to, beginning with `http://` or `https://`.")
    method: HttpMethod | ValueExpression | None = Field(
        None, description="Default: GET, or POST where `json` or `body` is given."
    )
    headers: dict[HeaderName, Scalar] | None = Field(None, description="Headers of the request, by name.")
    json_: AnyValue | None = Field(None, alias="json", description="A value to send as JSON.")
    body: str | None = Field(None, description="Text to send.")
    expect: Annotated[list[HttpStatus], Field(min_length=1)] | ValueExpression | None = Field(
        None, description="The statuses that count as success. Default: 200 to 299."
    )

    @model_validator(mode="after")
    def _check_one_content(self) -> Self:
        if "json_" in self.model_fields_set and self.body is not None:
            raise ValueError("a request has `json` or `body`, not both")
        return self


class Defaults(Part):
    """What tasks have unless they say otherwise. A task's `retry` is merged over this one key by key."""

    timeout: PositiveDuration | None = Field(None, description="The time limit of each attempt.")
    idle_timeout: PositiveDuration | None = Field(None, description="How long an attempt may write nothing.")
    grace: Duration | None = Field(None, description="The time between the polite and the forced end of an attempt.")
    retry: Retry | None = Field(None, description="How failed attempts are repeated.")
    cwd: Text | None = Field(None, description="The folder that tasks run in, relative to the document's folder.")
    priority: Priority | None = None
    on_failure: OnFailure | None = None
    on_crash: OnCrash | None = None
    shell: Shell | None = None
    uses: Uses | None = None


class Cache(Part):
    """When a completed result is reused in place of an attempt. What is run counts in any case."""

    key: Text | None = Field(None, description="Text that the result depends on, with `${{ }}`.")
    inputs: Annotated[list[Glob], Field(min_length=1)] | None = Field(
        None, description="Patterns for the files that the task reads: their content counts."
    )
    files: Annotated[list[Glob], Field(min_length=1)] | None = Field(
        None, description="Patterns for the files that the task makes: they are kept, and put back."
    )
    ttl: PositiveDuration | None = Field(None, description="How long a result may be reused. Default: without end.")


class Limits(Part):
    """The bounds of one run."""

    concurrency: Positive | None = Field(None, description="How many tasks of the run may run at once.")
    max_tasks: Positive | None = Field(None, description="How many tasks the run may have. Default: 1000.")
    max_depth: Positive | None = Field(
        None,
        description="How far rules may lead from a task of the document: what it emits has depth 1. Default: 5.",
    )
    max_cost_usd: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="What the run may cost, in US dollars, as far as results tell (see `interpret`). Once it has "
        "cost as much, no attempt begins any more.",
    )
    max_tokens: Positive | None = Field(
        None, description="How many tokens the run may use, as far as results tell. Once it has, no attempt begins."
    )
    idle: PositiveDuration | None = Field(
        None, description="How long an open run may have nothing to do before it closes. Default: without end."
    )
    queue: Positive | None = Field(
        None, description="How many attempts of the run may wait to start at once. One too many fails, and its run."
    )
    timeout: PositiveDuration | None = Field(
        None,
        description="How long the run may take, from its start; waits and the time between crash and resume count.",
    )


class Group(Part):
    """Sub-tasks with one gate before them and one result behind."""

    mode: Literal["sequential", "parallel", "dag"] | None = Field(
        None,
        description="`sequential` (default; each sees `previous`), `parallel`, or `dag` with `depends_on` among them.",
    )
    tasks: Annotated[dict[Name, Task], Field(min_length=1)] = Field(description="The tasks of the group, by name.")
    aggregate: Literal["collect", "first"] | Reduce | None = Field(
        None,
        description="What `result.json` of the group holds: `collect` (default) all values by name, `first` that of "
        "the first to complete (the others are cancelled), `{reduce: ...}` what an expression or a function makes.",
    )


_UNDO_RULES: JsonDict = {
    "oneOf": [{"required": ["run"]}, {"required": ["python"]}, {"required": ["http"]}],
    "dependentRequired": {"shell": ["run"], "stdin": ["run"]},
    "dependentSchemas": {
        "shell": {"properties": {"run": {"type": "string"}}},
        "http": {"properties": {"with": _NOTHING, "env": _NOTHING, "cwd": _NOTHING}},
    },
}


class Compensation(Part):
    """An action that undoes a task."""

    model_config = ConfigDict(json_schema_extra=_UNDO_RULES)

    run: Text | Annotated[list[Scalar], Field(min_length=1)] | None = Field(None, description="A command or a script.")
    python: PythonTarget | None = Field(None, description="A Python function, `package.module:function`.")
    http: Http | None = Field(None, description="A request to a server.")
    shell: Shell | None = Field(None, description="The shell of a script. Default: sh.")
    stdin: str | None = Field(None, description="Text for the standard input of `run`.")
    arguments: dict[str, AnyValue] | None = Field(None, alias="with", description="Values for the action.")
    env: Environment | None = Field(None, description="Environment variables, added to those of the task.")
    cwd: Text | None = Field(None, description="The folder to run in. Default: that of the task.")
    timeout: PositiveDuration | None = Field(
        None, description="The time limit of each attempt. Default: that of `defaults`."
    )
    retry: Retry | None = Field(None, description="How a failed attempt is repeated, over that of `defaults`.")
    uses: Uses | None = None

    @model_validator(mode="after")
    def _check_action(self) -> Self:
        _check_one_action(self, {"run": self.run, "python": self.python, "http": self.http})
        _check_no_process(self)
        return self


def _check_no_process(part: Compensation | Task) -> None:
    if part.http is not None and not part.model_fields_set.isdisjoint(("arguments", "env", "cwd")):
        raise ValueError("`with`, `env` and `cwd` go with a process, not with `http`")


def _check_one_action(part: Compensation | Task, actions: dict[str, object]) -> None:
    if sum(action is not None for action in actions.values()) != 1:
        raise ValueError(f"exactly one of {', '.join(actions)} must be given")
    if part.shell is not None and not isinstance(part.run, str):
        raise ValueError("`shell` goes with a script in `run`")
    if part.stdin is not None and part.run is None:
        raise ValueError("`stdin` goes with `run`")


_ACTIONS = ("run", "python", "http", "wait", "approval", "group", "workflow")
_TASK_RULES: JsonDict = {
    "oneOf": [{"required": [action]} for action in _ACTIONS],
    "dependentRequired": {"shell": ["run"], "stdin": ["run"]},
    "dependentSchemas": {
        "shell": {"properties": {"run": {"type": "string"}}},
        "http": {"properties": {"with": _NOTHING, "env": _NOTHING, "cwd": _NOTHING}},
    },
}


class Task(Part):
    """One task: exactly one action, and when and how it is carried out."""

    model_config = ConfigDict(json_schema_extra=_TASK_RULES)

    run: Text | Annotated[list[Scalar], Field(min_length=1)] | None = Field(
        None,
        description="The action: a command as a list (program and arguments, no shell), or a script as text. "
        "A value in `${{ }}` never becomes shell text.",
    )
    python: PythonTarget | None = Field(None, description="The action: a Python function, `package.module:function`.")
    http: Http | None = Field(None, description="The action: a request to a server.")
    wait: Duration | Expression | Moment | None = Field(
        None, description="The action: wait so long (`10m`), or until a moment (`{until: ...}`). It needs no process."
    )
    approval: Text | Approval | None = Field(
        None, description="The action: ask a person, and wait for `unspool approve`. The text is the question."
    )
    group: Group | None = Field(None, description="The action: tasks of its own.")
    workflow: Workflow | None = Field(None, description="The action: all the tasks of another document.")
    shell: Shell | None = Field(None, description="The shell of a script. Default: sh.")
    stdin: str | None = Field(None, description="Text for the standard input of `run`.")
    arguments: dict[str, AnyValue] | None = Field(
        None,
        alias="with",
        description="Values for the action: keyword arguments of `python`; for `run` the JSON file UNSPOOL_INPUT.",
    )
    description: str | None = Field(None, description="What the task is for, for people.")
    tags: list[Text] | None = Field(None, description="Words to find the task by.")
    env: Environment | None = Field(None, description="Environment variables, added to the document's.")
    cwd: Text | None = Field(None, description="The folder to run in, relative to the document's folder (default).")
    depends_on: Annotated[list[Name], Unique()] | dict[Name, NeedState] | None = Field(
        None,
        description="The tasks that come first: a list of names, each of which must end `ok`, or a map from name to "
        "`ok`, `completed`, `failed`, `skipped` or `any`.",
    )
    join: Literal["all", "any"] | Positive | None = Field(
        None, description="How many of `depends_on` must be met: `all` (default), `any`, or a number."
    )
    when: Expression | bool | None = Field(
        None, description="One boolean expression. If it is false, the task is skipped."
    )
    for_each: Expression | list[AnyValue] | FanOut | None = Field(
        None, description="One instance for each item; `item` and `index` are known in it."
    )
    batch: Batch | None = Field(
        None,
        description="Instances share attempts: the action sees `items`, and `result.json` is a list of as many, each "
        "`{ok, value}` or `{ok, error}`.",
    )
    matrix: Matrix | None = Field(None, description="One instance for each combination; `matrix.AXIS` is known in it.")
    timeout: PositiveDuration | None = Field(
        None, description="The time limit of each attempt, from process start: `30s`, `5m`."
    )
    idle_timeout: PositiveDuration | None = Field(
        None, description="How long an attempt may write nothing to its output and errors before it is ended."
    )
    grace: Duration | None = Field(
        None, description="The time between the polite and the forced end of the process tree. Default: 5s."
    )
    retry: Retry | None = Field(None, description="How a failed attempt is repeated. Default: not at all.")
    success_when: Expression | bool | None = Field(
        None,
        description="One boolean expression over `result` that decides success. Default for `run`: exit code 0; "
        "for `http`: a status under `expect`.",
    )
    outputs: dict[Name, Output] | None = Field(None, description="What the task gives to others, by name.")
    on_failure: OnFailure | Substitute | Rollback | None = Field(
        None, description="What the last failed attempt means. Default: `cancel_dependents`."
    )
    on_crash: OnCrash | None = None
    interpret: (
        Interpreter | Annotated[dict[Interpreter, dict[Name, AnyValue]], Field(json_schema_extra=_ONE_KEY)] | None
    ) = Field(
        None,
        description="What reads the result, so that `success_when` and rules know `interpretation`: "
        "`claude_code`, `claude_flow` or `analysis`, or a map from one of these to its parameters.",
    )
    on_result: Annotated[list[Rule], Field(min_length=1)] | None = Field(
        None, description="Rules: what follows once the task has completed or failed and no attempt follows."
    )
    compensate: Compensation | None = Field(None, description="An action that undoes this task, run by a rollback.")
    cache: Cache | None = None
    priority: Priority | None = None
    uses: Uses | None = None
    estimate: Duration | None = Field(None, description="How long the task is expected to take. Default: 60s.")

    @model_validator(mode="after")
    def _check_action(self) -> Self:
        if isinstance(self.interpret, dict) and len(self.interpret) != 1:
            raise ValueError("`interpret` names one interpreter")
        _check_one_action(self, {action: getattr(self, action) for action in _ACTIONS})
        _check_no_process(self)
        return self


class Template(Task):
    """A task that is made when it is needed."""

    inputs: dict[Name, ValueSchema] | None = Field(
        None, description="The values an instance is given, by name, each with its JSON Schema."
    )


def _allow_extensions(schema: dict[str, Any]) -> None:
    schema["patternProperties"] = {"^x-": {"description": "A place for YAML anchors and notes; unspool ignores it."}}
    schema["additionalProperties"] = False


class Document(Part):
    """A workflow: named tasks, what they need of each other, and how they are run."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_allow_extensions)

    unspool: Annotated[Literal[1], AsInteger] = Field(description="The version of the language: 1.")
    name: WorkflowName = Field(description="The name of the workflow.")
    description: str | None = Field(None, description="What the workflow is for, for people.")
    inputs: dict[Name, ValueSchema] | None = Field(
        None, description="The values a run is given, by name, each with its JSON Schema; `default` makes it optional."
    )
    env: Environment | None = Field(None, description="Environment variables of every task; values may use `inputs`.")
    secrets: Annotated[list[EnvName], Unique()] | None = Field(
        None,
        description="Names of values that must not be seen, as environment variables have them. A run takes them from "
        "its environment or from --secrets-file; tasks get them by `${{ secrets.NAME }}` in their `env`.",
    )
    defaults: Defaults | None = Field(None, description="What tasks have unless they say otherwise.")
    limits: Limits | None = Field(None, description="The bounds of one run.")
    resources: dict[Name, Resource] | None = Field(
        None, description="What attempts share, by name; a task names them under `uses`."
    )
    tasks: Annotated[dict[Name, Task], Field(min_length=1)] = Field(description="The tasks, by name.")
    libraries: Annotated[list[Text], Field(min_length=1), Unique()] | None = Field(
        None,
        alias="import",
        description="Libraries whose templates and rulesets the document uses: `unspool/agents`. Its own of the same "
        "name take their place.",
    )
    templates: dict[Name, Template] | None = Field(
        None, description="Tasks that are made when they are needed, such as in the place of one that failed."
    )
    rulesets: dict[Name, Annotated[list[Rule], Field(min_length=1)]] | None = Field(
        None, description="Rules by name, for tasks that share them."
    )
    closing: dict[Name, Task] | None = Field(
        None,
        alias="finally",
        description="Tasks that run at the end, whatever happened. They never change the verdict.",
    )
    open: bool | None = Field(
        None,
        description="Whether a run goes on without anything to do, and takes tasks by `unspool submit`, until somebody "
        "closes it. Default: false.",
    )
    outputs: dict[Name, AnyValue] | None = Field(
        None, description="What the run gives, by name: any value, with `${{ tasks.NAME.outputs.NAME }}` in its text."
    )

    @classmethod
    def may_be_null(cls, key: str) -> bool:
        """Extension keys hold anything."""
        return key.startswith("x-")

    @model_validator(mode="after")
    def _check_extras(self) -> Self:
        for key in self.model_extra or ():
            if not key.startswith("x-"):
                raise ValueError(f"unknown key `{key}`")
        return self

    def to_value(self) -> dict[str, Any]:
        """Give the document as plain JSON values, with just the keys that were given."""
        return self.model_dump(by_alias=True, exclude_unset=True)
