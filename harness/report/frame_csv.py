"""A frame of millions of rows as CSV: the text that pandas would write, ten times faster."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_ROWS = 1_000_000
"""Rows joined at once."""
_NOTHING, _COMMA, _END, _OF_WHOLE = (pa.scalar(text, pa.large_string()) for text in ("", ",", "\n", ".0"))


def frame_csv(frame: pd.DataFrame) -> bytes:
    """A header and a line a row, as ``frame.to_csv(index=False, lineterminator="\\n")`` in UTF-8.

    Args:
        frame: two columns or more, of text, categories, whole numbers or floats.
    """
    head = ",".join(_quoted(str(name)) for name in frame.columns) + "\n"
    parts = [head.encode()]
    for begin in range(0, len(frame), _ROWS):
        rows = frame.iloc[begin : begin + _ROWS]
        *first, last = (_text(rows[name]) for name in frame.columns)
        ends = pc.binary_join_element_wise(last, _END, _NOTHING)
        parts.append(_content(pc.binary_join_element_wise(*first, ends, _COMMA)))
    return b"".join(parts)


def _content(lines: pa.Array) -> bytes:
    """The lines' text as it lies in memory, one behind the other."""
    offsets = np.frombuffer(lines.buffers()[1], np.int64, len(lines) + 1, 8 * lines.offset)
    return lines.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0])).to_pybytes()


def _text(column: pd.Series) -> pa.Array:
    """(rows,) what stands in the column's place of each line."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = pa.array([*(_quoted(str(name)) for name in column.cat.categories), ""], pa.large_string())
        codes = column.cat.codes.to_numpy().astype(np.int64)
        return names.take(pa.array(np.where(codes < 0, len(names) - 1, codes)))
    values = column.to_numpy()
    if values.dtype.kind == "f":
        return _floats(values.astype(float))
    if values.dtype.kind in "iu":
        return pc.cast(pa.array(values), pa.large_string())
    return _text(column.astype("category"))


def _floats(values: np.ndarray) -> pa.Array:
    """Python's shortest form, which Arrow's is but for whole, tiny and huge numbers; nothing for NaN."""
    size = np.abs(values)
    whole = (values == np.round(values)) & (size < 1e15) & ~((values == 0) & np.signbit(values))
    shortest = pc.cast(pa.array(values), pa.large_string())
    digits = pc.cast(pa.array(np.where(whole, values, 0.0).astype(np.int64)), pa.large_string())
    text = pc.if_else(pa.array(whole), pc.binary_join_element_wise(digits, _OF_WHOLE, _NOTHING), shortest)
    other = ~whole & ~((size >= 1e-3) & (size < 1e9))
    if other.any():
        own = [repr(value) if value == value else "" for value in values[other].tolist()]
        text = pc.replace_with_mask(text, pa.array(other), pa.array(own, pa.large_string()))
    return text


def _quoted(name: str) -> str:
    """As a CSV writer quotes it in the middle of a line."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(["", name])
    return line.getvalue()[1:-1]
