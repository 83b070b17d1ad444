"""Stretches whose mean length is set: what a network can bridge by looking at neighbouring frames, and what not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from harness.occlusion.joints import single_joints
from harness.occlusion.limbs import limbs
from harness.occlusion.stretches import Groups, StretchProcess

SOURCE = (
    "this harness; long occlusions are the weakness that RePOSE (Sun et al., ECCV 2024) states: a window bridges short "
    "ones only"
)

_GROUPS: dict[str, Groups] = {"joints": single_joints, "limbs": limbs}


@dataclass(frozen=True)
class Lengths:
    """Lengths from half to one and a half of a mean, frames, as `StretchProcess` takes them.

    A cell is two means long, so that at severity 1 a group is hidden a little less than half of the time, whatever
    the length: curves over the length hold the share of hidden keypoints nearly fixed.
    """

    mean: int

    def process(self, name: str, groups: Groups) -> StretchProcess:
        """The process of this name; processes of two lengths have draws of their own."""
        shortest, longest = (self.mean + 1) // 2, self.mean + self.mean // 2
        return StretchProcess(f"{name} {self.mean}", 1, groups, 2 * self.mean, shortest, longest, rate=1.0)


def stretches(
    *, length: Annotated[int, Ge(1), Le(2000)] = 30, of: Literal["joints", "limbs"] = "limbs"
) -> StretchProcess:
    """``length``: mean length in frames. ``of``: what is hidden together."""
    return Lengths(length).process(f"stretches of {of}", _GROUPS[of])
