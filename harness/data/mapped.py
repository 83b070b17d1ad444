"""Arrays that the runs on a node share: written once to the node's cache, mapped into memory by each.

Pages that nobody writes to are one in memory, however many processes map them, and only those that are read take any.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from harness.data import cache

Blocks = Iterable[Mapping[str, np.ndarray]]

_KEPT = 30 * 24 * 3600.0  # seconds for which arrays that nobody opens are kept


def shared(name: str, shapes: Mapping[str, tuple[int, ...]], blocks: Callable[[], Blocks]) -> dict[str, np.ndarray]:
    """Float32 arrays from the node's cache; the first process that asks for them writes them, others wait for it.

    Args:
        name: decides what is in the arrays, and so is made of all that does.
        shapes: of each array by its name.
        blocks: gives the arrays piece by piece, rows one after another.
    Returns:
        arrays on mapped files; changing them changes no file. Where the cache can't be written, arrays in memory, with
        a warning.
    """
    place = cache.folder() / "views" / name
    found = _open(place, shapes)
    if found is not None:
        return found
    try:
        with cache.locked("views"):
            found = _open(place, shapes)
            if found is None:
                _forget_the_old(place.parent)
                _write(place, shapes, blocks())
                found = _open(place, shapes)
    except OSError as error:
        found = None
        reason = f"{error.strerror}: {cache.folder()}"
        warnings.warn(f"each run keeps its own copy of the data in memory ({reason})", RuntimeWarning, stacklevel=2)
    return in_memory(shapes, blocks()) if found is None else found


def in_memory(shapes: Mapping[str, tuple[int, ...]], blocks: Blocks) -> dict[str, np.ndarray]:
    """The same arrays without a file."""
    found = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
    done = 0
    for block in blocks:
        rows = {len(part) for part in block.values()}
        for name, part in block.items():
            found[name][done : done + len(part)] = part
        done += rows.pop()
    return found


def _open(place: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray] | None:
    """The arrays, or None where they aren't there or aren't whole."""
    try:
        found = {name: np.load(place / f"{name}.npy", mmap_mode="c") for name in shapes}
    except (OSError, ValueError, EOFError):
        return None
    if any(found[name].shape != shape or found[name].dtype != np.float32 for name, shape in shapes.items()):
        return None
    with contextlib.suppress(OSError):
        os.utime(place)
    return found


def _write(place: Path, shapes: Mapping[str, tuple[int, ...]], blocks: Blocks) -> None:
    part = place.with_name(f".{place.name}.{socket.gethostname()}.{os.getpid()}")
    part.mkdir(parents=True)
    try:
        with contextlib.ExitStack() as stack:
            files = {name: stack.enter_context(open(part / f"{name}.npy", "wb")) for name in shapes}
            for name, shape in shapes.items():
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(files[name], header)
            for block in blocks:
                for name, values in block.items():
                    files[name].write(np.ascontiguousarray(values, dtype="<f4").data)
            for file in files.values():
                file.flush()
                os.fsync(file.fileno())
        shutil.rmtree(place, ignore_errors=True)  # not whole, or it would have been opened
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _forget_the_old(home: Path) -> None:
    """Remove arrays unused for long, and what a process that was killed left half-written."""
    if not home.is_dir():
        return
    for entry in home.iterdir():
        with contextlib.suppress(OSError):
            half_written = entry.name.startswith(".")
            if half_written or time.time() - entry.stat().st_mtime > _KEPT:
                shutil.rmtree(entry, ignore_errors=True)
