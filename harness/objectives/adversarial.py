"""Realism of the predicted motion, as an opponent judges it that is trained in turn with the lifter."""

from __future__ import annotations

from typing import Annotated, Self

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.nn import functional

from harness import keyed
from harness.errors import UserError
from harness.objectives.averaging import mean_of
from harness.objectives.term import Batch, Context, LossTerm, Output
from harness.skeleton import Skeleton


class Adversarial(LossTerm):
    """Mean over valid frames t of −log σ(D(p̂)ₜ): what it costs not to be taken for a true motion, no unit.

    D is the spatio-temporal discriminator of `harness.training.discriminator`, which judges products of bones and
    their changes from frame to frame; it is trained beside the lifter to tell predictions from the batch's truth.
    Frames of padding don't count. There is no ``over``: a frame's one score is of the whole body in motion, from which
    no joint can be taken, and gaps in the input where joints are hidden would tell predictions from truths, which have
    none. So occluded joints count like others, and are to look true most of all. Where other terms bring unlabelled
    windows, what is predicted for these is judged too, for that needs no labels.
    Source: Cheng et al., "3D human pose estimation using spatio-temporal networks with explicit occlusion training",
    AAAI 2020, in the form of the loss that doesn't saturate (Goodfellow et al., NeurIPS 2014).

    Args:
        lr: learning rate of the discriminator's own optimiser; it follows the schedule of the run's.
        channels: width of the discriminator.
        every: the discriminator learns at each so many-th step of the lifter.
        noise: spread of the noise, metres, that all motions shown to the discriminator get, so that true and
            predicted ones overlap (Arjovsky and Bottou, ICLR 2017).
    """

    min_frames = 2
    needs_bones = "some"
    companion = "harness.training.adversarial:Opponent"

    def __init__(
        self,
        *,
        lr: Annotated[float, Gt(0)] = 2e-4,
        channels: Annotated[int, Ge(1)] = 64,
        every: Annotated[int, Ge(1)] = 1,
        noise: Annotated[float, Ge(0)] = 0.01,
    ) -> None:
        self.lr, self.channels, self.every, self.noise = lr, channels, every, noise

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
        poses, valid, keys = predicted(output, batch)
        shown = blurred(poses, keys, context.step, "predicted", self.noise)
        scores = context.modules["discriminator"](shown, valid)  # (B, T)
        return mean_of(functional.softplus(-scores).masked_fill(~valid, 0.0)[..., None], valid)


def predicted(output: Output, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """All poses (B', T, J, 3) that the lifter predicted in a step, their valid frames (B', T) and keys (B',)."""
    if batch.unlabelled is None or "unlabelled" not in output.extra:
        return output.pose, batch.valid, batch.keys
    more = batch.unlabelled
    return (
        torch.cat([output.pose, output.extra["unlabelled"]]),
        torch.cat([batch.valid, more.valid]),
        torch.cat([batch.keys, more.keys]),
    )


def blurred(poses: Tensor, keys: Tensor, step: int, what: str, noise: float) -> Tensor:
    """Poses (B, T, J, 3) with noise of that spread, looked up by their samples' keys, the step and what they are."""
    if not noise:
        return poses
    samples = keyed.combine(keys, keyed.key("discriminator noise", what), step)[:, None]  # (B, 1)
    numbers = torch.arange(poses[0].numel(), device=poses.device)
    return poses + noise * keyed.normal(keyed.combine(samples, numbers)).view(poses.shape).to(poses.dtype)
