"""Lengths in passes over the training frames, in steps, once the data are known.

A pass draws as many windows as it takes to answer for each training frame once. For networks that answer for one
frame of a window that is every window, as their authors count epochs; for those that answer for all of it, every
frame once.
"""

from __future__ import annotations

from harness.data.windows import Windows
from harness.spec.lengths import in_steps
from harness.spec.run import Run


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
    return run.model_copy(update={"train": in_steps(run.train, steps_a_pass(run, windows))})
