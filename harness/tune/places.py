"""Where a study's workers find room: said when there's none, as a sweep says it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from ray.tune import PlacementGroupFactory

from harness.spec.sizes import Size
from harness.sweep.cluster import Cluster
from harness.sweep.room import Waiting

_LOOK = 1.0
"""Seconds between looks at what has no place yet."""
_WAITS = ("PENDING", "RESCHEDULING")


class Share(PlacementGroupFactory):
    """A worker's share of a node, of which Ray Tune asks one for each worker; what was asked for is kept."""

    asked: ClassVar[list[Any]] = []
    """Of the class, as Tune makes copies of what it is given."""

    def to_placement_group(self) -> Any:
        """Ask Ray for it."""
        made = super().to_placement_group()
        self.asked.append(made)
        return made


def share(size: Size) -> Share:
    """What each worker of a study needs."""
    Share.asked.clear()
    return Share([{"CPU": size.cpu, "GPU": size.gpu, "memory": size.memory}])


class Places:
    """Looked at by a study's driver every now and then.

    Args:
        cluster: that the workers are on.
        say: takes a line and its style.
    """

    def __init__(self, cluster: Cluster, say: Callable[..., None]) -> None:
        self._waiting = Waiting(cluster, say)
        self._since: dict[Any, float] = {}
        self._looked = 0.0

    def look(self, workers: int) -> None:
        """Tell what changed.

        Args:
            workers: in all.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK or not (Share.asked or self._since):
            return
        self._looked = now
        Share.asked[:] = [one for one in Share.asked if _state(one) in _WAITS]
        self._since = {one: self._since.get(one, now) for one in Share.asked}
        self._waiting.look([now - since for since in self._since.values()], max(workers, len(self._since)))


def _state(asked: Any) -> str:
    from ray.util import placement_group_table

    return placement_group_table(asked).get("state", "REMOVED")
