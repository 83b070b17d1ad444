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
from harness.objectives.term import Batch, Context, LossTerm, Output, check_shapes
from harness.skeleton import Skeleton


class Objective:
    """Named loss terms, each with a weight λ.

    A term of weight 0 contributes nothing to the total and is not computed in a training step; it
    appears in `shares` only, so that what an arm does to a term it doesn't train with can be logged.

    Args:
        terms: name → (λ, options of the term).
        skeleton: the skeleton of the poses.
    Raises:
        UserError: no term of positive weight; a weight that is negative or not a number; an unknown
            term or option.
    """

    def __init__(self, terms: Mapping[str, tuple[float, dict[str, Any]]], skeleton: Skeleton) -> None:
        self.skeleton = skeleton
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

    def __call__(self, output: Output, batch: Batch, context: Context) -> tuple[Tensor, dict[str, Tensor]]:
        """The total Σ λ·value, and each term's own value (detached, without λ), for λ > 0.

        Raises:
            ValueError: output, target and masks whose shapes don't fit.
        """
        check_shapes(output.pose, batch.target, batch.visible, batch.valid)
        total: Tensor | None = None
        values: dict[str, Tensor] = {}
        for name, weight in self.weights.items():
            if not weight:
                continue
            value = self.terms[name](output, batch, context)
            values[name] = value.detach()
            total = value * weight if total is None else total + value * weight
        assert total is not None  # the constructor saw a positive weight
        return total, values

    def shares(self, output: Output, batch: Batch, context: Context) -> dict[str, dict[str, float | None]]:
        """How the terms divide the gradient with respect to ``output.pose``; meant to be sampled.

        Returns:
            For each term, those of weight 0 included unless they read what only a positive weight brings:
            value: the term without λ.
            share: ‖λ·gradient‖ over the sum of these norms; the shares sum to 1 (None if all are 0).
            cosine: between the term's gradient and the weighted sum of the absolute terms' gradients
                (None if either is zero).
            active: share of its pairs with a gradient (None for terms without pairs).
        """
        values: dict[str, float] = {}
        gradients: dict[str, Tensor] = {}
        probed = {
            name: term for name, term in self.terms.items() if self.weights[name] or not (term.needs or term.companion)
        }
        for name, term in probed.items():
            pose = output.pose.detach().requires_grad_()
            with torch.enable_grad():
                value = term(replace(output, pose=pose), batch, context)
            (gradient,) = torch.autograd.grad(value, pose, allow_unused=True) if value.requires_grad else (None,)
            values[name] = value.item()
            gradients[name] = (torch.zeros_like(pose) if gradient is None else gradient).flatten().double()
        absolute = torch.zeros_like(next(iter(gradients.values())))
        for name, term in probed.items():
            if term.absolute:
                absolute += self.weights[name] * gradients[name]
        lengths = {name: gradient.norm().item() for name, gradient in gradients.items()}
        total, size = sum(self.weights[name] * lengths[name] for name in lengths), absolute.norm().item()
        return {
            name: {
                "value": values[name],
                "share": self.weights[name] * lengths[name] / total if total else None,
                "cosine": (gradients[name] @ absolute).item() / (lengths[name] * size)
                if lengths[name] * size
                else None,
                "active": term.active(output, batch, context),
            }
            for name, term in probed.items()
        }
