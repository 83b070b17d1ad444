"""Skeletons: the only place that knows how many joints there are and how they hang together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Skeleton:
    """Joint names and their tree.

    Attributes:
        name: the skeleton's name in specs and records.
        joints: joint names in order.
        parents: parent index of each joint, -1 for the root (which comes first).
        mirror: for each joint the index of its left/right counterpart (itself on the midline).
        limbs: named groups of joints that are occluded together.
        halves: named larger groups: upper, lower, left, right.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    mirror: tuple[int, ...]
    limbs: dict[str, tuple[int, ...]] = field(hash=False)
    halves: dict[str, tuple[int, ...]] = field(hash=False)

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def root(self) -> int:
        return self.parents.index(-1)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) index pairs, in joint order."""
        return tuple((p, j) for j, p in enumerate(self.parents) if p >= 0)


H36M17 = Skeleton(
    name="h36m17",
    joints=(
        "Hip",
        "RHip",
        "RKnee",
        "RFoot",
        "LHip",
        "LKnee",
        "LFoot",
        "Spine",
        "Thorax",
        "Neck/Nose",
        "Head",
        "LShoulder",
        "LElbow",
        "LWrist",
        "RShoulder",
        "RElbow",
        "RWrist",
    ),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    mirror=(0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13),
    limbs={
        "right leg": (2, 3),
        "left leg": (5, 6),
        "left arm": (12, 13),
        "right arm": (15, 16),
        "head": (9, 10),
    },
    halves={
        "upper": (8, 9, 10, 11, 12, 13, 14, 15, 16),
        "lower": (1, 2, 3, 4, 5, 6),
        "left": (4, 5, 6, 11, 12, 13),
        "right": (1, 2, 3, 14, 15, 16),
    },
)

SKELETONS = {H36M17.name: H36M17}
