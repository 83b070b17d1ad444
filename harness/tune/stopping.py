"""When a trial is hopeless: successive halving or the median rule, over what the trials of all drivers reported.

Asynchronous successive halving (Li et al., MLSys 2020): at each rung a trial goes on if it is among the best one in
``reduction`` of those that have got there, itself among them. Ray's own scheduler knows the trials of its own process
only, and forgets them with it; these rules read the study's storage, so that a study that goes on, or is shared, judges
by all of its trials.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from harness.spec.study import Pruner

Course = Mapping[int, float]
"""Step → value of the best epoch up to there, averaged over a trial's runs so far."""


def hopeless(
    pruner: Pruner, course: Course, others: Sequence[Course], ended: Sequence[Course], total: int, *, maximize: bool
) -> bool:
    """Whether to stop a trial after its last report.

    Args:
        course: of the trial.
        others: of all other trials, stopped and running ones too.
        ended: of those that reached their end.
        total: steps of a whole trial.
        maximize: whether higher is better.
    """
    if not course or pruner.name == "none":
        return False
    sign = -1.0 if maximize else 1.0
    step = max(course)
    if step >= total:
        return False
    if pruner.name == "median":
        earlier = [sign * value for value in (at(other, step) for other in ended) if value is not None]
        if step < pruner.grace or len(ended) < pruner.startup or not earlier:
            return False
        return sign * course[step] > statistics.median(earlier)
    before = max((s for s in course if s < step), default=0)
    crossed = [rung for rung in rungs(pruner, total) if before < rung <= step]
    if not crossed:
        return False
    rung = crossed[-1]
    reached = [sign * value for value in (at(other, rung) for other in others) if value is not None]
    kept = max(1, int((len(reached) + 1) / pruner.reduction))
    return sum(value < sign * course[step] for value in reached) >= kept


def rungs(pruner: Pruner, total: int) -> Iterator[int]:
    """Steps at which successive halving decides: ``grace``, and each time ``reduction`` times further."""
    place, last = float(pruner.grace), 0
    while round(place) < total:
        if round(place) > last:
            last = round(place)
            yield last
        place *= pruner.reduction


def at(course: Course, step: int) -> float | None:
    """The value at a step, or at the next one that was reported; None where the trial didn't get there."""
    later = [s for s in course if s >= step]
    return course[min(later)] if later else None
