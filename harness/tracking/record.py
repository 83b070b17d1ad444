"""What the store remembers of runs: finished, running, failed; by SQL from a file, by MLflow's client elsewhere."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from harness.tracking import sql, tags
from harness.tracking.listing import Listed, listed, pages, parts
from harness.tracking.owner import Owner
from harness.tracking.store import client, probe, resolve, sqlite_path

ALL = ("RUNNING", "FINISHED", "FAILED", "KILLED")
_FEW = 100
"""Runs that a server is asked for one by one, 10 ms each: what else its store holds costs nothing then."""
_DETAILS = (tags.COMMIT, tags.DIRTY, tags.VERSIONS, tags.HARDWARE, tags.LICENCE, tags.CODE, tags.LIMIT)


@dataclass(frozen=True)
class Record:
    """One MLflow record of a run.

    Attributes:
        run_id: the run's identity; several records may carry it, at most one of them FINISHED.
        mlflow_id: MLflow's id of the record.
        status: RUNNING, FINISHED, FAILED or KILLED.
        started: seconds since 1970.
        seconds: wall-clock time, None while it runs.
        artifact_uri: where its artifacts are.
        spec: name of the spec it was first done for.
        shape: what decides its time, see `shape_of`; finished runs of one shape predict each other's time.
        claim: ``generation:token`` of the claim it was made under.
        owner: the process that does it.
        heartbeat: that process's last sign of life, seconds since 1970.
        reason: why it failed.
        host: where it ran.
        evaluated: name of each evaluation file → the conditions in it; None for a record that doesn't tell, see
            `evaluations`.
        pruned: a study ended it early: neither finished nor failed.
        at: of one that says RUNNING, how far it was at its last heartbeat: ``step/steps``.
        commit, dirty: the git commit of the code it ran, and whether files differed from it.
        versions: package → version.
        hardware: processor, how many, and GPU.
        licence: of its data, as the dataset states it.
        code: digest of the code that trains, see `training_code`.
        limit: JSON of the limit it was stopped at, name → value; see `beyond`. These seven are read only if
            `records` is asked for details.
    """

    run_id: str
    mlflow_id: str
    status: str
    started: float
    seconds: float | None
    artifact_uri: str
    spec: str | None = None
    shape: str | None = None
    claim: str | None = None
    owner: Owner | None = None
    heartbeat: float | None = None
    reason: str | None = None
    host: str | None = None
    evaluated: Mapping[str, tuple[str, ...]] | None = None
    pruned: bool = False
    at: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    versions: Mapping[str, str] | None = None
    hardware: str | None = None
    licence: str | None = None
    code: str | None = None
    limit: str | None = None


def finished(
    uri: str | None = None, run_ids: Collection[str] | None = None, *, details: bool = False
) -> dict[str, Record]:
    """Finished runs by run_id; of these ``run_ids``, or all in the store. Empty when there's no store yet.

    Args:
        details: read also what only a report wants to know.

    Raises:
        UserError: a server that doesn't answer within 5 s.
    """
    found: dict[str, Record] = {}
    for record in records(uri, run_ids, ("FINISHED",), details=details):
        found.setdefault(record.run_id, record)
    return found


def begun(uri: str | None = None, run_ids: Collection[str] | None = None) -> dict[str, float]:
    """When a run was first begun, by run_id, in seconds since 1970: attempts that failed or were stopped count."""
    uri = resolve(uri)
    file = sqlite_path(uri)
    if file is not None and file.is_file() and file.stat().st_size > 0:
        with sql.reading(file) as connection:
            if connection is not None:
                return {run_id: started / 1000 for run_id, started in sql.begun(connection, run_ids).items()}
    first: dict[str, float] = {}
    for record in records(uri, run_ids, ALL):
        first[record.run_id] = min(record.started, first.get(record.run_id, record.started))
    return first


def newest(uri: str | None = None) -> float | None:
    """When the run that was begun last was begun, of all in the store, in seconds since 1970; None if there's none."""
    uri = resolve(uri)
    file = sqlite_path(uri)
    if file is not None:
        if not file.exists() or file.stat().st_size == 0:
            return None
        with sql.reading(file) as connection:
            if connection is not None:
                started = sql.newest(connection)
                return None if started is None else started / 1000
    mlflow = client(uri)
    found = mlflow.search_runs(
        [e.experiment_id for e in pages(mlflow.search_experiments, max_results=1000)],
        filter_string=f"tags.`{tags.RUN_ID}` LIKE '%'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    return found[0].info.start_time / 1000 if found else None


def running(uri: str | None = None, run_ids: Collection[str] | None = None) -> dict[str, Record]:
    """Records that say RUNNING, by run_id; the newest where there are several."""
    return {record.run_id: record for record in records(uri, run_ids, ("RUNNING",))}


def failed(uri: str | None = None, run_ids: Collection[str] | None = None) -> dict[str, str]:
    """Why runs failed, by run_id; only those whose last record is FAILED or KILLED and that never finished.

    A run that a study stopped early didn't fail.
    """
    last: dict[str, Record] = {}
    for record in records(uri, run_ids, ALL):
        if last.get(record.run_id) is None or last[record.run_id].status != "FINISHED":
            last[record.run_id] = record
    return {run_id: r.reason or r.status.lower() for run_id, r in last.items() if _gone_wrong(r)}


def _gone_wrong(record: Record) -> bool:
    return record.status in ("FAILED", "KILLED") and not record.pruned


def records(
    uri: str | None = None,
    run_ids: Collection[str] | None = None,
    statuses: Collection[str] = ALL,
    *,
    details: bool = False,
) -> list[Record]:
    """All records of runs with one of these statuses, oldest first. ``details``: see `finished`."""
    uri = resolve(uri)
    if run_ids is not None and not run_ids:
        return []
    file = sqlite_path(uri)
    if file is not None:
        if not file.exists() or file.stat().st_size == 0:
            return []
        with sql.reading(file) as connection:
            if connection is not None:
                found = [_of_row(row) for row in sql.records(connection, run_ids, statuses)]
                told = sql.tags_of(connection, [record.mlflow_id for record in found], _DETAILS) if details else {}
                return [_detailed(record, told.get(record.mlflow_id, {})) for record in found] if details else found
    probe(uri)
    return _search(uri, run_ids, statuses, details)


def evaluated(tag: str | None, tag_of: Mapping[str, str]) -> Mapping[str, tuple[str, ...]] | None:
    """Which conditions of which file count, by the tag `tags.EVALUATED` and those of `tag_of` that name a file each.

    Those that added files at the same moment may have added the same condition: one file's rows of it count.
    """
    added = {key.removeprefix(tags.ADDED): tag_of[key] for key in sorted(tag_of) if key.startswith(tags.ADDED)}
    if not added:
        return _parsed(tag)
    files = dict(_parsed(tag) or {})
    known = {key for keys in files.values() for key in keys}
    for name, value in added.items():
        more = tuple(key for key in json.loads(value) if key not in known)
        files[name] = files.get(name, ()) + more
        known |= set(more)
    return {name: keys for name, keys in files.items() if keys}


@lru_cache(maxsize=1024)
def _parsed(tag: str | None) -> Mapping[str, tuple[str, ...]] | None:
    """The tag `tags.EVALUATED`, which most runs of a spec have in common."""
    return None if tag is None else {name: tuple(keys) for name, keys in json.loads(tag).items()}


def _search(uri: str, run_ids: Collection[str] | None, statuses: Collection[str], details: bool) -> list[Record]:
    """By MLflow's client, or straight from its server."""
    asked = [""] if run_ids is None else parts(run_ids)
    if run_ids is not None and len(run_ids) <= _FEW:
        asked = [f"tags.`{tags.RUN_ID}` = '{run_id}'" for run_id in sorted(run_ids)]
    if len(statuses) == 1:
        status = f"attributes.status = '{next(iter(statuses))}'"
        asked = [f"{one} AND {status}" if one else status for one in asked]
    wanted = None if run_ids is None else set(run_ids)
    found = [
        one
        for one in listed(uri, asked)
        if one.info["status"] in statuses and (wanted is None or one.tags[tags.RUN_ID] in wanted)
    ]
    return [_detailed(_of_listed(one), one.tags) if details else _of_listed(one) for one in found]


def _of_row(row: dict[str, Any]) -> Record:
    start, end = row.pop("start_time"), row.pop("end_time")
    row["owner"] = Owner.loads(row["owner"]) if row["status"] == "RUNNING" else None
    row["heartbeat"] = float(row["heartbeat"]) if row["heartbeat"] else None
    row["evaluated"] = evaluated(row["evaluated"], row.pop("added"))
    row["pruned"] = row["pruned"] == "true"
    return Record(**row, started=start / 1000, seconds=None if end is None else (end - start) / 1000)


def _detailed(record: Record, tag: Mapping[str, str]) -> Record:
    dirty, versions = tag.get(tags.DIRTY), tag.get(tags.VERSIONS)
    return replace(
        record,
        commit=tag.get(tags.COMMIT),
        dirty=None if dirty is None else dirty == "true",
        versions=None if versions is None else _versions(versions),
        hardware=tag.get(tags.HARDWARE),
        licence=tag.get(tags.LICENCE),
        code=tag.get(tags.CODE),
        limit=tag.get(tags.LIMIT),
    )


@lru_cache(maxsize=256)
def _versions(tag: str) -> Mapping[str, str]:
    """The tag `tags.VERSIONS`, which most runs of a spec have in common."""
    return json.loads(tag)


def _of_listed(found: Listed) -> Record:
    tag, info = found.tags, found.info
    row = {
        "run_id": tag[tags.RUN_ID],
        "mlflow_id": info["run_id"],
        "status": info["status"],
        "start_time": info["start_time"],
        "end_time": info["end_time"],
        "artifact_uri": info["artifact_uri"],
    }
    names = {"spec": tags.SPEC, "shape": tags.SHAPE, "claim": tags.CLAIM, "owner": tags.OWNER}
    names |= {"heartbeat": tags.HEARTBEAT, "reason": tags.REASON, "host": tags.HOST}
    names |= {"evaluated": tags.EVALUATED, "pruned": tags.PRUNED, "at": tags.AT}
    row["added"] = tag
    return _of_row(row | {field: tag.get(name) for field, name in names.items()})
