"""The prediction seen by the camera again."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from harness.data.camera import project
from harness.objectives.averaging import Averaged, lengths, without_padding
from harness.objectives.term import Batch, Context, Output

_NEAREST = 0.1
"""Metres: what is predicted nearer to the camera, or behind it, is seen at this distance."""


class Reprojection(Averaged):
    """2D error of the projected prediction: mean over frames and joints of ‖π(p̂ + r) − x‖₂, screen units.

    π is the batch's camera, distortion included; r places the root-relative prediction by the true trajectory, so
    that the camera says something of the pose and not of where it stands. x is the projection of the true pose: free
    of the detector's noise, and known of hidden joints too; or what the detector reported, of visible joints only,
    since of a hidden one it reports nothing. One screen unit is half the image's width.

    Source: the reprojection loss of Pavllo et al., CVPR 2019, section 4, on labelled windows.

    Args:
        against: the true 2D positions, or the detector's.
        over: of the true ones, those of all joints, or only of visible or of occluded ones.
    """

    absolute = True
    needs = ("camera", "trajectory", "screen")
    applies: ClassVar = {"over": ("against", "true")}

    def __init__(
        self,
        *,
        against: Literal["true", "detected"] = "true",
        over: Literal["all", "visible", "occluded"] = "all",
    ) -> None:
        super().__init__("visible" if against == "detected" else over)
        self.detected = against == "detected"

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training.

        Raises:
            ValueError: the batch has no camera, trajectory or detections.
        """
        if batch.camera is None or batch.trajectory is None or (self.detected and batch.screen is None):
            raise ValueError("this term needs the batch's camera, trajectory and detected positions")
        place, camera = without_padding(batch.trajectory, batch.valid), batch.camera[:, None, None]
        if self.detected:
            assert batch.screen is not None
            wanted = without_padding(batch.screen, batch.valid)
        else:
            wanted = seen_by(without_padding(batch.target, batch.valid) + place, camera)
        seen = seen_by(without_padding(output.pose, batch.valid) + place, camera)
        return self.mean(lengths(seen - wanted), batch.visible, batch.valid)


def seen_by(points: Tensor, camera: Tensor) -> Tensor:
    """Screen positions (B, T, J, 2) of points (B, T, J, 3) in camera axes, metres, none of them behind the camera.

    ``camera`` are intrinsics, (B, 1, 1, 9).
    """
    return project(torch.cat((points[..., :2], points[..., 2:].clamp(min=_NEAREST)), dim=-1), camera)
