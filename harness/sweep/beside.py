"""Work done beside the caller's, whose result or failure is asked for later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """A thread that does ``action`` at once. It keeps no process from ending: what it does must bear being cut off."""

    def __init__(self, action: Callable[[], T]) -> None:
        self._action = action
        self._found: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="beside", daemon=True)
        self._thread.start()

    def result(self) -> T:
        """What ``action`` returned, once it has; raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found  # type: ignore[return-value]

    def _work(self) -> None:
        try:
            self._found = self._action()
        except BaseException as error:  # kept, not raised: the caller's thread is the one to know
            self._error = error
