"""From `evaluation.parquet` to one number per run, test level, cameras and metric; of a subject, of a joint."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.metrics.kept_scores import KEPT
from harness.metrics.scored import DIMENSIONS, Conditions
from harness.report import alike
from harness.report.alike import Alike
from harness.report.coding import coded

MEANS = ["value", "per_action", "per_frame"]
# Tables and runs.csv are made from the same rounded values, so either can be had from the other.
DECIMALS = 4
_CONDITION = ("test_occlusion", "cameras")
# Metrics of a set of joints carry the set as their group; that is the whole of the metric.
_WHOLE = {"mpjpe_occluded": "occluded", "mpjpe_fixed": "fixed"}

Files = Mapping[str, Mapping[Path, Conditions]]


@dataclass(frozen=True)
class Subjects:
    """The means of each test subject, of all evaluation files that have the same rows.

    Attributes:
        run_ids: (files,) whose each file is.
        order: (files,) the place of each file among all.
        names: of each of `DIMENSIONS`, (rows,) names.
        subjects: (subjects,) names.
        means: (files, rows, subjects), a subject's clips weighted by n; NaN where it has none.
    """

    run_ids: np.ndarray
    order: np.ndarray
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
    return _read(files, DIMENSIONS, KEPT)


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
    order = []
    for part in parts:
        rows = np.logical_and.reduce([part.names[name] == value for name, value in wanted.items()])
        means = part.means[:, rows]
        file, row, subject = np.nonzero(~np.isnan(means))
        order.append(part.order[file])
        columns["run_id"].append(part.run_ids[file])
        for name in _CONDITION:
            columns[name].append(part.names[name][rows][row])
        columns["subject"].append(part.subjects[subject])
        columns["value"].append(means[file, row, subject].round(decimals))
    if not order:
        return pd.DataFrame(columns)
    kept = np.argsort(np.concatenate(order), kind="stable")
    return pd.DataFrame({name: np.concatenate(found)[kept] for name, found in columns.items()})


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
    found = found[(found["joint"] != "all").to_numpy()]
    return found.assign(value=found[mean])[["run_id", "test_occlusion", "cameras", "joint", "value"]].reset_index(
        drop=True
    )


def _read(files: Files, dimensions: Sequence[str], kept: Mapping[str, str]) -> tuple[pd.DataFrame, list[Subjects]]:
    named = [(run_id, path, counted) for run_id, found in files.items() for path, counted in found.items()]
    if not named:
        return pd.DataFrame(columns=["run_id", *dimensions, *MEANS, "n", "subjects"]), []
    ids = np.array([run_id for run_id, _, _ in named], dtype=object)
    found = alike.read([os.fspath(path) for _, path, _ in named], dimensions, kept)
    # Runs of one spec have the same cells, as a rule, of which the same count: what is done at once for all is quick.
    conditions: dict[Any, Conditions] = {}
    which = np.array([_code(conditions, counted) for _, _, counted in named])
    groups = [
        _Group(part.among(which[part.files] == code), counted, kept)
        for part in found
        for code, counted in enumerate(conditions.values())
        if (which[part.files] == code).any()
    ]
    sizes = np.zeros(len(named), dtype=np.int64)
    for group in groups:
        sizes[group.members] = group.rows
    places = [group.rows_of(np.cumsum(sizes) - sizes) for group in groups]
    frame: dict[str, Any] = {"run_id": coded(np.repeat(pd.factorize(ids)[0], sizes), pd.unique(ids))}
    for name in dimensions:
        texts: list[str] = []
        codes = np.empty(sizes.sum(), dtype=np.int32)
        for group, place in zip(groups, places, strict=True):
            at, names = group.shown(name)
            codes[place] = at + len(texts)
            texts += names
        frame[name] = coded(codes, texts)
    for name in (*MEANS, "n", "subjects"):
        column = np.empty(sizes.sum(), dtype=float if name in MEANS else np.int64)
        for group, place in zip(groups, places, strict=True):
            column[place] = group.numbers[name]
        frame[name] = column.round(DECIMALS) if name in MEANS else column
    return pd.DataFrame(frame, copy=False), [group.subjects(ids) for group in groups]


def _code(known: dict[Any, Conditions], counted: Conditions) -> int:
    """The number of these conditions among the different ones."""
    known.setdefault(frozenset(counted), counted)
    return list(known).index(frozenset(counted))


class _Group:
    """Files with the same cells, of which the same ones count.

    Attributes:
        members: (files,) places among all files.
        rows: how many of the cells count.
        at: dimension → (rows,) places among its names.
        numbers: column → (files, rows).
    """

    def __init__(self, files: Alike, counted: Conditions, kept: Mapping[str, str]) -> None:
        self.first, self.members = files.cells, files.files
        there = self.first.counting(counted, kept)
        self.rows = int(there.sum())
        self.at = {name: at[there] for name, at in self.first.places().items()}
        numbers = {name: (all_ if there.all() else all_[:, there]) for name, all_ in files.numbers.items()}
        self._means = numbers.pop("means")
        self.numbers = {
            "value": np.nanmean(self._means, axis=2),
            **numbers,
            "subjects": (~np.isnan(self._means)).sum(axis=2),
        }

    def rows_of(self, begins: np.ndarray) -> np.ndarray:
        """(files, rows) places of the rows in a frame in which the files' begin there."""
        return begins[self.members][:, None] + np.arange(self.rows)

    def shown(self, name: str) -> tuple[np.ndarray, list[str]]:
        """(rows,) places among the names of a dimension, and these, as reports have them."""
        at, names = self.at[name], list(self.first.names[name])
        if name == "group" and "metric" in self.at:
            whole = [_WHOLE.get(metric) for metric in self.first.names["metric"]]
            of_whole = [names[group] == whole[metric] for group, metric in zip(at, self.at["metric"], strict=True)]
            at = np.where(np.array(of_whole, dtype=bool), len(names), at)
        return at, [*names, "all"]

    def subjects(self, ids: np.ndarray) -> Subjects:
        names = {name: self.first.names[name][at] for name, at in self.at.items()}
        return Subjects(ids[self.members], self.members, names, self.first.subjects, self._means)
