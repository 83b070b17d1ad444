"""The terms of an objective while training: their values, and their shares of the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.report.evidence import Arm, Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import Sketch, Unfilled, legend, panels, style, title

_MOST = 6


def draw(evidence: Evidence) -> Sketch:
    """A column for each arm of several terms: above, the terms without λ; below, λ·gradient as share of the whole.

    Raises:
        Unfilled: no run of several terms left its curves.
    """
    several = {}
    for one in (arm for arm in evidence.arms if arm.finished):
        # All runs of an arm have the same terms: of a thousand arms without several, one run each is read.
        if _several(evidence.curve_names(one.runs[one.finished[0]])):
            several[arms.name(evidence, one)] = _curves(evidence, one)
        if len(several) > _MOST:
            break
    if not several:
        raise Unfilled("no run of several terms left its curves")
    drawn = dict(list(several.items())[:_MOST])
    names = list(
        dict.fromkeys(
            name.removeprefix("share.")
            for curves in drawn.values()
            for name in curves["name"]
            if name.startswith("share.")
        )
    )
    looks = {name: {**style(i), "marker": None} for i, name in enumerate(names)}
    figure, axes = panels(2, len(drawn), 2.5, 1.9, sharex="col", sharey="row")
    for i, (arm, curves) in enumerate(drawn.items()):
        for name in names:
            _line(axes[0][i], curves, f"term.{name}", name, looks[name])
            _line(axes[1][i], curves, f"share.{name}", name, looks[name])
        title(axes[0][i], arm)
        axes[0][i].set_yscale("log")
        axes[1][i].set_yscale("log")
        axes[1][i].set_xlabel("training step")
    axes[0][0].set_ylabel("value without λ")
    axes[1][0].set_ylabel("share of the gradient")
    axes[1][0].set_ylim(top=1.3)
    axes[1][0].yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    legend(figure, *axes[1])
    caption = (
        "Terms while training, mean over seeds (band: least to greatest). Above: a term's value without its λ, in its "
        "own unit. Below: ‖λ · gradient‖ of a term over the sum of all terms', with respect to the predicted pose; "
        "terms of weight 0 have none."
    )
    return Sketch(figure, caption + (f" The first {_MOST} arms are drawn." if len(several) > _MOST else ""))


def _several(names: Sequence[str]) -> bool:
    return sum(name.startswith("share.") for name in names) > 1


def _curves(evidence: Evidence, arm: Arm) -> pd.DataFrame:
    parts = [evidence.terms(run_id) for seed, run_id in arm.runs.items() if seed in arm.finished]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"name": [], "step": [], "value": []})


def _line(panel: Any, curves: pd.DataFrame, name: str, label: str, look: dict[str, Any]) -> None:
    value = curves["value"].to_numpy(dtype=float)
    # 0 has no place on a log scale.
    points = curves[(curves["name"] == name).to_numpy() & np.isfinite(value) & (value > 0)]
    if points.empty:
        return
    over = points.groupby("step")["value"].agg(["mean", "min", "max"])
    panel.plot(over.index, over["mean"], label=label, linewidth=1.4, **look)
    panel.fill_between(over.index, over["min"], over["max"], color=look["color"], alpha=0.15, linewidth=0)
