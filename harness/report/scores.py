"""From `evaluation.parquet` to one number per run, test level, cameras and metric; of a subject, of a joint.

The means are those of `harness.metrics.aggregate`, for all metrics and groups of a file at once: a
thousand files take seconds. A mean over subjects (actions) is the plain mean of the subjects'
(actions') means, each of which weights its clips by the frames or pairs behind them; a mean over
frames weights all clips so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.errors import UserError

DIMENSIONS = ["weights", "test_occlusion", "cameras", "metric", "group"]
MEANS = ["value", "per_action", "per_frame"]
# Tables and runs.csv are made from the same rounded values, so either can be had from the other.
DECIMALS = 4
_CONDITION = ("test_occlusion", "cameras")
_NAMES = [*DIMENSIONS, "subject", "action", "joint"]
_READ = [*_NAMES, "value", "n"]
# Metrics of a set of joints carry the set as their group; that is the whole of the metric.
_WHOLE = {"mpjpe_occluded": "occluded", "mpjpe_fixed": "fixed"}

Conditions = Collection[tuple[str, str]]
Files = Mapping[str, Mapping[Path, Conditions]]
Coded = tuple[np.ndarray, np.ndarray]


def read(files: Files) -> pd.DataFrame:
    """One row per run × weights × test_occlusion × cameras × metric × group.

    Args:
        files: run_id → its evaluation files → the conditions (test_occlusion, cameras) that count in each.

    Returns:
        columns run_id, `DIMENSIONS`, value (mean over subjects), per_action, per_frame, n (frames or
        pairs), subjects. Position errors in mm. A number that isn't defined has no row.

    Raises:
        UserError: a file can't be read or lacks a column.
    """
    return _read(files, DIMENSIONS, {"joint": "all"})


def by_subject(files: Files, metric: str, group: str = "all", weights: str = "best") -> pd.DataFrame:
    """One row per run × test_occlusion × cameras × subject of one metric.

    Returns:
        columns run_id, test_occlusion, cameras, subject and value: the subject's clips, weighted by n.

    Raises:
        UserError: as `read`.
    """
    kept = {"joint": "all", "metric": metric, "weights": weights}
    kept["group"] = _WHOLE.get(metric, group) if group == "all" else group
    return _read(files, ["test_occlusion", "cameras", "subject"], kept)[
        ["run_id", "test_occlusion", "cameras", "subject", "value"]
    ]


def by_joint(files: Files, metric: str, mean: str = "value", weights: str = "best") -> pd.DataFrame:
    """One row per run × test_occlusion × cameras × joint of one metric.

    Args:
        files: as `read`.
        metric, weights: which rows.
        mean: which of `MEANS` is the value.

    Returns:
        columns run_id, test_occlusion, cameras, joint and value.

    Raises:
        UserError: as `read`.
    """
    found = _read(files, ["test_occlusion", "cameras", "joint"], {"metric": metric, "weights": weights})
    found = found[found["joint"] != "all"].assign(value=found[mean])
    return found[["run_id", "test_occlusion", "cameras", "joint", "value"]].reset_index(drop=True)


def _read(files: Files, dimensions: list[str], kept: Mapping[str, str]) -> pd.DataFrame:
    named = [(run_id, path, counted) for run_id, found in files.items() for path, counted in found.items()]
    parts = [_score(path, counted, dimensions, kept) for _, path, counted in named]
    if not parts:
        return pd.DataFrame(columns=["run_id", *dimensions, *MEANS, "n", "subjects"])
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    sizes = [len(part["value"]) for part in parts]
    ids = np.array([run_id for run_id, _, _ in named], dtype=object)
    frame = pd.DataFrame({"run_id": np.repeat(ids, sizes), **columns})
    if "metric" in frame:
        whole = frame["metric"].map(_WHOLE)
        frame["group"] = frame["group"].mask(frame["group"] == whole, "all")
    frame[MEANS] = frame[MEANS].round(DECIMALS)
    return frame


def _score(path: Path, counted: Conditions, dimensions: list[str], kept: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The rows of one file under the conditions that count, as columns."""
    table = _table(path, kept)
    coded = {name: _codes(table[name], path) for name in dict.fromkeys([*dimensions, "subject", "action", *_CONDITION])}
    value, n = table["value"].to_numpy(), table["n"].to_numpy().astype(float)
    cell, cells = np.zeros(len(value), dtype=np.int64), []
    for name in dimensions:
        codes, names = coded[name]
        cell = cell * len(names) + codes
    found, cell = np.unique(cell, return_inverse=True)
    rest = found
    for name in reversed(dimensions):
        rest, code = np.divmod(rest, len(coded[name][1]))
        cells.append((name, code))
    total = np.bincount(cell, weights=n, minlength=len(found))
    by_subject, subjects = _mean_of_means(cell, len(found), coded["subject"], value, n)
    by_action, _ = _mean_of_means(cell, len(found), coded["action"], value, n)
    at = dict(reversed(cells))
    scored = {
        **{name: coded[name][1][code] for name, code in at.items()},
        "value": by_subject,
        "per_action": by_action,
        "per_frame": np.bincount(cell, weights=value * n, minlength=len(found)) / total,
        "n": total.astype(np.int64),
        "subjects": subjects,
    }
    # (levels, cameras)
    counts = np.array([[(a, b) in counted for b in coded["cameras"][1]] for a in coded["test_occlusion"][1]])
    wanted = counts[at["test_occlusion"], at["cameras"]]
    return scored if wanted.all() else {name: column[wanted] for name, column in scored.items()}


