"""Area under the occlusion curve: one number of a run for all test levels, the primary endpoint.

The trapezoid over severity divided by its range: a mean of the levels in which each weighs by the stretch of
severity it stands for, in the metric's own unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from harness.occlusion import ladder
from harness.report.coding import together
from harness.report.statistics import curve_area

CURVE = "curve"
"""The area's name among the test levels; it is no level, and never enters a mean over levels.

Where a spec tests several processes each has a curve and an area of its own, ``curve/PROCESS``, and this is their mean.
"""
AREA = "area"
"""How it is printed."""
MEANS = ("value", "per_action", "per_frame")
LEAST = ("n", "subjects")


def is_area(value: str) -> bool:
    """Whether a value of ``test_occlusion`` is an area, and no level."""
    return value == CURVE or value.startswith(f"{CURVE}/")


def head(value: str) -> str:
    """A test level, or an area, as tables and figures print it: ``area``, ``area, limbs``, ``severe``."""
    if not is_area(value):
        return value
    return AREA if value == CURVE else f"{AREA}, {value.removeprefix(f'{CURVE}/')}"


@dataclass(frozen=True)
class Scale:
    """Where the test levels stand.

    Attributes:
        positions: level → its place, rising.
        declared: places are the levels' severities; else levels are equally far apart, in the spec's order.
        curves: process → its levels' places, where several are tested; else empty.
    """

    positions: dict[str, float]
    declared: bool
    curves: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def hardest_first(self) -> list[str]:
        return list(reversed(self.positions))

    @cached_property
    def areas(self) -> dict[str, dict[str, float]]:
        """Area → the share of each level in it; the shares add up to 1."""
        found = {f"{CURVE}/{name}": _shares(places) for name, places in self.curves.items()}
        if not found:
            return {CURVE: _shares(self.positions)}
        mean = {level: sum(one.get(level, 0.0) for one in found.values()) / len(found) for level in self.positions}
        return {CURVE: mean, **found}

    @property
    def weights(self) -> dict[str, float]:
        """Level → its share in the area `CURVE`."""
        return self.areas[CURVE]

    def order(self, values: Sequence[str]) -> list[str]:
        """Areas, then levels, hardest first, of the one curve on which all ``values`` are; empty if there is none."""
        if not self.curves:
            return [CURVE, *self.hardest_first]
        for name, places in self.curves.items():
            along = [f"{CURVE}/{name}", *reversed(places)]
            if set(values) <= set(along):
                return along
        return []

    @property
    def told(self) -> str:
        """How the area is taken, for a footnote."""
        if self.curves:
            each = "; ".join(f"{name} ({_placed(places)})" for name, places in self.curves.items())
            return (
                f"Area under the occlusion curve: one curve for each process, {each}: trapezoid over severity, divided "
                f"by the range. '{AREA}' alone is the mean of the {len(self.curves)} areas."
            )
        how = "over severity" if self.declared else "with levels equally far apart, as they declare no common severity"
        return f"Area under the occlusion curve: trapezoid {how} ({_placed(self.positions)}), divided by the range."


def _shares(places: Mapping[str, float]) -> dict[str, float]:
    at, units = list(places.values()), np.eye(len(places)).tolist()
    return {level: curve_area(at, unit) for level, unit in zip(places, units, strict=True)}


def _placed(places: Mapping[str, float]) -> str:
    return ", ".join(f"{level} {place:g}" for level, place in places.items())


def scale(levels: Sequence[str]) -> Scale | None:
    """The scale of a spec's test levels; None where they make no curve: fewer than two, or one each of processes."""
    found = ladder.areas(levels)
    if not found:
        return None
    if "" in found:
        return Scale(found[""], declared=ladder.positions(levels) is not None)
    severity = {level: place for places in found.values() for level, place in places.items()}
    return Scale(dict(sorted(severity.items(), key=lambda pair: pair[1])), declared=True, curves=found)


def curves(frame: pd.DataFrame, along: Scale, decimals: int | None = None) -> pd.DataFrame:
    """Rows of the pseudo-level `CURVE`: one for each run and whatever else tells the rows of a level apart.

    Only where every level has a value: part of a curve has another area. ``n`` and ``subjects`` are the least of
    the levels'. Where several processes are tested also the areas of each.

    Args:
        frame: rows of the levels, see `harness.report.scores`.
        along: where the levels stand.
        decimals: to which areas are rounded; None: not at all.
    """
    found = [_area(frame, name, shares, decimals) for name, shares in along.areas.items()]
    return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)


def _area(frame: pd.DataFrame, name: str, shares: Mapping[str, float], decimals: int | None) -> pd.DataFrame:
    means, least = [name for name in MEANS if name in frame], [name for name in LEAST if name in frame]
    keys = [name for name in frame.columns if name not in ("test_occlusion", *means, *least)]
    rows = frame[frame["test_occlusion"].isin(list(shares)).to_numpy()]
    share = rows["test_occlusion"].map(shares).astype(float).to_numpy()
    curve, first = together(rows, keys)
    shared = {mean: rows[mean].to_numpy() * share for mean in means} | {one: rows[one].to_numpy() for one in least}
    grouped = pd.DataFrame(shared, copy=False).groupby(curve, sort=False)
    whole = np.bincount(curve, minlength=len(first)) == len(shares)
    found = rows.iloc[first[whole]].reset_index(drop=True)
    for mean in means:
        area = grouped[mean].sum().to_numpy()[whole]
        found[mean] = area if decimals is None else area.round(decimals)
    for one in least:
        found[one] = grouped[one].min().to_numpy()[whole]
    return found.assign(test_occlusion=name)[list(frame.columns)]
