"""Which fields of the data decide whom, and what input, a number speaks of: the detector among them.

Numbers under different ones are never pooled nor ranked against each other. Windows, the frames predicted and all that
is of training are a method's own business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.spec.run import Data

CONDITIONS: dict[str, Callable[[Data], Any]] = {
    "data.dataset": lambda data: data.dataset,
    "data.fingerprint": lambda data: data.fingerprint,
    "data.split": lambda data: data.split,
    "data.root": lambda data: data.root,
    "data.cameras.test": lambda data: data.cameras.test,
    "data.noise": lambda data: data.noise if isinstance(data.noise, float) else str(data.noise),
    "data.confidence": lambda data: data.confidence,
    "data.seed": lambda data: data.seed,
}
"""Field → its value."""


def is_condition(axis: str) -> bool:
    """Whether arms that differ on this axis are tested on different data."""
    return axis in CONDITIONS or axis == "data.path" or axis.startswith(("data.options.", "data.noise."))
