"""The means of one evaluation file: one number per weights, test level, cameras, metric and group, and per subject.

The means are those of `harness.metrics.aggregate`, for all metrics and groups of a file at once. A mean over subjects
(actions) is the plain mean of the subjects' (actions') means, each of which weights its clips by the frames or pairs
behind them; a mean over frames weights all clips so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.errors import UserError

DIMENSIONS = ("weights", "test_occlusion", "cameras", "metric", "group")
NAMES = (*DIMENSIONS, "subject", "action", "joint")
READ = (*NAMES, "value", "n")
_SINGLE = ("test_occlusion", "cameras", "metric")

Conditions = Collection[tuple[str, ...]]
"""(test_occlusion, cameras) of which all rows count, or with a metric behind them: then only its rows do."""


@dataclass(frozen=True)
class Scored:
    """Means of the cells of one evaluation: every combination of names of its dimensions that has rows.

    Attributes:
        names: dimension → its names, in the order of the dimensions.
        cells: (cells,) ascending; a cell's names as digits of one number, the last dimension's the lowest.
        n: (cells,) frames or pairs.
        per_action, per_frame: (cells,) means.
        subjects: (subjects,) names.
        means: (cells, subjects) NaN where a subject has nothing.
    """

    names: Mapping[str, np.ndarray]
    cells: np.ndarray
    n: np.ndarray
    per_action: np.ndarray
    per_frame: np.ndarray
    subjects: np.ndarray
    means: np.ndarray

    def columns(self, counted: Conditions, kept: Mapping[str, str]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The cells under the conditions that count: columns, and the means of their subjects.

        Args:
            counted: see `Conditions`.
            kept: names that columns outside the dimensions had.

        Returns:
            the dimensions' names, value (mean over subjects), per_action, per_frame, n, subjects (how many), each
            (rows,); and (rows, subjects) means.
        """
        at = self.places()
        wanted = self.counting(counted, kept)
        scored = {
            **{name: self.names[name][at[name]] for name in self.names},
            "value": np.nanmean(self.means, axis=1),
            "per_action": self.per_action,
            "per_frame": self.per_frame,
            "n": self.n,
            "subjects": (~np.isnan(self.means)).sum(axis=1),
        }
        return {name: column[wanted] for name, column in scored.items()}, self.means[wanted]

    def places(self) -> dict[str, np.ndarray]:
        """Dimension → (cells,) place of each cell's name among the dimension's."""
        at: dict[str, np.ndarray] = {}
        rest = self.cells
        for name in reversed(list(self.names)):
            rest, at[name] = np.divmod(rest, len(self.names[name]))
        return at

    def counting(self, counted: Conditions, kept: Mapping[str, str]) -> np.ndarray:
        """(cells,) whether a cell's rows count; see `columns`."""
        at = self.places()
        # (levels, cameras)
        levels, cameras = self.names["test_occlusion"], self.names["cameras"]
        counts = np.array([[(a, b) in counted for b in cameras] for a in levels])
        wanted = counts[at["test_occlusion"], at["cameras"]]
        single = {condition for condition in counted if len(condition) > 2}
        if single:
            named = [self.names[name][at[name]] if name in at else [kept[name]] * len(self.cells) for name in _SINGLE]
            wanted |= np.array([condition in single for condition in zip(*named, strict=True)], dtype=bool)
        return wanted


def score(source: Any, dimensions: Sequence[str], kept: Mapping[str, str], named: str | None = None) -> Scored:
    """The means of one file's rows.

    Args:
        source: an evaluation, as `pyarrow.parquet.ParquetFile` takes it.
        dimensions: whose names tell the cells apart.
        kept: only rows where each of these columns is what it says.
        named: the file, for messages.

    Raises:
        UserError: the file can't be read, lacks a column, or has rows without a name.
    """
    table = _table(source, kept, named)
    coded = {name: _codes(table[name], named) for name in dict.fromkeys([*dimensions, "subject", "action"])}
    value, n = table["value"].to_numpy(), table["n"].to_numpy().astype(float)
    cell = np.zeros(len(value), dtype=np.int64)
    for name in dimensions:
        codes, names = coded[name]
        cell = cell * len(names) + codes
    found, cell = np.unique(cell, return_inverse=True)
    total = np.bincount(cell, weights=n, minlength=len(found))
    return Scored(
        names={name: coded[name][1] for name in dimensions},
        cells=found,
        n=total.astype(np.int64),
        per_action=np.nanmean(_means(cell, len(found), coded["action"], value, n), axis=1),
        per_frame=np.bincount(cell, weights=value * n, minlength=len(found)) / total,
        subjects=coded["subject"][1],
        means=_means(cell, len(found), coded["subject"], value, n),
    )


def _table(source: Any, kept: Mapping[str, str], named: str | None) -> pa.Table:
    """The rows that have a value, of those where each column in ``kept`` is what it says."""
    try:
        with pq.ParquetFile(source, read_dictionary=list(NAMES)) as file:
            absent = [name for name in READ if name not in file.schema_arrow.names]
            if absent:
                raise UserError(f"an evaluation lacks the columns {', '.join(absent)}", file=named)
            table = file.read(columns=list(READ), use_threads=False)
    except KeyError as error:  # PyArrow's, for a name to be read as a dictionary
        name = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise UserError(f"an evaluation lacks the column {name}", file=named) from None
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"can't read an evaluation: {error}", file=named) from None
    value = pc.fill_null(pc.cast(table["value"], pa.float64()), float("nan"))
    n = pc.fill_null(table["n"], 0)
    table = table.set_column(table.schema.get_field_index("value"), "value", value)
    table = table.set_column(table.schema.get_field_index("n"), "n", n)
    # A missing value is null or NaN; neither it nor its n may enter a mean.
    there = pc.and_(pc.is_finite(value), pc.greater(n, 0))
    for name, wanted in kept.items():
        there = pc.and_(there, pc.equal(table[name], wanted))
    return table.filter(there).combine_chunks()


Coded = tuple[np.ndarray, np.ndarray]


def _codes(column: pa.ChunkedArray, named: str | None) -> Coded:
    """(rows,) codes and the names they stand for."""
    if column.null_count:
        raise UserError("an evaluation has rows without a name of their subject, action or condition", file=named)
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
