"""Each format of each table read back and held against ``report.json``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.report.verify import printed
from harness.report.verify.ledger import Ledger

KIND = "formats"
FLAGS = ("text", "best", "mark", "missing")
Table = Mapping[str, Any]


def check(ledger: Ledger, folder: Path, table: Table, *, place: str = "tables") -> None:
    """Compare the five files of a table, which stand in the folder ``place``."""
    for suffix, read in {
        "json": _json,
        "csv": _csv,
        "parquet": _parquet,
        "md": printed.markdown,
        "tex": printed.latex,
    }.items():
        file = f"{place}/{table['name']}.{suffix}"
        try:
            content = (folder / file).read_bytes()
        except OSError as error:
            ledger.same(KIND, file, "the file", "readable", error.strerror or str(error))
            continue
        try:
            read(ledger, file, content, table)
        except (ValueError, KeyError, IndexError, pa.ArrowException) as error:
            ledger.same(KIND, file, "the file", "as a report writes it", f"unreadable ({error})")


def runs(ledger: Ledger, file: str, plain: pd.DataFrame, typed: pd.DataFrame) -> None:
    """Compare `runs.parquet` with `runs.csv`, value by value."""
    ledger.same(KIND, file, "columns", list(plain.columns), list(typed.columns))
    if not ledger.same(KIND, file, "rows", len(plain), len(typed)):
        return
    for name in (name for name in plain if name in typed):
        number = pd.api.types.is_numeric_dtype(typed[name])
        ours = pd.to_numeric(plain[name], errors="coerce") if number else plain[name]
        differ = (ours.to_numpy() != typed[name].to_numpy()).nonzero()[0]
        ledger.counts[KIND] += len(typed) - len(differ)
        for i in differ:
            ledger.same(KIND, file, f"row {i + 1}, {name}", plain[name].iloc[i], str(typed[name].iloc[i]))


def _json(ledger: Ledger, file: str, content: bytes, table: Table) -> None:
    _nested(ledger, file, "", table, json.loads(content))


def _nested(ledger: Ledger, file: str, place: str, expected: Any, found: Any) -> None:
    """Compare plain data leaf by leaf, so that a mismatch names its place."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and set(expected) == set(found):
        for name, value in expected.items():
            _nested(ledger, file, f"{place}.{name}".lstrip("."), value, found[name])
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for i, value in enumerate(expected):
            _nested(ledger, file, f"{place}[{i}]", value, found[i])
    else:
        ledger.same(KIND, file, place, expected, found)


def _cells(table: Table) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Name of each cell, its row and itself."""
    for row in table["rows"]:
        for column, cell in zip(table["columns"], row["cells"], strict=True):
            yield f"{' · '.join(row['keys'])}, {' '.join(filter(None, column.values()))}", row, cell


def _csv(ledger: Ledger, file: str, content: bytes, table: Table) -> None:
    lines = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    _lines(ledger, file, lines, table)


def _parquet(ledger: Ledger, file: str, content: bytes, table: Table) -> None:
    _lines(ledger, file, pq.read_table(pa.BufferReader(content)).to_pylist(), table)


def _lines(ledger: Ledger, file: str, lines: list[dict[str, Any]], table: Table) -> None:
    cells = list(_cells(table))
    if not ledger.same(KIND, file, "lines", len(cells), len(lines)):
        return
    columns = table["columns"] * len(table["rows"])
    own = {*table["keys"], "column_group", "column", "band", *FLAGS}
    for (name, row, cell), column, line in zip(cells, columns, lines, strict=True):
        keys = dict(zip(table["keys"], row["keys"], strict=True))
        heads = {**keys, "column_group": column["group"], "column": column["label"]}
        banded = {"band": row["band"]} if "band" in line else {}
        ledger.same(KIND, file, f"{name}, a band", bool(row["band"]), bool(line.get("band")))
        for what, value in {**banded, **heads, "text": cell["text"], "mark": row["mark"] + cell["mark"]}.items():
            ledger.same(KIND, file, f"{name}, {what}", value, line[what])
        for what in ("best", "missing"):
            ledger.same(KIND, file, f"{name}, {what}", int(cell[what]), int(line[what]))
        told = {what: value for what, value in line.items() if what not in own and value not in (None, "")}
        for what in {**cell["numbers"], **told}:
            _number(ledger, file, f"{name}, {what}", cell["numbers"].get(what), told.get(what))


def _number(ledger: Ledger, file: str, name: str, expected: Any, found: Any) -> None:
    try:
        same = float(expected) == float(found)
    except (TypeError, ValueError):
        same = expected == found
    ledger.same(KIND, file, name, expected, expected if same else found)
