"""What a table is before anyone prints it: keys, headed columns, cells whose numbers are already text.

Every renderer prints the same strings, so the same number can't look different in two files.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: as read by a person, e.g. ``104.2 ± 1.3 (5)``.
        numbers: name → the same numbers apart, for CSV; empty where the cell is.
        bold: the best of its column.
        mark: a footnote sign after the text.
        missing: the runs behind it were planned but left nothing.
        again: the command that does the runs behind it again; empty where there is none.
    """

    text: str
    numbers: dict[str, str] = field(default_factory=dict)
    bold: bool = False
    mark: str = ""
    missing: bool = False
    again: str = ""


@dataclass(frozen=True)
class Row:
    """One row: the values of the table's keys, the cells, and a sign after the key number ``marked``.

    ``raw`` holds the keys as the records have them, where other words for them are printed. Neighbours of
    one ``band`` stand under its name, which then is none of the keys; "" is none.
    """

    keys: tuple[str, ...]
    cells: tuple[Cell, ...]
    mark: str = ""
    marked: int = 0
    raw: tuple[str, ...] = ()
    band: str = ""

    def __post_init__(self) -> None:
        if not self.raw:
            object.__setattr__(self, "raw", self.keys)

    @property
    def shown(self) -> list[str]:
        """The keys as read by a person."""
        return [key + self.mark * (i == self.marked) for i, key in enumerate(self.keys)]


@dataclass(frozen=True)
class Recipe:
    """What the numbers of a table are, in words of the records: enough to compute each of them anew.

    Attributes:
        kind: ``mean``, ``difference``, ``gap``, …: what a cell is.
        rows: axis or dimension of each key column; the rows' ``raw`` keys are its values.
        columns: of each column, dimension or axis → its value, or the list of values averaged over; also
            ``mean``: which mean of a run (``value``, ``per_action``, ``per_frame``).
        baseline: axis → value of the arms that differences are taken to.
        steps: place of each column in the order in which an arm's columns are tested, columns that differ in more
            than the test level apart; empty where all tests of the table are corrected together.
    """

    kind: str
    rows: tuple[str, ...]
    columns: tuple[Mapping[str, Any], ...]
    baseline: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[int, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table, ready to be printed.

    Attributes:
        name: stem of its files.
        title: one line, with the metric and its unit.
        keys: heads of the key columns.
        columns: (group, label) of each column; neighbours of one group share a head, "" has none.
        notes: footnotes, one sentence or more each.
        recipe: what the cells are; None for a table that isn't computed from runs (published numbers, claims).
        kind: ``measured``, or ``published``: numbers that others printed.
        again: how the runs behind a cell are done again; for readers of a screen, not of a paper.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    recipe: Recipe | None = None
    kind: str = "measured"
    again: str = ""

    @property
    def bands(self) -> list[tuple[str, list[Row]]]:
        """Neighbouring rows under the name of their band."""
        return [(band, list(rows)) for band, rows in itertools.groupby(self.rows, key=lambda row: row.band)]

    @property
    def missing(self) -> int:
        return sum(cell.missing for row in self.rows for cell in row.cells)

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Column groups in order, each with the number of its columns."""
        spans: list[tuple[str, int]] = []
        for group, _ in self.columns:
            if spans and spans[-1][0] == group:
                spans[-1] = (group, spans[-1][1] + 1)
            else:
                spans.append((group, 1))
        return spans


def number(value: float, decimals: int, *, signed: bool = False) -> str:
    """``value`` with fixed decimals; a value that rounds to zero has no minus sign."""
    text = f"{value:{'+' if signed else ''}.{decimals}f}"
    if float(text) == 0:
        text = text.replace("-", "+" if signed else "")
    return text


def p_text(p: float) -> str:
    """A p-value to three decimals, or ``<0.001``."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def three_digits(value: float) -> str:
    """Three digits that count, no more, of what a machine's mood changes anyway."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
