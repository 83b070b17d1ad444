"""Which windows a backbone takes, as its class says in a literal: known when a spec is read, without torch.

``fits_window = (">=", "num_frame")`` reads that a window has at least as many frames as the option
``num_frame``. In place of an option stands whole-number arithmetic of several, such as
``"product(filter_widths)"``, the receptive field of a stack of dilated convolutions.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from harness import registry
from harness.errors import UserError

# How a window may compare with the amount, and how that is said.
_FITS: dict[str, tuple[Callable[[int, int], bool], str]] = {
    ">=": (operator.ge, "reads {needed} frames at a time"),
    "==": (operator.eq, "is built for windows of {needed} frames"),
    "<=": (operator.le, "takes windows of at most {needed} frames"),
}
_OPERATORS: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_FUNCTIONS: dict[str, Callable[[Any], int]] = {"product": math.prod, "max": max, "min": min, "sum": sum}


def limit(entry: registry.Entry, options: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """How the windows that a backbone takes compare with what of its options, and that amount.

    Args:
        options: its own, checked.
    Returns:
        e.g. ``(">=", "num_frame", 27)``; None if it takes any window, as where an option in it is None.
    Raises:
        UserError: its ``fits_window`` says nothing of the kind.
    """
    stated = registry.attribute(entry, "fits_window", None)
    if stated is None:
        return None
    known = registry.options(entry)
    values = {name: options.get(name, option.default) for name, option in known.items()}
    try:
        relation, amount = stated
        tree = ast.parse(amount, mode="eval").body
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(_FUNCTIONS)
        if relation not in _FITS or not names or not names <= set(known):
            raise ValueError
        if any(values[name] is None for name in names):
            return None
        return relation, amount, _whole(tree, values)
    except (ValueError, TypeError, SyntaxError, KeyError):
        message = f'fits_window of {entry.target} must be a pair such as (">=", "num_frame"): one of {", ".join(_FITS)}'
        message += f", and one of its options ({', '.join(known)})"
        raise UserError(f"{message}, or +, -, *, {', '.join(_FUNCTIONS)} of them; found {stated!r}") from None


def misfit(entry: registry.Entry, options: Mapping[str, Any], window: int) -> str | None:
    """Why a backbone can't take windows of so many frames, or None. Raises as `limit`."""
    bound = limit(entry, options)
    if bound is None:
        return None
    relation, amount, value = bound
    holds, said = _FITS[relation]
    return None if holds(window, value) else f"{said.format(needed=value)} ({amount}), and a window has {window}"


def _whole(node: ast.expr, values: Mapping[str, Any]) -> int:
    """The whole number that an expression of options comes to."""
    match node:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if isinstance(values[name], int) and not isinstance(values[name], bool):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_whole(left, values), _whole(right, values))
        case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name)], keywords=[]):
            return _FUNCTIONS[function](values[name])
    raise ValueError(ast.unparse(node))
