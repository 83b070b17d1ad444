"""What the study promised, and what holds on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.report.evidence import Evidence
from harness.report.figures.drawing import Sketch, Unfilled, legend, panels
from harness.report.figures.tuning_history import the_study
from harness.report.statistics import seed_interval
from harness.report.tuning import fresh

OWN, TUNED = "#0072B2", "#D55E00"
_ROWS = (("the spec's own values", OWN, "s", 0.17), ("tuned values", TUNED, "o", -0.17))


def draw(evidence: Evidence) -> Sketch:
    """For each tuned arm the spec's own and the tuned values, in the study and on fresh seeds.

    Raises:
        Unfilled: there is no study, or nothing was run on fresh seeds.
    """
    study = the_study(evidence)
    found = fresh.again(evidence)
    if not found:
        raise Unfilled("no arm was run with tuned values on fresh seeds")
    names = fresh.axes(evidence, study)
    figure, ((panel,),) = panels(1, 1, 5.6, 0.8 + 0.55 * len(found))
    for i, one in enumerate(found):
        for (label, colour, marker, up), before, values in zip(
            _ROWS, (one.own_before, one.tuned_before), (one.own, one.tuned), strict=True
        ):
            _row(panel, -i + up, before, values, one.pilot, label, colour, marker)
    panel.set_yticks([-i for i in range(len(found))], [fresh.label(one, names) for one in found])
    panel.set_ylim(-len(found) + 0.5, 0.5)
    panel.grid(False, axis="y")
    panel.set_xlabel("validation MPJPE, mm")
    legend(figure, panel)
    caption = (
        "Validation MPJPE in the study (hollow) and on seeds that it never saw (filled, with 95 % intervals over "
        "seeds). Where the filled one lies to the right of the hollow one, the study promised too much."
    )
    return Sketch(figure, caption)


def _row(
    panel: Any,
    y: float,
    before: float,
    values: Mapping[int, float],
    pilot: tuple[int, ...],
    label: str,
    colour: str,
    marker: str,
) -> None:
    if not values:
        return
    now = seed_interval(values, pilot)
    if not math.isnan(before):
        panel.plot([before, now.mean], [y, y], color=colour, linewidth=0.8, linestyle=(0, (1.5, 1.2)))
        panel.plot(
            before,
            y,
            marker,
            color="white",
            markeredgecolor=colour,
            markersize=6,
            linestyle="",
            label=f"{label}, in the study",
        )
    panel.errorbar(
        now.mean,
        y,
        xerr=None if now.n < 2 else [[now.mean - now.low], [now.high - now.mean]],
        fmt=marker,
        color=colour,
        capsize=2.5,
        markersize=6,
        linewidth=1.2,
        label=f"{label}, fresh seeds",
    )
