"""The work of a sweep that waits: runs that are free, runs somebody else is doing, evaluations that are lacking."""

from __future__ import annotations

from collections import deque

from harness import tracking
from harness.sweep import supplements
from harness.sweep.outcome import SweepOutcome


class Queue:
    """What a sweep still has to hand out.

    Args:
        uri: the store.
        added: the evaluations that finished runs lack.
        outcome: its ``skipped`` grows by the runs that turn out to be finished.

    Attributes:
        runs: run_id and the generation to claim it with.
        elsewhere: runs that another driver is doing, to be asked for again.
        added: see above.
    """

    def __init__(self, uri: str, added: supplements.Queue, outcome: SweepOutcome) -> None:
        self._uri, self._outcome, self.added = uri, outcome, added
        self.runs: deque[tuple[str, int]] = deque()
        self.elsewhere: set[str] = set()

    def __bool__(self) -> bool:
        """Whether a free worker could begin something now."""
        return bool(self.runs or self.added)

    def sort(self, run_ids: list[str], *, again: bool = True) -> int:
        """Ask the store about runs; queue the free ones, if they are to be tried again, and missing evaluations.

        How many of the finished ones lack evaluations.
        """
        found = tracking.survey(self._uri, run_ids)
        self.elsewhere -= set(run_ids)
        self._outcome.skipped += [run_id for run_id in run_ids if run_id in found.finished]
        if again:
            self.elsewhere |= set(found.busy)
            self.runs.extend((run_id, found.free[run_id]) for run_id in run_ids if run_id in found.free)
        return self.added.look(found.finished)
