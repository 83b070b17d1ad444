"""Records written into a sqlite store by SQL, as MLflow's client would write them: to the row, in a tenth of its time.

MLflow takes seconds to import, and for each write some dozen statements in up to four transactions. Here each write
is one transaction of a few statements on MLflow's own tables, if their schema is the one that is known
(`sql.REVISION`). What isn't plain (a record that isn't there, a value that is too long) is undone and left to MLflow's
client, whose answer or refusal then counts; so is any other store. Only what two owners contest, a name or a parameter,
is refused here. A test holds the rows of both against each other.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.tracking import sql, store
from harness.tracking.patience import Refused
from harness.tracking.writing import NAME, NotPlain, Point, add_points, plain, plain_pairs, set_params, set_tags

_PATIENCE = 20.0
"""Seconds for which a locked file is waited for, as MLflow does."""
_PLACE = re.compile(r"/[/\w.\-]{0,255}", re.ASCII)


@dataclass(frozen=True)
class Info:
    """What the client tells of a new record."""

    run_id: str
    artifact_uri: str


@dataclass(frozen=True)
class Made:
    """A new record."""

    info: Info


@dataclass(frozen=True)
class Experiment:
    """What the client tells of an experiment."""

    experiment_id: str
    lifecycle_stage: str
    tags: dict[str, str] = field(default_factory=dict)


def client(uri: str) -> Any:
    """Who writes to this store: `Direct` for a file of the schema that is known here, else MLflow's client.

    Raises:
        UserError: the store's schema is another MLflow version's.
    """
    file = store.sqlite_path(uri)
    if file is None:
        return store.client(uri)
    writer = _writer(uri, os.getpid())  # a fork must not use what its parent opened
    return writer if writer.fit() else store.client(uri)


def preload(uri: str | None = None) -> None:
    """Import MLflow where `client` will need it, so that the first run doesn't wait for it; without ``uri`` anyway."""
    if uri is None or store.sqlite_path(uri) is None:
        store.preload(uri)


def log_batch(
    to: Any, mlflow_id: str, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]
) -> None:
    """Points, parameters and tags of one record through a `client`; what is there already stays as it is."""
    if isinstance(to, Direct):
        to.log_batch(mlflow_id, points, params, tags)
        return
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(*point) for point in points]
    pairs = [Param(*pair) for pair in params.items()], [RunTag(*pair) for pair in tags.items()]
    to.log_batch(mlflow_id, metrics, *pairs, synchronous=True)


@lru_cache(maxsize=8)
def _writer(uri: str, process: int) -> Direct:
    return Direct(uri, Path(uri.removeprefix("sqlite:///")))


