"""Masked pre-training of any network that answers for all its frames: hidden keypoints are guessed from those shown.

The idea is that of Shan et al., P-STMO, ECCV 2022 (arXiv 2203.07628), section 3.2, whose own form is
`backbones.pstmo_mae`; guessing 2D by way of the network's 3D answer is MotionBERT's (Zhu et al., ICCV 2023). Around
the network stand two small parts, both dropped afterwards: a learned token in the place of each hidden keypoint, and a
head that reads 2D keypoints off the poses that the network answers. So every weight of the network learns.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple, Self

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from backbones.shapes import check_input

_WIDTH = 256
"""Of the head's one hidden layer."""


class Seen(NamedTuple):
    """What a masked form is shown, True where it is: frames (B, T), joints (B, T, J)."""

    frames: Tensor
    joints: Tensor


def shown(
    by_frame: Tensor, by_joint: Tensor, hidden_frames: int, hidden_joints: int, valid: Tensor | None = None
) -> Seen:
    """What to show, from random numbers: the lowest are hidden.

    Args:
        by_frame, by_joint: (B, T) and (B, T, J), in [0, 1).
        hidden_frames: of each window.
        hidden_joints: of each frame.
        valid: (B, T) bool; frames that aren't are hidden before any other.
    """
    if valid is not None:
        by_frame = by_frame.masked_fill(~valid, -1.0)
    return Seen(_rank(by_frame) >= hidden_frames, _rank(by_joint) >= hidden_joints)


def hidden_counts(frames: int, joints: int, spatial_mask_num: int, temporal_mask_rate: float) -> tuple[int, int]:
    """Frames hidden of ``frames`` (one is always shown), and joints hidden of the ``joints`` of the others.

    Raises:
        ValueError: more joints than there are.
    """
    if spatial_mask_num > joints:
        raise ValueError(f"spatial_mask_num can't hide {spatial_mask_num} of {joints} joints")
    return min(int(temporal_mask_rate * frames), frames - 1), spatial_mask_num


class MaskedForm(nn.Module):
    """A network, the token that hides keypoints from it, and the head that guesses them from its poses.

    The token starts at zero, which is what a detector reports of a keypoint that it lost.

    Args:
        network: follows the contract in `backbones`, and answers for all its frames.
        joints, features, frames: of its input.
        spatial_mask_num: joints hidden in each frame that is shown.
        temporal_mask_rate: share of the frames that is hidden.
    Raises:
        ValueError: more hidden joints than there are.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        joints: Annotated[int, Ge(1)],
        features: Annotated[int, Ge(1)],
        frames: Annotated[int, Ge(1)],
        spatial_mask_num: Annotated[int, Ge(0)] = 2,
        temporal_mask_rate: Annotated[float, Ge(0), Lt(1)] = 0.8,
    ) -> None:
        super().__init__()
        self.joints, self.features, self.frames = joints, features, frames
        self.hidden_frames, self.hidden_joints = hidden_counts(frames, joints, spatial_mask_num, temporal_mask_rate)
        self.network = network
        self.token = nn.Parameter(torch.zeros(joints, features))
        self.head = nn.Sequential(nn.Linear(3 * joints, _WIDTH), nn.GELU(), nn.Linear(_WIDTH, joints * features))

    @classmethod
    def sharing(cls, network: nn.Module, **options: int | float) -> Self:
        """The masked form of ``network``, which is part of it: what one learns, both have. See the class."""
        return cls(network, **options)  # type: ignore[arg-type]

    def seen(self, by_frame: Tensor, by_joint: Tensor, *, valid: Tensor | None = None) -> Seen:
        """What to show, from random numbers (B, T) and (B, T, J); see `shown`."""
        return shown(by_frame, by_joint, self.hidden_frames, self.hidden_joints, valid)

    def forward(self, x: Tensor, frames_seen: Tensor, joints_seen: Tensor) -> Tensor:
        """Guess the keypoints of all frames from what is seen of them.

        Args:
            x: (B, T, J, C) normalised screen coordinates; what isn't seen may be anything.
            frames_seen: (T,) or (B, T) bool.
            joints_seen: (T, J) or (B, T, J) bool.
        Returns:
            (B, T, J, C).
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features, frames=self.frames, exactly=True)
        seen = frames_seen[..., None] & joints_seen  # ((B,) T, J)
        given = torch.where(seen[..., None], x, self.token.to(x.dtype))  # (B, T, J, C)
        poses = self.network(given)  # (B, T, J, 3)
        return self.head(poses.flatten(2)).unflatten(2, (self.joints, self.features))


def _rank(numbers: Tensor) -> Tensor:
    """Place of each number along the last dimension, from 0 for the lowest."""
    return numbers.argsort(dim=-1).argsort(dim=-1)
