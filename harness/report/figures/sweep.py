"""Error against a swept number: the weight λ of a term, a learning rate, a window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import unknown
from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import GREY, Sketch, Unfilled, legend, line, panels, style, title
from harness.report.selection import Values
from harness.report.selection import metric as shown_as
from harness.report.statistics import Interval, paired_difference, seed_interval

_LEAST = 3  # points that make a curve


def draw(evidence: Evidence, *, axis: str | None = None, metric: str = "mpjpe") -> Sketch:
    """``metric`` against the numbers of ``axis``: a panel for each level, a line for each value of the other axes.

    Without ``axis``, every numeric axis with three values or more has a row of panels. Arms that have no value
    on it are level lines; where they are the baseline of all others, paired differences to it are drawn.

    Raises:
        Unfilled: no axis has enough numbers.
        UserError: there is no such axis, or it has no numbers.
    """
    numeric = arms.numeric(evidence)
    if axis is not None and axis not in numeric:
        raise unknown("numeric axis of a figure", axis, numeric, key="report.figures")
    swept = [axis] if axis else [name for name, found in numeric.items() if len(found) >= _LEAST]
    if not swept:
        raise Unfilled(f"no axis of the grid has {_LEAST} numbers or more")
    levels = [*([arms.endpoint(evidence)] if evidence.scale else []), *evidence.levels]
    found = arms.measured(evidence, (*evidence.axes, "test_occlusion"), metric=metric, test_occlusion=levels)
    figure, axes = panels(len(swept), len(levels), 2.5, 2.5)
    left_out = 0
    for across, name in zip(axes, swept, strict=True):
        others = [other for other in evidence.axes if other != name]
        groups = _lines(evidence, name, others)
        left_out += max(0, len(groups) - arms.MOST)
        place = _places(numeric[name])
        relative = _relative(evidence, name, groups)
        for panel, level in zip(across, levels, strict=True):
            for i, (label, members) in enumerate(list(groups.items())[: arms.MOST]):
                points = [
                    (place[x], one) for x, arm in members if (one := _point(evidence, found, arm, level, relative))
                ]
                if points:
                    line(panel, [x for x, _ in points], [one for _, one in points], style(i), label, among=len(groups))
            if relative:
                panel.axhline(0, color="#555555", linewidth=1, linestyle=(0, (1, 1)), zorder=1)
            else:
                for arm in _level_arms(evidence, name):
                    _level_line(panel, evidence, arm, found.get(arms.key(evidence, arm, level), {}))
            panel.set_xticks(list(place.values()), [f"{value:g}" for value in place], fontsize=8)
            title(panel, arms.level_head(evidence, level))
            panel.set_xlabel(arms.heading(evidence, name))
        base = f"\nless {arms.named(evidence.baseline, evidence.words)}" if relative else ""
        across[0].set_ylabel(shown_as(metric).head + base)
    legend(figure, *axes[:, 0])
    return Sketch(figure, _caption(evidence, metric, swept, left_out))


def _lines(evidence: Evidence, axis: str, others: Sequence[str]) -> dict[str, list[tuple[float, Arm]]]:
    """Values of the other axes → (number, arm), rising."""
    groups: dict[tuple[str, ...], list[tuple[float, Arm]]] = {}
    for arm in evidence.arms:
        value = arms.number(arm.labels[axis])
        if value is not None and arm.finished:
            groups.setdefault(tuple(arm.labels[other] for other in others), []).append((value, arm))
    told = [other for i, other in enumerate(others) if len({key[i] for key in groups}) > 1]
    return {
        _named(evidence, dict(zip(others, key, strict=True)), told or list(others)[:1]): sorted(
            members, key=lambda pair: pair[0]
        )
        for key, members in groups.items()
    }


def _level_arms(evidence: Evidence, axis: str) -> list[Arm]:
    """Arms without a value on the axis: those of the baseline where one is named."""
    without = [arm for arm in evidence.arms if arm.labels[axis] == "-" and arm.finished]
    return [arm for arm in without if evidence.is_baseline(arm)] or without[:3]


def _named(evidence: Evidence, labels: dict[str, str], told: Sequence[str]) -> str:
    """A line's name; numbers stand behind what they are of."""
    shown = {other: labels[other] for other in told if labels[other] != "-"}
    words = {other: arms.named({other: value}, evidence.words) for other, value in shown.items()}
    return ", ".join(
        words[other] if arms.number(value) is None else f"{arms.heading(evidence, other)} = {value}"
        for other, value in shown.items()
    )


def _places(numbers: Sequence[float]) -> dict[float, float]:
    """Number → where it stands: on a log scale where numbers span a decade, 0 a step left of the least above it."""
    above = [x for x in numbers if x > 0]
    if min(numbers) < 0 or len(above) < 2 or max(above) < 10 * min(above):
        return {x: x for x in numbers}
    logs = [math.log10(x) for x in above]
    step = min(1.0, (logs[-1] - logs[0]) / (len(logs) - 1))
    return {x: math.log10(x) if x > 0 else logs[0] - step for x in numbers}


def _relative(evidence: Evidence, axis: str, groups: Mapping[str, list[tuple[float, Arm]]]) -> bool:
    """Whether all arms have a baseline that the axis means nothing to: then paired differences tell more."""
    bases = [evidence.baseline_of(arm) for members in groups.values() for _, arm in members]
    return all(base is not None and base.labels[axis] == "-" for base in bases)


def _point(evidence: Evidence, found: Values, arm: Arm, level: str, relative: bool) -> Interval | None:
    """The arm's mean over seeds, or its paired difference to its baseline; None where there is none."""
    own = found.get(arms.key(evidence, arm, level), {})
    base = evidence.baseline_of(arm) if relative else None
    if base is None:
        return seed_interval(own, evidence.pilot) if own else None
    one = paired_difference(own, found.get(arms.key(evidence, base, level), {}), pilot=evidence.pilot).difference
    return one if one.n else None


def _level_line(panel: Any, evidence: Evidence, arm: Arm, seeds: dict[int, float]) -> None:
    if not seeds:
        return
    one = seed_interval(seeds, evidence.pilot)
    panel.axhline(one.mean, color="#555555", linewidth=1, linestyle=(0, (1, 1)), zorder=1)
    if one.n > 1:
        panel.axhspan(one.low, one.high, color=GREY, alpha=0.15, linewidth=0, zorder=0)
    panel.annotate(
        arms.name(evidence, arm),
        (1, one.mean),
        xycoords=("axes fraction", "data"),
        xytext=(-1, 2),
        textcoords="offset points",
        ha="right",
        fontsize=7,
        color="#555555",
    )


def _caption(evidence: Evidence, metric: str, swept: Sequence[str], left_out: int) -> str:
    said = f"{shown_as(metric).label} against {' and '.join(arms.heading(evidence, a) for a in swept)}"
    said += ", with 95 % intervals over seeds. Dotted: arms without a value on the axis; where that is the baseline "
    said += "of all others, their differences to it are drawn, paired on common seeds."
    said += arms.over_cameras(evidence)
    if evidence.scale:
        said += " Area: under the occlusion curve, all levels in one number."
    if left_out:
        said += f" {left_out} lines are left out."
    return said
