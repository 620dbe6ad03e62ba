"""How large, deep and repetitive the text of a document may be."""

from __future__ import annotations

MAX_BYTES = 32 * 1024 * 1024  # size of the whole text
MAX_NODES = 5_000_000  # keys, values, lists and maps together
MAX_DEPTH = 64  # lists and maps inside each other; the top level counts
MAX_ALIAS_NODES = 10_000  # values that all aliases together stand for
MAX_KEY = 1_000  # characters of one key
MAX_DIGITS = 4_300  # digits of one number
MAX_INTEGER = 2**53  # the largest integer that every JSON reader keeps exactly
