"""Optimisers, and the learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from harness.spec.run import Train


def make_optimiser(train: Train, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """AdamW or Adam as the run says."""
    cls = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[train.optimiser]
    return cls(list(parameters), lr=train.lr, weight_decay=train.weight_decay)


def learning_rate(train: Train, step: int) -> float:
    """The rate of step ``step`` (from 0) of ``train.steps``.

    After a linear warm-up: ``constant``; ``cosine`` to zero; ``exponential`` from lr to lr·decay.
    """
    if step < train.warmup:
        return train.lr * (step + 1) / train.warmup
    done = (step - train.warmup) / max(1, train.steps - train.warmup)
    factor = {
        "constant": 1.0,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
        "exponential": train.decay**done,
    }[train.schedule]
    return train.lr * factor


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
