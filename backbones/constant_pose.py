"""The constant-pose baseline: what an error means when nothing is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self

import torch
from annotated_types import Ge
from torch import Tensor, nn

from backbones.shapes import check_fit_batch, check_input


class ConstantPose(nn.Module):
    """Gives the mean training pose for every frame of any input.

    Args:
        num_joints: joints a frame, in and out.
        in_features: numbers a keypoint; checked and otherwise ignored.
    """

    receptive_field = 1
    frames_out = "all"
    causal = False
    needs_confidence = False

    pose: Tensor
    frames_seen: Tensor

    def __init__(self, *, num_joints: Annotated[int, Ge(1)] = 17, in_features: Annotated[int, Ge(1)] = 2) -> None:
        super().__init__()
        self.joints, self.features = num_joints, in_features
        self.register_buffer("pose", torch.zeros(num_joints, 3))
        self.register_buffer("frames_seen", torch.zeros((), dtype=torch.int64))

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The baseline for ``joints`` keypoints of ``features`` numbers; works for any number of frames."""
        return cls(**{"num_joints": joints, "in_features": features, **options})

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: as many."""
        return frames

    @torch.no_grad()
    def fit(self, batches: Iterable[tuple[Tensor, Tensor, Tensor]]) -> None:
        """Take the mean target over all valid frames; what an earlier fit found is forgotten.

        Args:
            batches: (x (B, T, J, C), y (B, T, J, 3) metres, valid (B, T) bool); summed in float64.
        Raises:
            ValueError: wrong shapes, no valid frame, or a target that isn't finite.
        """
        total = torch.zeros(self.joints, 3, dtype=torch.float64, device=self.pose.device)
        seen = 0
        for x, y, valid in batches:
            check_input(x, joints=self.joints, features=self.features)
            check_fit_batch(x, y, valid, joints=self.joints)
            chosen = y[valid.bool()].to(total)
            total += chosen.sum(0)
            seen += len(chosen)
        if not seen:
            raise ValueError("the mean pose needs at least one valid frame; found none")
        if not torch.isfinite(total).all():
            raise ValueError("the targets hold a value that isn't finite")
        self.pose.copy_(total / seen)
        self.frames_seen.fill_(seen)

    def forward(self, x: Tensor) -> Tensor:
        """The mean pose, once for every frame.

        Args:
            x: (B, T, J, C).
        Returns:
            (B, T, J, 3) metres, float32.
        Raises:
            ValueError: another shape.
            RuntimeError: neither fitted nor loaded.
        """
        check_input(x, joints=self.joints, features=self.features)
        if not self.frames_seen:
            raise RuntimeError("ConstantPose must be fitted, or loaded, before it is used")
        return self.pose.expand(*x.shape[:2], -1, -1).clone()
