"""Which rows of `runs.csv` (or `subjects.parquet`) stand behind a cell, and their mean over what isn't named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.report.verify.arithmetic import mean

AREA = "curve"
"""What `runs.csv` calls the area under the occlusion curve among the test levels."""
NOT_FILTERS = ("mean", "part")
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
        kept &= (frame["test_occlusion"] != AREA).to_numpy()
    for name, values in wanted.items():
        kept &= frame[name].isin(values).to_numpy()
    return kept
