"""From `evaluation.parquet` to one number per run, test level, cameras and metric; of a subject, of a joint.

The means of a file are those of `harness.metrics.scored`, read from its footer where it keeps them
(`harness.metrics.kept_scores`): ten thousand files take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.metrics.kept_scores import KEPT, kept_scores
from harness.metrics.scored import DIMENSIONS, Conditions, Scored, score

MEANS = ["value", "per_action", "per_frame"]
# Tables and runs.csv are made from the same rounded values, so either can be had from the other.
DECIMALS = 4
_CONDITION = ("test_occlusion", "cameras")
# Metrics of a set of joints carry the set as their group; that is the whole of the metric.
_WHOLE = {"mpjpe_occluded": "occluded", "mpjpe_fixed": "fixed"}

Files = Mapping[str, Mapping[Path, Conditions]]


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
    frame, parts = _read(files, DIMENSIONS, KEPT)
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
    found, _ = _read(files, (*_CONDITION, "joint"), {"metric": metric, "weights": weights})
    found = found[found["joint"] != "all"].assign(value=found[mean])
    return found[["run_id", "test_occlusion", "cameras", "joint", "value"]].reset_index(drop=True)


def _read(files: Files, dimensions: Sequence[str], kept: Mapping[str, str]) -> tuple[pd.DataFrame, list[Subjects]]:
    named = [(run_id, path, counted) for run_id, found in files.items() for path, counted in found.items()]
    if not named:
        return pd.DataFrame(columns=["run_id", *dimensions, *MEANS, "n", "subjects"]), []
    scored = [_score(path, dimensions, kept) for _, path, _ in named]
    parts = [one.columns(counted, kept) for one, (_, _, counted) in zip(scored, named, strict=True)]
    columns = {name: np.concatenate([columns[name] for columns, _ in parts]) for name in parts[0][0]}
    sizes = [len(columns["value"]) for columns, _ in parts]
    ids = np.array([run_id for run_id, _, _ in named], dtype=object)
    frame = pd.DataFrame({"run_id": np.repeat(ids, sizes), **columns})
    frame[MEANS] = frame[MEANS].round(DECIMALS)
    behind = [
        Subjects(run_id, {name: columns[name] for name in dimensions}, one.subjects, means)
        for run_id, one, (columns, means) in zip(ids, scored, parts, strict=True)
    ]
    return frame, behind


def _score(path: Path, dimensions: Sequence[str], kept: Mapping[str, str]) -> Scored:
    """The means of one file: those it keeps, else those of its rows."""
    known = kept_scores(path) if (tuple(dimensions), kept) == (DIMENSIONS, KEPT) else None
    return known or score(path, dimensions, kept, str(path))
