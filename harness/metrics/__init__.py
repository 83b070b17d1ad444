"""What is measured: position and depth order, rows for the record, means over rows.

Metres in, millimetres (or %) out. Imported lazily: `harness.metrics.aggregate` and the registry's checks need no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.metrics.aggregate import summarise
    from harness.metrics.position import (
        aligned_errors,
        auc,
        mpjpe,
        mpjve,
        n_mpjpe,
        p_mpjpe,
        pck,
        position_errors,
        root_relative,
        scaled_errors,
        velocity_errors,
    )
    from harness.metrics.records import clip_rows

__all__ = [
    "aligned_errors",
    "auc",
    "clip_rows",
    "mpjpe",
    "mpjve",
    "n_mpjpe",
    "p_mpjpe",
    "pck",
    "position_errors",
    "root_relative",
    "scaled_errors",
    "summarise",
    "velocity_errors",
]

_HOMES = {"summarise": "aggregate", "clip_rows": "records"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'position')}"), name)
