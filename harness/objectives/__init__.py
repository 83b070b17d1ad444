"""Objectives: weighted sums of named, differentiable loss terms.

Importing this package must stay cheap: the registry looks up its modules without running them, so
torch and everything built on it load on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from harness import registry

if TYPE_CHECKING:
    from harness.objectives.adapter import Adapter
    from harness.objectives.objective import Objective
    from harness.objectives.term import Batch, Context, LossTerm, Output
    from harness.skeleton import Skeleton

__all__ = ["Batch", "Context", "LossTerm", "Objective", "Output", "build", "build_term"]

_HOMES = {"Objective": "objective", "Batch": "term", "Context": "term", "LossTerm": "term", "Output": "term"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def build_term(name: str, *, skeleton: Skeleton | None = None, **options: Any) -> LossTerm:
    """The loss term called ``name``, for use inside training.

    Args:
        name: a name that ``repose ls losses`` prints.
        skeleton: the skeleton of the poses, for terms that pair joints along bones.
        options: the term's own options; their names, types and defaults are those of its class.
    Raises:
        UserError: an unknown name or option, a value of the wrong type or range.
    """
    entry = registry.get("losses", name)
    term = registry.load(entry)(**registry.check_options(entry, options, key=name))
    return term.bind(skeleton) if skeleton is not None else term


def build(name: str, **options: Any) -> Adapter:
    """The loss term called ``name`` as a plain function, for notebooks and tests.

    The result is called as ``loss(pred, target, visible=None, valid=None)`` with poses (B, T, J, 3)
    in metres and boolean masks (B, T, J) and (B, T), True = visible / valid, and gives a scalar.

    Raises:
        UserError: an unknown name or option, a value of the wrong type or range.
    """
    from harness.objectives.adapter import Adapter

    return Adapter(build_term(name, **options))
