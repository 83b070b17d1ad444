"""Skeletons: the only place that knows how many joints there are and how they hang together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

FLESH = 0.05
"""Metres: the radius of every bone of a skeleton that declares none."""


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
        radii: metres of flesh around the bone that ends in each joint, 0 for none (the root's is not read); empty
            where nobody measured, then every bone has `FLESH`.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    mirror: tuple[int, ...]
    limbs: dict[str, tuple[int, ...]] = field(hash=False)
    halves: dict[str, tuple[int, ...]] = field(hash=False)
    radii: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def root(self) -> int:
        return self.parents.index(-1)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) index pairs, in joint order."""
        return tuple((p, j) for j, p in enumerate(self.parents) if p >= 0)

    @cached_property
    def mirrored_bones(self) -> tuple[tuple[int, int], ...]:
        """Pairs of places in `bones` of two that are each other's mirror image; bones on the midline are in none."""
        place = {bone: number for number, bone in enumerate(self.bones)}
        images = [place.get((self.mirror[parent], self.mirror[child]), -1) for parent, child in self.bones]
        return tuple((number, image) for number, image in enumerate(images) if number < image)

    @cached_property
    def flesh(self) -> tuple[float, ...]:
        """Radius in metres of each of `bones`, taken as capsules.

        Raises:
            ValueError: the number of radii isn't that of the joints.
        """
        radii = self.radii or (FLESH,) * len(self)
        if len(radii) != len(self):
            raise ValueError(f"skeleton {self.name} has {len(self)} joints, but radii of {len(radii)}")
        return tuple(radii[child] for _, child in self.bones)

    @cached_property
    def own_bones(self) -> tuple[frozenset[int], ...]:
        """For each joint its own limb: places in `bones` of those that end in it or in one of its neighbours.

        A joint lies in the flesh of these whatever the pose, or next to it: a wrist's are its forearm and upper
        arm, a hip's its thigh and shank, the pelvis and the lower trunk.
        """
        near = [{joint} | {p + j - joint for p, j in self.bones if joint in (p, j)} for joint in range(len(self))]
        return tuple(frozenset(k for k, bone in enumerate(self.bones) if near[j] & {*bone}) for j in range(len(self)))


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
    # About an adult's girths over 2π, in centimetres; trunk and head between half their depth and half their breadth,
    # as round ones can't have both.
    radii=(0.0, 0.09, 0.08, 0.05, 0.09, 0.08, 0.05, 0.12, 0.13, 0.06, 0.08, 0.06, 0.05, 0.04, 0.06, 0.05, 0.04),
)

HUMANEVA15 = Skeleton(
    name="humaneva15",
    joints=(
        "Pelvis",
        "Thorax",
        "LShoulder",
        "LElbow",
        "LWrist",
        "RShoulder",
        "RElbow",
        "RWrist",
        "LHip",
        "LKnee",
        "LAnkle",
        "RHip",
        "RKnee",
        "RAnkle",
        "Head",
    ),
    parents=(-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1),
    mirror=(0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14),
    limbs={
        "right leg": (12, 13),
        "left leg": (9, 10),
        "left arm": (3, 4),
        "right arm": (6, 7),
        "head": (14,),
    },
    halves={
        "upper": (1, 2, 3, 4, 5, 6, 7, 14),
        "lower": (8, 9, 10, 11, 12, 13),
        "left": (2, 3, 4, 8, 9, 10),
        "right": (5, 6, 7, 11, 12, 13),
    },
    radii=(0.0, 0.13, 0.06, 0.05, 0.04, 0.06, 0.05, 0.04, 0.09, 0.08, 0.05, 0.09, 0.08, 0.05, 0.08),
)
"""HumanEva's joints as VideoPose3D's files have them: limb ends that meet in one joint are averaged."""

SMPL24 = Skeleton(
    name="smpl24",
    joints=(
        "Pelvis",
        "LHip",
        "RHip",
        "Spine1",
        "LKnee",
        "RKnee",
        "Spine2",
        "LAnkle",
        "RAnkle",
        "Spine3",
        "LFoot",
        "RFoot",
        "Neck",
        "LCollar",
        "RCollar",
        "Head",
        "LShoulder",
        "RShoulder",
        "LElbow",
        "RElbow",
        "LWrist",
        "RWrist",
        "LHand",
        "RHand",
    ),
    parents=(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21),
    mirror=(0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22),
    limbs={
        "right leg": (5, 8, 11),
        "left leg": (4, 7, 10),
        "left arm": (18, 20, 22),
        "right arm": (19, 21, 23),
        "head": (15,),
    },
    halves={
        "upper": (9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23),
        "lower": (1, 2, 4, 5, 7, 8, 10, 11),
        "left": (1, 4, 7, 10, 13, 16, 18, 20, 22),
        "right": (2, 5, 8, 11, 14, 17, 19, 21, 23),
    },
    radii=(
        *(0.0, 0.09, 0.09, 0.12, 0.08, 0.08, 0.13, 0.05, 0.05, 0.13, 0.04, 0.04),
        *(0.06, 0.06, 0.06, 0.08, 0.06, 0.06, 0.05, 0.05, 0.04, 0.04, 0.03, 0.03),
    ),
)
"""The joints of the body model SMPL (Loper et al., SIGGRAPH Asia 2015), hands without fingers."""

SKELETONS = {skeleton.name: skeleton for skeleton in (H36M17, HUMANEVA15, SMPL24)}
