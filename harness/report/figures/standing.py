"""Where the joints of a standing person are drawn, seen from the front, for any skeleton.

Joints whose names are understood have their place in a canonical body; others (fingers, points of a face) fan out
from their parent, away from its own. Units: the body is about 2 high, feet near -1, head near 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

Point = tuple[float, float]

# Part → place; x is the distance to the side. What stands on the midline has x 0.
_PARTS: dict[str, Point] = {
    "hip": (0.17, 0.0),
    "knee": (0.20, -0.50),
    "ankle": (0.22, -1.0),
    "heel": (0.17, -1.06),
    "toe": (0.36, -1.08),
    "bigtoe": (0.30, -1.10),
    "smalltoe": (0.42, -1.06),
    "collar": (0.12, 0.62),
    "shoulder": (0.32, 0.59),
    "elbow": (0.50, 0.24),
    "wrist": (0.64, -0.10),
    "hand": (0.70, -0.22),
    "ear": (0.19, 0.93),
    "eye": (0.09, 1.01),
}
_MIDDLE: dict[str, Point] = {
    "pelvis": (0.0, 0.0),
    "belly": (0.0, 0.15),
    "spine": (0.0, 0.32),
    "chest": (0.0, 0.45),
    "thorax": (0.0, 0.60),
    "neck": (0.0, 0.72),
    "nose": (0.0, 0.87),
    "jaw": (0.0, 0.80),
    "head": (0.0, 1.06),
}
_SAME = {
    "foot": "ankle",
    "upleg": "hip",
    "leg": "knee",
    "toebase": "toe",
    "bigtoe": "bigtoe",
    "smalltoe": "smalltoe",
    "clavicle": "collar",
    "upperarm": "shoulder",
    "forearm": "elbow",
    "root": "pelvis",
    "hips": "pelvis",
    "hip": "pelvis",
    "midhip": "pelvis",
    "lowerback": "belly",
    "abdomen": "belly",
    "torso": "spine",
    "sternum": "chest",
    "upperneck": "neck",
    "neckbase": "thorax",
    "necknose": "nose",
    "headtop": "head",
    "topofhead": "head",
    "site": "head",
}
# Without these a body has no shape that one could recognise.
_NEEDED = (("L", "hip"), ("R", "hip"), ("L", "knee"), ("R", "knee"), ("L", "shoulder"), ("R", "shoulder"))
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}


def layout(joints: Sequence[str], parents: Sequence[int]) -> list[Point] | None:
    """A place for each joint, the person's left on the right of the picture; None where the body isn't understood.

    Args:
        joints: names in order, e.g. ``RHip``, ``left_knee``, ``Neck/Nose``.
        parents: parent index of each joint, -1 for the root.
    """
    parts = [part_of(name) for name in joints]
    if not all(any(part == needed for part in parts) for needed in _NEEDED):
        return None
    placed: dict[int, Point] = {}
    for joint, part in enumerate(parts):
        point = _place(part)
        # Two joints of one name's place would hide each other: the second stands off its parent.
        if point is not None and point not in placed.values():
            placed[joint] = point
    for joint in _from_root(parents):
        if joint not in placed:
            siblings = [j for j, parent in enumerate(parents) if parent == parents[joint] and _place(parts[j]) is None]
            placed[joint] = _fanned(joint, siblings or [joint], parents, placed)
    return [placed[joint] for joint in range(len(joints))]


def part_of(name: str) -> tuple[str, str]:
    """(side, part): side ``L``, ``R`` or nothing; part as in the canonical body where the name is understood."""
    words = [word.lower() for word in _WORDS.findall(name)]
    side = next((_SIDES[word] for word in (words[:1] + words[-1:]) if word in _SIDES), "")
    word = "".join(word for word in words if word not in _SIDES)
    for spelt in ("left", "right"):
        if not side and word.startswith(spelt):
            side, word = _SIDES[spelt], word.removeprefix(spelt)
    if side:
        return side, word if word in _PARTS else _SAME.get(word, word)
    return side, word if word in _MIDDLE else _SAME.get(word, word)


def _place(part: tuple[str, str]) -> Point | None:
    side, word = part
    if not side:
        return _MIDDLE.get(word)
    if word not in _PARTS:
        return None
    x, y = _PARTS[word]
    return (x if side == "L" else -x), y


def _from_root(parents: Sequence[int]) -> list[int]:
    """Joints, each after its parent."""
    order = [joint for joint, parent in enumerate(parents) if parent < 0]
    for joint in order:
        order += [child for child, parent in enumerate(parents) if parent == joint]
    return order


def _fanned(joint: int, siblings: Sequence[int], parents: Sequence[int], placed: Mapping[int, Point]) -> Point:
    """A place off the parent: siblings fan out away from the grandparent, many of them over a disc."""
    parent = parents[joint]
    if parent < 0:
        return 0.0, 0.0
    x, y = placed[parent]
    i, count = siblings.index(joint) if joint in siblings else 0, len(siblings)
    if count > 8:
        # Sunflower: equal areas, so that no two points of a face fall together.
        radius, turn = 0.16 * math.sqrt((i + 0.5) / count), i * math.pi * (3 - math.sqrt(5))
        return x + radius * math.cos(turn), y + radius * math.sin(turn)
    grand = parents[parent]
    away = math.atan2(y - placed[grand][1], x - placed[grand][0]) if grand >= 0 else math.pi / 2
    spread = away + (i - (count - 1) / 2) * (1.6 / max(count, 3))
    step = 0.1
    return x + step * math.cos(spread), y + step * math.sin(spread)
