"""Plain data as indented JSON: the text of `json.dumps`, whose quick encoder indents nothing, in half of its time."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from math import isfinite
from typing import Any


def json_text(content: Any) -> str:
    """``json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)`` of plain data, and an end of line.

    Args:
        content: dictionaries with texts as keys, lists, tuples, texts, numbers, None.

    Raises:
        ValueError: a number that isn't finite.
    """
    return _text(content, "\n") + "\n"


def _text(value: Any, end: str) -> str:
    """``end``: what stands before the bracket that closes it."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if isinstance(value, dict) and value:
        begin = end + " "
        parts = [f"{encode_basestring(name)}: {_text(one, begin)}" for name, one in value.items()]
        return f"{{{begin}{f',{begin}'.join(parts)}{end}}}"
    if isinstance(value, list | tuple) and value:
        begin = end + " "
        return f"[{begin}{f',{begin}'.join([_text(one, begin) for one in value])}{end}]"
    if value is True or value is False:
        return "true" if value else "false"
    if kind is int or (kind is float and isfinite(value)):
        return repr(value)
    # A number that isn't finite is refused there; what else there is has no lines in it.
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
