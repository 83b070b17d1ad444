"""An evaluation file's means, kept in its own footer: a report of thousands of runs reads them in place of the rows.

The rows stay what counts: whoever reads the file sees all of them, and a report's verification computes from them. The
means are those that `harness.metrics.scored.score` finds in the file, to the bit. They are believed as long as the
footer's own figures (how many rows, the least and greatest value and n) are those of the rows they were taken from.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import UserError
from harness.metrics.footers import footer, has_bounds, has_rows, kept_under
from harness.metrics.scored import DIMENSIONS, Scored, score

KEY = b"repose.scores"
VERSION = 1
KEPT = {"joint": "all"}
"""The rows whose means are kept: of whole poses."""
_NAMES = b', "names": '  # which thousands of files have in common, behind what differs
_NUMBERS = (("cells", "<i8"), ("n", "<i8"), ("per_action", "<f8"), ("per_frame", "<f8"), ("means", "<f8"))


def with_scores(content: bytes) -> bytes:
    """An evaluation as a parquet file, with its means; unchanged where they can't be had."""
    try:
        found = score(pa.BufferReader(content), DIMENSIONS, KEPT)
    except UserError:
        return content  # whoever reads it is told what is wrong with it
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        table, marks = file.read(), _marks(file.metadata)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: _packed(found, marks)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def kept_scores(file: str | Path) -> Scored | None:
    """The means that a file keeps; None where it keeps none, or others than those of its rows."""
    found = footer(file)
    packed = kept_under(KEY, found)
    quick = None if packed is None else _unpacked(packed, lambda marks: _told(marks, found))
    return quick or _kept_slowly(file)


def _kept_slowly(file: str | Path) -> Scored | None:
    """The same by PyArrow, whoever wrote the file."""
    try:
        # A path's file system isn't looked for: it takes as long as the footer itself.
        with pa.OSFile(os.fspath(file)) as opened, pq.ParquetFile(opened) as whole:
            metadata = whole.metadata
    except (OSError, pa.ArrowException):
        return None
    packed = (metadata.metadata or {}).get(KEY)
    return None if packed is None else _unpacked(packed, lambda marks: marks == _marks(metadata))


def _told(marks: list[Any], found: bytes) -> bool:
    """Whether a footer of a single group of rows tells these marks; False says nothing."""
    if len(marks) != 5 or None in marks:
        return False
    rows, *(low, high, least, most) = marks
    return has_rows(rows, found) and has_bounds(low, high, found) and has_bounds(least, most, found)


def _marks(metadata: Any) -> list[Any]:
    """What the footer itself tells of the rows."""
    found: list[Any] = [metadata.num_rows]
    at = {name: i for i, name in enumerate(metadata.schema.names)}
    for group in range(metadata.num_row_groups):
        for name in ("value", "n"):
            told = metadata.row_group(group).column(at[name]).statistics if name in at else None
            found += [told.min, told.max] if told is not None and told.has_min_max else [None, None]
    return found


def _packed(found: Scored, marks: list[Any]) -> bytes:
    head = {  # in the order that `_unpacked` reads
        "version": VERSION,
        "marks": marks,
        "names": {name: list(values) for name, values in found.names.items()},
        "subjects": list(found.subjects),
    }
    body = b"".join(np.ascontiguousarray(getattr(found, name), kind).tobytes() for name, kind in _NUMBERS)
    return json.dumps(head, ensure_ascii=False).encode() + b"\n" + base64.b64encode(body)


def _unpacked(packed: bytes, told: Callable[[list[Any]], bool]) -> Scored | None:
    """``told``: whether these marks are those of the rows."""
    first, _, rest = packed.partition(b"\n")
    about, _, names_of = first.partition(_NAMES)
    if not names_of:
        return None
    head = json.loads(about + b"}")
    if head.get("version") != VERSION or not told(head["marks"]):
        return None
    names, subjects = _named(names_of)
    body, begin = base64.b64decode(rest), 0
    cells = len(body) // (8 * (len(_NUMBERS) - 1 + len(subjects)))
    numbers = {}
    for name, kind in _NUMBERS:
        count = cells * len(subjects) if name == "means" else cells
        numbers[name] = np.frombuffer(body, kind, count, begin)
        begin += 8 * count
    means = numbers.pop("means").reshape(cells, len(subjects))
    return Scored(names=names, subjects=subjects, means=means, **numbers)


@lru_cache(maxsize=256)
def _named(names_of: bytes) -> tuple[Mapping[str, np.ndarray], np.ndarray]:
    """Names of each dimension, and of the subjects, from the end of a head."""
    told = json.loads(b'{"names": ' + names_of)
    names = {name: np.array(values, dtype=object) for name, values in told["names"].items()}
    return MappingProxyType(names), np.array(told["subjects"], dtype=object)
