"""Small parts of a task: its fan-out, what it waits for, and what stands in for it or undoes it."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from unspool.model.document_types import (
    AnyValue,
    Duration,
    Expression,
    Item,
    Name,
    Part,
    Positive,
    PositiveDuration,
    PythonTarget,
    Rate,
    Text,
    Unique,
)


class FanOut(Part):
    """One instance of a task for each item of a list."""

    items: Expression | list[AnyValue] = Field(description="The list, or one expression that gives it.")
    key: Text | None = Field(
        None,
        description="What an instance is called; `item` and `index` are known. Default: a scalar item, or the index.",
    )
    max_parallel: Positive | None = Field(None, description="How many instances may be on their way at once.")
    max: Positive | None = Field(
        None,
        description="How many instances there may be. Default: 100, or the input's `maxItems`; a written list: all.",
    )


_Axis = Expression | Annotated[list[AnyValue], Field(min_length=1)]


class Matrix(Part):
    """One instance of a task for each combination of the values of its axes."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"minProperties": 1, "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,63}$"}},
    )
    __pydantic_extra__: dict[str, _Axis]

    include: list[dict[Name, AnyValue]] | None = Field(None, description="Whole combinations to add.")
    exclude: list[dict[Name, AnyValue]] | None = Field(
        None, description="Drop every combination that matches one of these."
    )

    @model_validator(mode="after")
    def _check_axes(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a matrix has at least one axis")
        if not all(re.fullmatch("[a-z][a-z0-9_]{0,63}", name) for name in self.__pydantic_extra__ or {}):
            raise ValueError("the name of an axis is lower-case letters, digits and `_`")
        return self


class Moment(Part):
    """A moment to wait for."""

    until: Text = Field(description="A moment with its zone, such as `2026-03-01T07:00:00Z`.")


class Approval(Part):
    """A question to a person."""

    prompt: Text = Field(description="What the person is asked.")
    default: Literal["approve", "reject"] | None = Field(
        None, description="What counts when the task's `timeout` is over and nobody has decided. Default: reject."
    )


class Reducer(Part):
    """A function that makes the value of a group of those of its members."""

    python: PythonTarget = Field(
        description="A Python function, `package.module:function`. Its argument `results` holds the values by name."
    )
    arguments: dict[str, AnyValue] | None = Field(None, alias="with", description="More arguments.")


class Reduce(Part):
    """How the value of a group is made of its members."""

    reduce: Expression | Reducer = Field(
        description="One expression, which sees `tasks.NAME` of every member; or a function, `{python: ...}`."
    )


class Substitute(Part):
    """Another task in the place of one that failed."""

    substitute: Name = Field(description="The template to make it of.")
    arguments: dict[str, AnyValue] | None = Field(None, alias="with", description="Values for the template's inputs.")


class RollbackThen(Part):
    """What follows when everything is undone."""

    then: Literal["cancel", "retry"] | None = Field(
        None,
        description="`cancel` (default): undo this task and all completed ones it was built on, newest first. "
        "`retry`: undo only this task, and try it again with a fresh `retry`.",
    )
    attempts: Positive | None = Field(None, description="With `retry`: how often. Default: 1.")


class Rollback(Part):
    """Undo what was done, by the `compensate` of each task."""

    rollback: RollbackThen


class RetryAfter(Part):
    """Another attempt, though this one would have been the last."""

    after: Duration | Expression | None = Field(None, description="How long to wait before it. Default: not at all.")


class Rule(Part):
    """What follows from the end of a task, if `when` holds."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    when: Expression | bool | None = Field(
        None,
        description="One boolean expression over `result`, `outputs`, `outcome`, `reason` and `attempt`. "
        "Default: in any case.",
    )
    emit: Name | Annotated[list[Name], Field(min_length=1), Unique()] | None = Field(
        None, description="Add a task to the run: an instance of this template, or of each of these."
    )
    for_each: Expression | list[AnyValue] | None = Field(
        None, description="With `emit`: a task for each item; `item` and `index` are known in `key` and `with`."
    )
    key: Text | None = Field(
        None, description="With `emit`: what a task is called. Default: a scalar item, or the index."
    )
    arguments: dict[str, AnyValue] | None = Field(
        None, alias="with", description="Values for the template's inputs, or of the event."
    )
    max: Positive | None = Field(
        None,
        description="With `emit`: how many tasks the rule may add in the whole run. Default: one for each task that "
        "has the rule, 100 with `for_each`.",
    )
    fail: Text | None = Field(None, description="The task has failed, and this is why. It is not retried.")
    retry: RetryAfter | None = Field(
        None, description="The task is tried again, as long as `retry` of the task has an attempt left."
    )
    cancel: Literal["run"] | None = Field(None, description="The run is cancelled.")
    event: Name | None = Field(None, description="Tell other workflows, with the values of `with`.")
    note: Text | None = Field(None, description="Text for the report.")
    ruleset: Name | None = Field(None, description="Apply all rules of one of the document's `rulesets`.")

    @model_validator(mode="after")
    def _check_some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a rule has at least one key")
        return self


class Batch(Part):
    """Instances that arrive close together share one attempt."""

    size: Positive = Field(description="How many share one attempt at most.")
    within: Duration | None = Field(None, description="How long the first waits for others. Default: not at all.")
    by: Expression | None = Field(None, description="Only instances for which this gives the same come together.")


class Workflow(Part):
    """Another document, as one task."""

    path: Text = Field(description="The document, seen from the folder of this one; it must lie in the same project.")
    inputs: dict[Name, AnyValue] | None = Field(None, description="Values for its inputs.")


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
