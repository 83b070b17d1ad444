"""What a value is called in labels and tables."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


def printed(value: Any) -> str:
    """``value`` as labels and tables print it: 1.0 and 1 alike, words bare."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(printed(item) for item in value) + "]"
    return str(value) if isinstance(value, BaseModel) else json.dumps(value)
