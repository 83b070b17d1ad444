"""The weighted sum a run trains with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from harness import objectives
from harness.errors import UserError
from harness.objectives.scale import MEASURED, GradientScale
from harness.objectives.schedule import Schedule
from harness.objectives.term import Batch, Context, LossTerm, Output, check_shapes
from harness.skeleton import Skeleton

LIFTED = ("every", "unlabelled")
"""What of `Output.extra` are poses that the lifter gave too: of every frame of the window, of unlabelled windows."""


class Objective:
    """Named loss terms, each with a weight λ.

    A term of weight 0 contributes nothing to the total and is not computed in a training step; it
    appears in `shares` only, so that what an arm does to a term it doesn't train with can be logged.

    Args:
        terms: name → (λ, options of the term).
        skeleton: the skeleton of the poses.
        schedules: name → λ over the epochs; constant where there is none.
    Raises:
        UserError: no term of positive weight; a weight that is negative or not a number; an unknown
            term or option.
    """

    def __init__(
        self,
        terms: Mapping[str, tuple[float, dict[str, Any]]],
        skeleton: Skeleton,
        schedules: Mapping[str, Schedule] | None = None,
    ) -> None:
        self.skeleton = skeleton
        self.schedules = {name: s for name, s in (schedules or {}).items() if not s.constant and terms[name][0]}
        self.weights: dict[str, float] = {}
        self.terms: dict[str, LossTerm] = {}
        for name, (weight, options) in terms.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
                raise UserError(f"a weight is a number from 0 up; got {weight!r}", key=f"{name}.weight")
            self.terms[name] = objectives.build_term(name, skeleton=skeleton, **options)
            self.weights[name] = float(weight)
        if not any(self.weights.values()):
            raise UserError("an objective needs at least one loss term with a positive weight")

    @property
    def min_frames(self) -> int:
        """The fewest output frames that every term of positive weight can work with."""
        return max(self.terms[name].min_frames for name, weight in self.weights.items() if weight)

    @property
    def heads(self) -> set[str]:
        """Names of the outputs beside the pose that terms of positive weight read."""
        named = {getattr(self.terms[name], "head", None) for name, weight in self.weights.items() if weight}
        return {name for name in named if name is not None}

    @property
    def by_gradient(self) -> list[str]:
        """Terms whose λ is measured in gradients: a `GradientScale` of them stands in ``context.modules``."""
        return [name for name, schedule in self.schedules.items() if schedule.by_gradient]

    def in_force(self, context: Context) -> dict[str, float]:
        """λ of each term at this step.

        Raises:
            UserError: what a λ is measured in had no gradient.
        """
        found = dict(self.weights)
        for name, schedule in self.schedules.items():
            found[name] *= schedule.share(context.epochs)
            if schedule.by_gradient and found[name]:
                found[name] *= _scale(context).factor(name)
        return found

    def measure(self, output: Output, batch: Batch, context: Context) -> None:
        """Count this step towards what λ is measured in, where it is one of those that are measured.

        Args:
            output: its pose is read, and no gradient goes to what made it.
        """
        due = []
        for name in self.by_gradient:
            steps = math.ceil(self.schedules[name].begin * context.steps_an_epoch)
            if context.step < steps and context.step % max(1, steps // MEASURED) == 0:
                due.append(name)
        if not due:
            return
        weights = self.in_force(context)
        there = [name for name in self.absolute if name not in self.schedules]
        parts = [weights[name] * _gradient(self.terms[name], output, batch, context)[1] for name in there]
        absolute = torch.stack(parts).sum(dim=0).norm().item()
        for name in due:
            own = _gradient(self.terms[name], output, batch, context)[1].norm().item()
            _scale(context).add(name, own, absolute)

    @property
    def absolute(self) -> list[str]:
        """Terms of positive weight that measure against the truth directly."""
        return [name for name, weight in self.weights.items() if weight and self.terms[name].absolute]

    def __call__(self, output: Output, batch: Batch, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        """The total Σ λ·value, and each term's own value (detached, without λ), for λ > 0 at this step.

        Raises:
            ValueError: output, target and masks whose shapes don't fit.
            UserError: see `in_force`.
        """
        check_shapes(output.pose, batch.target, batch.visible, batch.valid)
        total: Tensor | None = None
        values: dict[str, Tensor] = {}
        for name, weight in self.in_force(context).items():
            if not weight:
                continue
            value = self.terms[name](output, batch, context)
            values[name] = value.detach()
            total = value * weight if total is None else total + value * weight
        if total is None:
            raise ValueError(f"no term counts after {context.epochs:g} epochs: one must from the start")
        return total, values

    def shares(self, output: Output, batch: Batch, context: Context) -> dict[str, dict[str, float | None]]:
        """How the terms divide the gradient with respect to the lifter's poses; meant to be sampled.

        Returns:
            For each term, those of weight 0 included unless they read what only a positive weight brings:
            value: the term without λ.
            share: ‖λ·gradient‖, λ as it is in force, over the sum of these norms; shares sum to 1 (None if all are 0).
            cosine: between the term's gradient and the weighted sum of the absolute terms' gradients
                (None if either is zero).
            active: share of its pairs with a gradient (None for terms without pairs).
        """
        values: dict[str, float] = {}
        gradients: dict[str, Tensor] = {}
        weights = self.in_force(context)
        probed = {name: term for name, term in self.terms.items() if self.weights[name] or not _brings(term)}
        for name, term in probed.items():
            values[name], gradients[name] = _gradient(term, output, batch, context)
        absolute = torch.zeros_like(next(iter(gradients.values())))
        for name, term in probed.items():
            if term.absolute:
                absolute += weights[name] * gradients[name]
        lengths = {name: gradient.norm().item() for name, gradient in gradients.items()}
        total, size = sum(weights[name] * lengths[name] for name in lengths), absolute.norm().item()
        return {
            name: {
                "value": values[name],
                "share": weights[name] * lengths[name] / total if total else None,
                "cosine": (gradients[name] @ absolute).item() / (lengths[name] * size)
                if lengths[name] * size
                else None,
                "active": term.active(output, batch, context),
            }
            for name, term in probed.items()
        }


def _brings(term: LossTerm) -> bool:
    """Whether training computes something for this term alone: then there is nothing to compute it with at λ = 0."""
    return bool(term.needs or term.companion or getattr(term, "head", None))


def _gradient(term: LossTerm, output: Output, batch: Batch, context: Context) -> tuple[float, Tensor]:
    """A term's value and its gradient with respect to the lifter's poses, flat, in float64; zero where there is none.

    Beside the batch's poses these are those that the lifter gives in ``output.extra``: see `LIFTED`.
    """
    poses = {name: output.extra[name].detach().requires_grad_() for name in LIFTED if name in output.extra}
    pose = output.pose.detach().requires_grad_()
    with torch.enable_grad():
        value = term(replace(output, pose=pose, extra={**output.extra, **poses}), batch, context)
    leaves = (pose, *poses.values())
    found = torch.autograd.grad(value, leaves, allow_unused=True) if value.requires_grad else [None] * len(leaves)
    parts = [torch.zeros_like(leaf) if part is None else part for leaf, part in zip(leaves, found, strict=True)]
    return value.item(), torch.cat([part.flatten() for part in parts]).double()


def _scale(context: Context) -> GradientScale:
    found = context.modules.get(GradientScale.name)
    if not isinstance(found, GradientScale):
        raise ValueError(f"scale: gradient needs what was measured in context.modules['{GradientScale.name}']")
    return found
