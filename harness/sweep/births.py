"""Workers on their way: without a place, or importing; and those that can't start."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.sweep.worker import describe

_AGAIN, _AT_MOST = 0.5, 60.0
"""Seconds until a worker that couldn't start is tried again: doubled each time, up to so many."""


@dataclass(frozen=True)
class Stillborn:
    """A worker that can't start. ``lasting``: for a reason that the next one meets too."""

    reason: str
    lasting: bool


@dataclass
class _Newborn:
    actor: Any
    host: str | None = None
    began: float = field(default_factory=time.monotonic)


class Births:
    """Makes workers and follows them until they're ready; those that can't start are made again, ever more slowly.

    A worker has a place as soon as its process answers; what it imports then takes seconds, wherever it is.

    Args:
        make: an actor, not waited for.
        pack: what to send to one that says which files its machine lacks.

    Attributes:
        failures: how many in a row can't start.
        stillborn: what became of these, to be taken out by whoever tells it.
    """

    def __init__(self, make: Callable[[], Any], pack: Callable[[Sequence[str]], Any]) -> None:
        self._make, self._pack = make, pack
        self._newborn: dict[Any, _Newborn] = {}
        self._due: list[float] = []
        self.failures = 0
        self.stillborn: list[Stillborn] = []

    def __len__(self) -> int:
        return len(self._newborn) + len(self._due)

    @property
    def references(self) -> list[Any]:
        """What to wait for; `take` it once it's there."""
        return list(self._newborn)

    @property
    def actors(self) -> list[Any]:
        """All that were made and aren't ready."""
        return [newborn.actor for newborn in self._newborn.values()]

    @property
    def placeless(self) -> list[float]:
        """For how many seconds each that no node has taken in has waited."""
        now = time.monotonic()
        return [now - newborn.began for newborn in self._newborn.values() if newborn.host is None]

    def add(self) -> None:
        """Make one."""
        actor = self._make()
        self._newborn[actor.place.remote()] = _Newborn(actor)

    def catch_up(self) -> None:
        """Make those whose time to be tried again has come."""
        now = time.monotonic()
        due = [when for when in self._due if when <= now]
        self._due = [when for when in self._due if when > now]
        for _ in due:
            self.add()

    def take(self, reference: Any) -> Any | None:
        """The actor, if it's ready now; None if it isn't yet, or never will be."""
        import ray

        newborn = self._newborn.pop(reference)
        try:
            answer = ray.get(reference)
        except ray.exceptions.RayError as error:
            ray.kill(newborn.actor, no_restart=True)
            self._failed(error, newborn)
            return None
        if newborn.host is None:
            newborn.host = answer
            self._newborn[newborn.actor.ready.remote()] = newborn
            return None
        if answer:
            self._newborn[newborn.actor.receive.remote(self._pack(answer))] = newborn
            return None
        self.failures = 0
        return newborn.actor

    def clear(self) -> None:
        """Forget all."""
        self._newborn, self._due = {}, []

    def _failed(self, error: BaseException, newborn: _Newborn) -> None:
        cause = getattr(error, "cause", None)
        where = f" on {newborn.host}" if newborn.host else ""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        if cause is not None:  # it said so itself
            found = Stillborn(f"a worker can't start{where}: {describe(cause)}", True)
        elif getattr(error, "actor_init_failed", False):
            found = Stillborn(f"a worker can't start: {lines[-1]}", True)
        else:
            found = Stillborn(f"a worker died{where} before it was ready", False)
        self.stillborn.append(found)
        self.failures += found.lasting
        wait = min(_AT_MOST, _AGAIN * 2 ** max(0, min(self.failures - 1, 10)))
        self._due.append(time.monotonic() + wait)
