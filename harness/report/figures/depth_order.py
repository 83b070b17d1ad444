"""Depth order by the true gap: near pairs decide, distant ones are easy."""

from __future__ import annotations

from typing import Any

from harness.report.evidence import Evidence
from harness.report.figures import arms
from harness.report.figures.drawing import Sketch, Unfilled, legend, line, panels
from harness.report.selection import metric as shown_as
from harness.report.statistics import seed_interval

METRICS = ("order_spatial", "order_temporal")
_OCCLUDED = "occluded"


def draw(evidence: Evidence, *, level: str | None = None) -> Sketch:
    """Pairs in the right order, %, against their true gap: all pairs, and those with an occluded keypoint.

    Without ``level``, averaged over the test levels at which a number is defined, as the report's tables are.

    Raises:
        Unfilled: no run has logged depth order by gap.
        UserError: there is no such level.
    """
    level = arms.level(evidence, level, "") or None
    drawn = {name: parts for name in METRICS if (parts := _parts(evidence, name))}
    if not drawn:
        raise Unfilled("no run has logged depth order by gap")
    columns = max(len(parts) for parts in drawn.values())
    figure, axes = panels(len(drawn), columns, 3.0, 2.5, sharey="row")
    for across, (name, parts) in zip(axes, drawn.items(), strict=True):
        for panel, (head, groups) in zip(across, parts.items(), strict=False):
            _panel(panel, evidence, name, groups, level)
            panel.set_title(head, fontsize=9)
        for panel in across[len(parts) :]:
            panel.set_visible(False)
        across[0].set_ylabel(f"{shown_as(name).label}, {shown_as(name).unit}".replace(" across", "\nacross"))
    for panel in axes[-1]:
        panel.set_xlabel("true difference in depth")
    legend(figure, axes[0][0])
    every = ", ".join(arms.level_head(evidence, one) for one in evidence.levels)
    where = f" At {arms.level_words(evidence, level)}." if level else f" Averaged over test levels ({every})."
    caption = (
        "Pairs whose depths are predicted in the right order, by their true gap, with 95 % intervals over seeds. A "
        "predicted tie counts one half; dotted: chance."
    )
    return Sketch(figure, caption + where + arms.over_cameras(evidence) + arms.cut(evidence))


def _parts(evidence: Evidence, name: str) -> dict[str, dict[str, str]]:
    """Panel → gap → group, of the groups that were logged."""
    frame = evidence.frame
    groups = frame.loc[(frame["metric"] == name).to_numpy(), "group"].unique()
    parts: dict[str, dict[str, str]] = {}
    for group in groups:
        gap = group.removeprefix(_OCCLUDED).strip()
        if gap not in ("", "all"):
            head = "pairs with an occluded keypoint" if group.startswith(_OCCLUDED) else "all pairs"
            parts.setdefault(head, {})[gap] = group
    return dict(sorted(parts.items()))


def _panel(panel: Any, evidence: Evidence, name: str, groups: dict[str, str], level: str | None) -> None:
    chosen = {"test_occlusion": level} if level else {}
    found = [arms.measured(evidence, evidence.axes, metric=name, group=group, **chosen) for group in groups.values()]
    drawn, styles = arms.shown(evidence), arms.styles(evidence)
    for i, arm in enumerate(drawn):
        points = [
            (x + (i - (len(drawn) - 1) / 2) * 0.03, seed_interval(values[key], evidence.pilot))
            for x, values in enumerate(found)
            if (key := arms.key(evidence, arm)) in values
        ]
        if not points:
            continue
        line(
            panel,
            [x for x, _ in points],
            [one for _, one in points],
            styles[id(arm)],
            arms.name(evidence, arm),
            among=len(drawn),
        )
    panel.axhline(50, color="#555555", linewidth=0.8, linestyle=(0, (1, 1)))
    panel.set_xticks(range(len(groups)), [gap.replace("-", "–") for gap in groups])
