"""From `evaluation.parquet` to one number per run, test level, cameras and metric; of a subject, of a joint.

The means are those of `harness.metrics.aggregate`, for all metrics and groups of a file at once: a
thousand files take seconds. A mean over subjects (actions) is the plain mean of the subjects'
(actions') means, each of which weights its clips by the frames or pairs behind them; a mean over
frames weights all clips so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
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
_SINGLE = (*_CONDITION, "metric")
_NAMES = [*DIMENSIONS, "subject", "action", "joint"]
_READ = [*_NAMES, "value", "n"]
# Metrics of a set of joints carry the set as their group; that is the whole of the metric.
_WHOLE = {"mpjpe_occluded": "occluded", "mpjpe_fixed": "fixed"}

Conditions = Collection[tuple[str, ...]]
"""(test_occlusion, cameras) of which all rows count, or with a metric behind them: then only its rows do."""

Files = Mapping[str, Mapping[Path, Conditions]]
Coded = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Subjects:
    """The means of each test subject in the rows of one evaluation file.

    Attributes:
        run_id: whose file it is.
        names: of each of `DIMENSIONS`, (rows,) names.
        subjects: (subjects,) names.
        means: (rows, subjects), a subject's clips weighted by n; NaN where it has none.
    """

    run_id: str
    names: Mapping[str, np.ndarray]
    subjects: np.ndarray
    means: np.ndarray


def read(files: Files) -> pd.DataFrame:
    """The frame of `read_all`."""
    return read_all(files)[0]


def read_all(files: Files) -> tuple[pd.DataFrame, list[Subjects]]:
    """One row per run × weights × test_occlusion × cameras × metric × group, and the subjects behind them.

    Args:
        files: run_id → its evaluation files → the `Conditions` that count in each.

    Returns:
        a frame with columns run_id, `DIMENSIONS`, value (mean over subjects), per_action, per_frame, n (frames or
        pairs), subjects; position errors in mm; a number that isn't defined has no row. And what `by_subject` needs.

    Raises:
        UserError: a file can't be read or lacks a column.
    """
    frame, parts = _read(files, DIMENSIONS, {"joint": "all"})
    if not frame.empty:
        whole = frame["metric"].map(_WHOLE)
        frame["group"] = frame["group"].mask(frame["group"] == whole, "all")
    return frame, parts


def by_subject(
    parts: Iterable[Subjects], metric: str, group: str = "all", weights: str = "best", decimals: int = DECIMALS
) -> pd.DataFrame:
    """One row per run × test_occlusion × cameras × subject of one metric.

    Args:
        parts: what `read_all` found.
        metric, group, weights: which rows.
        decimals: to which values are rounded.

    Returns:
        columns run_id, test_occlusion, cameras, subject and value.
    """
    wanted = {"metric": metric, "weights": weights, "group": _WHOLE.get(metric, group) if group == "all" else group}
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("run_id", *_CONDITION, "subject", "value")}
    for part in parts:
        rows = np.logical_and.reduce([part.names[name] == value for name, value in wanted.items()])
        means = part.means[rows]
        row, subject = np.nonzero(~np.isnan(means))
        columns["run_id"].append(np.full(len(row), part.run_id, dtype=object))
        for name in _CONDITION:
            columns[name].append(part.names[name][rows][row])
        columns["subject"].append(part.subjects[subject])
        columns["value"].append(means[row, subject].round(decimals))
    return pd.DataFrame({name: np.concatenate(found) if found else [] for name, found in columns.items()})


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
    found, _ = _read(files, [*_CONDITION, "joint"], {"metric": metric, "weights": weights})
    found = found[found["joint"] != "all"].assign(value=found[mean])
    return found[["run_id", "test_occlusion", "cameras", "joint", "value"]].reset_index(drop=True)


def _read(files: Files, dimensions: list[str], kept: Mapping[str, str]) -> tuple[pd.DataFrame, list[Subjects]]:
    named = [(run_id, path, counted) for run_id, found in files.items() for path, counted in found.items()]
    if not named:
        return pd.DataFrame(columns=["run_id", *dimensions, *MEANS, "n", "subjects"]), []
    parts = [_score(path, counted, dimensions, kept) for _, path, counted in named]
    columns = {name: np.concatenate([columns[name] for columns, _, _ in parts]) for name in parts[0][0]}
    sizes = [len(columns["value"]) for columns, _, _ in parts]
    ids = np.array([run_id for run_id, _, _ in named], dtype=object)
    frame = pd.DataFrame({"run_id": np.repeat(ids, sizes), **columns})
    frame[MEANS] = frame[MEANS].round(DECIMALS)
    behind = [
        Subjects(run_id, {name: columns[name] for name in dimensions}, subjects, means)
        for run_id, (columns, subjects, means) in zip(ids, parts, strict=True)
    ]
    return frame, behind


def _score(
    path: Path, counted: Conditions, dimensions: list[str], kept: Mapping[str, str]
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """The rows of one file under the conditions that count: columns, names of subjects, their means in each row."""
    table = _table(path, kept)
    coded = {name: _codes(table[name], path) for name in dict.fromkeys([*dimensions, "subject", "action"])}
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
    of_subjects = _means(cell, len(found), coded["subject"], value, n)
    of_actions = _means(cell, len(found), coded["action"], value, n)
    at = dict(reversed(cells))
    scored = {
        **{name: coded[name][1][code] for name, code in at.items()},
        "value": np.nanmean(of_subjects, axis=1),
        "per_action": np.nanmean(of_actions, axis=1),
        "per_frame": np.bincount(cell, weights=value * n, minlength=len(found)) / total,
        "n": total.astype(np.int64),
        "subjects": (~np.isnan(of_subjects)).sum(axis=1),
    }
    # (levels, cameras)
    counts = np.array([[(a, b) in counted for b in coded["cameras"][1]] for a in coded["test_occlusion"][1]])
    wanted = counts[at["test_occlusion"], at["cameras"]]
    single = {condition for condition in counted if len(condition) > 2}
    if single:
        named = [coded[name][1][at[name]] if name in at else [kept[name]] * len(found) for name in _SINGLE]
        wanted |= np.array([condition in single for condition in zip(*named, strict=True)], dtype=bool)
    return {name: column[wanted] for name, column in scored.items()}, coded["subject"][1], of_subjects[wanted]


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


def _means(cell: np.ndarray, cells: int, unit: Coded, value: np.ndarray, n: np.ndarray) -> np.ndarray:
    """(cells, units) weighted means; NaN where a unit has nothing in a cell."""
    codes, names = unit
    place, shape = cell * len(names) + codes, (cells, len(names))
    weight = np.bincount(place, weights=n, minlength=cells * len(names)).reshape(shape)
    total = np.bincount(place, weights=value * n, minlength=cells * len(names)).reshape(shape)
    return np.divide(total, weight, out=np.full(shape, np.nan), where=weight > 0)
