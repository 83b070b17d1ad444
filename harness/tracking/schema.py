"""An empty sqlite store as MLflow makes it, kept on the node: importing MLflow and its migrations take seconds.

The first one is MLflow's own work. A copy of it stays in the node's cache (`harness.data.cache`) under MLflow's
version, and the next stores are copies of that.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from harness.data import cache
from harness.errors import UserError
from harness.tracking import sql


def copied(file: Path) -> bool:
    """Make a store that isn't there, whole or not at all; False where none of the installed MLflow is kept."""
    kept = _place()
    if file.exists() or not kept.is_file():
        return False
    with _part(file) as part:
        shutil.copyfile(kept, part)
        try:
            if not ready(part):  # of a schema that isn't known here
                return False
        except UserError:  # it isn't whole: the next store that MLflow makes takes its place
            return False
        part.replace(file)
    return True


def keep(file: Path) -> None:
    """Keep a copy of an empty store that MLflow has just made. Where the cache can't be written, none is kept."""
    kept = _place()
    with contextlib.suppress(OSError, sqlite3.OperationalError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with _part(kept) as part:
            with contextlib.closing(sqlite3.connect(file)) as made:
                made.execute("VACUUM INTO ?", (str(part),))
            with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy:
                # MLflow makes its first experiment, whose folder is the store's own, wherever there is none.
                copy.execute("DELETE FROM experiments")
                copy.execute("PRAGMA journal_mode=WAL")
            part.replace(kept)


def ready(file: Path) -> bool:
    """Whether a sqlite store has the schema and the log already: then MLflow needn't be imported to make them."""
    if not file.exists():
        return False
    with sql.reading(file) as connection:
        return connection is not None and connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def _place() -> Path:
    return cache.folder() / "stores" / f"mlflow-{version('mlflow')}.db"


@contextlib.contextmanager
def _part(file: Path) -> Iterator[Path]:
    """Where a file is written before it takes its place; gone in any case."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield part
    finally:
        for left in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm"))):
            left.unlink(missing_ok=True)
