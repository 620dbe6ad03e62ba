"""Generate published JSON Schemas from the models: `python -m unspool.model.schema_export [workflow | rehearsal]`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from unspool.model.document import Document
from unspool.model.rehearsal import Rehearsal

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

WORKFLOW_SCHEMA_ID = "urn:unspool:schema:workflow:1"
REHEARSAL_SCHEMA_ID = "urn:unspool:schema:rehearsal:1"


class _Published(GenerateJsonSchema):
    """The models as authors see them: a key that was not given has no value, and none is null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def workflow_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a workflow document."""
    return _schema(Document, WORKFLOW_SCHEMA_ID, "unspool workflow")


def rehearsal_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a rehearsal."""
    return _schema(Rehearsal, REHEARSAL_SCHEMA_ID, "unspool rehearsal")


def workflow_schema_text() -> str:
    """Give the text of the file `workflow.schema.json`."""
    return _text(workflow_schema())


def rehearsal_schema_text() -> str:
    """Give the text of the file `rehearsal.schema.json`."""
    return _text(rehearsal_schema())


def _schema(model: type[BaseModel], name: str, title: str) -> dict[str, Any]:
    body = model.model_json_schema(schema_generator=_Published)
    definitions = {name: _untitled(part) for name, part in sorted(body.pop("$defs").items())}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, "title": title}
    return {**head, **_untitled(body), "$defs": definitions}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _untitled(part: dict[str, Any]) -> dict[str, Any]:
    # pydantic titles a model with its class name, which says nothing to authors.
    return {key: value for key, value in part.items() if key != "title"}


if __name__ == "__main__":
    sys.stdout.write(rehearsal_schema_text() if sys.argv[1:] == ["rehearsal"] else workflow_schema_text())
