"""Companions: what a loss term needs beside the lifter, such as a discriminator, a teacher or another head.

A loss term's class names its companion in a literal, ``companion = "harness.training.module:Class"``, or several in a
tuple, and training builds each once for all terms of positive weight that name it. Where no term names one, nothing
is built.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from harness import keyed, registry
from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Run
from harness.training.lifter import Lifter
from harness.training.material import Material
from harness.training.observation import Observer
from harness.training.state import TrainState

Terms = Mapping[str, tuple[float, dict[str, Any]]]
"""Loss term → (λ, its options)."""


class Companion(Protocol):
    """Modules and optimisers that stand beside the lifter in a run's state.

    All that it learns or counts lies in the state (a module's buffers hold what isn't a parameter), so that a resumed
    run ends with the bits of one that was never stopped. It draws after `reseed`, or by key: what it draws can't shift
    what the lifter draws.

    Attributes:
        name: of its module in ``state.modules``; its further modules, its optimisers and its values in the curves
            begin with it (``name`` or ``name.…``).
        joint: whether its parameters are trained by the lifter's loss: the optimiser ``name`` then follows the
            lifter's learning rate and clipping. Else it trains itself in `step`.
    """

    name: str
    joint: bool

    def __init__(self, run: Run, terms: Terms, material: Material, observer: Observer, lifter: Lifter) -> None:
        """``terms`` are the run's terms that named it."""
        ...

    def enter(self, state: TrainState, device: torch.device) -> None:
        """Add its modules and optimisers to the state, with weights keyed by its name and the run's seed."""
        ...

    def extend(self, state: TrainState, output: Output, batch: Batch, context: Context) -> Output:
        """``output`` with what its modules give in ``output.extra``; called before the loss is computed."""
        ...

    def step(self, state: TrainState, output: Output, batch: Batch, context: Context) -> dict[str, Tensor]:
        """Its own update, after the lifter's; gives the values to log (detached scalars), {} if it has none."""
        ...


def companions_of(run: Run, material: Material, observer: Observer, lifter: Lifter) -> tuple[Companion, ...]:
    """The companions that the run's terms of positive weight name, each once, in the order of the terms."""
    found: dict[str, dict[str, tuple[float, dict[str, Any]]]] = {}
    for name, (weight, options) in run.terms.items():
        named = registry.attribute(registry.get("losses", name), "companion", None)
        for target in (named,) if isinstance(named, str) else named or ():
            if weight:
                found.setdefault(target, {})[name] = (weight, options)
    return tuple(_load(target)(run, terms, material, observer, lifter) for target, terms in found.items())


def needs_of(run: Run) -> frozenset[str]:
    """What a batch must hold beside poses and masks: the ``needs`` of the run's terms of positive weight.

    Literals in the terms' classes, such as ``needs = ("camera", "trajectory")``: names of fields of `Batch`, or with
    ``unlabelled.`` in front of its unlabelled windows.
    """
    found: set[str] = set()
    for name, (weight, _) in run.terms.items():
        if weight:
            found.update(registry.attribute(registry.get("losses", name), "needs", ()))
    return frozenset(found)


def unlabelled_needs(needs: Collection[str]) -> frozenset[str] | None:
    """What unlabelled windows must hold, given what a batch must; None where none are needed."""
    prefix = "unlabelled."
    found = frozenset(name.removeprefix(prefix) for name in needs if name.startswith(prefix))
    return found if found or "unlabelled" in needs else None


def reseed(name: str, seed: int, step: int | str) -> None:
    """Set torch's stream to what the companion called ``name`` draws at ``step`` (``"weights"``: at its start)."""
    torch.manual_seed(keyed.key(name, seed, step) & ((1 << 63) - 1))


def _load(target: str) -> Any:
    module, cls = target.split(":")
    return getattr(importlib.import_module(module), cls)
