"""Which arms a figure shows, in which style; which levels, and what axes are called."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.errors import unknown
from harness.report.area import CURVE, head, is_area
from harness.report.arranging import headed
from harness.report.evidence import Arm, Evidence, describe, lengths_named
from harness.report.figures.drawing import style
from harness.report.selection import Column, Key, Values, areas, values
from harness.report.words import Labels, spoken

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


def mean_curve(curves: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Steps that all curves (points, 2) have, and the mean there."""
    if not curves:
        return np.empty(0), np.empty(0)
    steps = np.array(sorted(set.intersection(*(set(curve[:, 0]) for curve in curves))))
    return steps, np.mean([curve[np.isin(curve[:, 0], steps), 1] for curve in curves], axis=0)


def measured(evidence: Evidence, rows: tuple[str, ...], **where: Any) -> Values:
    """`selection.values` of what ``where`` names: row key → seed → value."""
    return values(evidence, rows, Column(where, ("", "")))


def named(labels: Mapping[str, str], words: Labels | None = None) -> str:
    """Labels of an arm, or some of them, in one line; in the spec's ``words``."""
    return describe(lengths_named({axis: spoken(words or {}, axis, value) for axis, value in labels.items()}))


def name(evidence: Evidence, arm: Arm) -> str:
    """An arm's name in a legend: `Evidence.describe`, with weights behind what they are of."""
    shown = {axis: arm.labels[axis] for axis in evidence.printed if arm.labels[axis] != "-"}
    weighed = {axis for axis, v in shown.items() if is_weight(axis) and spoken(evidence.words, axis, v) == v}
    return named({a: f"{heading(evidence, a)} {v}" if a in weighed else v for a, v in shown.items()}, evidence.words)


def over_cameras(evidence: Evidence) -> str:
    """What a caption says where several camera conditions are averaged; empty where there is one."""
    shown = [camera(evidence, cameras) for cameras in evidence.cameras]
    return f" Averaged over {' and '.join(shown)} cameras." if len(shown) > 1 else ""


def level(evidence: Evidence, asked: str | None, default: str) -> str:
    """A test level, or the area under the occlusion curve, that a figure is asked for.

    Raises:
        UserError: there is no such level.
    """
    known = [*evidence.levels, *areas(evidence)]
    if asked is not None and asked not in known:
        raise unknown("level of a figure", asked, known, key="report.figures")
    return asked or default


def hardest(evidence: Evidence) -> str:
    """The test level that hides most."""
    return evidence.scale.hardest_first[0] if evidence.scale else evidence.levels[-1]


def endpoint(evidence: Evidence) -> str:
    """The area under the occlusion curve, the primary endpoint; the only level where there is one."""
    return CURVE if evidence.scale else evidence.levels[-1]


def level_head(evidence: Evidence, level: str) -> str:
    """A level as figures print it."""
    word = spoken(evidence.words, "test_occlusion", level)
    return head(word)


def level_words(evidence: Evidence, level: str) -> str:
    """A level as captions name it."""
    if is_area(level):
        process = level.removeprefix(CURVE).removeprefix("/")
        return "the area under the occlusion curve" + (f" of {process}" if process else "")
    return f"{headed(evidence.words, 'test_occlusion')} {level_head(evidence, level)}"


def camera(evidence: Evidence, cameras: str) -> str:
    """A camera condition as figures print it."""
    return spoken(evidence.words, "cameras", cameras)


def numeric(evidence: Evidence) -> dict[str, list[float]]:
    """Axis → its numbers, rising, of the axes on which finished arms have two numbers or more.

    "-" is no value: the arms of other objectives have it on a λ. Weights of terms come first.
    """
    found = {}
    for axis in evidence.printed:
        labels = {arm.labels[axis] for arm in evidence.arms if arm.finished} - {"-"}
        values = sorted({value for value in map(number, labels) if value is not None})
        if len(values) > 1 and len(values) == len(labels):
            found[axis] = values
    return dict(sorted(found.items(), key=lambda pair: not is_weight(pair[0])))


def number(label: str) -> float | None:
    """A printed value as a finite number; None where it isn't one."""
    try:
        value = float(label)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_weight(axis: str) -> bool:
    """Whether the axis is the weight λ of a loss term."""
    path = axis.split(".")
    return path[0] == "objectives" and path[-1] in ("weight", "lambda")


def heading(evidence: Evidence, axis: str) -> str:
    """What stands at an axis of a figure: ``λ spatial_rdc`` for ``objectives.spatial.spatial_rdc.weight``."""
    if not is_weight(axis) or isinstance(evidence.words.get(axis), str):
        return headed(evidence.words, axis)
    _, objective, term, *_ = axis.split(".")
    again = [other for other in evidence.axes if is_weight(other) and other.split(".")[2] == term]
    return f"λ {term}" + (f" of {objective}" if len(again) > 1 else "")
