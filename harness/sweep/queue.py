"""The work of a sweep that waits: runs that are free, runs somebody else is doing, evaluations that are lacking."""

from __future__ import annotations

import time
from collections import deque

from harness import tracking
from harness.sweep import supplements
from harness.sweep.outcome import SweepOutcome


class Queue:
    """What a sweep still has to hand out.

    Args:
        uri: the store.
        me: the process whose sweep it is.
        added: the evaluations that finished runs lack.
        outcome: its ``skipped`` grows by the runs that turn out to be finished.

    Attributes:
        runs: run_id and the generation to claim it with.
        elsewhere: runs that another driver is doing, to be asked for again.
        added: see above.
    """

    def __init__(self, uri: str, me: tracking.Owner, added: supplements.Queue, outcome: SweepOutcome) -> None:
        self._uri, self._me, self._outcome, self.added = uri, me, outcome, added
        self.runs: deque[tuple[str, int]] = deque()
        self.elsewhere: set[str] = set()
        self._gone_since: float | None = None

    def __bool__(self) -> bool:
        """Whether a free worker could begin something now."""
        return bool(self.runs or self.added)

    def sort(self, run_ids: list[str], *, again: bool = True) -> int:
        """Ask the store about runs; queue the free ones, if they are to be tried again, and missing evaluations.

        How many of the finished ones lack evaluations. While the store doesn't answer, runs that are to be tried
        count as at work elsewhere, and are asked for again; the others wait for it.

        Raises:
            TrackingLost: it hasn't answered for ten minutes.
        """
        try:
            found = self._survey(run_ids) if again else tracking.persist(lambda: self._survey(run_ids))
            lacking = self.added.look(found.finished)
            self._gone_since = None
        except Exception as error:
            if not again or not tracking.passing(error):
                raise
            now = time.monotonic()
            self._gone_since = self._gone_since or now
            if now - self._gone_since > tracking.WINDOW:
                message = f"the tracking store didn't answer for {tracking.WINDOW:.0f} s: {error}"
                raise tracking.TrackingLost(message) from error
            self.elsewhere |= set(run_ids)
            return 0
        self.elsewhere -= set(run_ids)
        self._outcome.skipped += [run_id for run_id in run_ids if run_id in found.finished]
        if again:
            self.elsewhere |= set(found.busy)
            self.runs.extend((run_id, found.free[run_id]) for run_id in run_ids if run_id in found.free)
        return lacking

    def _survey(self, run_ids: list[str]) -> tracking.Survey:
        return tracking.survey(self._uri, run_ids)

    def close(self, run_id: str, reason: str) -> None:
        """Close what a worker of this sweep left RUNNING as it died.

        On another node nobody can look for its process, and its heartbeat would be believed for two minutes; but
        Ray knows that it is gone. Were Ray mistaken, it couldn't seal its record any more.
        """
        tracking.persist(lambda: tracking.reap(self._uri, [run_id], of=self._me, reason=reason))
