"""What a finished run hands over."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.training.state import Curve


@dataclass(frozen=True)
class Result:
    """Weights and what was measured on the way to them.

    Attributes:
        best_weights: state dict of the chosen epoch's backbone.
        last_weights: state dict of the last epoch's backbone.
        curves: (name, step, value) points: ``val_mpjpe`` in mm, ``loss`` and ``term.*`` in metres,
            ``share.*``, ``cosine.*`` and ``active.*`` without unit.
        summary: scalars: ``val_mpjpe_best``, ``val_mpjpe_last`` (mm), ``best_step``, ``late_gain`` (mm,
            see `convergence`), ``falling`` (1 or 0), ``parameters``.
        seconds: wall time of training and validation.
    """

    best_weights: dict[str, Tensor]
    last_weights: dict[str, Tensor]
    curves: list[Curve]
    summary: dict[str, float]
    seconds: float
