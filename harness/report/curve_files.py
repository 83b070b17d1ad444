"""Validation curves of runs, read when they are asked for: a figure shows a few arms of a thousand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def read_curves(path: Path) -> pa.Table:
    """All curves of a `curves.parquet`: columns name, step and value."""
    with pq.ParquetFile(path) as file:  # `read_table` finds out first whether it is a folder of files
        return file.read(columns=["name", "step", "value"], use_threads=False)


def read_curve(path: Path, name: str = "val_mpjpe") -> np.ndarray:
    """(points, 2) of step and value of one curve of a `curves.parquet`, by step; empty if it isn't there."""
    table = read_curves(path)
    table = table.filter(pc.equal(table["name"], name))
    points = np.column_stack([table["step"].to_numpy(), table["value"].to_numpy()]).astype(float)
    return points[np.argsort(points[:, 0], kind="stable")]


class Curves(Mapping[str, np.ndarray]):
    """run_id → its validation curve, see `read_curve`; each is read once.

    Args:
        files: run_id → the file of all its curves.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._read: dict[str, np.ndarray] = {}

    def __getitem__(self, run_id: str) -> np.ndarray:
        if run_id not in self._read:
            self._read[run_id] = read_curve(self._files[run_id])
        return self._read[run_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
