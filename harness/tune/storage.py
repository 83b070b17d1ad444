"""Where Optuna keeps the history of a search: a journal file beside the store of runs, or a database by URL."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import socket
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import tracking
from harness.errors import UserError
from harness.tracking.store import LIMIT, sqlite_path

KEY = "--storage"
_PORTS = {"postgresql": 5432, "mysql": 3306}
_TRIES = 5


def place(spec: str, uri: str, storage: str | None = None) -> str:
    """Where the study of a spec is kept: ``storage`` if given, else ``studies/<spec>.log`` beside the store of runs."""
    if storage is not None:
        return storage
    file = sqlite_path(tracking.resolve(uri))
    folder = file.parent if file is not None else Path.cwd() / "runs"
    return str(folder / "studies" / f"{spec}.log")


def open_storage(where: str, *, read_only: bool = False) -> Any:
    """Optuna's storage at ``where``: a file's path, or ``postgresql://…``, ``mysql://…``, ``sqlite:///…``.

    Args:
        read_only: a file that isn't there is an error, and none is made.

    Raises:
        UserError: nobody answers within 5 s, the file can't be read or written, or the address is of no known kind.
    """
    quiet()
    if "://" in where:
        return _database(where)
    return _journal(Path(where).absolute(), read_only)


def quiet() -> None:
    """Optuna says what it does on its own log; here the harness says it."""
    import warnings

    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def _journal(file: Path, read_only: bool) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.storages.journal._file import BaseJournalFileLock

    class Lock(BaseJournalFileLock):
        """Optuna's own locks outlive a process that is killed by half a minute; the kernel's end with it."""

        def __init__(self, path: Path) -> None:
            self._path, self._held = path, -1

        def acquire(self) -> bool:
            held = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o644)
            fcntl.flock(held, fcntl.LOCK_EX)
            self._held = held
            return True

        def release(self) -> None:
            os.close(self._held)

    if read_only and not file.exists():
        raise UserError(f"there is no study at {file} yet; `repose tune SPEC` makes one", key=KEY)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(file.with_name(file.name + ".lock"))
        lock.acquire()
        try:
            _mend(file)
        finally:
            lock.release()
        return JournalStorage(JournalFileBackend(str(file), lock_obj=lock))
    except OSError as error:
        raise UserError(f"can't write the study's file {file}: {error.strerror}", key=KEY) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} isn't a study's file: {error}", key=KEY) from None


def _mend(file: Path) -> None:
    """Drop a last line that lost its end with its writer; Optuna could neither read it nor write after it.

    Raises:
        ValueError: it is no journal.
    """
    if not file.exists():
        return
    content = file.read_bytes()
    first = content.partition(b"\n")[0]
    if b"\n" in content and "op_code" not in json.loads(first):
        raise ValueError("its first line is none of Optuna's")
    if content and not content.endswith(b"\n"):
        with open(file, "rb+") as opened:
            opened.truncate(content.rfind(b"\n") + 1)


def _database(url: str) -> Any:
    from optuna.storages import RDBStorage

    scheme, waits = url.partition(":")[0].partition("+")[0], {}
    if scheme not in ("sqlite", *_PORTS):
        raise UserError(
            f"can't keep a study at '{url}'; expected a file, postgresql://…, mysql://… or sqlite:///…", key=KEY
        )
    shown = _shown(url)
    try:
        if scheme != "sqlite":
            parts = urllib.parse.urlsplit(url)
            socket.create_connection((parts.hostname or "localhost", parts.port or _PORTS[scheme]), LIMIT).close()
            waits = {"connect_timeout": int(LIMIT)}
        # A server that was started anew in the meantime has dropped its connections: asked before each use.
        options = {"pool_pre_ping": True, "connect_args": waits}
        return _with_tables(lambda: RDBStorage(driver_url(url), engine_kwargs=options))
    except (OSError, ValueError) as error:
        raise UserError(f"nobody answers at the study's storage {shown}: {error}", key=KEY) from None
    except ImportError as error:
        raise UserError(f"the study's storage {shown} needs a package that isn't there: {error}", key=KEY) from None
    except Exception as error:
        if not type(error).__module__.startswith("sqlalchemy"):
            raise
        raise UserError(f"the study's storage {shown} can't be used: {_said(error)}", key=KEY) from None


def lost(error: BaseException, where: str) -> UserError | None:
    """What to say of an error in the middle of a study, if it is that its storage no longer answers.

    Args:
        error: raised by a call of the storage.
        where: the storage, see `open_storage`.
    """
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, OSError) or type(chain).__module__.startswith("sqlalchemy"):
            message = f"the study's storage {_shown(where)} doesn't answer as it should: {_said(chain)}"
            return UserError(f"{message}; the same command goes on when it does", key=KEY)
        chain = chain.__cause__
    return None


@contextmanager
def answering(where: str) -> Iterator[None]:
    """Around calls that ask a storage: what went wrong with it, in a line. Raises UserError."""
    try:
        yield
    except Exception as error:
        gone = lost(error, where)
        if gone is None:
            raise
        raise gone from None


def _said(error: BaseException) -> str:
    """What a database, or the system, has to say, in a line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def _shown(where: str) -> str:
    """An address without its password."""
    password = urllib.parse.urlsplit(where).password if "://" in where else None
    return where.replace(f":{password}@", ":***@") if password else where


def _with_tables(opened: Callable[[], Any]) -> Any:
    """A database that may be empty, where another driver may be making the same tables at this moment."""
    for _ in range(_TRIES - 1):
        try:
            return opened()
        except Exception as error:
            if "already exists" not in str(error) and not isinstance(error, RuntimeError):
                raise
            time.sleep(0.5)
    return opened()


def driver_url(url: str) -> str:
    """PostgreSQL by the client that the extra `postgres` installs, where SQLAlchemy's own choice isn't there."""
    has = importlib.util.find_spec
    if url.startswith("postgresql://") and has("psycopg2") is None and has("psycopg") is not None:
        return url.replace("postgresql://", "postgresql+psycopg://", 1)
    return url
