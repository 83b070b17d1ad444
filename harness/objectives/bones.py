"""Terms over the bones of a skeleton: their lengths, how these vary, and their likeness left and right."""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import Tensor

from harness.errors import UserError
from harness.objectives.averaging import Averaged, between, lengths
from harness.skeleton import Skeleton


class _OfBones(Averaged):
    """What terms over bones share: they need a skeleton that has some."""

    needs_bones = "some"

    def bind(self, skeleton: Skeleton) -> Self:
        """Tell the term which skeleton the poses have.

        Raises:
            UserError: it has no bones.
        """
        if not skeleton.bones:
            raise UserError(f"a term over bones needs a skeleton with bones; '{skeleton.name}' has none")
        return super().bind(skeleton)

    def bones(self, joints: int) -> tuple[tuple[int, int], ...]:
        """(parent, child) of each bone.

        Raises:
            ValueError: no skeleton of as many joints is known.
        """
        if self.skeleton is None or len(self.skeleton) != joints:
            have = "no skeleton is known" if self.skeleton is None else f"the skeleton has {len(self.skeleton)}"
            raise ValueError(f"a term over bones needs the skeleton of the {joints} joints; {have}")
        return self.skeleton.bones

    def lengths(self, poses: Tensor) -> Tensor:
        """Bone lengths (B, T, N) of poses (B, T, J, 3)."""
        parents, children = map(list, zip(*self.bones(poses.shape[2]), strict=True))
        return lengths(between(poses, parents, children)).permute(1, 2, 0)

    def shown(self, visible: Tensor) -> Tensor:
        """(B, T, N): bones both of whose ends are visible."""
        parents, children = map(list, zip(*self.bones(visible.shape[2]), strict=True))
        return visible[..., parents] & visible[..., children]


class BoneLength(_OfBones):
    """Bone lengths as they truly are: mean over frames and bones of abs(‖b̂‖ − ‖b‖), b a bone's vector, metres.

    The direction of a bone is free. Source: the lengths of the bones of Sun et al., ICCV 2017 (compositional pose
    regression), compared as Pavllo et al., CVPR 2019, section 4, compare their means.

    Args:
        over: all bones, or only those with both ends visible, or with an occluded end.
    """

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return (self.lengths(pred) - self.lengths(target)).abs()


class BoneSymmetry(_OfBones):
    """Left and right bones of one length: mean over frames and pairs of abs(‖b̂_left‖ − ‖b̂_right‖), metres.

    It sees no truth. A pair is two bones that are each other's mirror image in the skeleton.
    Source: the symmetry loss of Dabral et al., ECCV 2018.

    Args:
        over: all pairs, or only those whose four ends are visible, or with an occluded one.
    """

    needs_bones = "mirrored"

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def bind(self, skeleton: Skeleton) -> Self:
        """Tell the term which skeleton the poses have.

        Raises:
            UserError: none of its bones has a counterpart.
        """
        super().bind(skeleton)
        if not skeleton.mirrored_bones:
            raise UserError(f"bone_symmetry needs bones on the left and on the right; '{skeleton.name}' has none")
        return self

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        found = self.lengths(pred)
        one, other = self._pairs()
        return (found[..., one] - found[..., other]).abs()

    def shown(self, visible: Tensor) -> Tensor:
        bones = super().shown(visible)
        one, other = self._pairs()
        return bones[..., one] & bones[..., other]

    def _pairs(self) -> tuple[list[int], list[int]]:
        assert self.skeleton is not None  # `bones` has been called
        one, other = zip(*self.skeleton.mirrored_bones, strict=True)
        return list(one), list(other)


class BoneVariance(_OfBones):
    """Bones that keep their length: mean over windows and bones of the variance over time of ‖b̂‖, metres².

    It sees no truth. The variance divides by one less than the frames that count; a bone of fewer than two in a window
    doesn't count there. Source: the limb variance loss of MotionBERT (Zhu et al., ICCV 2023).

    Args:
        over: all bones, or in each frame only those with both ends visible, or with an occluded end.
    """

    min_frames = 2

    def __init__(self, *, over: Literal["all", "visible", "occluded"] = "all") -> None:
        super().__init__(over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        """Bone lengths (B, T, N), of which `mean` takes the variance."""
        return self.lengths(pred)

    def mean(self, cost: Tensor, visible: Tensor | None, valid: Tensor | None) -> Tensor:
        counts = torch.ones_like(cost) if valid is None else valid[:, :, None].to(cost.dtype).expand_as(cost)
        if self.over != "all":
            shown = torch.ones_like(cost, dtype=torch.bool) if visible is None else self.shown(visible)
            counts = counts * (shown if self.over == "visible" else ~shown)
        frames = counts.sum(dim=1)  # (B, N)
        centre = (cost * counts).sum(dim=1) / frames.clamp(min=1)
        spread = ((cost - centre[:, None]).square() * counts).sum(dim=1) / (frames - 1).clamp(min=1)
        enough = frames > 1
        return (spread * enough).sum() / enough.sum().clamp(min=1)
