"""Area under the occlusion curve: one number of a run for all test levels, the primary endpoint.

The trapezoid over severity divided by its range: a mean of the levels in which each weighs by the stretch of
severity it stands for, in the metric's own unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.occlusion import ladder
from harness.report.statistics import curve_area

CURVE = "curve"
"""The area's name among the test levels; it is no level, and never enters a mean over levels."""
MEANS = ("value", "per_action", "per_frame")
LEAST = ("n", "subjects")


@dataclass(frozen=True)
class Scale:
    """Where the test levels stand.

    Attributes:
        positions: level → its place, rising.
        declared: places are the levels' severities; else levels are equally far apart, in the spec's order.
    """

    positions: dict[str, float]
    declared: bool

    @property
    def hardest_first(self) -> list[str]:
        return list(reversed(self.positions))

    @property
    def weights(self) -> dict[str, float]:
        """Level → its share in the area; the shares add up to 1."""
        places, units = list(self.positions.values()), np.eye(len(self.positions)).tolist()
        return {level: curve_area(places, unit) for level, unit in zip(self.positions, units, strict=True)}

    @property
    def told(self) -> str:
        """How the area is taken, for a footnote."""
        places = ", ".join(f"{level} {place:g}" for level, place in self.positions.items())
        how = "over severity" if self.declared else "with levels equally far apart, as they declare no common severity"
        return f"Area under the occlusion curve: trapezoid {how} ({places}), divided by the range."


def scale(levels: Sequence[str]) -> Scale | None:
    """The scale of a spec's test levels; None with fewer than two, which make no curve."""
    if len(levels) < 2:
        return None
    severities = ladder.positions(levels)
    if severities is None:
        return Scale({level: float(i) for i, level in enumerate(levels)}, declared=False)
    return Scale(severities, declared=True)


def curves(frame: pd.DataFrame, along: Scale, decimals: int | None = None) -> pd.DataFrame:
    """Rows of the pseudo-level `CURVE`: one for each run and whatever else tells the rows of a level apart.

    Only where every level has a value: part of a curve has another area. ``n`` and ``subjects`` are the least of
    the levels'.

    Args:
        frame: rows of the levels, see `harness.report.scores`.
        along: where the levels stand.
        decimals: to which areas are rounded; None: not at all.
    """
    means, least = [name for name in MEANS if name in frame], [name for name in LEAST if name in frame]
    keys = [name for name in frame.columns if name not in ("test_occlusion", *means, *least)]
    rows = frame[frame["test_occlusion"].isin(list(along.positions))]
    share = rows["test_occlusion"].map(along.weights).astype(float).to_numpy()
    rows = rows.assign(**{mean: rows[mean].to_numpy() * share for mean in means})
    grouped = rows.groupby(keys, observed=True, sort=False)
    parts = [grouped[means].sum(), grouped[least].min()] if least else [grouped[means].sum()]
    found = pd.concat(parts, axis=1)[(grouped.size() == len(along.positions)).to_numpy()].reset_index()
    if decimals is not None:
        found[means] = found[means].round(decimals)
    return found.assign(test_occlusion=CURVE)[list(frame.columns)]
