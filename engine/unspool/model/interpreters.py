"""What interpreters of results take and give: their parameters and the fields of `interpretation`, as JSON Schemas."""

from __future__ import annotations

from typing import Any

Schemas = dict[str, Any]

_BOOLEAN = {"type": "boolean"}
_PERHAPS = {"type": ["boolean", "null"]}
_COUNT = {"type": ["integer", "null"]}
_NUMBER = {"type": ["number", "null"]}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_LIST = {"type": "array"}
_COMMON: dict[str, Schemas] = {
    "success": _BOOLEAN,
    "problems": {
        "type": "array",
        "items": {"type": "object", "properties": {"check": {"type": "string"}, "message": {"type": "string"}}},
    },
    "suggestions": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "priority": {"enum": ["critical", "high", "normal", "low"]},
                "because": {"type": "string"},
            },
        },
    },
}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}

FIELDS: dict[str, dict[str, Schemas]] = {
    "claude_code": {
        **_COMMON,
        "files_modified": _TEXTS,
        "tests_passed": _PERHAPS,
        "errors": _TEXTS,
        "cost_usd": _NUMBER,
        "tokens": _COUNT,
    },
    "claude_flow": {
        **_COMMON,
        "agents_completed": _COUNT,
        "consensus_reached": _PERHAPS,
        "quality_score": _NUMBER,
    },
    "analysis": {**_COMMON, "patterns": _LIST, "insights": _LIST, "anomalies": _LIST, "confidence": _NUMBER},
}

PARAMETERS: dict[str, dict[str, Schemas]] = {
    "claude_code": {
        "expected_files": {**_TEXTS, "default": []},  # patterns; each must fit one of `files_modified`
        "text_limit": {"type": "integer", "minimum": 1, "default": 100_000},  # characters at the end of each text
    },
    "claude_flow": {
        "quality_threshold": {**_SHARE, "default": 0.7},
        "require_consensus": {**_BOOLEAN, "default": True},
    },
    "analysis": {"confidence_threshold": {**_SHARE, "default": 0.8}},
}
