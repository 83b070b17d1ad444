"""How runs stand, read and never written: for people who want to know, while others are at work on them."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from harness.tracking.owner import SILENCE, is_alive, process_alive
from harness.tracking.record import ALL, Record, records
from harness.tracking.watch import WATCH

FINISHED, RUNNING, LOST, FAILED, STOPPED, OPEN = "finished", "running", "lost", "failed", "stopped", "to do"
STATES = (FINISHED, RUNNING, LOST, FAILED, STOPPED, OPEN)
"""Lost: its owner is dead and the next sweep takes it over. Stopped: ended from outside, by a signal or with its
worker. What is neither finished nor running is done by the next sweep."""


@dataclass(frozen=True)
class Standing:
    """How one run stands.

    Attributes:
        state: one of `STATES`.
        record: the record that says so; None for a run that was never begun.
        attempts: records of it that neither finished nor were ended by a study.
        silence: of a run at work or lost, seconds since its last heartbeat.
    """

    state: str
    record: Record | None = None
    attempts: int = 0
    silence: float | None = None

    @property
    def progress(self) -> tuple[int, int] | None:
        """Step and steps of a run at work, if its heartbeat told."""
        step, _, steps = (self.record.at or "").partition("/") if self.record else ("", "", "")
        return (int(step), int(steps)) if step.isdigit() and steps.isdigit() else None


def standing(uri: str | None, run_ids: Collection[str], now: float | None = None) -> dict[str, Standing]:
    """How each of these runs stands; all of them, in the order given. Nothing is closed or claimed.

    Raises:
        UserError: a server that doesn't answer within 5 s.
    """
    now = time.time() if now is None else now
    by_run: dict[str, list[Record]] = {run_id: [] for run_id in run_ids}
    for record in records(uri, run_ids, ALL):
        by_run[record.run_id].append(record)
    return {run_id: _of(found, now) for run_id, found in by_run.items()}


def _of(found: list[Record], now: float) -> Standing:
    """From the records of one run, oldest first."""
    attempts = sum(record.status in ("FAILED", "KILLED") and not record.pruned for record in found)
    for record in reversed(found):
        if record.status == "FINISHED":
            return Standing(FINISHED, record, attempts)
    for record in reversed(found):
        if record.status == "RUNNING":
            heard = record.heartbeat or record.started
            alive = record.owner is not None and _seems_alive(record, now - heard)
            return Standing(RUNNING if alive else LOST, record, attempts, max(0.0, now - heard))
    if not found or found[-1].pruned:
        return Standing(OPEN, None, attempts)
    return Standing(FAILED if found[-1].status == "FAILED" else STOPPED, found[-1], attempts)


def _seems_alive(record: Record, silence: float) -> bool:
    """By one look. Of an owner elsewhere its clock is believed, until it was seen to beat: nothing hangs on it here."""
    assert record.owner is not None
    alive = is_alive(record.owner, record.mlflow_id, (record.heartbeat, record.at))
    if not alive or silence < SILENCE or process_alive(record.owner):
        return alive
    return WATCH.heard(record.mlflow_id)
