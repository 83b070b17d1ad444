"""Single joints, each on its own clock: a hand behind the hip, an elbow behind the trunk."""

from __future__ import annotations

from harness.occlusion.stretches import StretchProcess
from harness.skeleton import Skeleton

SOURCE = "this harness: lengths and rates are chosen, not measured"


def single_joints(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """Every joint is a group of its own."""
    return {name: (index,) for index, name in enumerate(skeleton.joints)}


JOINTS = StretchProcess("joints", 1, single_joints, period=24, shortest=5, longest=15, rate=0.5)
"""Stretches of 0.1–0.3 s at 50 frames a second, at most about two a second and joint."""


def process() -> StretchProcess:
    """No options."""
    return JOINTS
