"""A report on disk: written beside its place, then moved there file by file, the page last."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UserError
from harness.report.page import GENERATOR

PAGE, DATA = "report.html", "report.json"
RUNS, RUNS_TYPED, SUBJECTS = "runs.csv", "runs.parquet", "subjects.parquet"
_TABLE = ("md", "tex", "csv", "json", "parquet")
_SUFFIXES = {"tables": _TABLE, "machine": _TABLE, "figures": ("svg", "pdf")}


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write ``files`` (relative path → text or bytes) into ``folder``; what an earlier report left over is removed.

    Readers see the old files or the new ones, never half a file. Files that no report wrote stay.

    Raises:
        UserError: the folder can't be written.
    """
    scratch = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
        for name, content in files.items():
            part = scratch / name
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content.encode() if isinstance(content, str) else content)
        _remove_stale(folder, files)
        for name in sorted(files, key=lambda name: name == PAGE):
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(scratch / name, folder / name)
    except OSError as error:
        raise UserError(f"the output folder can't be written: {error.strerror or error}", file=str(folder)) from None
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder / PAGE


def check(folder: Path) -> None:
    """See that `put` can write ``folder``, before hours are spent on what it would write; leaves nothing behind.

    Raises:
        UserError: something else stands in the way, or the folder can't be written.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    try:
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=there):
            pass
    except OSError as error:
        raise UserError(f"the output folder can't be written: {error.strerror or error}", file=str(folder)) from None


def _remove_stale(folder: Path, files: Mapping[str, str | bytes]) -> None:
    page = folder / PAGE
    # Only where the page says that a report of ours wrote the folder.
    if not page.is_file() or f'content="{GENERATOR}"' not in page.read_text(encoding="utf-8", errors="replace")[:2000]:
        return
    for part, suffix in ((part, suffix) for part, known in _SUFFIXES.items() for suffix in known):
        for path in folder.glob(f"{part}/*.{suffix}"):
            if str(path.relative_to(folder)) not in files:
                path.unlink()
