"""Skeletons: the only place that knows how many joints there are and how they hang together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def _wholebody() -> Skeleton:
    """The 133 keypoints of COCO-WholeBody, in its order: 17 of the body, 6 of the feet, 68 of the face, 21 a hand.

    None lies between the hips: the nose comes first and is the root. The points of a face hang on the nose: a face is
    no chain. The lines from nose to shoulder and from shoulder to hip are no bones of a body, and stretch as it moves.
    """
    names = ["Nose", "LEye", "REye", "LEar", "REar"]
    parents, radii = [-1, 0, 0, 1, 2], [0.0, 0.0, 0.0, 0.07, 0.07]
    parts = {"Shoulder": (0, 0.06), "Elbow": (5, 0.05), "Wrist": (7, 0.04), "Hip": (5, 0.13), "Knee": (11, 0.08)}
    for part, (parent, radius) in {**parts, "Ankle": (13, 0.05)}.items():
        names += [f"L{part}", f"R{part}"]
        parents += [parent, parent + 1 if parent else 0]
        radii += [radius] * 2
    for side, ankle in (("L", 15), ("R", 16)):
        names += [f"{side}{part}" for part in ("BigToe", "SmallToe", "Heel")]
        parents += [ankle] * 3
        radii += [0.03] * 3

    def ring(part: str, right: Sequence[int], middle: Mapping[int, str], left: Sequence[int]) -> dict[int, str]:
        """Places in the face → names: those on the right side, and on the left in the order of their images."""
        sides = {place: f"{s}{part}{i}" for s, on in (("R", right), ("L", left)) for i, place in enumerate(on, 1)}
        return {**sides, **middle}

    face = {
        **ring("Jaw", range(8), {8: "Chin"}, range(16, 8, -1)),
        **ring("Brow", range(17, 22), {}, range(26, 21, -1)),
        **{place: f"NoseBridge{place - 26}" for place in range(27, 31)},
        **ring("Nostril", (31, 32), {33: "NoseBase"}, (35, 34)),
        **ring("EyeRim", range(36, 42), {}, (45, 44, 43, 42, 47, 46)),
        **ring("Lip", (48, 49, 50, 59, 58), {51: "UpperLip", 57: "LowerLip"}, (54, 53, 52, 55, 56)),
        **ring("Mouth", (60, 61, 67), {62: "MouthTop", 66: "MouthBottom"}, (64, 63, 65)),
    }
    names += [face[place] for place in range(68)]
    parents += [0] * 68
    radii += [0.0] * 68
    for side, wrist in (("L", 9), ("R", 10)):
        palm = len(names)
        names += [f"{side}Palm"]
        names += [f"{side}{finger}{n}" for finger in FINGERS for n in range(1, 5)]
        parents += [wrist] + [palm if n == 1 else palm + 4 * f + n - 1 for f in range(5) for n in range(1, 5)]
        radii += [0.04] + [0.02 if n == 1 else 0.01 for _ in range(5) for n in range(1, 5)]
    image = {"L": "R", "R": "L"}
    sided = [name[0] if name[0] in image and name[1].isupper() else "" for name in names]
    mirror = [
        names.index(image[s] + name[1:]) if s else at for at, (s, name) in enumerate(zip(sided, names, strict=True))
    ]

    def on(side: str, places: Iterable[int]) -> tuple[int, ...]:
        return tuple(place for place in places if not side or sided[place] == side)

    legs, arms, face_and_head = (*range(13, 23),), (*range(7, 11), *range(91, 133)), (*range(5), *range(23, 91))
    return Skeleton(
        name="wholebody133",
        joints=tuple(names),
        parents=tuple(parents),
        mirror=tuple(mirror),
        limbs={
            "right leg": on("R", legs),
            "left leg": on("L", legs),
            "left arm": on("L", arms),
            "right arm": on("R", arms),
            "head": face_and_head,
        },
        halves={
            "upper": tuple(sorted((*face_and_head, 5, 6, *arms))),
            "lower": (11, 12, *legs),
            "left": on("L", range(len(names))),
            "right": on("R", range(len(names))),
        },
        radii=tuple(radii),
    )


FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")
WHOLEBODY133 = _wholebody()
"""Body, feet, face and hands of COCO-WholeBody (Jin et al., ECCV 2020)."""

SKELETONS = {skeleton.name: skeleton for skeleton in (H36M17, HUMANEVA15, SMPL24, WHOLEBODY133)}
