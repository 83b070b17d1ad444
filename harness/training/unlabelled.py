"""What the lifter makes of windows whose poses are kept back, for the terms that learn from them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Run
from harness.training.companion import Terms
from harness.training.lifter import Lifter
from harness.training.material import Material
from harness.training.observation import Observer
from harness.training.speed import Forward
from harness.training.state import TrainState


class Unlabelled:
    """A second pass of the lifter, over the batch's unlabelled windows: ``unlabelled`` (B, T_out, J, 3).

    It trains the lifter through the terms that read it and has no weights of its own. A pass apart leaves the
    labelled one as it is; batch norms normalise each by itself, and their running means see both.
    """

    name = "unlabelled"
    joint = False

    def __init__(self, run: Run, terms: Terms, material: Material, observer: Observer, lifter: Lifter) -> None:
        self.forward = Forward(run.train)

    def enter(self, state: TrainState, device: torch.device) -> None:
        pass

    def extend(self, state: TrainState, output: Output, batch: Batch, context: Context) -> Output:
        pose = self.forward(state.lifter, cast(Batch, batch.unlabelled).inputs)
        return replace(output, extra={**output.extra, "unlabelled": pose})

    def step(self, state: TrainState, output: Output, batch: Batch, context: Context) -> dict[str, Tensor]:
        return {}
