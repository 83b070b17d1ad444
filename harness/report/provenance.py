"""Where the numbers come from: what is the same wherever the report is made, and what is of one machine."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import harness
from harness import protocols
from harness.data import licence
from harness.errors import UserError
from harness.report import costs
from harness.report.evidence import Arm, Evidence
from harness.report.records import option

UNKNOWN = "not recorded"


class Kept(NamedTuple):
    """Where a run's record stands in the store: its MLflow id, a link where a server has it, and when it ran."""

    run_id: str
    mlflow_id: str
    link: str | None
    started: str
    seconds: str


def identity(spec: Any, evidence: Evidence) -> dict[str, str]:
    """What names these results: the spec, its runs, data and code. The same for the same records."""
    records = list(evidence.records.values())
    named = {
        "spec": f"{spec.name}, digest {option(spec, 'digest', UNKNOWN)}{_overrides(spec)}",
        "runs": f"{evidence.finished} of {evidence.planned} finished; digest of all run ids {_digest(spec)}",
        "protocol": _protocol(evidence),
        "data": "; ".join(_data(spec, evidence)),
        "git commit": _counted(_commit(record) for record in records),
        "training code": _counted(option(record, "code", "") for record in records),
        "versions": _counted(_versions(record) for record in records),
        "report written by": f"repose-harness {harness.__version__}",
    }
    return {name: value for name, value in named.items() if value}


def _protocol(evidence: Evidence) -> str:
    protocol = protocols.of(evidence.protocol)
    return f"{protocol.title}: {protocol.summary} (source: {protocol.source})"


def runs(evidence: Evidence) -> list[dict[str, Any]]:
    """Every planned run: ``run_id``, its axes, ``seed``, ``state`` (finished, failed, missing) and ``convergence``.

    Also ``late_gain``: what the last fifth of its steps took off its lowest validation MPJPE, mm; None if not told.
    """
    listed = []
    for arm in evidence.arms:
        for seed, run_id in arm.runs.items():
            left = "failed" if run_id in evidence.failed else "missing"
            state = "finished" if seed in arm.finished else left
            gain = arm.gains.get(seed)
            listed.append(
                {
                    "run_id": run_id,
                    **arm.labels,
                    "seed": seed,
                    "state": state,
                    "convergence": _convergence(evidence, arm, seed),
                    "late_gain": None if gain is None else round(gain, 4),
                }
            )
    return listed


def _convergence(evidence: Evidence, arm: Arm, seed: int) -> str:
    if seed not in arm.finished:
        return "-"
    if seed in arm.falling:
        return "still falling"
    if evidence.summaries.get(arm.runs[seed], {}).get("parameters", 1) <= 0:
        return "nothing to train"
    return "no longer falling" if seed in arm.gains else "not told"


