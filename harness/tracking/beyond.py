"""Runs that were stopped at a limit of time or memory: under the same limit they would only be stopped again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.tracking.record import records
from harness.tracking.store import resolve


@dataclass(frozen=True)
class Stopped:
    """``limits``: what the run went beyond, name → value; the highest of each. ``reason``: that of its last attempt."""

    limits: Mapping[str, float]
    reason: str


def beyond(uri: str | None, run_ids: Collection[str]) -> dict[str, Stopped]:
    """Those of these runs that were ever stopped at a limit, by run_id."""
    found: dict[str, Stopped] = {}
    for record in records(resolve(uri), run_ids, ("FAILED",), details=True):
        limit = json.loads(record.limit) if record.limit else {}
        if limit:
            before = found[record.run_id].limits if record.run_id in found else {}
            highest = {**before, **{name: max(value, before.get(name, value)) for name, value in limit.items()}}
            found[record.run_id] = Stopped(highest, (record.reason or "").partition("\n")[0])
    return found
