"""The store in use: its address, whether it answers, and MLflow's client for it, kept quiet."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import http.client
import importlib
import logging
import os
import socket
import sqlite3
import sys
import urllib.error
import urllib.parse
import urllib.request
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UserError
from harness.tracking import schema, sql

if TYPE_CHECKING:
    from mlflow import MlflowClient

VARIABLE = "REPOSE_TRACKING_URI"
LIMIT = 5.0
"""Seconds a server has to answer before a sweep starts."""
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


class Unanswered(UserError, ConnectionError):
    """Nobody answers at the store's address, or what does answer can't: it may help to wait."""


def resolve(uri: str | None = None) -> str:
    """The store's address, absolute: the argument, else ``REPOSE_TRACKING_URI``, else a file in ``runs/``.

    Raises:
        UserError: an address MLflow has no store for.
    """
    given = uri or os.environ.get(VARIABLE)
    if not given:
        return f"sqlite:///{Path.cwd() / 'runs' / 'mlflow.db'}"
    scheme = given.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        path = given.partition(":///")[2]
        if not path:
            raise UserError(f"'{given}' names no file; expected sqlite:///path/to/file.db", key="tracking.uri")
        return f"sqlite:///{Path(path).absolute()}"
    if scheme not in ("http", "https", *_PORTS):
        raise UserError(
            f"can't track to '{given}'; expected sqlite:///path/to/file.db, http(s)://host:port or postgresql://…",
            key="tracking.uri",
        )
    return given.rstrip("/")


def sqlite_path(uri: str) -> Path | None:
    """The file of a resolved sqlite address, else None."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def artifact_root(uri: str) -> Path | None:
    """Folder for artifacts where the harness chooses it; None where a server does."""
    if uri.startswith("http"):
        return None
    file = sqlite_path(uri)
    return (file.parent if file else Path.cwd() / "runs") / "artifacts"


def prepare(uri: str | None = None) -> str:
    """Make the store ready before workers start, and return its resolved address.

    Makes the folders, MLflow's own schema and write-ahead logging for sqlite; asks a server whether it's there.

    Raises:
        UserError: nobody answers within 5 s, the folder can't be written, or the schema is another version's.
    """
    uri = check(uri)
    file = sqlite_path(uri)
    root = artifact_root(uri)
    for folder in ([file.parent] if file else []) + ([root] if root else []):
        folder.mkdir(parents=True, exist_ok=True)
    if file is None or schema.ready(file):
        return uri
    # Two processes that open a fresh store at once race in the migration: one at a time.
    with open(file.with_name(file.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if schema.copied(file) or schema.ready(file):
            return uri
        fresh = not file.exists()
        client(uri).search_experiments(max_results=1)
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        if fresh:
            schema.keep(file)
    return uri


def check(uri: str | None = None) -> str:
    """What `prepare` can find wrong without importing MLflow, within 5 s; returns the resolved address."""
    uri = resolve(uri)
    file, root = sqlite_path(uri), artifact_root(uri)
    for folder in ([file.parent] if file else []) + ([root] if root else []):
        _writable(folder)
    if file is not None and file.exists():
        with sql.reading(file):
            pass
    probe(uri)
    return uri


def probe(uri: str) -> None:
    """Ask a server whether it is there. Raises `Unanswered` after at most 5 s; files are always there."""
    if sqlite_path(uri) is not None:
        return
    try:
        parts = urllib.parse.urlsplit(uri)
        if uri.startswith("http"):
            with urllib.request.urlopen(f"{uri}/health", timeout=LIMIT):
                return
        port = parts.port or _PORTS[parts.scheme.partition("+")[0]]
        socket.create_connection((parts.hostname or "localhost", port), timeout=LIMIT).close()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise UserError(f"what answers at {_shown(uri)} is no MLflow server", key="tracking.uri") from None
        # A proxy in front may refuse the health page; only a server's own failure is one.
        if error.code >= 500:
            raise Unanswered(f"the tracking server {_shown(uri)} fails: {error}", key="tracking.uri") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise Unanswered(f"nobody answers at the tracking URI {_shown(uri)}: {reason}", key="tracking.uri") from None


def client(uri: str) -> MlflowClient:
    """MLflow's client for a resolved address; imports mlflow.

    Raises:
        UserError: the store's schema is another MLflow version's.
    """
    preload(uri)
    from mlflow.exceptions import MlflowException

    try:
        return _client(uri)
    except MlflowException as error:
        if "schema" in str(error):
            raise UserError(str(error).replace("<database_uri>", uri), key="tracking.uri") from None
        raise


@lru_cache(maxsize=8)
def _client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    file = sqlite_path(uri)
    if file is not None:
        _write_without_waiting(file)
    made = MlflowClient(tracking_uri=uri)
    if not uri.startswith("http"):
        made.search_experiments(max_results=1)  # opens the store, so that a wrong schema shows here
    return made


def preload(uri: str | None = None) -> None:
    """Import MLflow, and its SQL store unless ``uri`` is a server's, so that the first run doesn't wait for it."""
    quiet()
    needed = "mlflow" if uri is not None and uri.startswith("http") else "mlflow.store.tracking.sqlalchemy_store"
    if needed in sys.modules:
        return
    # Importing makes a million objects and next to no garbage: looking for some would be a quarter of its time.
    collects = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module(needed)
    finally:
        if collects:
            gc.enable()


def _write_without_waiting(file: Path) -> None:
    """Let sqlite not wait for the disk at each commit.

    With write-ahead logging this can't break a store. A power failure may undo its last writes; the runs they
    speak of died with it, or are done again.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connected(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            opened = connection.execute("PRAGMA database_list").fetchone()[2]
            if opened == str(file.resolve()):
                connection.execute("PRAGMA synchronous=NORMAL")

    event.listen(Engine, "connect", connected)


def quiet() -> None:
    """No telemetry, no printed links or bars, no log lines, and no retries of MLflow's own (see `patience`)."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    for name in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It logs a traceback for each statement that fails, those that are tried again included.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _writable(folder: Path) -> None:
    """Whether files can be made in a folder, or in the nearest one above it that exists; makes none that stays."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        trial = nearest / f".writable-{os.getpid()}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise UserError(f"can't write to the folder {folder}: {error.strerror}", key="tracking.uri") from None


def _shown(uri: str) -> str:
    """The address without a password."""
    try:
        parts = urllib.parse.urlsplit(uri)
    except ValueError:  # no address at all, so none with a password
        return uri
    return uri.replace(f":{parts.password}@", ":***@") if parts.password else uri
