"""Halves of the body: furniture hides the lower half, the image border one side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from harness.occlusion.stretches import StretchProcess
from harness.skeleton import Skeleton

SOURCE = "this harness: lengths and rates are chosen, not measured"


def halves(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """The halves of the skeleton's declaration: upper, lower, left, right."""
    return skeleton.halves


HALVES = StretchProcess("halves", 1, halves, period=60, shortest=10, longest=40, rate=0.6, onset=0.25)


@dataclass(frozen=True)
class OneHalf:
    """The half of the declaration with this name."""

    which: str

    def __call__(self, skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
        return {self.which: skeleton.halves[self.which]} if self.which in skeleton.halves else {}


def process(*, half: Literal["all", "upper", "lower", "left", "right"] = "all") -> StretchProcess:
    """``half``: hide only this one; it is hidden when it would be among all. Events come from severity 0 on."""
    groups = halves if half == "all" else OneHalf(half)
    return replace(HALVES, name="any half", groups=groups, onset=0.0)
