"""Which arms a figure shows, in which style, and the numbers of one arm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.report.figures.drawing import style
from harness.report.records import Arm, Evidence
from harness.report.selection import Key

# More lines than this can't be told apart.
MOST = 12


def shown(evidence: Evidence, most: int = MOST) -> Sequence[Arm]:
    """The first arms that left something."""
    return [arm for arm in evidence.arms if arm.finished][:most]


def cut(evidence: Evidence, most: int = MOST) -> str:
    """What a caption says where arms are left out; empty where none is."""
    arms = sum(bool(arm.finished) for arm in evidence.arms)
    return f" The first {most} of {arms} arms are drawn." if arms > most else ""


def styles(evidence: Evidence) -> dict[int, dict]:
    """id of an arm → its style: the same in every figure of a report."""
    return {id(arm): style(i) for i, arm in enumerate(shown(evidence))}


def key(evidence: Evidence, arm: Arm, *rest: str) -> Key:
    """The arm's labels and what follows them, as `selection.values` keys its rows."""
    return (*(arm.labels[axis] for axis in evidence.axes), *rest)


def baseline_of(evidence: Evidence, arm: Arm) -> Arm | None:
    """The arm that ``arm`` is compared with; None where there is none, or ``arm`` is it."""
    if not evidence.baseline:
        return None
    wanted = {**arm.labels, **evidence.baseline}
    return next((b for b in evidence.arms if b.labels == wanted and b is not arm), None)


def is_baseline(evidence: Evidence, arm: Arm) -> bool:
    """Whether others are compared with this arm."""
    return bool(evidence.baseline) and all(arm.labels.get(axis) == v for axis, v in evidence.baseline.items())


def mean_curve(curves: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Steps that all curves (points, 2) have, and the mean there."""
    if not curves:
        return np.empty(0), np.empty(0)
    steps = np.array(sorted(set.intersection(*(set(curve[:, 0]) for curve in curves))))
    return steps, np.mean([curve[np.isin(curve[:, 0], steps), 1] for curve in curves], axis=0)
