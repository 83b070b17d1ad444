"""The types of options, read from source: only the names known here mean something."""

from __future__ import annotations

import ast
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
