"""The small types that documents are made of: names, durations, scalars, expressions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

# Spelt out, since `\w` means different letters to different validators.
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"


class Part(BaseModel):
    """Base of every model of a document: closed, frozen, strictly typed, and no value may be null.

    A field that is None was not given; `model_fields_set` tells it from a null where null is a value.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    nullable_keys: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _refuse_null(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key, value in data.items():
                if value is None and not cls.may_be_null(key):
                    raise ValueError(f"`{key}` must not be null")
        return data

    @classmethod
    def may_be_null(cls, key: str) -> bool:
        """Whether null is a value of `key` rather than a forgotten one."""
        return key in cls.nullable_keys


class Unique:
    """Marks a list as free of repeated items, for pydantic and in the JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the finished list."""
        return core_schema.no_info_after_validator_function(_no_repeats, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say it in the schema too."""
        return {**handler(schema), "uniqueItems": True}


def _no_repeats(items: list[Any]) -> list[Any]:
    if len(set(items)) != len(items):
        raise ValueError("the items must differ from each other")
    return items


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a boolean is not a number")  # noqa: TRY004 - pydantic collects ValueErrors only
    # JSON has one number type: 3.0 is the integer 3, and the schema says so as well.
    return int(value) if isinstance(value, float) and value.is_integer() else value


AsInteger = BeforeValidator(_whole)
Natural = Annotated[int, Field(ge=0), AsInteger]
Positive = Annotated[int, Field(ge=1), AsInteger]
Number = Annotated[int | float, WithJsonSchema({"type": "number"})]
Text = Annotated[str, Field(min_length=1)]
AnyValue = Annotated[JsonValue, WithJsonSchema({})]

Scalar = TypeAliasType(
    "Scalar",
    Annotated[
        str | bool | int | float,
        WithJsonSchema(
            {
                "type": ["string", "number", "boolean"],
                "description": "Text, a number or a boolean, taken as it is spelt in the file. `${{ }}` works in text.",
            }
        ),
    ],
)
Name = TypeAliasType(
    "Name",
    Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]{0,63}$",
            description="A lower-case letter, then at most 63 lower-case letters, digits or `_`.",
        ),
    ],
)
WorkflowName = TypeAliasType(
    "WorkflowName",
    Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
            description="A letter or digit, then at most 99 letters, digits, `.`, `_` or `-`.",
        ),
    ],
)
EnvName = TypeAliasType(
    "EnvName",
    Annotated[
        str,
        Field(
            pattern=f"^{_IDENTIFIER}$",
            description="The name of an environment variable: letters, digits and `_`, not beginning with a digit.",
        ),
    ],
)
Duration = TypeAliasType(
    "Duration",
    Annotated[
        str,
        Field(
            pattern=r"^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$",
            description="A whole number and its unit: `250ms`, `30s`, `5m`, `2h` or `1d`.",
        ),
    ],
)
PositiveDuration = TypeAliasType(
    "PositiveDuration",
    Annotated[
        str,
        Field(
            pattern=r"^[1-9][0-9]{0,8}(ms|s|m|h|d)$",
            description="A whole number above zero and its unit: `250ms`, `30s`, `5m`, `2h` or `1d`.",
        ),
    ],
)
Expression = TypeAliasType(
    "Expression",
    Annotated[
        str,
        Field(
            pattern=r"^[ \t\r\n]*\$\{\{",
            description="One expression, `${{ ... }}`, that gives true or false.",
        ),
    ],
)
Rate = TypeAliasType(
    "Rate",
    Annotated[
        str,
        Field(
            pattern=r"^[1-9][0-9]{0,8}/[1-9][0-9]{0,8}(ms|s|m|h|d)$",
            description="How many in which time: `60/1m`, `5/1s`.",
        ),
    ],
)
Item = TypeAliasType(
    "Item",
    Annotated[
        Text | Number,
        WithJsonSchema(
            {"type": ["string", "number"], "minLength": 1, "description": "A named thing: text or a number."}
        ),
    ],
)
Uses = TypeAliasType(
    "Uses",
    Annotated[
        Annotated[list[Name], Unique()] | dict[Name, Positive],
        Field(
            description="The resources that each attempt holds while it runs: a list of names, or a map from name to "
            "how many of it. All are acquired at once, or the task waits and holds none."
        ),
    ],
)
PythonTarget = TypeAliasType(
    "PythonTarget",
    Annotated[
        str,
        Field(
            pattern=rf"^{_IDENTIFIER}(\.{_IDENTIFIER})*:{_IDENTIFIER}(\.{_IDENTIFIER})*$",
            description="A module and a function in it: `package.module:function`.",
        ),
    ],
)
JsonPointer = TypeAliasType(
    "JsonPointer",
    Annotated[
        str,
        Field(
            pattern=r"^(/([^/~]|~[01])*)*$",
            description="A JSON Pointer: `/failed/0/name`; empty for the whole value.",
        ),
    ],
)
ErrorClass = TypeAliasType(
    "ErrorClass",
    Annotated[
        Literal[
            "exit_code",
            "signal",
            "timeout",
            "spawn_failed",
            "exception",
            "success_when_false",
            "cancelled",
            "rate_limit",
            "connection",
            "server",
            "auth",
            "quota",
            "bad_request",
        ],
        Field(description="A class of errors that another attempt may mend."),
    ],
)
Environment = TypeAliasType(
    "Environment",
    Annotated[dict[EnvName, Scalar], Field(description="Environment variables: a map from name to value.")],
)
NeedState = TypeAliasType(
    "NeedState",
    Annotated[
        Literal["ok", "completed", "failed", "skipped", "any"],
        Field(
            description="What the other task must have come to: `ok` (completed, skipped, or failed but tolerated), "
            "`completed`, `failed`, `skipped`, or `any` (final in whatever state)."
        ),
    ],
)
Priority = TypeAliasType(
    "Priority",
    Annotated[
        Literal["critical", "high", "normal", "low", "idle"],
        Field(description="Which ready task starts first. Default: normal."),
    ],
)
Shell = TypeAliasType(
    "Shell",
    Annotated[
        Literal["sh", "bash", "dash", "zsh"],
        Field(description="The shell that runs a script. Default: sh."),
    ],
)
OnFailure = TypeAliasType(
    "OnFailure",
    Annotated[
        Literal["cancel_dependents", "abort", "skip"],
        Field(
            description="What the last failed attempt means: `cancel_dependents` (default) ends what needs the task, "
            "`abort` cancels the whole run, `skip` lets dependents go on and the run succeed."
        ),
    ],
)
