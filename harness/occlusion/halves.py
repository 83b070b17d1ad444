"""Halves of the body: furniture hides the lower half, the image border one side."""

from __future__ import annotations

from harness.occlusion.stretches import StretchProcess
from harness.skeleton import Skeleton


def halves(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """The halves of the skeleton's declaration: upper, lower, left, right."""
    return skeleton.halves


HALVES = StretchProcess("halves", 1, halves, period=60, shortest=10, longest=40, rate=0.6, onset=0.25)
