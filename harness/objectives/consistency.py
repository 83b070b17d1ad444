"""Self-supervision: the order of depths is the same however much of the person is hidden.

One unlabelled window is seen twice, with the same detector noise: the student sees it occluded, a teacher sees it
whole. The student's depth order must agree with the teacher's, in any form of `harness.objectives.relational`, with
the teacher's pose in the place of the truth. No label is read. The teacher is a running mean of the student (Tarvainen
and Valpola, mean teacher, NeurIPS 2017), so it knows what the labels of other terms taught.

Two defaults differ from the relational terms': the hinge without margin costs nothing for a flat pose, on which
student and teacher could agree, hence ``margin``; and the teacher's gaps below 2 cm are within its own error, hence
``min_gap``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

from annotated_types import Ge, Gt, Lt
from torch import Tensor

from harness.objectives.relational import SpatialRdc, TemporalRdc
from harness.objectives.term import Batch, Context, LossTerm, Output
from harness.skeleton import Skeleton


class _Consistency(LossTerm):
    """A relational term between what the student and the teacher make of unlabelled windows."""

    order: LossTerm
    shared = ("decay",)

    def bind(self, skeleton: Skeleton) -> Self:
        self.order.bind(skeleton)
        return super().bind(skeleton)

    def __call__(self, output: Output, batch: Batch, context: Context) -> Tensor:
        """The scalar inside training.

        Raises:
            ValueError: no unlabelled windows, or not both poses of them.
        """
        return self.order(*_views(output, batch), context)

    def active(self, output: Output, batch: Batch, context: Context) -> float | None:
        return self.order.active(*_views(output, batch), context)


class RelationalConsistency(_Consistency):
    """Depth order across the joints of each frame, as a teacher sees it that sees all keypoints.

    Args:
        form, pairs, k, coords, weight, margin, tau: as `SpatialRdc`; λ is spelt ``lambda`` beside ``weight``.
        min_gap: gap of the teacher's up to which a pair is not ordered, metres.
        decay: share of the old teacher in the new one at each step; 0: the student itself, without gradient.
    """

    needs = ("unlabelled.clean",)
    companion = ("harness.training.unlabelled:Unlabelled", "harness.training.teacher:Teacher")
    applies: ClassVar = {
        "margin": ("form", "margin"),
        "tau": ("form", "logistic", "soft"),
        "k": ("pairs", "nearest"),
    }

    def __init__(
        self,
        *,
        form: Literal["hinge", "margin", "logistic", "soft", "difference", "placebo"] = "margin",
        pairs: Literal["all", "skeleton", "nearest"] = "all",
        k: Annotated[int, Ge(1)] = 3,
        coords: Literal["z", "xyz"] = "z",
        min_gap: Annotated[float, Ge(0)] = 0.02,
        weight: Literal["all", "occluded"] = "all",
        margin: Annotated[float, Gt(0)] = 0.05,
        tau: Annotated[float, Gt(0)] = 0.05,
        decay: Annotated[float, Ge(0), Lt(1)] = 0.999,
    ) -> None:
        self.decay = decay
        self.order = SpatialRdc(
            form=form, pairs=pairs, k=k, coords=coords, min_gap=min_gap, weight=weight, margin=margin, tau=tau
        )


class RelationalConsistencyTemporal(_Consistency):
    """Depth order across the frames of each joint, as a teacher sees it that sees all keypoints.

    Args:
        form, frames, radius, coords, weight, margin, tau: as `TemporalRdc`; λ is spelt ``lambda`` beside ``weight``.
        min_gap: gap of the teacher's up to which a pair is not ordered, metres.
        decay: share of the old teacher in the new one at each step; 0: the student itself, without gradient.
    """

    min_frames = 2
    needs = ("unlabelled.clean",)
    companion = ("harness.training.unlabelled:Unlabelled", "harness.training.teacher:Teacher")
    applies: ClassVar = {
        "margin": ("form", "margin"),
        "tau": ("form", "logistic", "soft"),
        "radius": ("frames", "radius"),
    }

    def __init__(
        self,
        *,
        form: Literal["hinge", "margin", "logistic", "soft", "difference", "placebo"] = "margin",
        frames: Literal["all", "adjacent", "radius"] = "all",
        radius: Annotated[int, Ge(1)] = 5,
        coords: Literal["z", "xyz"] = "z",
        min_gap: Annotated[float, Ge(0)] = 0.02,
        weight: Literal["all", "occluded"] = "all",
        margin: Annotated[float, Gt(0)] = 0.05,
        tau: Annotated[float, Gt(0)] = 0.05,
        decay: Annotated[float, Ge(0), Lt(1)] = 0.999,
    ) -> None:
        self.decay = decay
        self.order = TemporalRdc(
            form=form,
            frames=frames,
            radius=radius,
            coords=coords,
            min_gap=min_gap,
            weight=weight,
            margin=margin,
            tau=tau,
        )


def _views(output: Output, batch: Batch) -> tuple[Output, Batch]:
    """The student's poses of the unlabelled windows, and these windows with the teacher's poses for the truth."""
    student, teacher = (output.extra.get(name) for name in ("unlabelled", "unlabelled_teacher"))
    if batch.unlabelled is None or student is None or teacher is None:
        raise ValueError("this term needs unlabelled windows, and a student's and a teacher's poses of them")
    return Output(pose=student), replace(batch.unlabelled, target=teacher.detach())
