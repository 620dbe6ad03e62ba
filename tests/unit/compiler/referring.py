"""Documents with one expression to judge."""

from __future__ import annotations

DECLARED = """
inputs:
  name: {type: string, default: x}
  count: {type: integer, default: 1}
  go: {type: boolean, default: true}
  list: {type: array, default: [], items: {type: object, properties: {a: {type: integer}}, additionalProperties: false}}
  any: {default: {}}
env: {CI: "1", Region: eu}
"""
PRODUCER = """
  made:
    run: [x]
    env: {OWN: "1"}
    outputs: {version: {type: string, from: stdout}, count: {type: integer, default: 0}}
"""


def body_with(field, *, depends_on="[made]"):
    return f"{DECLARED}\ntasks:\n{PRODUCER}  t:\n    depends_on: {depends_on}\n    {field}\n"


def argv(expression):
    return body_with(f'run: ["${{{{ {expression} }}}}"]')
