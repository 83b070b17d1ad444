"""A study's metric over two tuned numbers, such as λ of the spatial and of the temporal term."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.errors import UserError, unknown
from harness.report.evidence import Evidence
from harness.report.figures.drawing import Sketch, Unfilled, panels, title
from harness.report.figures.heatmap import MAP
from harness.report.figures.tuning_history import cut, ended, places, searched_arms, sparse, the_study
from harness.report.figures.tuning_slices import BETTER, place, told
from harness.report.tuning.study import Arm, Study, short, shown_as

_FEWEST = 5
_LEVELS = 8
_GRID = 60


def draw(evidence: Evidence, *, fields: list[str] | None = None) -> Sketch:
    """The first metric between an arm's trials over two ``fields``, a panel for each arm that has both.

    Without ``fields`` the first two of the space that have numbers, weights of terms before others.

    Raises:
        Unfilled: there is no study, or no arm has two such fields and enough trials.
        UserError: ``fields`` aren't two fields of the space that have numbers.
    """
    study = the_study(evidence)
    across, up = _fields(study, fields)
    drawn = [
        (arm, points) for arm in searched_arms(study, 99) if (points := _points(study, arm, across, up)) is not None
    ]
    if not drawn:
        raise Unfilled(f"no arm has {_FEWEST} trials with both {across} and {up}")
    metric = study.about.metrics[0]
    figure, axes = panels(1, len(drawn), 3.6, 3.0, sharey=True)
    for panel, (arm, points) in zip(axes[0], drawn, strict=True):
        higher = metric.direction == "maximize" and not sparse(arm)
        _panel(figure, panel, study, (across, up), points, higher=higher)
        title(panel, study.label(arm))
        panel.set_xlabel(short(across, list(study.about.space)))
    axes[0][0].set_ylabel(short(up, list(study.about.space)))
    ranked = [sparse(arm) for arm, _ in drawn]
    caption = (
        f"{BETTER.capitalize() if all(ranked) else shown_as(metric.name).head} over two tuned fields: points are "
        "trials, the star is the best; between them the plane is filled by linear interpolation, which other fields, "
        "tuned too, make uneven. Lines of equal value; darker is worse."
    )
    return Sketch(figure, caption + told(all(ranked), any(ranked)) + cut(study, 99))


def _fields(study: Study, asked: list[str] | None) -> tuple[str, str]:
    numeric = [name for name, parameter in study.about.space.items() if parameter.categorical is None]
    numeric.sort(key=lambda name: not name.endswith((".weight", ".lambda")))
    for name in asked or ():
        if name not in numeric:
            raise unknown("tuned number", str(name), numeric, key="report.figures")
    if asked is not None and len(set(asked)) != 2:
        raise UserError("a contour has two fields: fields: [one, other]", key="report.figures")
    if asked is None:  # the first two that one arm has together
        for arm in study.arms:
            mine = [name for name in numeric if any(name in trial.params for trial in ended(arm))]
            if len(mine) > 1:
                return mine[0], mine[1]
        raise Unfilled("no arm has two tuned fields with numbers")
    return asked[0], asked[1]


def _points(study: Study, arm: Arm, across: str, up: str) -> np.ndarray | None:
    """(trials, 3) of both fields and the value, or the place where most trials were stopped; None for too few, or for
    trials in a line."""
    space, heights = study.about.space, {trial.number: trial.values[0] for trial in ended(arm)}
    if sparse(arm):
        heights = places(arm, higher=study.about.metrics[0].direction == "maximize")
    found = [
        (float(trial.params[across]), float(trial.params[up]), heights[trial.number])
        for trial in arm.trials
        if trial.number in heights
        and across in trial.params
        and up in trial.params
        and space[across].holds(trial.params[across])
        and space[up].holds(trial.params[up])
    ]
    points = np.array(found)
    if len(found) < _FEWEST:
        return None
    flat = _scaled(study, across, points[:, 0]), _scaled(study, up, points[:, 1])
    spread = np.linalg.svd(np.column_stack(flat) - np.mean(flat, axis=1), compute_uv=False)
    return points if spread[-1] > 1e-3 * spread[0] else None


def _scaled(study: Study, field: str, values: np.ndarray) -> np.ndarray:
    """Places between 0 and 1 on the field's own scale."""
    parameter = study.about.space[field]
    low, high = float(parameter.low), float(parameter.high)
    if parameter.logarithmic:
        return np.log(values / low) / np.log(high / low)
    return (values - low) / (high - low)


def _panel(figure: Any, panel: Any, study: Study, fields: tuple[str, str], points: np.ndarray, *, higher: bool) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import MaxNLocator
    from matplotlib.tri import LinearTriInterpolator, Triangulation

    across, up = fields
    place(panel, study, across)
    place(panel, study, up, "y")
    panel.grid(False)
    shades = LinearSegmentedColormap.from_list("light to dark", MAP[::-1] if higher else MAP)
    x, y = _scaled(study, across, points[:, 0]), _scaled(study, up, points[:, 1])
    kept = np.unique(np.column_stack([x, y]).round(9), axis=0, return_index=True)[1]
    values = points[:, 2]
    # A far-off worst tenth would take all the colours.
    low, high = np.quantile(values, [0.1, 1.0] if higher else [0.0, 0.9])
    levels = MaxNLocator(_LEVELS).tick_values(low, high)
    surface = LinearTriInterpolator(Triangulation(x[kept], y[kept]), values[kept])
    ticks = np.linspace(0, 1, _GRID)
    plane = surface(*np.meshgrid(ticks, ticks))
    grid = [_unscaled(study, field, ticks) for field in fields]
    filled = panel.contourf(*grid, plane, levels=levels, cmap=shades, extend="both")
    panel.contour(*grid, plane, levels=levels, colors="#555555", linewidths=0.4)
    panel.plot(points[:, 0], points[:, 1], "o", color="white", markeredgecolor="black", markersize=3.5)
    best = points[np.argmax(values) if higher else np.argmin(values)]
    panel.plot(best[0], best[1], "*", color="#D55E00", markeredgecolor="black", markersize=12)
    bar = figure.colorbar(filled, ax=panel, shrink=0.9)
    bar.ax.tick_params(labelsize=7)


def _unscaled(study: Study, field: str, places: np.ndarray) -> np.ndarray:
    parameter = study.about.space[field]
    low, high = float(parameter.low), float(parameter.high)
    return low * (high / low) ** places if parameter.logarithmic else low + (high - low) * places
