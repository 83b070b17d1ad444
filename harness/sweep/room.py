"""Where workers find room: said when there's none, used when nodes join."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness.errors import UserError
from harness.sweep.cluster import Cluster

if TYPE_CHECKING:
    from harness.sweep.display import Display
    from harness.sweep.pool import Pool

_PATIENCE = 4.0
"""Seconds without a place after which it is said; a free node takes about one."""
_PATIENCE_AT_HOME = 60.0
"""The same where Ray was started for this sweep, with room for all: only a busy machine keeps them waiting."""
_REMIND = 600.0
"""Seconds until it is said again, if nothing has changed."""
_LOOK = 10.0
"""Seconds between looks at the cluster's nodes."""
_BIRTHS = 3
"""Workers that may fail to start until the sweep gives up, as long as none works."""


class Waiting:
    """Says when workers have no place, and when they have.

    Args:
        cluster: that they are to be on.
        say: takes a line and its style.
    """

    def __init__(self, cluster: Cluster, say: Callable[..., None]) -> None:
        self._cluster, self._say = cluster, say
        self._waiting, self._said = 0, 0.0

    def look(self, placeless: Sequence[float], of: int) -> int:
        """Tell what changed; how many have waited for so long that it was told.

        Args:
            placeless: for how many seconds each that no node has taken in has waited.
            of: workers in all.
        """
        now = time.monotonic()
        patience = _PATIENCE if self._cluster.joined else _PATIENCE_AT_HOME
        waiting = sum(seconds > patience for seconds in placeless)
        if waiting > self._waiting or (waiting and now - self._said > _REMIND):
            self._said = now
            self._say(self._lack(waiting, of), "yellow")
        elif waiting < self._waiting:
            more = f"; {waiting} still without a place" if waiting else ""
            self._say(f"there is room for {self._waiting - waiting} more of the workers{more}")
        self._waiting = waiting
        return waiting

    def _lack(self, waiting: int, of: int) -> str:
        whom = (
            "its worker has" if of == 1 else "its workers have" if waiting == of else f"{waiting} of {of} workers have"
        )
        return f"waiting for room: {whom} no place; {self._cluster.lack()}; it goes on as room comes"


class Room:
    """Looked at by a sweep every now and then; says what keeps workers from working.

    Args:
        cluster: that the workers are on.
        pool: the workers.
        display: told of it.
    """

    def __init__(self, cluster: Cluster, pool: Pool, display: Display) -> None:
        self._cluster, self._pool, self._display = cluster, pool, display
        self._waiting, self._looked = Waiting(cluster, display.say), time.monotonic()
        self._reasons: set[str] = set()

    def onto(self, cluster: Cluster) -> None:
        """The workers are others now, of another share."""
        self._cluster, self._waiting = cluster, Waiting(cluster, self._display.say)

    def look(self) -> None:
        """Tell what changed, and have more workers if nodes joined.

        Raises:
            UserError: no worker can start.
        """
        self._failures()
        while self._pool.depot.said:
            self._display.say(self._pool.depot.said.pop(0))
        now = time.monotonic()
        if self._cluster.joined and now - self._looked > _LOOK:
            self._looked = now
            self._grow()
        waiting = self._waiting.look(self._pool.births.placeless, self._pool.size)
        self._display.counts.workers = self._pool.size - waiting

    def _failures(self) -> None:
        births = self._pool.births
        found, births.stillborn = births.stillborn, []
        reasons = [one.reason for one in found]
        if births.failures >= _BIRTHS and not self._pool.ready and reasons:
            raise UserError(reasons[-1])
        for reason in dict.fromkeys(reasons):
            if reason not in self._reasons:
                self._reasons.add(reason)
                self._display.say(f"{reason}; it's tried again", "yellow")

    def _grow(self) -> None:
        more = self._cluster.wanted() - self._pool.size
        if more > 0:
            self._pool.grow(more)
            self._display.say(f"nodes have joined: {more} more worker{'s' * (more != 1)}")