class Direct:
    """As much of MLflow's client as keeps records, on a sqlite file; the rest of it, too, but through MLflow.

    Any thread may call. Failures of the file are sqlite's own exceptions (see `patience.passing`).
    """

    def __init__(self, uri: str, file: Path) -> None:
        self._uri, self._file = uri, file
        self._lock = threading.RLock()
        self._open: sqlite3.Connection | None = None
        self._place: tuple[int, int] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(store.client(self._uri), name)

    def fit(self) -> bool:
        """Whether the file is there and has the schema that is known here. One that was there before is waited for."""
        with self._lock:
            try:
                found = self._file.stat()
            except OSError as error:
                if self._open is None:
                    return False
                raise sqlite3.OperationalError(f"unable to open database file: {error}") from None
            if self._open is not None and self._place == (found.st_dev, found.st_ino):
                return True
            self._close()
            try:
                with sql.reading(self._file) as connection:
                    if connection is None:
                        return False
            except UserError:  # it can't be read: MLflow's client says so in the way that is waited for, or not
                return False
            self._open = sqlite3.connect(self._file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            # With write-ahead logging a power failure can't break a file that doesn't wait for the disk. It may undo
            # the last writes: the runs they speak of died with it, or are done again.
            self._open.execute("PRAGMA synchronous=NORMAL")
            self._open.execute("PRAGMA foreign_keys=ON")
            self._place = (found.st_dev, found.st_ino)
            return True

    def get_experiment_by_name(self, name: str) -> Any:
        """The experiment called so, a deleted one too; None if there's none."""
        try:
            with self._transaction(write=False) as connection:
                found = connection.execute(
                    "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ? AND workspace = 'default'",
                    (name,),
                ).fetchone()
                if found is None:
                    return None
                pairs = connection.execute("SELECT key, value FROM experiment_tags WHERE experiment_id = ?", found[:1])
                return Experiment(str(found[0]), found[1], dict(pairs))
        except NotPlain:
            return store.client(self._uri).get_experiment_by_name(name)

    def create_experiment(self, name: str, artifact_location: str, tags: Mapping[str, str] | None = None) -> str:
        """A new experiment, with its tags in one transaction; its id. Raises `Refused`: there's one called so."""
        try:
            plain(bool(name) and len(name) <= 250 and _PLACE.fullmatch(artifact_location) is not None)
            plain_pairs(tags or {}, "tag")
            now = int(time.time() * 1000)
            with self._transaction() as connection:
                row = (name, artifact_location, "active", now, now, "default")
                made = connection.execute(
                    "INSERT INTO experiments"
                    " (name, artifact_location, lifecycle_stage, creation_time, last_update_time, workspace)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                ).lastrowid
                connection.executemany(
                    "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)",
                    [(*pair, made) for pair in (tags or {}).items()],
                )
            return str(made)
        except sqlite3.IntegrityError as error:
            raise Refused("RESOURCE_ALREADY_EXISTS", f"there is an experiment '{name}' already: {error}") from None
        except NotPlain:
            return store.client(self._uri).create_experiment(name, artifact_location, tags=dict(tags or {}))

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, str] | None = None,
        run_name: str | None = None,
    ) -> Any:
        """A new record, RUNNING, with its tags in one transaction."""
        tags, begun = dict(tags or {}), start_time or int(time.time() * 1000)
        try:
            plain(bool(run_name) and len(run_name or "") <= 250)
            plain_pairs(tags, "tag")
            mlflow_id = uuid.uuid4().hex
            with self._transaction() as connection:
                found = connection.execute(
                    "SELECT artifact_location, lifecycle_stage FROM experiments WHERE experiment_id = ?",
                    (int(experiment_id),),
                ).fetchone()
                plain(found is not None and found[1] == "active" and _PLACE.fullmatch(found[0] or "") is not None)
                place = posixpath.join(found[0], mlflow_id, "artifacts")
                row = (mlflow_id, run_name, "UNKNOWN", tags.get("mlflow.user", "unknown"), "RUNNING", begun, "active")
                connection.execute(
                    "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,"
                    " start_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
                    " VALUES (?, ?, ?, '', '', ?, ?, ?, '', ?, ?, ?)",
                    (*row, place, int(experiment_id)),
                )
                set_tags(connection, mlflow_id, tags)
                connection.execute(
                    "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", (NAME, run_name, mlflow_id)
                )
            return Made(Info(mlflow_id, place))
        except (NotPlain, sqlite3.IntegrityError):
            return store.client(self._uri).create_run(experiment_id, start_time, tags, run_name)

    def log_param(self, run_id: str, key: str, value: str, synchronous: bool | None = None) -> Any:
        """A parameter. Raises `Refused`: it's there with another value."""
        try:
            with self._of(run_id) as connection:
                if differing := set_params(connection, run_id, {key: value}):
                    raise Refused("INVALID_PARAMETER_VALUE", f"{differing} of {run_id} was already logged")
            return value
        except (NotPlain, sqlite3.IntegrityError):
            return store.client(self._uri).log_param(run_id, key, value, synchronous=synchronous)

    def log_batch(
        self, run_id: str, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """All of it in one transaction."""
        try:
            plain(len(points) + len(params) + len(tags) <= 1000 and len(params) <= 100 and len(tags) <= 100)
            with self._of(run_id) as connection:
                plain(not set_params(connection, run_id, params))
                add_points(connection, run_id, points)
                set_tags(connection, run_id, tags)
        except (NotPlain, sqlite3.IntegrityError):
            log_batch(store.client(self._uri), run_id, points, params, tags)

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """A tag, in place of one of that name."""
        try:
            with self._of(run_id) as connection:
                set_tags(connection, run_id, {key: value})
        except (NotPlain, sqlite3.IntegrityError):
            store.client(self._uri).set_tag(run_id, key, value)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag."""
        try:
            with self._of(run_id) as connection:
                gone = connection.execute("DELETE FROM tags WHERE run_uuid = ? AND key = ?", (run_id, key))
                plain(gone.rowcount == 1)
        except NotPlain:
            store.client(self._uri).delete_tag(run_id, key)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """Say how a record ended, and when."""
        ended = end_time or int(time.time() * 1000)
        try:
            with self._of(run_id) as connection:
                connection.execute(
                    "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?", (status or "FINISHED", ended, run_id)
                )
        except (NotPlain, sqlite3.IntegrityError):
            store.client(self._uri).set_terminated(run_id, status, ended)

    def delete_run(self, run_id: str) -> None:
        """Mark a record as deleted, of which nothing else in the store speaks."""
        try:
            with self._of(run_id) as connection:
                connection.execute(
                    "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ? WHERE run_uuid = ?",
                    (int(time.time() * 1000), run_id),
                )
        except NotPlain:
            store.client(self._uri).delete_run(run_id)

    @contextlib.contextmanager
    def _of(self, run_id: str) -> Iterator[sqlite3.Connection]:
        """A transaction on one record, which must be there and not deleted."""
        with self._transaction() as connection:
            found = connection.execute("SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
            plain(found == ("active",))
            yield connection

    @contextlib.contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """All of what is done within, or nothing."""
        with self._lock:
            if not self.fit() or self._open is None:
                raise NotPlain
            connection = self._open
            # A writer takes its turn at once: one that read first may find another ahead of it, and would fail.
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                raise

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = self._place = None
