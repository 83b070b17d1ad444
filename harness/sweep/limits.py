"""What a run may take of time and memory, watched by its worker: beyond that it is stopped and its record says so."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import tracking

GRACE = 60.0
"""Seconds that a run beyond its limit has to keep a checkpoint and stop."""
_GB = 1e9


@dataclass(frozen=True)
class Limits:
    """``hours``: of work on a run, that of earlier attempts it goes on from included; ``memory``: GB of its process."""

    hours: float | None = None
    memory: float | None = None

    def __bool__(self) -> bool:
        return self.hours is not None or self.memory is not None


@dataclass(frozen=True)
class Beyond:
    """A limit that a run went beyond: ``name`` (hours or memory), its ``value``, and what is told of it."""

    name: str
    value: float
    reason: str


def of(resources: Any) -> Limits:
    """The limits that a spec's ``resources`` set: ``memory: auto`` says how runs are packed, and is none."""
    memory = resources.memory if isinstance(resources.memory, int | float) else None
    return Limits(resources.hours, memory)


def beyond(uri: str, run_ids: Collection[str], limits: Limits) -> dict[str, str]:
    """Of these runs those that would only be stopped again: by run_id, why they were stopped."""
    now = asdict(limits)
    found = tracking.beyond(uri, run_ids) if limits else {}
    return {
        run_id: stopped.reason
        for run_id, stopped in found.items()
        if any(now[name] is not None and now[name] <= value for name, value in stopped.limits.items())
    }


class Guard:
    """Watches one run at a time. `look` is called now and then, by a thread of the worker's.

    Args:
        limits: of a run.
        clock: seconds.
        resident: bytes that this process holds.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        resident: Callable[[], int] | None = None,
    ) -> None:
        self._limits, self._clock, self._resident = limits, clock, resident or held
        self._lock = threading.Lock()
        self._stop: Callable[[str], None] | None = None
        self._end: Callable[[], None] | None = None
        self._began = self._at = 0.0
        self.beyond: Beyond | None = None

    def begin(self, stop: Callable[[str], None], end: Callable[[], None]) -> None:
        """A run begins.

        Args:
            stop: asks it to stop between two steps; takes the reason.
            end: closes its record and ends the process, for a run that didn't stop within `GRACE`.
        """
        with self._lock:
            self._stop, self._end, self._began, self.beyond = stop, end, self._clock(), None

    def spent(self, seconds: float) -> None:
        """Time that earlier attempts spent on what this one goes on from."""
        with self._lock:
            self._began -= seconds

    def over(self) -> None:
        """The run has ended, or has all done but its record's end: nothing stops it any more."""
        with self._lock:  # where its end is under way, that of this process comes first
            self._stop = self._end = None

    def look(self) -> None:
        """Stop the run if it is beyond a limit; end it if it was asked to stop and didn't."""
        with self._lock:
            if self._stop is None or self._end is None or not self._limits:
                return
            now = self._clock()
            if self.beyond is not None:
                if now - self._at > GRACE:
                    self._end()
                return
            self.beyond = self._exceeded(now - self._began)
            if self.beyond is not None:
                self._at = now
                self._stop(self.beyond.reason)

    def _exceeded(self, seconds: float) -> Beyond | None:
        hours, memory = self._limits.hours, self._limits.memory
        if hours is not None and seconds > 3600 * hours:
            return Beyond("hours", hours, f"it took more than its {hours:g} h (resources.hours)")
        taken = self._resident() / _GB if memory is not None else 0.0
        if memory is not None and taken > memory:
            reason = f"it held {taken:.2f} GB of memory, more than its {memory:g} GB (resources.memory)"
            return Beyond("memory", memory, reason)
        return None


def held() -> int:
    """Bytes of memory that are this process's alone: files that are mapped, and may be shared, left aside."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = (line.split() for line in status.read_text().splitlines())
        return sum(1024 * int(words[1]) for words in lines if words and words[0] in ("RssAnon:", "RssShmem:"))
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True)
    return 1024 * int(done.stdout.strip() or 0)


def worn(limits: Limits) -> bool:
    """Whether this process, between two runs, holds more than half of what a run may."""
    return limits.memory is not None and held() > limits.memory * _GB / 2
