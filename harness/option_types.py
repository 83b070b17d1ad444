"""The types of options, read from source: only the names known here mean something."""

from __future__ import annotations

import ast
import types
import typing
from typing import Any

import annotated_types

_NAMES = {
    **{n: getattr(typing, n) for n in ("Literal", "Annotated", "Any", "Sequence", "Union", "Optional")},
    **{n: getattr(annotated_types, n) for n in ("Ge", "Gt", "Le", "Lt", "MinLen", "MaxLen")},
}
_PLAIN = {kind.__name__: kind for kind in (bool, int, float, str, list, tuple, dict)}
NAMES = (*_PLAIN, *_NAMES)


def read(annotation: ast.expr | None) -> Any:
    """The type that an annotation says; nothing but the names known here is run.

    Raises:
        TypeError, NameError, AttributeError, ValueError, SyntaxError: it is made of anything else.
    """
    if annotation is None:
        return Any
    return eval(ast.unparse(annotation), {"__builtins__": {}, **_PLAIN, **_NAMES})


def choices(annotation: Any) -> tuple[Any, ...]:
    """The values that a type made of literals allows, such as ``Literal["a", "b"] | None``; none of any other type."""
    if typing.get_origin(annotation) is typing.Literal:
        return typing.get_args(annotation)
    found = [choices(part) for part in typing.get_args(annotation) if part is not type(None)]
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated)
    return found[0] if union and len(found) == 1 else ()


def told(annotation: Any, required: bool, default: Any) -> str:
    """An option in words: its default, and what it may be where that is a list."""
    may = choices(annotation)
    said = "required" if required else repr(default)
    return f"{said} ({', '.join(map(str, may))})" if may else said
