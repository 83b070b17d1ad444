"""Lengths in passes over the training frames, in steps, once it is known how many steps a pass has."""

from __future__ import annotations

import math

from harness.spec.run import Pretrain, Train


def in_steps(train: Train, a_pass: float) -> Train:
    """``train`` with its lengths in steps, that of a pretraining too.

    Args:
        a_pass: optimiser steps of one pass over the training frames.
    """
    steps = train.steps if train.passes is None else _steps(train.passes, a_pass)
    changes: dict[str, object] = {"steps": steps}
    if train.pretrain is not None:
        changes["pretrain"] = train.pretrain.model_copy(
            update={"steps": _of_pretraining(train.pretrain, steps, a_pass)}
        )
    return train.model_copy(update=changes)


def _of_pretraining(pretrain: Pretrain, otherwise: int, a_pass: float) -> int:
    if pretrain.passes is not None:
        return _steps(pretrain.passes, a_pass)
    return otherwise if pretrain.steps is None else pretrain.steps


def _steps(passes: float, a_pass: float) -> int:
    return max(1, math.ceil(passes * a_pass - 1e-9))
