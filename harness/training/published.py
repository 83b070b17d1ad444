"""Weights that others trained, in the place of a training's result."""

from __future__ import annotations

import torch

from backbones.checkpoint import CheckpointError, load_checkpoint
from harness.errors import UserError
from harness.spec.run import Run
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.result import Result
from harness.training.state import weights_of
from harness.training.train import build_lifter


def published(run: Run) -> Result:
    """The weights of a run's checkpoint, as its network holds them.

    Raises:
        UserError: the file is gone, can't be read, holds more than tensors and plain values, or numbers that aren't
            finite, or doesn't fit the network; the message names the file, the first key that differs and the
            preset that would fit.
    """
    given = run.checkpoint
    if given is None:
        raise ValueError("the run has no checkpoint")
    material = open_material(run.data)
    lifter = build_lifter(run, material, Observer(run.data.noise, run.data.confidence, material.skeleton))
    try:
        load_checkpoint(lifter.backbone, given.path, part=given.part)
    except OSError as error:
        raise UserError(f"the checkpoint can't be read: {error.strerror}", file=given.path) from None
    except CheckpointError as error:
        # What can't be read is said with the file's name before it.
        raise UserError(str(error).removeprefix(f"{given.path}: "), file=given.path) from None
    weights = weights_of(lifter.backbone)
    for name, value in weights.items():
        if not torch.isfinite(value).all():
            raise UserError(
                f"the checkpoint's '{name}' isn't finite: what it predicts can't be scored", file=given.path
            )
    figures = {"parameters": float(sum(p.numel() for p in lifter.parameters()))}
    return Result(weights, weights, curves=[], summary=figures, seconds=0.0)
