"""From `evaluation.parquet` to one number per run, test level, cameras and metric.

A mean over subjects (actions) is the unweighted mean of the subjects' (actions') means, each of which
weights its clips by the frames or pairs behind them; a mean over frames weights all clips so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.errors import UserError

DIMENSIONS = ["weights", "test_occlusion", "cameras", "metric", "group"]
_READ = [*DIMENSIONS, "subject", "action", "value", "n"]
# Tables and runs.csv are made from the same rounded values, so either can be had from the other.
DECIMALS = 4
# MPJPE of the occluded and of the fixed set may be logged as groups of mpjpe; they are metrics here.
_GROUPS = {("mpjpe", "occluded"): "mpjpe_occluded", ("mpjpe", "fixed"): "mpjpe_fixed"}


def read(paths: Mapping[str, Path]) -> pd.DataFrame:
    """One row per run × weights × test_occlusion × cameras × metric × group.

    Args:
        paths: run_id → its `evaluation.parquet`.

    Returns:
        columns run_id, `DIMENSIONS`, value (mean over subjects), per_action, per_frame, n (frames or
        pairs), subjects. Position errors in mm. A number that isn't defined has no row.

    Raises:
        UserError: a file can't be read or lacks a column.
    """
    parts = [_sums(path) for path in paths.values()]
    runs = np.repeat(np.arange(len(parts), dtype=np.int32), [part.num_rows for part in parts])
    table = pa.concat_tables(parts).append_column("run", pa.array(runs))
    frame = table.to_pandas()
    keys = ["run", *DIMENSIONS]
    result = pd.DataFrame(
        {
            "value": _mean_of_means(frame, keys, "subject"),
            "per_action": _mean_of_means(frame, keys, "action"),
            "per_frame": _mean(frame, keys),
            "n": frame.groupby(keys, sort=False)["n"].sum(),
            "subjects": frame.groupby(keys, sort=False)["subject"].nunique(),
        }
    ).reset_index()
    means = ["value", "per_action", "per_frame"]
    result[means] = result[means].round(DECIMALS)
    result.insert(0, "run_id", np.asarray(list(paths), dtype=object)[result.pop("run").to_numpy()])
    return result


def _sums(path: Path) -> pa.Table:
    """Sums over clips and cameras for each subject and action of one file; all joints together."""
    try:
        table = pq.read_table(path, columns=[*_READ, "joint"], filters=[("joint", "=", "all")], use_threads=False)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise UserError(f"can't read an evaluation: {error}", file=str(path)) from None
    absent = [column for column in _READ if column not in table.column_names]
    if absent:
        raise UserError(f"an evaluation lacks the columns {', '.join(absent)}", file=str(path))
    keys = [*DIMENSIONS, "subject", "action"]
    table = table.select(_READ)
    for name in keys:
        table = table.set_column(table.column_names.index(name), name, pc.cast(table[name], pa.string()))
    value, n = pc.cast(table["value"], pa.float64()), pc.cast(table["n"], pa.int64())
    table = table.select(keys).append_column("sum", pc.multiply(value, n)).append_column("n", n)
    # A missing value is null or NaN; neither it nor its n may enter a mean.
    table = table.filter(pc.and_(pc.is_finite(pc.fill_null(table["sum"], float("nan"))), pc.greater(n, 0)))
    summed = table.group_by(keys, use_threads=False).aggregate([("sum", "sum"), ("n", "sum")])
    return _canonical(summed.rename_columns([*keys, "sum", "n"]))


def _canonical(table: pa.Table) -> pa.Table:
    metric, group = table["metric"], table["group"]
    for (name, part), canonical in _GROUPS.items():
        here = pc.and_(pc.equal(metric, name), pc.equal(group, part))
        metric, group = pc.if_else(here, canonical, metric), pc.if_else(here, "all", group)
    for name in ("occluded", "fixed"):
        here = pc.and_(pc.equal(metric, f"mpjpe_{name}"), pc.equal(group, name))
        group = pc.if_else(here, "all", group)
    index = table.column_names.index
    return table.set_column(index("metric"), "metric", metric).set_column(index("group"), "group", group)


def _mean(frame: pd.DataFrame, keys: list[str]) -> pd.Series:
    sums = frame.groupby(keys, sort=False)[["sum", "n"]].sum()
    return sums["sum"] / sums["n"]


def _mean_of_means(frame: pd.DataFrame, keys: list[str], unit: str) -> pd.Series:
    return _mean(frame, [*keys, unit]).groupby(keys, sort=False).mean()
