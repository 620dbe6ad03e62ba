"""The typed form of a workflow document, for those who build or read documents in Python.

`Document.model_validate(value)` takes what a YAML or JSON parser gave; `document.to_value()` gives it back.
The published JSON Schema is generated from these models. The command line does not load this module:
it checks documents by that schema, which is much quicker to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from unspool.model.document_types import (
    AnyValue,
    AsInteger,
    Duration,
    Environment,
    ErrorClass,
    Expression,
    Item,
    Name,
    NeedState,
    OnFailure,
    Part,
    Positive,
    PositiveDuration,
    Priority,
    PythonTarget,
    Rate,
    Scalar,
    Shell,
    Text,
    Unique,
    Uses,
    WorkflowName,
)
from unspool.model.value_schema import Output, ValueSchema

if TYPE_CHECKING:
    from pydantic.config import JsonDict


class ExitCodes(Part):
    """A retry filter by exit code."""

    exit_code: Annotated[list[Annotated[int, Field(ge=0, le=255), AsInteger]], Field(min_length=1)] = Field(
        description="The exit codes that are meant."
    )


_Filters = list[ErrorClass | ExitCodes]


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
        None, description="Retry only these: error classes, `timeout`, or `{exit_code: [75]}`. Default: what may pass."
    )
    never: _Filters | None = Field(None, description="Never retry these; it beats `on`.")


class CircuitBreaker(Part):
    """Keeps attempts away from something that fails again and again."""

    failures: Positive = Field(
        description="After how many failures in a row it opens. What counts are the error classes `rate_limit`, "
        "`timeout`, `connection` and `server`; any other end begins the count anew."
    )
    reset_after: PositiveDuration | None = Field(
        None, description="How long it stays open; then one attempt at a time tries. Default: 60s."
    )
    successes: Positive | None = Field(
        None, description="How many successes of those attempts close it again. Default: 1."
    )


class Resource(Part):
    """Something that attempts share: a counted pool, a pool of named items, a rate, a circuit breaker, or several."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    slots: Positive | None = Field(None, description="How many of it can be held at once.")
    items: Annotated[list[Item], Field(min_length=1), Unique()] | None = Field(
        None, description="Named things, each leased to one attempt at a time, which finds it as `${{ lease.NAME }}`."
    )
    rate: Rate | None = Field(None, description="How many attempts may begin in which time: `60/1m`.")
    circuit_breaker: CircuitBreaker | None = Field(None, description="When attempts are kept away from it for a while.")

    @model_validator(mode="after")
    def _check_some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a resource has at least one of `slots`, `items`, `rate` and `circuit_breaker`")
        return self


class Defaults(Part):
    """What tasks have unless they say otherwise. A task's `retry` is merged over this one key by key."""

    timeout: PositiveDuration | None = Field(None, description="The time limit of each attempt.")
    grace: Duration | None = Field(None, description="The time between the polite and the forced end of an attempt.")
    retry: Retry | None = Field(None, description="How failed attempts are repeated.")
    cwd: Text | None = Field(None, description="The folder that tasks run in, relative to the document's folder.")
    priority: Priority | None = None
    on_failure: OnFailure | None = None
    shell: Shell | None = None
    uses: Uses | None = None


class Limits(Part):
    """The bounds of one run."""

    concurrency: Positive | None = Field(None, description="How many tasks of the run may run at once.")
    max_tasks: Positive | None = Field(None, description="How many tasks the run may have. Default: 1000.")


_TASK_RULES: JsonDict = {
    "oneOf": [{"required": ["run"]}, {"required": ["python"]}],
    "dependentRequired": {"shell": ["run"], "stdin": ["run"]},
    "dependentSchemas": {"shell": {"properties": {"run": {"type": "string"}}}},
}


class Task(Part):
    """One task: exactly one action (`run` or `python`), and when and how it is carried out."""

    model_config = ConfigDict(json_schema_extra=_TASK_RULES)

    run: Text | Annotated[list[Scalar], Field(min_length=1)] | None = Field(
        None,
        description="The action: a command as a list (program and arguments, no shell), or a script as text. "
        "A value in `${{ }}` never becomes shell text.",
    )
    python: PythonTarget | None = Field(None, description="The action: a Python function, `package.module:function`.")
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
    when: Expression | bool | None = Field(
        None, description="One boolean expression. If it is false, the task is skipped."
    )
    timeout: PositiveDuration | None = Field(
        None, description="The time limit of each attempt, from process start: `30s`, `5m`."
    )
    grace: Duration | None = Field(
        None, description="The time between the polite and the forced end of the process tree. Default: 5s."
    )
    retry: Retry | None = Field(None, description="How a failed attempt is repeated. Default: not at all.")
    success_when: Expression | bool | None = Field(
        None, description="One boolean expression over `result` that decides success. Default for `run`: exit code 0."
    )
    outputs: dict[Name, Output] | None = Field(None, description="What the task gives to others, by name.")
    on_failure: OnFailure | None = None
    priority: Priority | None = None
    uses: Uses | None = None
    estimate: Duration | None = Field(None, description="How long the task is expected to take. Default: 60s.")

    @model_validator(mode="after")
    def _check_action(self) -> Self:
        if (self.run is None) == (self.python is None):
            raise ValueError("a task has exactly one of `run` and `python`")
        if self.shell is not None and not isinstance(self.run, str):
            raise ValueError("`shell` goes with a script in `run`")
        if self.stdin is not None and self.run is None:
            raise ValueError("`stdin` goes with `run`")
        return self


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
    defaults: Defaults | None = Field(None, description="What tasks have unless they say otherwise.")
    limits: Limits | None = Field(None, description="The bounds of one run.")
    resources: dict[Name, Resource] | None = Field(
        None, description="What attempts share, by name; a task names them under `uses`."
    )
    tasks: Annotated[dict[Name, Task], Field(min_length=1)] = Field(description="The tasks, by name.")
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
