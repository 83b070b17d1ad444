"""Error of each joint on a drawn skeleton: where an arm gains and where it loses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import Sketch, Unfilled, legend, panels, title
from harness.report.figures.standing import Point, layout
from harness.report.selection import metric as shown_as
from harness.report.statistics import Interval, paired_difference, seed_interval
from harness.skeleton import H36M17, SKELETONS, Skeleton

_MOST = 8
_NUMBERED = 25  # more joints than this have no numbers beside them
_BARS = 40
_LOWER, _HIGHER, _ABSOLUTE = "#0072B2", "#D55E00", "#666666"
_AREA = 330.0  # of the largest circle, points², on a body of as many joints as Human3.6M's
Seeds = Mapping[tuple, dict[int, float]]


def draw(evidence: Evidence, *, level: str | None = None, metric: str = "mpjpe") -> Sketch:
    """The baseline's error of each joint, and every other arm's paired difference to it, at ``level``.

    Without ``level`` the one that hides most; without a baseline every arm's own error. A skeleton whose
    joints aren't understood has points in a row in place of a body.

    Raises:
        Unfilled: the metric isn't recorded for single joints.
        UserError: there is no such level.
    """
    level = arms.level(evidence, level, arms.hardest(evidence))
    drawn = arms.shown(evidence, _MOST)
    # Reading every run's joints takes most of a report of a thousand runs.
    bases = [base for arm in drawn if (base := evidence.baseline_of(arm)) is not None and base not in drawn]
    frame = evidence.by_joint(metric, arms={id(arm): arm for arm in (*drawn, *bases)}.values())
    frame = frame[(frame["test_occlusion"] == level).to_numpy()]
    joints = list(dict.fromkeys(frame["joint"]))
    if len(joints) < 2:
        raise Unfilled(f"{shown_as(metric).label} isn't recorded for each joint")
    means = frame.groupby([*evidence.axes, "joint", "seed"], observed=True, sort=False)["value"].mean()
    seeds: dict[tuple, dict[int, float]] = {}
    for key, value in means.items():
        *labels, seed = cast(tuple, key)
        seeds.setdefault(tuple(map(str, labels)), {})[int(seed)] = float(value)
    skeleton = next((s for s in SKELETONS.values() if set(s.joints) == set(joints)), None)
    places = layout(skeleton.joints, skeleton.parents) if skeleton else None
    where = f", {arms.level_words(evidence, level)}." + arms.over_cameras(evidence) + arms.cut(evidence, _MOST)
    if skeleton is None or places is None:
        return _rows(evidence, joints, seeds, drawn, metric, where)
    return _bodies(evidence, skeleton, places, seeds, drawn, metric, where)


def _bodies(
    evidence: Evidence,
    skeleton: Skeleton,
    places: Sequence[Point],
    seeds: Seeds,
    drawn: Sequence[Arm],
    metric: str,
    where: str,
) -> Sketch:
    across = min(4, len(drawn))
    figure, axes = panels(-(-len(drawn) // across), across, 2.3, 3.1)
    differences, absolute = {}, {}
    for arm in drawn:
        base = evidence.baseline_of(arm)
        own = [seeds.get(arms.key(evidence, arm, joint), {}) for joint in skeleton.joints]
        if base is None:
            absolute[id(arm)] = [seed_interval(values, evidence.pilot) for values in own]
        else:
            theirs = [seeds.get(arms.key(evidence, base, joint), {}) for joint in skeleton.joints]
            differences[id(arm)] = [
                paired_difference(a, b, pilot=evidence.pilot).difference for a, b in zip(own, theirs, strict=True)
            ]
    reach, errors = _reach(differences.values()), max(map(_greatest, absolute.values()), default=0.0)
    every = list(axes.flat)
    for panel, arm in zip(every, drawn, strict=False):
        _bones(panel, skeleton, places)
        if id(arm) in absolute:
            _circles(panel, skeleton, places, absolute[id(arm)], errors, metric, signed=False)
        else:
            _circles(panel, skeleton, places, differences[id(arm)], reach, metric, signed=True)
        title(panel, arms.name(evidence, arm))
    for panel in every[len(drawn) :]:
        panel.set_visible(False)
    kind = shown_as(metric)
    said = f"{kind.label} of each joint{where} Seen from the front: the left side is on the right. "
    said += f"Grey: an arm's own error, area in proportion, the largest circle {errors:.{kind.decimals}f} {kind.unit}. "
    if differences:
        said += (
            f"Blue and filled: lower than the baseline, orange and hollow: higher, the largest circle {reach:.1f} "
            f"{kind.unit} or more; paired on common seeds. Small grey points: the 95 % interval, by itself, includes 0."
        )
    return Sketch(figure, said.strip())


def _greatest(found: Sequence[Interval]) -> float:
    return max((abs(one.mean) for one in found if one.n), default=0.0)


def _reach(found: Iterable[Sequence[Interval]]) -> float:
    """What the largest circle stands for; an arm far off the others would shrink theirs to points."""
    reaches = [reach for reach in map(_greatest, found) if reach > 0]
    middle = float(np.median(reaches)) if reaches else 0.0
    return max((reach for reach in reaches if reach <= 4 * middle), default=0.0)


def _bones(panel: Any, skeleton: Skeleton, places: Sequence[Point]) -> None:
    for parent, child in skeleton.bones:
        (x0, y0), (x1, y1) = places[parent], places[child]
        panel.plot([x0, x1], [y0, y1], color="#c4c4c4", linewidth=2.2, solid_capstyle="round", zorder=1)
    x, y = [p[0] for p in places], [p[1] for p in places]
    panel.set_xlim(min(x) - 0.3, max(x) + 0.3)
    panel.set_ylim(min(y) - 0.18, max(y) + 0.18)
    panel.set_aspect("equal")
    panel.axis("off")


def _circles(
    panel: Any,
    skeleton: Skeleton,
    places: Sequence[Point],
    found: Sequence[Interval],
    greatest: float,
    metric: str,
    *,
    signed: bool,
) -> None:
    numbers = len(skeleton) <= _NUMBERED
    largest = _AREA * min(1.0, len(H36M17) / len(skeleton)) ** 1.3
    written: list[Point] = []
    for (x, y), one in zip(places, found, strict=True):
        # The root of its own coordinates has no error.
        if not one.n or not greatest or (not signed and one.mean == 0):
            continue
        area = max(4.0, largest * min(1.0, abs(one.mean) / greatest))
        if not signed:
            panel.scatter(x, y, s=area, color=_ABSOLUTE, alpha=0.75, linewidths=0, zorder=2)
        elif not one.low * one.high > 0:
            panel.scatter(x, y, s=10, color="#9a9a9a", linewidths=0, zorder=2)
            continue
        else:
            lower = one.mean < 0
            colour = _LOWER if lower else _HIGHER
            panel.scatter(x, y, s=area, facecolors=colour if lower else "white", edgecolors=colour, zorder=2)
        # A number on another can't be read.
        if numbers and all(math.dist((x, y), other) > 0.13 for other in written):
            written.append((x, y))
            text = f"{one.mean:+.1f}" if signed else f"{one.mean:.0f}"
            _number(panel, x, y, area, text)


def _number(panel: Any, x: float, y: float, area: float, text: str) -> None:
    right = x >= 0
    offset = float(np.sqrt(area / np.pi)) + 1.5
    # On the midline above the bones that leave it sideways.
    up = 0.75 * offset if x == 0 else 0.0
    panel.annotate(
        text,
        (x, y),
        xytext=((offset if right else -offset) * (0.75 if up else 1), up),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        fontsize=6.5,
        zorder=3,
    )


def _rows(
    evidence: Evidence, joints: Sequence[str], seeds: Seeds, drawn: Sequence[Arm], metric: str, where: str
) -> Sketch:
    """Joints in a row, an arm's error above each: for skeletons that can't be drawn."""

    def greatest(joint: str) -> float:
        means = [np.mean(list(v.values())) for arm in drawn if (v := seeds.get(arms.key(evidence, arm, joint)))]
        return float(max(means, default=0.0))

    kept = set(sorted(joints, key=greatest, reverse=True)[:_BARS])
    shown = [joint for joint in joints if joint in kept]
    figure, ((panel,),) = panels(1, 1, max(5.0, 0.24 * len(shown) + 1), 3.2)
    styles = arms.styles(evidence)
    for i, arm in enumerate(drawn):
        found = {j: v for j, joint in enumerate(shown) if (v := seeds.get(arms.key(evidence, arm, joint)))}
        points = [seed_interval(values, evidence.pilot) for values in found.values()]
        x = np.array(list(found), dtype=float) + (i - (len(drawn) - 1) / 2) * 0.7 / max(len(drawn), 4)
        ends = np.array([[p.mean - p.low, p.high - p.mean] if p.n > 1 else [0.0, 0.0] for p in points]).T
        panel.errorbar(
            x,
            [point.mean for point in points],
            yerr=ends,
            fmt=styles[id(arm)]["marker"],
            color=styles[id(arm)]["color"],
            markersize=3.5,
            linewidth=0.9,
            label=arms.name(evidence, arm),
        )
    panel.set_xticks(range(len(shown)), shown, rotation=90, fontsize=7)
    panel.set_ylabel(shown_as(metric).head)
    legend(figure, panel)
    said = f"{shown_as(metric).label} of each joint, with 95 % intervals over seeds{where}"
    if len(shown) < len(joints):
        said += f" The {_BARS} joints with the greatest errors of {len(joints)}."
    return Sketch(figure, said)
