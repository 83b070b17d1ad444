"""The trials of a study with several metrics, and those that none beats."""

from __future__ import annotations

from typing import Any

from harness.report.evidence import Evidence
from harness.report.figures.drawing import Sketch, Unfilled, legend, panels, style
from harness.report.figures.tuning_history import MOST, cut, ended, millions, searched_arms, the_study
from harness.report.tuning.study import Arm, Study, shown_as
from harness.spec.study_checks import COSTS

_APART = 10
"""A cost that reaches over more than this factor stands on a logarithmic scale."""


def draw(evidence: Evidence) -> Sketch:
    """The first metric over each other one: all ended trials pale, the Pareto set of each arm joined.

    Raises:
        Unfilled: there is no study, or it has one metric.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    study = the_study(evidence)
    metrics = study.about.metrics
    if len(metrics) < 2:
        raise Unfilled("the study has one metric, and so one best trial")
    arms = searched_arms(study)
    figure, axes = panels(1, len(metrics) - 1, 4.2, 3.4, sharey=True)
    for panel, other in zip(axes[0], range(1, len(metrics)), strict=True):
        for i, arm in enumerate(arms):
            _arm(panel, study, arm, other, style(i))
        values = [trial.values[other] for arm in arms for trial in ended(arm)]
        if min(values) > 0 and max(values) > _APART * min(values):
            panel.set_xscale("log")
            panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.xaxis.set_minor_formatter(NullFormatter())
        if metrics[other].name in COSTS:
            panel.xaxis.set_major_formatter(millions())
        panel.set_xlabel(_head(study, other))
    axes[0][0].set_ylabel(_head(study, 0))
    legend(figure, *axes[0])
    caption = (
        "The study's ended trials on validation subjects: pale. Joined: those that no other trial of the arm beats in "
        "all metrics. Crossed: the spec's own values."
    )
    if len(metrics) > 2:
        caption += " With more than two metrics a trial of the set may look beaten in one panel."
    return Sketch(figure, caption + cut(study, MOST))


def _head(study: Study, at: int) -> str:
    metric = study.about.metrics[at]
    more = "higher" if metric.direction == "maximize" else "lower"
    levels = f" at {', '.join(metric.levels)}" if metric.levels else ""
    return f"{shown_as(metric.name).head}{levels} ({more} is better)"


def _arm(panel: Any, study: Study, arm: Arm, other: int, look: dict[str, Any]) -> None:
    for trial in ended(arm):
        panel.plot(
            trial.values[other],
            trial.values[0],
            look["marker"],
            color=look["color"],
            alpha=0.25,
            markersize=4,
            zorder=1,
        )
    front = sorted(((t.values[other], t.values[0]) for t in study.front(arm) if t.values), key=lambda point: point[0])
    if front:
        x, y = zip(*front, strict=True)
        panel.plot(x, y, label=study.label(arm), markersize=6, linewidth=1.3, zorder=2, **look)
    own = arm.default
    if own is not None and own.values is not None:
        edge = {"color": look["color"], "markersize": 9, "markeredgewidth": 1.8, "zorder": 3}
        panel.plot(own.values[other], own.values[0], "x", **edge)
