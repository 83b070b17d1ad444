"""A frame of millions of rows as CSV: the text that pandas would write, ten times faster."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_ROWS = 50_000
"""Rows joined at once: few enough for their text to lie in memory that is at hand already."""
_TOGETHER = 50_000
"""Combinations of names whose text is joined once, however many rows have it."""
_NOTHING, _COMMA, _END, _OF_WHOLE = (pa.scalar(text, pa.large_string()) for text in ("", ",", "\n", ".0"))
Names = tuple[np.ndarray, list[str]]
"""(rows,) codes, and the text of each."""
Texts = tuple[np.ndarray, pa.Array]
"""The same, the texts as Arrow has them."""


def frame_csv(frame: pd.DataFrame) -> bytes:
    """A header and a line a row, as ``frame.to_csv(index=False, lineterminator="\\n")`` in UTF-8.

    Args:
        frame: two columns or more, of text, categories, whole numbers or floats.
    """
    head = ",".join(_quoted(str(name)) for name in frame.columns) + "\n"
    *first, last = _columns(frame)
    texts: list[np.ndarray | Texts] = [one if isinstance(one, np.ndarray) else _texts(one) for one in first]
    texts.append(last if isinstance(last, np.ndarray) else _texts(last, end="\n"))
    parts = [head.encode()]
    for begin in range(0, len(frame), _ROWS):
        rows = slice(begin, begin + _ROWS)
        *before, ends = (_floats(one[rows]) if isinstance(one, np.ndarray) else _taken(one, rows) for one in texts)
        if isinstance(last, np.ndarray):
            ends = pc.binary_join_element_wise(ends, _END, _NOTHING)
        parts.append(_content(pc.binary_join_element_wise(*before, ends, _COMMA)))
    return b"".join(parts)


def _columns(frame: pd.DataFrame) -> list[np.ndarray | Names]:
    """What stands in a line, from left to right: floats, or the text of neighbouring columns of names at once."""
    found: list[np.ndarray | Names] = []
    for name in frame.columns:
        values = frame[name].to_numpy() if frame[name].dtype.kind == "f" else None
        if values is not None:
            found.append(values.astype(float))
            continue
        codes, texts = _names(frame[name])
        before = found[-1] if found else None
        if isinstance(before, tuple) and len(before[1]) * len(texts) <= _TOGETHER:
            joined = [f"{left},{right}" for left in before[1] for right in texts]
            found[-1] = before[0] * len(texts) + codes, joined
        else:
            found.append((codes, texts))
    return found


def _names(column: pd.Series) -> Names:
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("category")
    codes = column.cat.codes.to_numpy().astype(np.int32)
    texts = [_quoted(str(name)) for name in column.cat.categories]
    return np.where(codes < 0, len(texts), codes), [*texts, ""]


def _texts(names: Names, end: str = "") -> Texts:
    codes, texts = names
    return codes, pa.array([text + end for text in texts], pa.large_string())


def _taken(texts: Texts, rows: slice) -> pa.Array:
    codes, known = texts
    return known.take(pa.array(codes[rows]))


def _content(lines: pa.Array) -> bytes:
    """The lines' text as it lies in memory, one behind the other."""
    offsets = np.frombuffer(lines.buffers()[1], np.int64, len(lines) + 1, 8 * lines.offset)
    return lines.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0])).to_pybytes()


def _floats(values: np.ndarray) -> pa.Array:
    """(rows,) Python's shortest form, which Arrow's is but for whole, tiny and huge numbers; nothing for NaN."""
    size = np.abs(values)
    text = pc.cast(pa.array(values), pa.large_string())
    whole = (values == np.rint(values)) & (size < 1e15)
    other = ~((size >= 1e-3) & (size < 1e9))
    if whole.any():
        digits = pc.cast(pa.array(values[whole].astype(np.int64)), pa.large_string())
        text = pc.replace_with_mask(text, pa.array(whole), pc.binary_join_element_wise(digits, _OF_WHOLE, _NOTHING))
    if other.any():
        own = [repr(value) if value == value else "" for value in values[other].tolist()]
        text = pc.replace_with_mask(text, pa.array(other), pa.array(own, pa.large_string()))
    return text


def _quoted(name: str) -> str:
    """As a CSV writer quotes it in the middle of a line."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(["", name])
    return line.getvalue()[1:-1]
