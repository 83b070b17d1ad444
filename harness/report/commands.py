"""Beside each cell the command that does the runs behind it again: `repose rerun`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from harness.report.evidence import STEPS
from harness.report.selection import listed
from harness.report.table import Recipe, Row, Table
from harness.spec import shipped
from harness.spec.choose import ABSENT

KINDS = ("mean", "difference", "new_subjects", "gap")
"""Of tables each of whose cells stands for some of the runs."""


def commanded(table: Table, spec: Any) -> Table:
    """The table with a command in each cell that holds a number, and a sentence that shows the first one.

    A comparison of several specs, and a table whose cells are no arms', is left as it is.
    """
    if table.recipe is None or table.recipe.kind not in KINDS or not getattr(spec, "path", None):
        return table
    labels = [run.labels for run in spec.runs]
    axes = {axis for one in labels for axis in one if axis != "seed"} | {STEPS}
    without = _lacking(labels, table.recipe.baseline)
    head = [
        "repose",
        "rerun",
        _name(spec),
        *(word for given in getattr(spec, "overrides", ()) for word in ("-o", given)),
    ]
    rows = [
        replace(
            row,
            cells=tuple(
                replace(cell, again="" if cell.missing or not cell.numbers else _command(head, where))
                for cell, where in zip(row.cells, _wheres(table.recipe, row, axes, without), strict=True)
            ),
        )
        for row in table.rows
    ]
    first = next((cell.again for row in rows for cell in row.cells if cell.again), "")
    said = f"To do the runs behind a cell again (here the first; on the page press another): {first}"
    return replace(table, rows=tuple(rows), again=said if first else "")


def _command(head: list[str], where: Mapping[str, list[str]]) -> str:
    words = [word for axis, values in where.items() for word in ("--where", f"{axis}={','.join(values)}")]
    return " ".join(map(_quoted, [*head, *words]))


_quoted = lru_cache(maxsize=4096)(shlex.quote)
"""A table's commands are made of the same few words."""


def _wheres(recipe: Recipe, row: Row, axes: Collection[str], without: Collection[str]) -> list[dict[str, list[str]]]:
    """Of each cell of a row: axis → values of the runs behind it, those of the baseline among them."""
    keys = {
        axis: value.split(" → ") if axis == STEPS else [value] for axis, value in zip(recipe.rows, row.raw, strict=True)
    }
    found = []
    for column in recipe.columns:
        where = {**{axis: list(listed(value)) for axis, value in column.items()}, **keys}
        for axis, value in recipe.baseline.items():
            if value not in where.setdefault(axis, [value]):
                where[axis].append(value)
        for axis in set(where) & set(without) if recipe.baseline else ():
            if ABSENT not in where[axis]:
                where[axis] = [*where[axis], ABSENT]
        found.append({axis: values for axis, values in where.items() if axis in axes})
    return found


def _lacking(labels: list[Mapping[str, str]], baseline: Mapping[str, str]) -> set[str]:
    """Axes that arms of the baseline don't have."""
    base = [one for one in labels if all(one.get(axis, value) == value for axis, value in baseline.items())]
    return {axis for one in base for axis, value in one.items() if value == ABSENT}


def _name(spec: Any) -> str:
    """What a reader types for the spec: the name of a shipped one, else its file."""
    path = shipped.names().get(spec.name)
    return spec.name if path is not None and path.resolve() == spec.path.resolve() else spec.path.name
