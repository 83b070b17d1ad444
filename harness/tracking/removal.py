"""Taking a run back: its records are marked deleted, their files removed, and the run is free to be done again.

Never what somebody is doing. The right to remove is won like the right to do (see `claims`): by a generation of
its own, which nobody owns. Whoever begins the run at the same moment wins or loses that generation, so one of
the two gives way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from harness.tracking.claims import latest, release
from harness.tracking.patience import persist
from harness.tracking.record import ALL, Record, records
from harness.tracking.record_files import remove_all
from harness.tracking.state import settled
from harness.tracking.store import client, resolve


@dataclass
class Removed:
    """What became of a removal.

    Attributes:
        runs: run_id → its records that are gone.
        kept: run_id → why it was left alone.
        littered: record → why its files are still there.
    """

    runs: dict[str, list[Record]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    littered: dict[str, str] = field(default_factory=dict)


def remove(uri: str | None, run_ids: Collection[str], tell: Callable[[str], None] = lambda _: None) -> Removed:
    """Remove all records of these runs, finished or not; those of a dead owner are closed first.

    Whether an owner on another machine is dead shows within two minutes, see `settled`; ``tell`` is told.

    May be repeated after it was interrupted. Claims of a spec stay registered with their time.

    Raises:
        UserError: the store doesn't answer.
    """
    uri, result = resolve(uri), Removed()
    found = settled(uri, run_ids, tell)
    claims = latest(uri, run_ids)
    by_run: dict[str, list[Record]] = {}
    for record in records(uri, run_ids, ALL):
        by_run.setdefault(record.run_id, []).append(record)
    for run_id, its in by_run.items():
        if run_id in found.busy:
            owner = found.busy[run_id]
            result.kept[run_id] = f"process {owner.pid} of {owner.host} is doing it"
            continue
        # One above what was seen above: whoever has begun meanwhile has it.
        generation = claims[run_id].generation + 1 if run_id in claims else 0
        if not release(uri, run_id, found.free.get(run_id, generation)):
            result.kept[run_id] = "somebody has just begun it"
            continue
        for record in its:
            persist(lambda record=record: client(uri).delete_run(record.mlflow_id))  # type: ignore[misc]
            why = remove_all(uri, record)
            if why is not None:
                result.littered[record.mlflow_id] = why
        result.runs[run_id] = its
    return result
