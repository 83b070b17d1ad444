"""Records out of one store and into another: everything that a report reads, and nothing of who did the work.

A record that is brought in is a new record with the times, tags, figures and files of the old one; its tag
`tags.ORIGIN` says which that was, so that bringing it in twice adds nothing. A finished run is brought in like one
that is done here: claimed, filled, sealed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.tracking import artifacts, tags
from harness.tracking.claims import Claim, claim, experiment, seal, write_once
from harness.tracking.listing import entities
from harness.tracking.owner import myself
from harness.tracking.patience import persist
from harness.tracking.record import ALL, records
from harness.tracking.record_files import names
from harness.tracking.registration import registered
from harness.tracking.state import survey
from harness.tracking.store import client, prepare, resolve

WEIGHTS = (artifacts.BEST, artifacts.LAST)
_OF_WORK = {tags.CLAIM, tags.OWNER, tags.HEARTBEAT, tags.AT, tags.CHECKPOINT}
"""Tags that speak of a record's own store."""
_ENDED = ("FINISHED", "FAILED", "KILLED")
_FEW = 50
_RUN, _RECORD = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{32}")
_SPEC, _FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}"), re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")
_LONGEST = 8000


@dataclass
class Exported:
    """What was found to be taken along.

    Attributes:
        records: plain data of each record, as `bring_in` wants it.
        files: ``runs/<record>/<name>`` → where its content is.
        registered: digest of a spec's claim → when it was registered, see `registration`.
        at_work: run_ids that are being done and stay behind.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, Path | bytes] = field(default_factory=dict)
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    at_work: list[str] = field(default_factory=list)


@dataclass
class Imported:
    """What was brought in.

    Attributes:
        finished: run_ids of finished runs.
        known: run_ids that the store had finished already.
        left: run_id → why it was left out.
        others: how many records of attempts that failed or were stopped.
        registered, registered_before: how many registrations of claims, and how many the store had.
    """

    finished: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    others: int = 0
    registered: int = 0
    registered_before: int = 0


def take_out(uri: str | None, run_ids: Collection[str], claims: Collection[str], *, weights: bool) -> Exported:
    """Everything that a report of these runs reads.

    Args:
        uri: the store.
        run_ids: the runs; failed attempts count, as a report tells when a run was first begun.
        claims: digests of the spec's claims.
        weights: take the networks along, too.
    """
    uri, found = resolve(uri), Exported()
    full = {run.info.run_id: run for run in _full(uri, run_ids)}
    for record in records(uri, run_ids, ALL):
        if record.status not in _ENDED or record.mlflow_id not in full:
            found.at_work.append(record.run_id)
            continue
        found.records.append(_plain(full[record.mlflow_id]))
        place, kept = artifacts.folder(uri, record), found.records[-1]["mlflow_id"]
        for name in names(uri, record):
            if _FILE.fullmatch(name) and (weights or name not in WEIGHTS) and not name.startswith("checkpoint"):
                content = artifacts.read(uri, record, name) if place is None else place / name
                found.files[f"runs/{kept}/{name}"] = content
    known = registered(uri, claims)
    found.registered = {digest: {"at": one.at, "spec": one.spec} for digest, one in known.items()}
    return found


def bring_in(
    uri: str | None, given: Collection[Mapping[str, Any]], folder: Path, claims: Mapping[str, Mapping[str, Any]]
) -> Imported:
    """Bring records into a store. What it has is left as it is; may be repeated after it was interrupted.

    Args:
        uri: the store, made if it isn't there.
        given: as `take_out` gave them, checked by `checked`.
        folder: holds ``runs/<record>/<name>``.
        claims: as `take_out` gave them.
    """
    uri, told = prepare(uri), Imported()
    for digest, value in claims.items():
        entry = {"at": float(value["at"]), "spec": str(value["spec"])}
        new = digest not in registered(uri, [digest])
        new = new and write_once(uri, f"registered.{digest}", json.dumps(entry, separators=(",", ":")))
        told.registered += new
        told.registered_before += not new
    run_ids = {str(one["run_id"]) for one in given}
    here = [run for run in _full(uri, run_ids) if run.info.status in _ENDED]
    known = {run.info.run_id for run in here} | {run.data.tags.get(tags.ORIGIN) for run in here}
    standing = survey(uri, run_ids)
    for one in sorted(given, key=lambda one: (one["status"] == "FINISHED", one["start"])):
        run_id = one["run_id"]
        if one["status"] != "FINISHED":
            if one["mlflow_id"] not in known and run_id not in standing.finished:
                _closed(uri, one, folder)
                told.others += 1
        elif run_id in standing.finished:
            told.known.append(run_id)
        elif run_id in standing.busy:
            owner = standing.busy[run_id]
            told.left[run_id] = f"process {owner.pid} of {owner.host} is doing it"
        elif _finished(uri, one, folder, standing.free[run_id]):
            told.finished.append(run_id)
        else:
            told.left[run_id] = "somebody has just begun it"
    return told


def checked(given: Any) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Records and registrations of an archive, as `bring_in` takes them.

    Names that become folders and files are held to what the harness itself makes: an archive may come from anywhere.

    Raises:
        ValueError: something is of another kind; says which.
    """
    try:
        found, claims = list(given["records"]), dict(given["registered"])
        for one in found:
            _need(isinstance(one, dict), "a record")
            _need(_RUN.fullmatch(one["run_id"]) and one["tags"].get(tags.RUN_ID) == one["run_id"], "a run_id")
            _need(_RECORD.fullmatch(one["mlflow_id"]), "a record's id")
            _need(one["status"] in _ENDED, "a status")
            _need(type(one["start"]) is int and type(one["end"]) is int and 0 < one["start"] <= one["end"], "a time")
            _need(_SPEC.fullmatch(one["experiment"]) and one["experiment"] not in (tags.LEDGER, tags.CLAIMS), "a spec")
            _need(one["name"] is None or _text(one["name"]), "a name")
            _need(all(_own(name) and _text(value) for name, value in one["tags"].items()), "a tag")
            _need(all(_text(name) and _text(value) for name, value in one["params"].items()), "a parameter")
            points = one["metrics"].items()
            _need(all(_text(name) and _point(*point) for name, point in points) and len(points) < 100, "a metric")
            evaluated = json.loads(one["tags"].get(tags.EVALUATED, "{}"))
            added = [name.removeprefix(tags.ADDED) for name in one["tags"] if name.startswith(tags.ADDED)]
            _need(all(_FILE.fullmatch(name) for name in (*evaluated, *added)), "an evaluation's name")
            _need(all(_keys(one["tags"][tags.ADDED + name]) for name in added), "an evaluation's conditions")
        for digest, value in claims.items():
            _need(
                re.fullmatch(r"[0-9a-f]{8,64}", digest) and _text(value["spec"]) and float(value["at"]) > 0, "a claim"
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"something lacks {error}") from None
    return found, claims


