"""Realism of the predicted motion, as an opponent judges it that is trained in turn with the lifter."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Ge, Gt
from torch import Tensor
from torch.nn import functional

from harness.errors import UserError
from harness.objectives.term import Batch, Context, LossTerm, Output
from harness.skeleton import Skeleton


class Adversarial(LossTerm):
    """Mean over valid frames t of −log σ(D(p̂)ₜ): what it costs not to be taken for a true motion, no unit.

    D is the spatio-temporal discriminator of `harness.training.discriminator`, which judges products of bones and
    their changes from frame to frame; it is trained beside the lifter to tell predictions from the batch's truth. It
    sees motions as a whole: occluded joints count like others.
    Source: Cheng et al., "3D human pose estimation using spatio-temporal networks with explicit occlusion training",
    AAAI 2020, in the form of the loss that doesn't saturate (Goodfellow et al., NeurIPS 2014).

    Args:
        lr: learning rate of the discriminator's own optimiser; it follows the schedule of the run's.
        channels: width of the discriminator.
        every: the discriminator learns at each so many-th step of the lifter.
    """

    min_frames = 2
    companion = "harness.training.adversarial:Opponent"

    def __init__(
        self,
        *,
        lr: Annotated[float, Gt(0)] = 2e-4,
        channels: Annotated[int, Ge(1)] = 64,
        every: Annotated[int, Ge(1)] = 1,
    ) -> None:
        self.lr, self.channels, self.every = lr, channels, every

    def bind(self, skeleton: Skeleton) -> Self:
        """Tell the term which skeleton the poses have.

        Raises:
            UserError: a skeleton without bones.
        """
        if not skeleton.bones:
            raise UserError(f"adversarial judges bones, and the skeleton '{skeleton.name}' has none")
        return super().bind(skeleton)

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        if "discriminator" not in context.modules:
            raise ValueError("this term needs the discriminator that training builds for it")
        scores = context.modules["discriminator"](output.pose, batch.valid)  # (B, T)
        cost = functional.softplus(-scores).masked_fill(~batch.valid, 0.0)
        return cost.sum() / batch.valid.sum().clamp(min=1)
