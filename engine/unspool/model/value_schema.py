"""The subset of JSON Schema in which a document declares its inputs and outputs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType

from unspool.model.document_types import AnyValue, JsonPointer, Natural, Number, Part, Positive, Text, Unique

_Step = Annotated[int | float, Field(gt=0), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]

TypeName = TypeAliasType(
    "TypeName",
    Annotated[
        Literal["string", "integer", "number", "boolean", "array", "object", "null"],
        Field(description="A type of JSON value."),
    ],
)


class ValueSchema(Part):
    """What a value must be: a JSON Schema (draft 2020-12) of the keywords listed here, without `$ref`."""

    nullable_keys: ClassVar[frozenset[str]] = frozenset({"default", "const"})

    type: TypeName | Annotated[list[TypeName], Field(min_length=1), Unique()] | None = Field(
        None, description="The type of the value, or a list of types it may have."
    )
    default: AnyValue = Field(None, description="The value when none is given. It must fit the schema itself.")
    description: str | None = Field(None, description="What the value means, for people.")
    title: str | None = Field(None, description="A short name, for people.")
    examples: list[AnyValue] | None = Field(None, description="Values that would fit, for people.")
    format: str | None = Field(None, description="A hint for editors and forms, such as `date`; it is not checked.")
    enum: Annotated[list[AnyValue], Field(min_length=1)] | None = Field(
        None, description="The only values that are allowed."
    )
    const: AnyValue = Field(None, description="The one value that is allowed.")
    pattern: Annotated[str, Field(max_length=1000)] | None = Field(
        None, description="A regular expression that must be found in the text; `^` and `$` tie it to the ends."
    )
    min_length: Natural | None = Field(None, alias="minLength", description="The fewest characters of text.")
    max_length: Natural | None = Field(None, alias="maxLength", description="The most characters of text.")
    minimum: Number | None = Field(None, description="The least number.")
    maximum: Number | None = Field(None, description="The greatest number.")
    exclusive_minimum: Number | None = Field(
        None, alias="exclusiveMinimum", description="The number must be greater than this."
    )
    exclusive_maximum: Number | None = Field(
        None, alias="exclusiveMaximum", description="The number must be less than this."
    )
    multiple_of: _Step | None = Field(None, alias="multipleOf", description="The number must be a multiple of this.")
    items: ValueSchema | None = Field(None, description="What each item of a list must be.")
    min_items: Natural | None = Field(None, alias="minItems", description="The fewest items of a list.")
    max_items: Natural | None = Field(None, alias="maxItems", description="The most items of a list.")
    unique_items: bool | None = Field(None, alias="uniqueItems", description="Whether items must differ.")
    properties: dict[str, ValueSchema] | None = Field(None, description="What the named members of a map must be.")
    required: Annotated[list[str], Unique()] | None = Field(
        None, description="The members that a map must have, by name."
    )
    additional_properties: bool | ValueSchema | None = Field(
        None, alias="additionalProperties", description="Whether other members are allowed, or what they must be."
    )
    any_of: Annotated[list[ValueSchema], Field(min_length=1)] | None = Field(
        None, alias="anyOf", description="The value must fit at least one of these."
    )
    one_of: Annotated[list[ValueSchema], Field(min_length=1)] | None = Field(
        None, alias="oneOf", description="The value must fit exactly one of these."
    )
    all_of: Annotated[list[ValueSchema], Field(min_length=1)] | None = Field(
        None, alias="allOf", description="The value must fit every one of these."
    )


class FileSource(Part):
    """A file that the task writes, as the source of an output."""

    file: Text = Field(description="The file's path, relative to the task's `cwd`.")


class Output(ValueSchema):
    """One declared output of a task: what it must be (a JSON Schema) and where it is read from."""

    source: Literal["output", "stdout", "json", "result"] | FileSource | None = Field(
        None,
        alias="from",
        description="Where the value is read from: `output` (default, the file named by UNSPOOL_OUTPUT), `stdout`, "
        "`json` (stdout parsed as JSON), `result`, or `{file: path}`.",
    )
    path: JsonPointer | None = Field(None, description="A JSON Pointer to the value inside what was read.")
    max_bytes: Positive | None = Field(None, description="A larger value is kept as a file. Default: 65536.")
