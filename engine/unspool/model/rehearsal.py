"""The models of a rehearsal: what `*.rehearsal.yaml` may say, and the source of its published schema."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator
from typing_extensions import TypeAliasType

from unspool.model.document_types import AnyValue, AsInteger, HttpStatus, Name, Part, Positive, Text

_FINAL = Literal["completed", "failed", "cancelled", "skipped"]
_Seconds = Annotated[int | float, Field(ge=0), WithJsonSchema({"type": "number", "minimum": 0})]
_Whole = Annotated[int, AsInteger]

TaskPattern = TypeAliasType(
    "TaskPattern",
    Annotated[
        str,
        Field(
            min_length=1,
            description="A task by its id. `test[unit]` is one instance of a fan-out, `test` stands for all of them, "
            "`*` for any text, and in brackets for any key, as in `*/fix[*]`.",
        ),
    ],
)
TaskState = TypeAliasType("TaskState", Annotated[_FINAL, Field(description="The state in which a task ends.")])


class StubError(Part):
    """How an attempt fails."""

    error_class: Text = Field(alias="class", description="The class of the error, such as `connection` or `signal`.")
    message: str | None = Field(None, description="What it says. Default: that it is a stub.")


class Stub(Part):
    """What an attempt gives, in place of the real thing; for an approval, what is decided."""

    nullable_keys: ClassVar[frozenset[str]] = frozenset({"json"})

    seconds: _Seconds | None = Field(
        None,
        description="How long the attempt takes, or the person. Default: the task's `estimate`, or half of its "
        "`timeout` where that is less.",
    )
    exit_code: _Whole | None = Field(None, description="The exit code of a process. Default: 0.")
    stdout: str | None = Field(None, description="What it writes; of a request the body of the answer.")
    stderr: str | None = Field(None, description="What it writes to standard error.")
    json_value: AnyValue = Field(
        None, alias="json", description="What a function returns, a server answers, or a process writes, as a value."
    )
    outputs: dict[Name, AnyValue] | None = Field(
        None, description="Values of declared outputs, wherever the task would give them."
    )
    error: StubError | None = Field(None, description="The attempt fails in this way.")
    status_code: HttpStatus | None = Field(None, description="The status of an answer. Default: 200.")
    headers: dict[str, str] | None = Field(None, description="The headers of an answer, in lower case.")
    retry_after: _Seconds | None = Field(None, description="How many seconds a server asks to wait.")
    cached: bool | None = Field(None, description="The cache knows the result, so that no attempt is made.")
    approved: bool | None = Field(None, description="What a person decides. Default: true.")
    by: Text | None = Field(None, description="Who decides.")
    note: str | None = Field(None, description="Why it is decided so.")


Stubs = TypeAliasType(
    "Stubs",
    Annotated[
        dict[TaskPattern, Stub | Annotated[list[Stub], Field(min_length=1)]],
        Field(
            description="What the attempts of tasks give: a map for each of them, or a list with one entry for each "
            "attempt, of which the last one repeats. A task without a stub succeeds after its `estimate`."
        ),
    ],
)


class ExpectedTask(Part):
    """How a task must end; what is not named may be anything."""

    nullable_keys: ClassVar[frozenset[str]] = frozenset({"reason"})

    state: TaskState | None = Field(None, description="Its state.")
    reason: Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})] = Field(
        None, description="Why it is in that state, such as `timeout`; null for no reason."
    )
    attempts: Annotated[int, Field(ge=0), AsInteger] | None = Field(None, description="How many attempts it had.")
    outputs: dict[Name, AnyValue] | None = Field(None, description="Values of its outputs.")
    compensated: bool | None = Field(None, description="Whether a rollback has undone it.")


class Expected(Part):
    """What must follow."""

    nullable_keys: ClassVar[frozenset[str]] = frozenset({"reason"})

    state: Annotated[Literal["completed", "failed", "cancelled"], Field()] | None = Field(
        None, description="The verdict of the run. Default: completed."
    )
    reason: Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})] = Field(
        None, description="The reason of the verdict, such as `task_failed`; null for no reason."
    )
    tasks: dict[TaskPattern, TaskState | ExpectedTask] | None = Field(
        None, description="How tasks end, by id: a state, or more of it. A pattern speaks of every task that it fits."
    )
    exactly: bool | None = Field(None, description="The run has no other tasks than those named under `tasks`.")
    order: list[Text] | None = Field(
        None, description="Ids of tasks that start in this order, whatever starts between."
    )
    outputs: dict[Name, AnyValue] | None = Field(None, description="Values of outputs of the run.")
    seconds: _Seconds | None = Field(None, description="How long the run takes on the virtual clock.")


class Case(Part):
    """One rehearsal: what a run is given, and what must follow."""

    description: str | None = Field(None, description="What the case shows, for people.")
    inputs: dict[Name, AnyValue] | None = Field(None, description="Values for the inputs of the workflow.")
    stubs: Stubs | None = None
    expect: Expected | None = Field(None, description="What must follow. Default: the run completes.")
    at: Text | None = Field(
        None, description="The moment at which the run begins, such as `2026-03-01T07:00:00Z`. Default: one in 2023."
    )
    workers: Positive | None = Field(None, description="How many attempts run at once. Default: 4.")
    resume: bool | None = Field(
        None,
        description="Whether the case is also cut at every event and resumed. Default: true. Switch it off where the "
        "end depends on who is first.",
    )


def _allow_extensions(schema: dict[str, Any]) -> None:
    schema["patternProperties"] = {"^x-": {"description": "A place for YAML anchors and notes; unspool ignores it."}}
    schema["additionalProperties"] = False


class Rehearsal(Part):
    """Cases that say what a workflow does, without doing any of it."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_allow_extensions)

    unspool_rehearsal: Annotated[Literal[1], AsInteger] = Field(description="The version of this form: 1.")
    workflow: Text | None = Field(
        None,
        description="The workflow, seen from the folder of this file. Default: the document beside it whose name this "
        "one begins with: `release.yaml` for `release.rehearsal.yaml` and for `release.rejected.rehearsal.yaml`.",
    )
    cases: Annotated[dict[Name, Case], Field(min_length=1)] = Field(description="The cases, by name.")

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
