"""What to do when the store doesn't answer: try again for ten minutes, then fail clearly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WINDOW = 600.0
"""Seconds a store may be gone before the run fails."""
_FIRST, _LONGEST = 0.5, 10.0
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


class TrackingLost(Exception):
    """The store didn't answer for the whole of the time it is waited for."""


def passing(error: Exception) -> bool:
    """Whether trying again may help: the store is gone or locked, rather than refusing what was asked."""
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException):
        return error.error_code not in _FINAL
    return isinstance(error, ConnectionError | TimeoutError)


def persist(action: Callable[[], T], *, window: float | None = None) -> T:
    """``action()``, tried again while the store is gone.

    Args:
        action: may be done twice: a lost answer isn't a write that didn't happen.
        window: seconds to go on trying; `WINDOW` by default.

    Raises:
        TrackingLost: it never answered.
        Exception: whatever else ``action`` raises.
    """
    window = WINDOW if window is None else window
    begin, pause = time.monotonic(), _FIRST
    while True:
        try:
            return action()
        except Exception as error:
            if not passing(error):
                raise
            if time.monotonic() - begin + pause > window:
                message = f"the tracking store didn't answer for {window:.0f} s: {error}"
                raise TrackingLost(message) from error
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST)
