"""An empty sqlite store with MLflow's tables, without MLflow: its import and its migrations take seconds.

`schema.sql` is what MLflow itself makes, written down by ``python -m harness.tracking.schema > FILE``; a test makes it
anew and compares. It belongs to one revision, `sql.REVISION`: where the installed MLflow has another one, MLflow makes
the store.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from harness.tracking.sql import REVISION

FILE = Path(__file__).with_name("schema.sql")


def make(file: Path) -> bool:
    """Make a store that isn't there, whole or not at all; False where the installed MLflow would make another one."""
    if file.exists() or not _newest_is_known():
        return False
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(part)) as connection:
            connection.executescript(f"BEGIN;\n{FILE.read_text()}\nCOMMIT;")
            connection.execute("PRAGMA journal_mode=WAL")
        part.replace(file)
    except sqlite3.Error:  # no room, perhaps: MLflow says what it is
        part.unlink(missing_ok=True)
        return False
    return True


def written_down(file: Path) -> Iterator[str]:
    """The statements that make an empty store: tables and indices, and the rows that its migrations leave."""
    with closing(sqlite3.connect(file)) as connection:
        made = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        for kind, name, statement in made.fetchall():
            yield f"{statement};"
            # MLflow makes its first experiment whenever it opens a store without one: its folder isn't known here.
            if kind == "table" and name != "experiments":
                for row in connection.execute(f'SELECT * FROM "{name}"'):
                    values = ", ".join(connection.execute("SELECT quote(?)", (value,)).fetchone()[0] for value in row)
                    yield f'INSERT INTO "{name}" VALUES ({values});'


def _newest_is_known() -> bool:
    """Whether the installed MLflow's last migration is the one that `schema.sql` ends with; reads, imports nothing."""
    found = find_spec("mlflow")
    for place in (found.submodule_search_locations or []) if found is not None else []:
        names = {file.name[: len(REVISION)]: file for file in Path(place, "store/db_migrations/versions").glob("*.py")}
        later = any(f'down_revision = "{REVISION}"' in file.read_text() for file in names.values())
        return REVISION in names and not later
    return False


def main() -> None:
    """Print what the installed MLflow makes."""
    from harness.tracking.store import client

    with tempfile.TemporaryDirectory() as folder:
        client(f"sqlite:///{folder}/mlflow.db")
        sys.stdout.writelines(f"{line}\n" for line in written_down(Path(folder, "mlflow.db")))


if __name__ == "__main__":
    main()
