"""Means over the rows of an evaluation, each labelled with how it was taken. Needs pandas, not torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

By = Literal["subject", "action", "frame"]

LABELS: dict[str, str] = {
    "subject": "mean of subject means",
    "action": "mean of action means",
    "frame": "mean over frames",
}
"""How each mean was taken, for the page: within a subject (action) clips weigh by n, then all weigh alike."""

SETTINGS = ("run_id", "weights", "test_occlusion", "cameras")
"""Columns that are never averaged over: a mean is of one run, under one test."""

_OWN_GROUP = {"mpjpe_occluded": "occluded", "mpjpe_fixed": "fixed"}


def summarise(
    frame: pd.DataFrame,
    metric: str,
    by: By = "subject",
    *,
    joint: str = "all",
    group: str | None = None,
    settings: Sequence[str] = SETTINGS,
) -> pd.DataFrame:
    """Average one metric over clips.

    - ``subject`` (primary): the mean over a subject's clips and cameras, weighted by n, then the plain mean of the
      subjects, so that nobody counts for more because they were filmed for longer;
    - ``action``: the same with actions in place of subjects;
    - ``frame``: one mean over all clips, weighted by n.

    Missing values (NaN, or n = 0) enter no mean; a mean of nothing is NaN with n = 0.

    Args:
        frame: rows of evaluation.parquet (see `harness.metrics.records.clip_rows`) of any number of tests and runs.
        metric: the metric to average.
        by: how to average.
        joint: a joint's name, or ``all``.
        group: the rows' group; None: the metric's own (``occluded``, ``fixed``, else ``all``).
        settings: columns to keep apart; those that the frame doesn't have are left out.
    Returns:
        One row for each setting, in order of appearance: the settings, metric, joint, group, ``average`` (its label),
        ``value``, ``n`` (frames or pairs), ``units`` (subjects, actions or clips behind the mean).
    Raises:
        ValueError: ``by`` is none of the three.
        KeyError: the frame lacks a column.
    """
    if by not in LABELS:
        raise ValueError(f"by must be one of {', '.join(LABELS)}, got {by!r}")
    group = _OWN_GROUP.get(metric, "all") if group is None else group
    rows = frame[(frame["metric"] == metric) & (frame["joint"] == joint) & (frame["group"] == group)]
    keys = [column for column in settings if column in frame.columns]
    parts = list(rows.groupby(keys, sort=False, dropna=False)) if keys else [((), rows)]
    labels = {"metric": metric, "joint": joint, "group": group, "average": LABELS[by]}
    summary = [{**dict(zip(keys, key, strict=True)), **labels, **_average(part, by)} for key, part in parts]
    return pd.DataFrame(summary, columns=[*keys, *labels, "value", "n", "units"])


def _average(rows: pd.DataFrame, by: By) -> dict[str, float | int]:
    rows = rows[rows["value"].notna() & (rows["n"] > 0)]
    if rows.empty:
        return {"value": float("nan"), "n": 0, "units": 0}
    total = int(rows["n"].sum())
    weighted = rows["value"] * rows["n"]
    if by == "frame":
        return {"value": float(weighted.sum() / total), "n": total, "units": len(rows)}
    unit = rows[by]
    means = weighted.groupby(unit, observed=True).sum() / rows["n"].groupby(unit, observed=True).sum()
    return {"value": float(np.mean(means)), "n": total, "units": len(means)}
