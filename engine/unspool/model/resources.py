"""Find the published JSON Schemas, in an installed wheel and in a checkout alike."""

from __future__ import annotations

import re
from typing import Protocol, cast

import unspool
from unspool.errors import UnspoolError

# A wheel ships the schemas inside the package; an editable install has them at the top of the checkout.
_FOLDERS = ("schemas", "../../schemas")


LIBRARIES = ("unspool/agents",)  # that documents may import


class _DataLoader(Protocol):
    """What Python's file and zip loaders offer, without the cost of importing importlib.resources."""

    def get_data(self, path: str, /) -> bytes: ...


def schema_text(name: str) -> str:
    """Give the text of a published JSON Schema.

    Args:
        name: the schema's short name, such as `workflow` for `workflow.schema.json`.

    Raises:
        UnspoolError: no schema of that name is installed.
    """
    if re.fullmatch(r"[a-z][a-z_]*", name) is None:
        raise UnspoolError(f"{name!r} is not the name of a schema: write a plain word such as `workflow`")
    for folder in _FOLDERS:
        data = _read(f"{unspool.__path__[0]}/{folder}/{name}.schema.json")
        if data is not None:
            return data.decode()
    raise UnspoolError(
        f"no schema `{name}` is installed with unspool: check the name; if it is `workflow`, install unspool again"
    )


def library_text(name: str) -> str:
    """Give the text of a library that ships with unspool, one of `LIBRARIES`.

    Raises:
        UnspoolError: it is not installed.
    """
    data = _read(f"{unspool.__path__[0]}/library/{name.partition('/')[2]}.yaml")
    if data is None:
        raise UnspoolError(f"the library `{name}` is not installed with unspool: install unspool again")
    return data.decode()


def _read(path: str) -> bytes | None:
    try:
        return cast("_DataLoader", unspool.__loader__).get_data(path)
    except OSError:
        return None
