"""Lengths in passes over the training frames, in steps, once the data are known.

A pass draws as many windows as it takes to answer for each training frame once. For networks that answer for one
frame of a window that is every window, as their authors count epochs; for those that answer for all of it, every
frame once.
"""

from __future__ import annotations

import math

from harness.data.windows import Windows
from harness.spec.run import Pretrain, Run


def steps_a_pass(run: Run, windows: Windows) -> float:
    """Optimiser steps of one pass; not a whole number, since the last batch goes on into the next pass."""
    answers = -(-windows.length // windows.frames_out)  # windows that tile each view
    return int(answers.sum()) / run.train.batch


def resolved(run: Run, windows: Windows) -> Run:
    """``run`` with its lengths in steps: for training alone, since its identity is that of the passes.

    Args:
        run: as specified.
        windows: what the training itself draws from.
    """
    train, a_pass = run.train, steps_a_pass(run, windows)
    steps = train.steps if train.passes is None else _steps(train.passes, a_pass)
    changes: dict[str, object] = {"steps": steps}
    if train.pretrain is not None:
        changes["pretrain"] = train.pretrain.model_copy(
            update={"steps": _of_pretraining(train.pretrain, steps, a_pass)}
        )
    return run.model_copy(update={"train": train.model_copy(update=changes)})


def _of_pretraining(pretrain: Pretrain, otherwise: int, a_pass: float) -> int:
    if pretrain.passes is not None:
        return _steps(pretrain.passes, a_pass)
    return otherwise if pretrain.steps is None else pretrain.steps


def _steps(passes: float, a_pass: float) -> int:
    return max(1, math.ceil(passes * a_pass - 1e-9))
