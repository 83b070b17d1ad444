"""Which arms are compared with each other: they differ in what is named, and else in nothing that both have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

Labels = Mapping[str, str]
NOTHING = "-"
"""What an arm's label says on an axis where the arm has nothing."""
TUNED = "tuned"
"""The axis that tells an arm's own values from those that a study found."""
# What is of one objective or network means nothing to the others; any other axis says something of every arm.
_OWN = ("objectives.", "backbone.", "backbones.", TUNED)


def partners(arm: Labels, change: Labels, arms: Sequence[Labels], free: Collection[str] = ()) -> list[Labels]:
    """The arms that have what ``change`` names, all else as ``arm`` has it.

    Where there are none, those that differ also in axes that mean nothing to one of the two, such as the weight λ of
    a term that the other objective doesn't have.

    Args:
        arm: axis → printed value, without the seed.
        change: axis → value of the other.
        arms: to choose from; all have the same axes.
        free: axes that may differ, but needn't if that can be.
    """
    having = [other for other in arms if other != arm and all(other.get(a, v) == v for a, v in change.items())]
    rest = [axis for axis in arm if axis not in change and axis not in free]
    for same in (_equal, alike):
        found = [other for other in having if all(same(axis, arm[axis], other[axis]) for axis in rest)]
        if found:
            return [other for other in found if all(same(axis, arm[axis], other[axis]) for axis in free)] or found
    return []


def alike(axis: str, one: str, other: str) -> bool:
    """Whether two arms with these labels on ``axis`` don't differ in it, or one of them has nothing like it."""
    return one == other or (NOTHING in (one, other) and axis.startswith(_OWN))


def _equal(axis: str, one: str, other: str) -> bool:
    return one == other
