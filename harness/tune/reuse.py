"""Warm start: finished runs of the store that are points of an arm's space become trials, without training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from optuna.trial import TrialState, create_trial

from harness import tracking
from harness.errors import UserError
from harness.spec import identity
from harness.spec.readback import read
from harness.spec.run import Run
from harness.spec.space import active
from harness.tune.measures import Measures
from harness.tune.sampling import distribution, held, key
from harness.tune.search import Search


def add(search: Search, uri: str) -> int:
    """Add a COMPLETE trial for each point of the space all of whose runs are finished; how many were added.

    The runs may be a grid's or an earlier study's: a run is what its identity says. They take nothing of the budget.
    """
    assert search.spec.study is not None
    known = {key(t.params) for t in search.trials() if t.state == TrialState.COMPLETE}
    records = tracking.finished(uri)
    measures, added = Measures(search.spec.study.metric), 0
    for params in _points(search, uri, records):
        runs = search.runs(params)
        if key(params) in known or any(run.run_id not in records for run in runs):
            continue
        known.add(key(params))
        rows = [measures.of_record(uri, run, records[run.run_id]) for run in runs]
        about = {"reused": True, "runs": [run.run_id for run in runs]}
        seconds = sum(records[run.run_id].seconds or 0.0 for run in runs)
        trial = create_trial(
            state=TrialState.COMPLETE,
            params=params,
            distributions={name: distribution(search.arm.space[name]) for name in params},
            values=[sum(column) / len(rows) for column in zip(*rows, strict=True)],
            user_attrs={**about, "seconds": round(seconds, 3)},
        )
        search.study.add_trial(trial)
        added += 1
    return added


def _points(search: Search, uri: str, records: Mapping[str, tracking.Record]) -> list[dict[str, Any]]:
    """Values under which a finished run is this arm's."""
    found: dict[str, dict[str, Any]] = {}
    for run_id, record in records.items():
        run = _config(uri, record)
        if run is None or run.seed not in search.seeds or run.checkpoint is not None:
            continue
        params = _params(search, run)
        if params is None:
            continue
        try:
            same = identity.run_id(search.runs(params)[search.seeds.index(run.seed)]) == run_id
        except UserError:
            continue
        if same:
            found.setdefault(key(params), params)
    return [found[name] for name in sorted(found)]


def _config(uri: str, record: tracking.Record) -> Run | None:
    try:
        return Run.model_validate_json(tracking.path(uri, record, "config.json").read_text())
    except (OSError, ValueError):  # of another version, or moved away
        return None


def _params(search: Search, run: Run) -> dict[str, Any] | None:
    """The run's values of the arm's tuned fields, as far as they mean something beside each other."""
    labels = search.arm.point.run.labels
    named = run.model_copy(update={"labels": {**labels, "seed": str(run.seed)}})
    values: dict[str, Any] = {}
    for name in search.arm.space:
        if not active(name, search.arm.space, values):
            continue
        said = read(named, name)
        try:
            values[name] = json.loads(said)
        except ValueError:
            values[name] = said
    return held(search.arm.space, values)