def machine(evidence: Evidence, uri: str | None, now: datetime | None = None) -> dict[str, str]:
    """Times and places, which differ from machine to machine: they stand in one marked block."""
    records = list(evidence.records.values())
    named = {
        "written": (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        "tracking store": _store(uri),
        "hosts": _counted(option(record, "host", "") for record in records),
        "hardware": _counted(option(record, "hardware", UNKNOWN) for record in records),
        "compute of the finished runs": _compute(records),
        "a run took, median": _taken(evidence),
        "failed runs": "; ".join(
            f"{run_id}: {why.partition(chr(10))[0]}" for run_id, why in sorted(evidence.failed.items())
        ),
    }
    return {name: value for name, value in named.items() if value}


def kept(evidence: Evidence, uri: str | None) -> list[Kept]:
    """Of each finished run whose record is known, where MLflow keeps it and when it ran."""
    found = []
    for run_id, record in sorted(evidence.records.items()):
        mlflow_id, started = option(record, "mlflow_id"), option(record, "started")
        if mlflow_id is None:
            continue
        when = "" if started is None else datetime.fromtimestamp(float(started), UTC).strftime("%Y-%m-%d %H:%M UTC")
        seconds = option(record, "seconds")
        spent = "" if seconds is None else f"{seconds:.0f} s"
        found.append(Kept(run_id, mlflow_id, _link(uri, record, mlflow_id), when, spent))
    return found


def _link(uri: str | None, record: Any, mlflow_id: str) -> str | None:
    """The record's page on a tracking server; MLflow's artifact places end in experiment/record/artifacts."""
    parts = str(option(record, "artifact_uri", "")).rstrip("/").split("/")
    if not uri or not uri.startswith("http") or len(parts) < 3 or parts[-2] != mlflow_id:
        return None
    return f"{_store(uri).rstrip('/')}/#/experiments/{parts[-3]}/runs/{mlflow_id}"


def _store(uri: str | None) -> str:
    """The store without what is no reader's business: a password, or where a file lay on one machine."""
    if not uri:
        return "the default store"
    if uri.startswith("sqlite:"):
        return f"sqlite file {uri.rpartition('/')[2]}"
    return re.sub(r"//[^/@]*@", "//", uri)


def _data(spec: Any, evidence: Evidence) -> list[str]:
    """Each data set once: name, fingerprint, and the licence that the records or the harness know."""
    told: dict[tuple[str, str], list[str]] = {}
    for run in spec.runs:
        if run.run_id in evidence.records:
            said = option(evidence.records[run.run_id], "licence")
            of = told.setdefault((run.data.dataset, run.data.fingerprint or UNKNOWN), [])
            of += [said] if said and said not in of else []
    return [
        f"{name} (fingerprint {fingerprint}; licence: {' / '.join(said) or _known(name, fingerprint)})"
        for (name, fingerprint), said in told.items()
    ]


def _known(name: str, fingerprint: str) -> str:
    try:
        return licence(name, fingerprint) or UNKNOWN
    except UserError:  # a dataset that the registry no longer has
        return UNKNOWN


def _compute(records: list[Any]) -> str:
    seconds = [s for s in (option(record, "seconds") for record in records) if s is not None]
    return f"{sum(seconds):,.0f} s ({sum(seconds) / 3600:.2f} h), {len(seconds)} runs" if seconds else ""


def _taken(evidence: Evidence) -> str:
    return "; ".join(f"{name}: {took:,.0f} s" for name, took in costs.seconds(evidence).items())


def _digest(spec: Any) -> str:
    return hashlib.sha256(" ".join(sorted(run.run_id for run in spec.runs)).encode()).hexdigest()[:16]


def _overrides(spec: Any) -> str:
    given = option(spec, "overrides", ())
    return f", overridden by {' '.join(given)}" if given else ""


def several_codes(evidence: Evidence) -> str | None:
    """What is to be said if not all runs were trained by the same code; None if they were, as far as is recorded.

    Records tell a digest of the sources that decide a training's numbers: commits that leave these alone are one
    version. Older records tell a commit alone.
    """
    records = list(evidence.records.values())
    of_commit = {_commit(record): option(record, "code") for record in records if option(record, "code")}
    trained = [option(record, "code") or of_commit.get(_commit(record)) or _commit(record) for record in records]
    counts = Counter(code for code in trained if code != UNKNOWN)
    if len(counts) < 2:
        return None
    named = ", ".join(f"{code} ({count} run{'s' * (count != 1)})" for code, count in sorted(counts.items()))
    return (
        f"{len(counts)} versions of the code trained these runs: {named}. A difference between arms may be one between "
        "versions; the commits stand under Provenance."
    )


def _commit(record: Any) -> str:
    commit, dirty = option(record, "commit"), option(record, "dirty")
    if not commit:
        return UNKNOWN
    state = {"true": "with uncommitted changes", "false": "clean"}.get(str(dirty).lower(), "clean or not: " + UNKNOWN)
    return f"{commit} ({state})"


def _versions(record: Any) -> str:
    versions = option(record, "versions", "")
    if isinstance(versions, str) and versions.startswith("{"):
        versions = json.loads(versions)
    return ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, Mapping) else str(versions)


def _counted(values: Iterable[Any]) -> str:
    """The different values; how many runs each has, where there are several."""
    counts = Counter(str(value) for value in values if value)
    several = len(counts) > 1
    return "; ".join(f"{value} ({counts[value]} runs)" if several else value for value in sorted(counts))