def _need(fits: Any, what: str) -> None:
    if not fits:
        raise ValueError(f"{what} is none that the harness makes")


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _own(tag: Any) -> bool:
    return isinstance(tag, str) and (tag.startswith("repose.") or tag == tags.COMMIT) and tag not in _OF_WORK


def _keys(value: str) -> bool:
    found = json.loads(value)
    return isinstance(found, list) and all(_text(key) for key in found)


def _point(value: Any, step: Any) -> bool:
    return isinstance(value, int | float) and type(step) is int


def _finished(uri: str, one: Mapping[str, Any], folder: Path, generation: int) -> bool:
    held = claim(uri, one["run_id"], generation, myself())
    if held is None:
        return False
    mlflow_id = _filled(uri, one, folder, held)
    if not seal(uri, held, mlflow_id):
        persist(lambda: client(uri).set_terminated(mlflow_id, "KILLED"))
        return False
    persist(lambda: client(uri).set_terminated(mlflow_id, "FINISHED", one["end"]))
    return True


def _closed(uri: str, one: Mapping[str, Any], folder: Path) -> None:
    """An attempt that came to nothing: it needs no claim, as it keeps nobody from anything."""
    mlflow_id = _filled(uri, one, folder, None)
    persist(lambda: client(uri).set_terminated(mlflow_id, one["status"], one["end"]))


def _filled(uri: str, one: Mapping[str, Any], folder: Path, held: Claim | None) -> str:
    """A record that says RUNNING, by this process, with all that the old one held."""
    from mlflow.entities import Metric, Param

    owned = {tags.OWNER: myself().dumps(), tags.HEARTBEAT: f"{time.time():.0f}"}
    tag = {**one["tags"], **owned, tags.ORIGIN: one["mlflow_id"], **({tags.CLAIM: held.tag} if held else {})}
    number = persist(lambda: experiment(uri, one["experiment"]))
    made = persist(lambda: client(uri).create_run(number, one["start"], tag, one["name"] or None))
    place = folder / "runs" / one["mlflow_id"]
    for file in sorted(place.iterdir()) if place.is_dir() else []:
        artifacts.write(uri, made.info.run_id, made.info.artifact_uri, file.name, file.read_bytes())
    metrics = [Metric(name, value, one["end"], step) for name, (value, step) in one["metrics"].items()]
    params = [Param(*pair) for pair in one["params"].items()]
    persist(lambda: client(uri).log_batch(made.info.run_id, metrics, params, (), synchronous=True))
    return made.info.run_id


def _plain(run: Any) -> dict[str, Any]:
    kept = {name: value for name, value in run.data.tags.items() if name.startswith("repose.") or name == tags.COMMIT}
    return {
        "run_id": run.data.tags[tags.RUN_ID],
        "mlflow_id": kept.get(tags.ORIGIN, run.info.run_id),
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "name": run.info.run_name,
        "experiment": run.data.tags[tags.SPEC],
        "tags": {name: value for name, value in kept.items() if name not in (*_OF_WORK, tags.ORIGIN)},
        "params": dict(run.data.params),
        "metrics": {metric.key: [metric.value, metric.step] for metric in run.data._metric_objs},
    }


def _full(uri: str, run_ids: Collection[str]) -> list[Any]:
    """MLflow's own records of these runs, with all their tags."""
    if len(run_ids) <= _FEW:
        return [run for run_id in sorted(run_ids) for run in entities(uri, f"tags.`{tags.RUN_ID}` = '{run_id}'")]
    wanted = set(run_ids)
    return [run for run in entities(uri, "") if run.data.tags[tags.RUN_ID] in wanted]
