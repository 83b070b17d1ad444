"""What to do when the store doesn't answer, or its disk is full: try again for ten minutes, then fail clearly."""

from __future__ import annotations

import errno
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

WINDOW = 600.0
"""Seconds a store may be gone before the run fails."""
_FIRST, _LONGEST = 0.5, 10.0
_AGAIN = (0.3, 1.0)
_FINAL = {
    "BAD_REQUEST",
    "ENDPOINT_NOT_FOUND",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
    "UNAUTHENTICATED",
}


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A disk, a quota or a limit on files that is used up."""
_FULL = ("disk is full", "No space left", "Disk quota exceeded")
"""The same, as databases and servers say it."""


class TrackingLost(Exception):
    """The store didn't answer, or couldn't be written, for the whole of the time it is waited for."""


def full(error: BaseException) -> bool:
    """Whether there is no room where something was to be written."""
    return (isinstance(error, OSError) and error.errno in _NO_ROOM) or any(text in str(error) for text in _FULL)


def passing(error: Exception) -> bool:
    """Whether trying again may help: the store is gone, locked or full, rather than refusing what was asked."""
    code = refusal(error)
    if code is not None:
        return code not in _FINAL
    # What sqlite itself calls operational (locked, full, no more handles), as MLflow passes it on.
    return isinstance(error, ConnectionError | TimeoutError | sqlite3.OperationalError) or full(error)


class Refused(Exception):
    """What MLflow would refuse, said without it; ``code`` is MLflow's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def refusal(error: BaseException) -> str | None:
    """MLflow's code of an error, if it is a refusal or one of MLflow's: then MLflow has been imported already."""
    if isinstance(error, Refused):
        return error.code
    known = sys.modules.get("mlflow.exceptions")
    return error.error_code if known is not None and isinstance(error, known.MlflowException) else None


def persist(action: Callable[[], T], *, window: float | None = None, room: bool = True) -> T:
    """``action()``, tried again while the store is gone or full.

    Args:
        action: may be done twice: a lost answer isn't a write that didn't happen.
        window: seconds to go on trying; `WINDOW` by default.
        room: wait for one that is full, too.

    Raises:
        TrackingLost: it never answered, or never had room.
        Exception: whatever else ``action`` raises.
    """
    window = WINDOW if window is None else window
    begin, pause = time.monotonic(), _FIRST
    while True:
        try:
            return action()
        except Exception as error:
            if not passing(error) or (full(error) and not room):
                raise
            if time.monotonic() - begin + pause > window:
                raise TrackingLost(f"{_what(error)} for {window:.0f} s: {_told(error)}") from error
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST)


def again(question: Callable[[], T]) -> T:
    """``question()``, asked up to three times: a server that is up fails one request now and then.

    For what only reads, and where somebody waits: a store that is gone is found out in a second or two.

    Raises:
        Exception: what it raises at last, or at once where asking again can't help.
    """
    for pause in _AGAIN:
        try:
            return question()
        except Exception as error:
            if not passing(error):
                raise
        time.sleep(pause)
    return question()


@contextmanager
def hurried(seconds: float) -> Iterator[None]:
    """Within, this process waits only so long for a store, as it was waited for already."""
    global WINDOW
    before, WINDOW = WINDOW, min(seconds, WINDOW)
    try:
        yield
    finally:
        WINDOW = before


def _what(error: Exception) -> str:
    return "there was no room to write the run's record" if full(error) else "the tracking store didn't answer"


def _told(error: Exception) -> str:
    """The first lines of a database's error; the rest is the statement with all its values."""
    return str(error).partition("\n[SQL")[0]
