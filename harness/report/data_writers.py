"""A table for programs: CSV and Parquet with a line a cell, JSON with everything that a table is.

All hold the strings that the page prints, or the numbers these strings read as: no format is rounded
otherwise than another. A p-value stays text, since ``<0.001`` is no number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.report import provenance, tuning, underlying
from harness.report.json_text import json_text
from harness.report.table import Cell, Recipe, Table

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.report import Report

_FLAGS = ("text", "best", "mark", "missing")
_COUNTS = ("n", "subjects", "seeds")


def comma_separated(table: Table) -> str:
    """One line a cell: keys, column group and label, the cell's numbers by name, and the cell as printed."""
    names, lines = _long(table)
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow([*_heads(table), *names, *_FLAGS])
    for keys, numbers, (shown, best, mark, missing) in lines:
        out.writerow([*keys, *(numbers.get(name, "") for name in names), shown, int(best), mark, int(missing)])
    return text.getvalue()


def parquet(table: Table) -> bytes:
    """The lines of `comma_separated`, typed: counts as integers, p-values as text, other numbers as floats."""
    names, lines = _long(table)
    heads = _heads(table)
    columns: dict[str, Any] = {
        head: pa.array([keys[i] for keys, _, _ in lines], pa.string()) for i, head in enumerate(heads)
    }
    for name in names:
        columns[name] = _typed(name, [numbers.get(name) for _, numbers, _ in lines])
    for i, (name, kind) in enumerate(zip(_FLAGS, (pa.string(), pa.bool_(), pa.string(), pa.bool_()), strict=True)):
        columns[name] = pa.array([flags[i] for _, _, flags in lines], kind)
    return _bytes(pa.table(columns))


def table_json(table: Table) -> str:
    """The table as JSON: rows of cells, each with its text and its numbers, and what the cells are made of."""
    return json_text(plain(table))


def whole(report: Report) -> str:
    """The whole report as JSON: what it says, all its tables, captions, and where the numbers come from."""
    study = tuning.identity(report.evidence.study)
    content = {
        "title": report.title,
        "spec": report.spec.name,
        "identity": report.identity,
        "summary": report.summary,
        "warnings": report.warnings,
        "claims": plain(report.claims) if report.claims else None,
        "tables": [plain(table) for table in report.tables],
        "literature": [plain(table) for table in report.literature],
        "costs": plain(report.costs) if report.costs else None,
        **({"seeds": plain(report.spent)} if report.spent else {}),
        **({"tuning": [plain(table) for table in report.tuning], "study": study} if study else {}),
        "runs": provenance.runs(report.evidence),
        "tested": underlying.tested(report.evidence),
        "figures": {
            name: {
                "caption": figure.caption,
                "svg": underlying.digest(figure.svg),
                "pdf": underlying.digest(figure.pdf),
            }
            for name, figure in report.figures.items()
        },
        "not_drawn": dict(report.figures.lacking),
        "clips": underlying.digest(report.player) if report.player else None,
    }
    return json_text(content)


def frame_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as Parquet, its names as plain text."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(i, field.name, table[i].cast(pa.string()))
    return _bytes(table.replace_schema_metadata(None))


def plain(table: Table) -> dict[str, Any]:
    """A table as plain data; see `table_json`."""
    rows = [
        {
            "band": row.band,
            "keys": list(row.keys),
            "raw": list(row.raw),
            "mark": row.mark,
            "marked": row.marked,
            "cells": [
                {
                    "text": cell.text,
                    "numbers": {name: _number(name, value) for name, value in _defined(cell).items()},
                    "best": cell.bold,
                    "mark": cell.mark,
                    "missing": cell.missing,
                    **({"again": cell.again} if cell.again else {}),
                }
                for cell in row.cells
            ],
        }
        for row in table.rows
    ]
    return {
        "name": table.name,
        "kind": table.kind,
        "title": table.title,
        "keys": list(table.keys),
        "columns": [{"group": group, "label": label} for group, label in table.columns],
        "rows": rows,
        "notes": list(table.notes),
        **({"again": table.again} if table.again else {}),
        "recipe": _recipe(table.recipe) if table.recipe else None,
    }


def _recipe(recipe: Recipe) -> dict[str, Any]:
    return {
        "kind": recipe.kind,
        "rows": list(recipe.rows),
        "columns": [dict(column) for column in recipe.columns],
        "baseline": dict(recipe.baseline),
        "steps": list(recipe.steps),
    }


Line = tuple[list[str], Mapping[str, str], tuple[str, bool, str, bool]]


def _banded(table: Table) -> bool:
    return any(row.band for row in table.rows)


def _heads(table: Table) -> list[str]:
    return [*(["band"] if _banded(table) else []), *table.keys, "column_group", "column"]


def _long(table: Table) -> tuple[list[str], list[Line]]:
    """Names of the numbers, and of each cell its keys, its numbers and its flags."""
    lines: list[Line] = []
    banded = _banded(table)
    for row in table.rows:
        for (group, label), cell in zip(table.columns, row.cells, strict=True):
            flags = (cell.text, cell.bold, row.mark + cell.mark, cell.missing)
            band = [row.band] if banded else []
            lines.append(([*band, *row.keys, group, label], _defined(cell), flags))
    return list(dict.fromkeys(name for _, numbers, _ in lines for name in numbers)), lines


def _defined(cell: Cell) -> dict[str, str]:
    """The cell's numbers without those that aren't defined: an absent number is absent in every format."""
    return {name: value for name, value in cell.numbers.items() if value.strip("+-").lower() not in ("nan", "inf")}


def _is_p(name: str) -> bool:
    return name == "p" or name.startswith("p_")


def _number(name: str, value: str) -> int | float | str:
    if _is_p(name):
        return value
    try:
        return int(value) if name in _COUNTS else float(value)
    except ValueError:  # a word, such as the verdict on a claim
        return value


def _typed(name: str, values: Iterable[str | None]) -> pa.Array:
    read = [None if value is None else _number(name, value) for value in values]
    kinds = {type(value) for value in read if value is not None}
    if str in kinds:
        return pa.array([None if value is None else str(value) for value in read], pa.string())
    return pa.array(read, pa.int64() if kinds == {int} else pa.float64())


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()
