"""Where the numbers come from: what is the same wherever the report is made, and what is of one machine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import harness
from harness.report.records import Evidence, option


def identity(spec: Any, evidence: Evidence) -> dict[str, str]:
    """What names these results: the spec, its runs, data and code. The same for the same records."""
    records = list(evidence.records.values())
    runs = [run for run in spec.runs if run.run_id in evidence.records]
    data = dict.fromkeys(f"{run.data.dataset} (fingerprint {run.data.fingerprint or 'not recorded'})" for run in runs)
    named = {
        "spec": f"{spec.name}, digest {option(spec, 'digest', 'not recorded')}{_overrides(spec)}",
        "runs": f"{evidence.finished} of {evidence.planned} finished; digest of all run ids {_digest(spec)}",
        "protocol": evidence.protocol,
        "data": "; ".join(data),
        "git commit": _distinct(_commit(record) for record in records),
        "versions": _distinct(_versions(record) for record in records),
        "report written by": f"repose-harness {harness.__version__}",
    }
    return {name: value for name, value in named.items() if value}


def machine(evidence: Evidence, uri: str | None, now: datetime | None = None) -> dict[str, str]:
    """Times and places, which differ from machine to machine: they stand in one marked block."""
    records = list(evidence.records.values())
    seconds = [s for s in (option(record, "seconds") for record in records) if s is not None]
    named = {
        "written": (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
        "tracking store": _store(uri),
        "hosts": _distinct(option(record, "host", "") for record in records),
        "hardware": _distinct(option(record, "hardware", "") for record in records),
        "compute of the finished runs": f"{sum(seconds):,.0f} s ({sum(seconds) / 3600:.2f} h)" if seconds else "",
        "failed runs": "; ".join(
            f"{run_id}: {why.partition(chr(10))[0]}" for run_id, why in sorted(evidence.failed.items())
        ),
    }
    return {name: value for name, value in named.items() if value}


def _store(uri: str | None) -> str:
    """The store without what is no reader's business: a password, or where a file lay on one machine."""
    if not uri:
        return "the default store"
    if uri.startswith("sqlite:"):
        return f"sqlite file {uri.rpartition('/')[2]}"
    return re.sub(r"//[^/@]*@", "//", uri)


def _digest(spec: Any) -> str:
    return hashlib.sha256(" ".join(sorted(run.run_id for run in spec.runs)).encode()).hexdigest()[:16]


def _overrides(spec: Any) -> str:
    given = option(spec, "overrides", ())
    return f", overridden by {' '.join(given)}" if given else ""


def _commit(record: Any) -> str:
    commit = option(record, "commit", "")
    dirty = str(option(record, "dirty", "")).lower() == "true"
    return f"{commit}{' (with uncommitted changes)' if dirty else ''}" if commit else ""


def _versions(record: Any) -> str:
    versions = option(record, "versions", "")
    if isinstance(versions, str) and versions.startswith("{"):
        versions = json.loads(versions)
    return ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, Mapping) else str(versions)


def _distinct(values: Iterable[Any]) -> str:
    return "; ".join(sorted({str(value) for value in values if value}))
