"""How long a list of runs takes on several workers, each taking the next one when it is free."""

from __future__ import annotations

import heapq
from collections.abc import Iterable


def makespan(waiting: Iterable[float], workers: int, begun: Iterable[float] = ()) -> float:
    """Seconds until the last run is done.

    Args:
        waiting: seconds of each run that isn't begun, in the order in which they are taken.
        workers: how many work at once, at least 1; those at work included.
        begun: seconds left of each run at work.
    """
    free = sorted(begun)
    free = [0.0] * (workers - len(free)) + free
    heapq.heapify(free)
    last = max(free, default=0.0)
    for seconds in waiting:
        end = heapq.heappop(free) + seconds
        heapq.heappush(free, end)
        last = max(last, end)
    return last
