"""One thread a process that looks after the records at work: it lets them write what they hold, and beat."""

from __future__ import annotations

import threading
from collections.abc import Callable

_WAKE = 1.0


class Beat:
    """Calls what was added about once a second. A thread of its own for each short run would cost more than the run."""

    def __init__(self) -> None:
        self._ticks: dict[int, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, owner: object, tick: Callable[[], None]) -> None:
        """Call ``tick`` until `remove`; it must not raise."""
        with self._lock:
            self._ticks[id(owner)] = tick
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tracking-beat", daemon=True)
                self._thread.start()

    def remove(self, owner: object) -> None:
        """Call it no more; a call may still be under way."""
        with self._lock:
            self._ticks.pop(id(owner), None)

    def _run(self) -> None:
        idle = threading.Event()
        while not idle.wait(_WAKE):
            with self._lock:
                ticks = list(self._ticks.values())
            for tick in ticks:
                tick()


BEATS = Beat()