def _table(path: Path, kept: Mapping[str, str]) -> pa.Table:
    """The rows that have a value, of those where each column in ``kept`` is what it says."""
    try:
        with pq.ParquetFile(path, read_dictionary=_NAMES) as file:
            absent = [name for name in _READ if name not in file.schema_arrow.names]
            if absent:
                raise UserError(f"an evaluation lacks the columns {', '.join(absent)}", file=str(path))
            table = file.read(columns=_READ, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"can't read an evaluation: {error}", file=str(path)) from None
    value = pc.fill_null(pc.cast(table["value"], pa.float64()), float("nan"))
    n = pc.fill_null(table["n"], 0)
    table = table.set_column(table.schema.get_field_index("value"), "value", value)
    table = table.set_column(table.schema.get_field_index("n"), "n", n)
    # A missing value is null or NaN; neither it nor its n may enter a mean.
    there = pc.and_(pc.is_finite(value), pc.greater(n, 0))
    for name, wanted in kept.items():
        there = pc.and_(there, pc.equal(table[name], wanted))
    return table.filter(there).combine_chunks()


def _codes(column: pa.ChunkedArray, path: Path) -> Coded:
    """(rows,) codes and the names they stand for."""
    if column.null_count:
        raise UserError("an evaluation has rows without a name of their subject, action or condition", file=str(path))
    coded = column.combine_chunks().dictionary_encode()
    # One name at least, so that codes of an empty file can be multiplied by their number.
    names = np.array(coded.dictionary.to_pylist() or [""], dtype=object)
    return coded.indices.to_numpy().astype(np.int64), names


def _mean_of_means(cell: np.ndarray, cells: int, unit: Coded, value: np.ndarray, n: np.ndarray) -> Coded:
    """The plain mean of the units' weighted means in each cell, and the number of units behind it."""
    codes, names = unit
    place, shape = cell * len(names) + codes, (cells, len(names))
    weight = np.bincount(place, weights=n, minlength=cells * len(names)).reshape(shape)
    total = np.bincount(place, weights=value * n, minlength=cells * len(names)).reshape(shape)
    there = weight > 0
    means = np.divide(total, weight, out=np.zeros(shape), where=there)
    return means.sum(axis=1) / there.sum(axis=1), there.sum(axis=1)
