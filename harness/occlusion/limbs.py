"""Whole limbs: an arm, a leg or the head goes behind something."""

from __future__ import annotations

from dataclasses import replace

from harness.occlusion.stretches import StretchProcess
from harness.skeleton import Skeleton

SOURCE = "this harness: lengths and rates are chosen, not measured"


def limbs(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """The limbs of the skeleton's declaration."""
    return skeleton.limbs


LIMBS = StretchProcess("limbs", 1, limbs, period=40, shortest=8, longest=30, rate=0.5, onset=0.05)


ANY_LIMB = replace(LIMBS, name="any limb", onset=0.0)
"""Limbs as a process of their own, with events from severity 0 on."""


def process() -> StretchProcess:
    """No options."""
    return ANY_LIMB
