"""A study's trials over each tuned field, and which fields mattered."""

from __future__ import annotations

from typing import Any

from harness.report.evidence import Evidence
from harness.report.figures.drawing import Sketch, panels, title
from harness.report.figures.tuning_history import (
    STOPPED,
    bounds,
    cut,
    ended,
    places,
    searched_arms,
    sparse,
    the_study,
)
from harness.report.tuning.study import Arm, Study, short, shown_as, value_text
from harness.spec.printing import printed

_MOST = 6
SHADES = ("#c6dbef", "#08306b")
"""From early trials to late ones; lightness falls all the way."""
BETTER = "trials that did better, %"


def draw(evidence: Evidence) -> Sketch:
    """The first metric over each field: a row of panels for each arm, a column for each field.

    Raises:
        Unfilled: there is no study, or no arm of it has two trials that ended.
    """
    study = the_study(evidence)
    arms = searched_arms(study, _MOST)
    fields = [name for name in study.about.space if any(name in _fields(arm) for arm in arms)]
    figure, axes = panels(len(arms), len(fields), 2.3, 2.0, sharey="row")
    metric = study.about.metrics[0]
    higher, ranked = metric.direction == "maximize", [arm for arm in arms if sparse(arm)]
    for line, arm in zip(axes, arms, strict=True):
        for panel, field in zip(line, fields, strict=True):
            _slice(panel, study, arm, field, _heights(arm, higher=higher))
        values = [trial.values[0] for trial in ended(arm)]
        line[0].set_ylim((-8, 108) if arm in ranked else bounds(values, worst_high=not higher))
        line[0].set_ylabel(study.label(arm), fontsize=8)
        line[0].ticklabel_format(axis="y", useOffset=False)
    for panel, field in zip(axes[0], fields, strict=True):
        title(panel, short(field, fields))
    head = shown_as(metric.name).head
    figure.supylabel(BETTER if ranked == arms else f"{head}, or {BETTER}" if ranked else head, fontsize=9)
    caption = (
        "The study's trials over each tuned field, a row for each arm: late trials are darker, the star is the "
        f"best; crosses were stopped early{'' if ranked else ', at the last value they had'}. Fields vary together, so "
        "that a panel shows where the search went as much as what a field does."
    )
    return Sketch(figure, caption + told(ranked == arms, bool(ranked)) + cut(study, _MOST))


def told(all_of_them: bool, some: bool) -> str:
    """What a caption says of arms of which most trials were stopped early."""
    if not some:
        return ""
    which = "Most trials" if all_of_them else "Where most trials"
    rest = ": their" if all_of_them else ", their"
    return (
        f" {which} were stopped early{rest} height is the share of the arm's trials that did better, where who got "
        "further, and who had the better value there, did better."
    )


def _heights(arm: Arm, *, higher: bool) -> dict[int, float]:
    """Trial → where it is drawn: its value, or its place where most were stopped early."""
    if sparse(arm):
        return places(arm, higher=higher)
    found = {trial.number: trial.intermediate[-1][1] for trial in arm.trials if trial.intermediate}
    return found | {trial.number: trial.values[0] for trial in ended(arm)}


def place(panel: Any, study: Study, field: str, axis: str = "x") -> Any:
    """Set up an axis for a field's range or choices; returns what turns a value into its place."""
    parameter = study.about.space[field]
    which = {"x": (panel.set_xlim, panel.set_xscale, panel.set_xticks), "y": (panel.set_ylim, panel.set_yscale, None)}
    limits, scale, _ = which[axis]
    if parameter.categorical is not None:
        choices = [printed(choice) for choice in parameter.categorical]
        ticks = panel.set_xticks if axis == "x" else panel.set_yticks
        ticks(range(len(choices)), [value_text(choice) for choice in parameter.categorical], fontsize=8)
        limits(-0.5, len(choices) - 0.5)
        return lambda value: choices.index(printed(value))
    low, high = float(parameter.low), float(parameter.high)
    if parameter.logarithmic:
        scale("log")
        limits(low / (high / low) ** 0.05, high * (high / low) ** 0.05)
    else:
        limits(low - 0.05 * (high - low), high + 0.05 * (high - low))
    panel.tick_params(labelsize=8)
    return float


def shades() -> Any:
    """From early to late."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("early to late", SHADES)


def _fields(arm: Arm) -> set[str]:
    return {name for trial in ended(arm) for name in trial.params}


def _slice(panel: Any, study: Study, arm: Arm, field: str, heights: dict[int, float]) -> None:
    trials = [trial for trial in ended(arm) if field in trial.params]
    if not trials:
        panel.text(0.5, 0.5, "–", ha="center", va="center", transform=panel.transAxes, color="#555555")
        panel.set_xticks([])
        panel.grid(False)
        return
    at, colours, last = place(panel, study, field), shades(), max(trial.number for trial in trials) or 1
    held = study.about.space[field]
    own = {trial.number for trial in trials if held.holds(trial.params[field])}
    for trial in arm.trials:
        if trial.state == "PRUNED" and trial.intermediate and field in trial.params and held.holds(trial.params[field]):
            panel.plot(at(trial.params[field]), heights[trial.number], "x", color=STOPPED, markersize=3.5, zorder=1)
    for trial in (trial for trial in trials if trial.number in own):
        panel.plot(
            at(trial.params[field]),
            heights[trial.number],
            "o",
            color=colours(trial.number / last),
            markeredgecolor="#666666",
            markeredgewidth=0.4,
            markersize=4.5,
        )
    best = study.tuned(arm)
    if best is not None and best.number in own and best.values is not None:
        panel.plot(
            at(best.params[field]),
            heights[best.number],
            "*",
            color="#D55E00",
            markeredgecolor="black",
            markersize=11,
            zorder=3,
        )
