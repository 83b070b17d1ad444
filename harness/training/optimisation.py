"""Optimisers, and the learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from harness.spec.run import Train


def make_optimiser(train: Train, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """AdamW or Adam as the run says, with amsgrad or without."""
    cls = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[train.optimiser]
    return cls(list(parameters), lr=train.lr, weight_decay=train.weight_decay, amsgrad=train.amsgrad)


def learning_rate(train: Train, step: int, a_pass: float = math.inf) -> float:
    """The rate of step ``step`` (from 0) of ``train.steps``.

    After a linear warm-up: ``constant``; ``cosine`` to zero; ``exponential`` from lr to lr·decay; ``per_pass``
    times decay after each pass of ``a_pass`` steps.
    """
    if step < train.warmup:
        return train.lr * (step + 1) / train.warmup
    done = (step - train.warmup) / max(1, train.steps - train.warmup)
    factor = {
        "constant": 1.0,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
        "exponential": train.decay**done,
        "per_pass": train.decay ** int(step / a_pass),
    }[train.schedule]
    return train.lr * factor


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def batch_norm_momentum(train: Train, step: int, a_pass: float) -> float | None:
    """The momentum of step ``step``: from 0.1 in the first pass to ``train.bn_momentum_end`` in the last.

    None if it stays as it is. Geometric in the pass, as Pavllo et al., CVPR 2019, appendix A.5.
    """
    if train.bn_momentum_end is None:
        return None
    last = math.ceil(train.steps / a_pass - 1e-9) - 1
    done = int(step / a_pass) / last if last > 0 else 0.0
    return 0.1 * (train.bn_momentum_end / 0.1) ** min(done, 1.0)
