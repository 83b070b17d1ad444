"""A finished sweep in a notebook: tidy frames, and the report's tables as frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import unknown
from harness.report import report as reports
from harness.report.records import Source
from harness.report.report import Report
from harness.report.selection import unlogged
from harness.report.table import Table


@dataclass(frozen=True)
class Frames:
    """What the finished runs of a spec left, read when asked for; errors in mm, names as plain text.

    Attributes:
        report: the report they belong to; ``report.tables`` are its tables, cell by cell.
    """

    report: Report

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run × weights × test_occlusion × cameras × metric × group: the rows of ``runs.csv``."""
        return _plain(self.report.evidence.frame)

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """Each test subject's MPJPE with the chosen weights: run_id, axes, seed, conditions, subject, value."""
        return self.of_subjects()

    @cached_property
    def joints(self) -> pd.DataFrame:
        """Each joint's MPJPE with the chosen weights: run_id, axes, seed, conditions, joint, value."""
        return self.of_joints()

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Every point logged while training: run_id, axes, seed, name, step, value."""
        parts = []
        for arm in self.report.evidence.arms:
            for seed in arm.finished:
                points = self.report.evidence.terms(arm.runs[seed])
                parts.append(points.assign(run_id=arm.runs[seed], **arm.labels, seed=seed))
        frame = _plain(pd.concat(parts, ignore_index=True))
        ends = ["name", "step", "value"]
        return frame[[*(name for name in frame.columns if name not in ends), *ends]]

    @cached_property
    def claims(self) -> pd.DataFrame:
        """A row for each claim: text, arm, versus, verdict, numbers of the difference, when it was stated."""
        table = self.report.claims
        if table is None:
            return pd.DataFrame(columns=["text", "arm", "versus", "verdict", "stated"])
        rows = []
        for row in table.rows:
            told = {name: value for cell in row.cells for name, value in cell.numbers.items()}
            text = row.band.partition(". ")[2] or row.band
            rows.append({"text": text, **dict(zip(table.keys, row.keys, strict=True)), **told})
        return _numeric(pd.DataFrame(rows))

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Name → table as people read it: keys as index, a column for each column, cells as printed."""
        return {table.name: _shown(table) for table in self.report.all_tables}

    @cached_property
    def numbers(self) -> dict[str, pd.DataFrame]:
        """Name → table with a row a cell: keys, column, and the cell's numbers as numbers (p-values as text)."""
        return {table.name: _long(table) for table in self.report.all_tables}

    def of_subjects(self, metric: str = "mpjpe", group: str = "all", *, weights: str = "best") -> pd.DataFrame:
        """`subjects` of another metric, part of one, or epoch (``best`` or ``last``).

        Raises:
            UserError: no finished run has logged it.
        """
        self._logged(metric, group=group, weights=weights)
        return _plain(self.report.evidence.by_subject(metric, group, weights=weights))

    def of_joints(self, metric: str = "mpjpe", *, weights: str = "best") -> pd.DataFrame:
        """`joints` of another metric or epoch; without rows for a metric that has no value of single joints.

        Raises:
            UserError: no finished run has logged it.
        """
        self._logged(metric, weights=weights)
        return _plain(self.report.evidence.by_joint(metric, weights=weights))

    def _logged(self, name: str, **choices: str) -> None:
        frame = self.report.evidence.frame
        rows = frame[(frame["metric"] == name).to_numpy()]
        if rows.empty:
            raise unlogged(name, frame["metric"].unique(), "metric")
        for column, value in choices.items():
            if value not in set(rows[column]):
                raise unknown(f"{column} of {name}", value, rows[column].astype(str).unique(), key=column)


def load(spec: str | Path | Any, uri: str | None = None, *, source: Source | None = None) -> Frames:
    """The frames of a spec's finished runs.

    Args:
        spec: a spec file, the name of a shipped spec, or a loaded spec.
        uri: tracking store; None is the spec's own, else the default one.
        source: read from here instead of the tracking store.

    Raises:
        UserError: the spec is wrong, no run of it is finished, or the store is unreachable.
    """
    if isinstance(spec, str | Path):
        from harness.spec import load as read

        spec = read(spec)
    return Frames(reports.collect(spec, uri, source=source))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy without categories, which surprise in a notebook: a groupby would list what isn't there."""
    names = [name for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(names, "str"))


def _shown(table: Table) -> pd.DataFrame:
    heads = pd.MultiIndex.from_tuples(table.columns) if any(g for g, _ in table.columns) else None
    columns = heads if heads is not None else [label for _, label in table.columns]
    cells = [[cell.text + cell.mark for cell in row.cells] for row in table.rows]
    keys = [tuple(row.shown) for row in table.rows]
    if any(row.band for row in table.rows):
        keys = [(row.band, *key) for row, key in zip(table.rows, keys, strict=True)]
        return pd.DataFrame(cells, pd.MultiIndex.from_tuples(keys, names=["", *table.keys]), columns)
    return pd.DataFrame(cells, pd.MultiIndex.from_tuples(keys, names=list(table.keys)), columns)


def _long(table: Table) -> pd.DataFrame:
    rows: list[Mapping[str, Any]] = [
        {**dict(zip(table.keys, row.keys, strict=True)), "column_group": group, "column": label, **cell.numbers}
        for row in table.rows
        for (group, label), cell in zip(table.columns, row.cells, strict=True)
    ]
    return _numeric(pd.DataFrame(rows), but=table.keys)


def _numeric(frame: pd.DataFrame, but: tuple[str, ...] = ()) -> pd.DataFrame:
    """Columns that hold numbers alone, as numbers."""
    for name in (name for name in frame.columns if name not in (*but, "column_group", "column")):
        as_numbers = pd.to_numeric(frame[name], errors="coerce")
        if as_numbers.notna().sum() == frame[name].notna().sum() and not (name == "p" or name.startswith("p_")):
            frame[name] = as_numbers
    return frame
