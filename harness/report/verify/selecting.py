"""Which rows of `runs.csv` (or `subjects.parquet`) stand behind a cell, and their mean over what isn't named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.report.verify.arithmetic import mean

AREA = "curve"
"""What `runs.csv` calls the area under the occlusion curve among the test levels."""
PARTS = f"{AREA}/"
"""What its name for one process's begins with, where several are tested."""
NOT_FILTERS = ("mean", "part")
# Options of a loss or network mean nothing to others: there they read "-".
_OWN = ("objectives", "backbone", "backbones", "tuned")
Keyed = dict[tuple[str, ...], dict[Any, float]]


def behind(
    frame: pd.DataFrame, rows: Sequence[str], column: Mapping[str, Any], units: Sequence[str] = ("seed",)
) -> Keyed:
    """Row key → unit (seed; or seed and subject) → value of one column of a table.

    A unit counts only if it has as many of the values averaged over as any other: half an average isn't one.

    Args:
        frame: every column as text but for the means.
        rows: what the rows' keys are values of.
        column: dimension or axis → the value, or values, that the column holds; ``mean`` names the mean of a run.
        units: what a value belongs to within a row.
    """
    kept = frame[_named(frame, column)]
    found: dict[tuple[str, ...], dict[Any, list[float]]] = {}
    keys = list(zip(*(kept[name] for name in rows), strict=True)) if rows else [()] * len(kept)
    of = list(kept[units[0]]) if len(units) == 1 else list(zip(*(kept[name] for name in units), strict=True))
    for key, unit, value in zip(keys, of, kept[column["mean"]].tolist(), strict=True):
        found.setdefault(key, {}).setdefault(unit, []).append(value)
    whole: dict[str, int] = {}
    for key, values in found.items():
        sort = _sort(rows, key)
        whole[sort] = max(whole.get(sort, 0), *(len(parts) for parts in values.values()))
    complete: Keyed = {}
    for key, values in found.items():
        full = {unit: mean(parts) for unit, parts in values.items() if len(parts) == whole[_sort(rows, key)]}
        if full:
            complete[key] = full
    return complete


def is_area(level: str) -> bool:
    """Whether what stands among the test levels is an area under a curve."""
    return level == AREA or level.startswith(PARTS)


def curves_of(scale: Mapping[str, Any] | None) -> dict[str, dict[str, float]]:
    """Area → level → place on its curve, from what a report says of its levels: one curve, or one for each process."""
    if not scale:
        return {}
    if all(isinstance(place, Mapping) for place in scale.values()):
        return {f"{PARTS}{name}": dict(places) for name, places in scale.items()}
    return {AREA: dict(scale)}


def listed(value: Any) -> list[str]:
    """One value or several, as text."""
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _sort(rows: Sequence[str], key: tuple[str, ...]) -> str:
    """Metrics that are rows need not be defined at equally many levels."""
    return key[list(rows).index("metric")] if "metric" in rows else ""


def _named(frame: pd.DataFrame, column: Mapping[str, Any]) -> np.ndarray:
    wanted = {name: listed(value) for name, value in column.items() if name not in NOT_FILTERS and name in frame}
    kept = np.ones(len(frame), dtype=bool)
    of_metric = frame["metric"].isin(wanted["metric"]).to_numpy()
    # Parts of a metric count only where it has no number for the whole.
    if "group" not in wanted and (frame["group"].to_numpy()[of_metric] == "all").any():
        wanted["group"] = ["all"]
    if "test_occlusion" not in wanted:
        kept &= ~np.array([is_area(level) for level in frame["test_occlusion"]], dtype=bool)
    for name, values in wanted.items():
        kept &= frame[name].isin(values).to_numpy()
    return kept


def sides(
    frame: pd.DataFrame, axes: Sequence[str], recipe: Mapping[str, Any], units: Sequence[str] = ("seed",)
) -> list[Keyed]:
    """For each column of a table of differences: all of an arm's labels and a row's test conditions → values.

    Args:
        frame: as for `behind`.
        axes: what tells arms apart.
        recipe: of the table.
        units: as for `behind`.
    """
    keyed = [*axes, *(name for name in recipe["rows"] if name not in axes)]
    every = [{name: value for name, value in column.items() if name not in axes} for column in recipe["columns"]]
    known: dict[str, Keyed] = {}
    for column in every:
        if repr(column) not in known:
            known[repr(column)] = behind(frame, keyed, column, units)
    return [known[repr(column)] for column in every]


def pair(
    arms: Sequence[Mapping[str, str]], recipe: Mapping[str, Any], raw: Sequence[str], column: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """The keys in `sides` of a cell's arm and of its baseline; empty where the grid doesn't have one of each.

    The baseline equals the arm but for the axes that the spec names, or differs also in options of a loss or
    network that one of the two lacks.
    """
    row = dict(zip(recipe["rows"], raw, strict=True))
    if not arms:
        return []
    wanted = {name: listed(value) for name, value in column.items() if name in arms[0]}
    wanted |= {name: [value] for name, value in row.items() if name in arms[0]}
    mine = [arm for arm in arms if all(arm[name] in values for name, values in wanted.items())]
    named = recipe["baseline"]
    if len(mine) != 1 or all(mine[0][name] == value for name, value in named.items()):
        return []
    there = [arm for arm in arms if all(arm[name] == value for name, value in named.items())]
    far = [[axis for axis in arm if axis not in named and arm[axis] != mine[0][axis]] for arm in there]
    chosen = [arm for arm, axes in zip(there, far, strict=True) if not axes] or [
        arm
        for arm, axes in zip(there, far, strict=True)
        if all(axis.split(".")[0] in _OWN and "-" in (arm[axis], mine[0][axis]) for axis in axes)
    ]
    conditions = [value for name, value in row.items() if name not in arms[0]]
    return [tuple([*arm.values(), *conditions]) for arm in (mine[0], chosen[0])] if len(chosen) == 1 else []
