"""A study's trials in their order, and the best so far."""

from __future__ import annotations

import itertools
import math
from typing import Any

from harness.report.evidence import Evidence
from harness.report.figures.drawing import GREY, Sketch, Unfilled, legend, panels, title
from harness.report.tuning.study import Arm, Study, shown_as
from harness.spec.study_checks import COSTS

MOST = 8
ENDED, STOPPED, BEST = "#0072B2", "#9a9a9a", "#000000"


def draw(evidence: Evidence) -> Sketch:
    """Value of each trial by its number: a column of panels for each arm, a row for each metric.

    Raises:
        Unfilled: there is no study, or no trial of it ended.
    """
    study = the_study(evidence)
    arms = searched_arms(study)
    metrics = study.about.metrics
    figure, axes = panels(len(metrics), len(arms), 2.9, 2.2, sharex="col", sharey="row")
    for i, metric in enumerate(metrics):
        higher, drawn = metric.direction == "maximize", []
        for panel, arm in zip(axes[i], arms, strict=True):
            drawn += _panel(panel, arm, i, higher)
            if i == 0:
                title(panel, study.label(arm))
        axes[i][0].set_ylim(bounds(drawn, worst_high=not higher))
        axes[i][0].set_ylabel(shown_as(metric.name).head, fontsize=8)
        if metric.name in COSTS:
            axes[i][0].yaxis.set_major_formatter(millions())
        else:
            axes[i][0].ticklabel_format(axis="y", useOffset=False)
    for panel in axes[-1]:
        panel.set_xlabel("trial")
    legend(figure, *(panel for line in axes for panel in line))
    caption = (
        "The study's trials in their order, on validation subjects, with the study's seeds: ended ones, those stopped "
        "early at the last value they had, and the best so far. The line across: the spec's own values. The vertical "
        "axis leaves out those that were stopped or ended far off."
    )
    return Sketch(figure, caption + cut(study))


def millions() -> Any:
    """Ticks of a cost: 2 M for two million."""
    from matplotlib.ticker import EngFormatter

    return EngFormatter()


def the_study(evidence: Evidence) -> Study:
    """The study that the report speaks of.

    Raises:
        Unfilled: there is none.
    """
    if evidence.study is None:
        raise Unfilled("there is no study, or `repose tune` hasn't written it yet")
    return evidence.study


def searched_arms(study: Study, most: int = MOST) -> list[Arm]:
    """The first arms with something to tune of which two trials or more ended.

    Raises:
        Unfilled: there is none.
    """
    found = [arm for arm in study.arms if arm.space != [] and len(ended(arm)) > 1]
    if not found:
        raise Unfilled("no arm of the study has two trials that ended")
    return found[:most]


def ended(arm: Arm) -> list[Any]:
    """The trials that have values, by number."""
    return sorted((trial for trial in arm.trials if trial.values is not None), key=lambda trial: trial.number)


def sparse(arm: Arm) -> bool:
    """Whether fewer than half of an arm's trials ended, so that these alone show little of where the search went."""
    return 2 * len(ended(arm)) < len(places(arm, higher=False))


def places(arm: Arm, *, higher: bool) -> dict[int, float]:
    """Trial → per cent of the arm's other trials that did better by the first metric.

    Stopped ones count: who got further did better, and of those that were stopped at one step, who had the better
    value there.
    """
    sign, reached = -1.0 if higher else 1.0, {}
    for trial in arm.trials:
        if trial.values is not None:
            reached[trial.number] = (-math.inf, sign * trial.values[0])
        elif trial.state == "PRUNED" and trial.intermediate:
            step, value = trial.intermediate[-1]
            reached[trial.number] = (-step, sign * value)
    order = sorted(reached.values())
    return {number: 100 * order.index(at) / max(1, len(order) - 1) for number, at in reached.items()}


def cut(study: Study, most: int = MOST) -> str:
    """What a caption says where arms are left out."""
    arms = sum(arm.space != [] and len(ended(arm)) > 1 for arm in study.arms)
    return f" The first {most} of {arms} arms are drawn." if arms > most else ""


def bounds(values: list[float], *, worst_high: bool) -> tuple[float, float]:
    """Ends of an axis that shows all but a far-off worst tenth of ``values``."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[-1]
    kept = max(2, round(0.9 * len(ordered)))
    inner = ordered[:kept] if worst_high else ordered[-kept:]
    reach = 3 * (inner[-1] - inner[0]) or abs(inner[0]) * 0.1 or 1.0
    low, high = (low, min(high, inner[-1] + reach)) if worst_high else (max(low, inner[0] - reach), high)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _panel(panel: Any, arm: Arm, i: int, higher: bool) -> list[float]:
    """Draw one arm's trials; the values that are drawn."""
    trials = ended(arm)
    numbers, values = [trial.number for trial in trials], [trial.values[i] for trial in trials]
    drawn = list(values)
    panel.plot(numbers, values, "o", color=ENDED, markersize=4, linestyle="", label="ended", zorder=3)
    stopped = [trial for trial in arm.trials if trial.state == "PRUNED" and trial.intermediate]
    if stopped and i == 0:
        last = [trial.intermediate[-1][1] for trial in stopped]
        look = {"color": STOPPED, "markersize": 4, "linestyle": "", "zorder": 2}
        panel.plot([trial.number for trial in stopped], last, "x", label="stopped early", **look)
        drawn += sorted(last, reverse=higher)[: max(1, len(values))]  # most are stopped far off, when all are
    course = list(itertools.accumulate(values, max if higher else min))
    end = max(trial.number for trial in arm.trials)
    panel.step([*numbers, end], [*course, course[-1]], where="post", color=BEST, linewidth=1.3, label="best so far")
    if arm.default is not None and arm.default.values is not None:
        own = arm.default.values[i]
        panel.axhline(own, color=GREY, linestyle=(0, (5, 1.5)), linewidth=1.2, label="the spec's own values", zorder=1)
        drawn.append(own)
    return drawn
