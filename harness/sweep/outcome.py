"""What became of a sweep, and how its runs are named to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sweep.pool import Job


@dataclass
class SweepOutcome:
    """What became of a sweep.

    Attributes:
        finished: run_ids done here.
        skipped: run_ids that were finished already, or that another driver finished meanwhile.
        evaluated: those of the skipped whose missing evaluations were added here.
        failed: run_id → reason; of a skipped one, why its evaluations couldn't be added.
        beyond: those of the failed that were stopped at a limit earlier, and not tried again under the same one.
        lost: why the sweep ended before its time: its store was gone, or had no room.
        left: run_ids not tried: beyond the limit, or the sweep was stopped.
        interrupted: stopped by a signal.
        seconds: wall-clock time.
        train_seconds: sum of the runs' own training time, where they tell it.
    """

    finished: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    evaluated: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    beyond: list[str] = field(default_factory=list)
    lost: str = ""
    left: list[str] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0
    train_seconds: float = 0.0


def label(run: Any) -> str:
    """A run, for people: its axes, or its id."""
    return " ".join(str(value) for value in dict(run.labels).values()) or run.run_id


def named(job: Job) -> str:
    """What a worker has to do, for people."""
    return label(job.run) if job.supplement is None else f"evaluation of {label(job.run)}"
