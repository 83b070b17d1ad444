"""Semi-supervision as in VideoPose3D (Pavllo et al., CVPR 2019, section 4): 2D windows without poses teach too.

A second network of the same architecture learns where the person stands (`TrajectoryMpjpe`). Pose and trajectory
together are seen by the camera again (`SemiReprojection`), so that windows of which only 2D is known say something of
the pose; that bodies keep their size is held by `SemiBoneLength`.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from harness.errors import UserError
from harness.objectives.averaging import Averaged, lengths, without_padding
from harness.objectives.reprojection import seen_by
from harness.objectives.term import Batch, Context, LossTerm, Output


class TrajectoryMpjpe(Averaged):
    """Position error as a camera sees it: mean over t, k of ‖p̂(t,k) − p(t,k)‖₂ / z(t,k), no unit.

    z is the true depth, which must be the distance from the camera. In training p̂ is the trajectory that a network
    beside the lifter gives and p the true one: the lifter learns nothing from this term. Depths under 10 cm count as
    10 cm. Source: the WMPJPE of Pavllo et al., CVPR 2019, section 4.

    Args:
        over: all frames, or only those in which the root is visible or occluded.
    """

    absolute = True
    poseless = True
    needs = ("trajectory",)
    companion = "harness.training.trajectory:Trajectory"

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return lengths(pred - target) / target[..., 2].clamp(min=0.1)

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training.

        Raises:
            ValueError: no predicted or no true trajectory, or no skeleton that says which joint is the root.
        """
        if "trajectory" not in output.extra or batch.trajectory is None or self.skeleton is None:
            raise ValueError("this term needs a predicted and a true trajectory, and the skeleton's root")
        visible = batch.visible[:, :, self.skeleton.root, None]
        return self.value(output.extra["trajectory"], batch.trajectory, visible, batch.valid)


class SemiReprojection(Averaged):
    """2D error of unlabelled windows: mean over frames and joints of ‖π(p̂ + r̂) − x‖₂, screen units.

    p̂ is the predicted pose, r̂ the predicted trajectory, π the batch's camera with its distortion, x what the detector
    reported. Joints that training hid don't count: of those the detector reports nothing. What is predicted nearer
    than 10 cm to the camera is seen at that distance, and rays steeper than 45° from the axis are held there, without
    a gradient: so a trajectory must have been learnt from labels first (`TrajectoryMpjpe`, and a ``warmup`` here).
    One screen unit is half the image's width. Source: Pavllo et al., CVPR 2019, section 4.
    """

    needs = ("unlabelled.camera", "unlabelled.screen")
    companion = ("harness.training.unlabelled:Unlabelled", "harness.training.trajectory:Trajectory")
    beside = "trajectory_mpjpe"

    def __init__(self) -> None:
        super().__init__("visible")

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training.

        Raises:
            ValueError: no unlabelled windows with camera and detections, or no pose and trajectory of them.
        """
        given, pose, place = batch.unlabelled, *(output.extra.get(x) for x in ("unlabelled", "unlabelled_trajectory"))
        if given is None or given.camera is None or given.screen is None or pose is None or place is None:
            raise ValueError("this term needs unlabelled windows, their cameras, and their predicted places")
        there = without_padding(pose, given.valid) + without_padding(place, given.valid)
        seen = seen_by(there, given.camera[:, None, None])
        return self.mean(lengths(seen - without_padding(given.screen, given.valid)), given.visible, given.valid)


class SemiBoneLength(LossTerm):
    """Bones of unlabelled windows are as long as labelled ones on average: mean over bones of |l̂(b) − l(b)|, metres.

    l̂(b) is the mean over all valid frames of the unlabelled windows of bone b's predicted length, l(b) that over the
    labelled windows of its true length. Single people may differ. Source: Pavllo et al., CVPR 2019, section 4.

    Args:
        over: of which frames a predicted bone counts: of all, of those in which both of its joints are visible, or of
            those in which training hid one. A bone that never counts has no part in the mean. The true lengths are
            those of all labelled frames, as none of them is hidden from the truth.
    """

    needs_bones = "some"
    needs = ("unlabelled",)
    companion = "harness.training.unlabelled:Unlabelled"

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        self.over = over

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training.

        Raises:
            ValueError: no unlabelled windows or no poses of them, or no skeleton.
            UserError: the skeleton has no bones.
        """
        given, pose = batch.unlabelled, output.extra.get("unlabelled")
        if given is None or pose is None or self.skeleton is None:
            raise ValueError("this term needs poses of unlabelled windows, and a skeleton")
        if not self.skeleton.bones:
            raise UserError(f"semi_bone_length needs a skeleton with bones; '{self.skeleton.name}' has none")
        true, _ = self._mean_lengths(batch.target, batch.valid)
        if self.over == "all":
            found, _ = self._mean_lengths(pose, given.valid)
            if not bool(given.valid.any() and batch.valid.any()):
                return found.sum() * 0.0
            return (found - true).abs().mean()
        found, frames = self._mean_lengths(pose, given.valid, given.visible)
        counted = (frames > 0) & batch.valid.any()  # (bones,)
        return (found - true).abs().masked_fill(~counted, 0.0).sum() / counted.sum().clamp(min=1)

    def _mean_lengths(self, poses: Tensor, valid: Tensor, visible: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean length of each bone over valid frames, (bones,), and of how many; by visibility, of those that count."""
        assert self.skeleton is not None
        parent, child = torch.tensor(self.skeleton.bones, device=poses.device).T
        poses = without_padding(poses, valid)
        bones = lengths(poses[:, :, child] - poses[:, :, parent])  # (B, T, bones)
        if visible is None:
            return bones.sum(dim=(0, 1)) / valid.sum().clamp(min=1), valid.sum()
        seen = visible[:, :, parent] & visible[:, :, child]
        chosen = (seen if self.over == "visible" else ~seen) & valid[:, :, None]
        frames = chosen.sum(dim=(0, 1))
        return bones.masked_fill(~chosen, 0.0).sum(dim=(0, 1)) / frames.clamp(min=1), frames
