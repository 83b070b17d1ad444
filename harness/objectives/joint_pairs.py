"""Which pairs of joints a depth-order term compares, where it does not compare all of them.

``skeleton`` takes the bones. ``nearest`` takes a pair when one joint is among the k nearest of the other,
counted in bones along the skeleton. Several joints are often equally far (both hips from the root); then all of
them are taken, so that left and right are treated alike and the order in which joints are listed does not matter.
With k = 1 this is ``skeleton``; from k = K − 1 on it is every pair of distinct joints. Distance along the skeleton
rather than in the true pose keeps the pairs, and with them the denominator, the same in every frame.
"""

from __future__ import annotations

from functools import lru_cache

from harness.errors import UserError
from harness.skeleton import Skeleton


def joint_pairs(kind: str, k: int, skeleton: Skeleton | None, joints: int) -> tuple[tuple[int, int], ...]:
    """The pairs (i, j) of the kind ``skeleton`` or ``nearest``, each once.

    Args:
        kind: see the module's text.
        k: neighbours of each joint, for ``nearest``.
        skeleton: the skeleton of the poses.
        joints: how many joints the poses have.
    Raises:
        UserError: a skeleton without bones.
        ValueError: no skeleton, or one of another number of joints.
    """
    if skeleton is None or len(skeleton) != joints:
        have = "no skeleton is known" if skeleton is None else f"the skeleton has {len(skeleton)}"
        raise ValueError(f"pairs: {kind} needs the skeleton of the {joints} joints; {have}")
    if not skeleton.bones:
        raise UserError(f"pairs: {kind} needs a skeleton with bones; '{skeleton.name}' has none")
    return skeleton.bones if kind == "skeleton" else _nearest(skeleton.parents, k)


@lru_cache(maxsize=64)
def _nearest(parents: tuple[int, ...], k: int) -> tuple[tuple[int, int], ...]:
    hops = _hops(parents)
    reach = [sorted(row)[min(k, len(row) - 1)] for row in hops]  # a row begins with the joint itself
    joints = range(len(parents))
    return tuple((i, j) for i in joints for j in joints if i < j and hops[i][j] <= max(reach[i], reach[j]))


def _hops(parents: tuple[int, ...]) -> list[list[int]]:
    """How many bones lie between every two joints."""
    lines = []
    for joint in range(len(parents)):
        line = [joint]
        while parents[line[-1]] >= 0:
            line.append(parents[line[-1]])
        lines.append(line)
    return [[len(set(one) ^ set(other)) for other in lines] for one in lines]
