"""What there is to do: which runs are finished, which somebody is doing, which are free; dead owners' are closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from harness.tracking import tags
from harness.tracking.checkpoints import drop_checkpoints
from harness.tracking.claims import Claim, latest
from harness.tracking.direct import client
from harness.tracking.owner import SILENCE, Owner, is_alive, process_alive
from harness.tracking.patience import persist
from harness.tracking.record import ALL, Record, records
from harness.tracking.store import resolve
from harness.tracking.watch import WATCH

_LOOK = 3.0
"""Seconds between two looks at owners elsewhere."""


@dataclass
class Survey:
    """The state of some runs.

    Attributes:
        finished: their FINISHED records.
        busy: who is doing them now.
        free: the generation to claim them with.
        unsure: the busy ones whose owner is elsewhere and wasn't heard since this process first looked.
    """

    finished: dict[str, Record] = field(default_factory=dict)
    busy: dict[str, Owner] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)


def survey(uri: str | None, run_ids: Collection[str]) -> Survey:
    """Sort runs into finished, busy and free, and close the records that dead owners left RUNNING.

    A record that its owner sealed (see `claims`) but did not live to close becomes FINISHED: its artifacts are
    all there. Others become KILLED, with the reason. A live owner's record is never touched.
    """
    uri, result = resolve(uri), Survey()
    claims = latest(uri, run_ids)
    # Liveness is looked up before the records are read: an owner found dead can't finish after that.
    gone = {r for r, c in claims.items() if c.owner and _gone(c.owner)}
    by_run: dict[str, list[Record]] = {run_id: [] for run_id in run_ids}
    for record in records(uri, run_ids, ALL):
        by_run[record.run_id].append(_closed(uri, record, claims.get(record.run_id)))
    for run_id, found in by_run.items():
        claim = claims.get(run_id)
        done = next((record for record in found if record.status == "FINISHED"), None)
        live = next((record for record in found if record.status == "RUNNING"), None)
        if done is not None:
            result.finished[run_id] = done
        elif live is not None and live.owner is not None:
            result.busy[run_id] = live.owner
            if _gone(live.owner) is None and not WATCH.heard(live.mlflow_id):
                result.unsure.add(run_id)
        elif claim is None:
            result.free[run_id] = 0
        elif claim.owner is None or run_id in gone or _released(claim, found):
            result.free[run_id] = claim.generation + 1
        else:
            result.busy[run_id] = claim.owner
            if _gone(claim.owner) is None:
                result.unsure.add(run_id)
    return result


def settled(uri: str | None, run_ids: Collection[str], tell: Callable[[str], None] = lambda _: None) -> Survey:
    """`survey`, again and again until every owner elsewhere was heard or is dead: two minutes, if one is.

    Args:
        tell: takes a line, if there is anything to wait for.
    """
    found = survey(uri, run_ids)
    if found.unsure:
        owners = ", ".join(sorted({found.busy[run_id].host for run_id in found.unsure}))
        tell(f"{len(found.unsure)} of them are at work on {owners}, or were: listening, for {SILENCE / 60:g} min")
    while found.unsure:
        time.sleep(_LOOK)
        found = survey(uri, run_ids)
    return found


def reap(
    uri: str | None,
    run_ids: Collection[str],
    *,
    of: Owner | None = None,
    reason: str = "its owner died",
    pruned: bool = False,
) -> int:
    """Close the RUNNING records of dead owners, and of the workers of driver ``of``; how many were closed.

    Args:
        pruned: mark them as ended early by a study.
    """
    uri, closed = resolve(uri), 0
    running = records(uri, run_ids, ("RUNNING",))
    claims = latest(uri, {record.run_id for record in running}) if running else {}
    for record in running:
        mine = of is not None and record.owner is not None and record.owner.driver == of
        closed += _closed(uri, record, claims.get(record.run_id), mine, reason, pruned).status != "RUNNING"
    return closed


def _released(claim: Claim, found: list[Record]) -> bool:
    """Whether a claim's work is over: its record is closed, or there's none and its owner can't be heard any more."""
    ended = any(record.claim == claim.tag for record in found)
    return ended or not (claim.owner and is_alive(claim.owner, claim.tag, claim.at))


def _gone(owner: Owner) -> bool | None:
    """Whether a process that the work hangs on is known to be gone; None where that can't be told here."""
    known = [process_alive(process) for process in (owner, owner.driver) if process is not None]
    return True if False in known else None if None in known else False


def _closed(
    uri: str,
    record: Record,
    claim: Claim | None,
    force: bool = False,
    reason: str = "its owner died",
    pruned: bool = False,
) -> Record:
    if record.status != "RUNNING" or record.owner is None:
        return record
    if not force and is_alive(record.owner, record.mlflow_id, (record.heartbeat, record.at)):
        return record
    sealed = claim is not None and claim.sealed == record.mlflow_id
    status, mlflow = "FINISHED" if sealed else "KILLED", client(uri)
    if sealed or pruned:  # nobody is to go on with it
        drop_checkpoints(uri, record.run_id)
    if not sealed:
        persist(lambda: mlflow.set_tag(record.mlflow_id, tags.REASON, reason))
        if pruned:
            persist(lambda: mlflow.set_tag(record.mlflow_id, tags.PRUNED, "true"))
    end = round(1000 * max(time.time(), record.started))  # whose clock may be ahead
    persist(lambda: mlflow.set_terminated(record.mlflow_id, status, end))
    closed = {"status": status, "reason": None if sealed else reason, "owner": None, "pruned": pruned and not sealed}
    return Record(**{**record.__dict__, **closed})
