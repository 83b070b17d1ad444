"""From a claim in a spec file to its verdict in the report, through a sweep on a real store."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness import report, tracking
from harness.spec import load
from harness.spec.identity import conditions
from harness.sweep import run_sweep
from tests.report.conftest import evaluation
from tests.tracking.runs import Run

SPEC = """\
name: claimed
data: {dataset: synthetic, window: 27}
test: {occlusion: [none, severe], cameras: [seen]}
objectives:
  abs: {mpjpe: 1}
  spatial: {mpjpe: 1, spatial_rdc: 0.1}
grid: {backbone: simple_baseline, objective: [abs, spatial], seed: 3}
claims:
  - text: Spatial lowers the error under severe occlusion
    arm: spatial
    versus: abs
    where: {test_occlusion: severe}
    direction: lower
    at_least: 5
"""
LATER = "  - {text: As could be seen, arm: spatial, versus: abs, direction: lower, at_least: 6}\n"
BODY = "tests.sweep.test_claims:scored"


def scored(run: Any, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    """A run that left an evaluation made by hand: spatial is 8 to 10 mm better."""
    on_epoch(SimpleNamespace(step=1, steps=1, val_mpjpe=50.0, curves=[("val_mpjpe", 1, 50.0)]))
    better = (8.0 + run.seed) * (run.labels["objective"] == "spatial")
    logger.evaluation(tracking.parquet_bytes(evaluation({"mpjpe": 100.0 + run.seed - better})), conditions(test))
    return {"val_mpjpe_best": 50.0, "parameters": 3.0, "late_gain": 0.1, "falling": 0.0, "train_seconds": 0.0}


@pytest.mark.usefixtures("ray_session")
def test_a_claim_made_before_the_runs_and_one_made_after_them(store, tmp_path):
    path = tmp_path / "claimed.yaml"
    path.write_text(SPEC)
    spec = load(path)
    spec = replace(spec, awaited=(spec.claims[0].model_copy(update={"text": "What a study is to find helps"}),))
    first, awaited = (claim.digest(spec.name) for claim in (*spec.claims, *spec.awaited))
    outcome = run_sweep(spec, uri=store, workers=2, body=BODY)
    assert len(outcome.finished) == 6
    known = tracking.registered(store)
    assert set(known) == {first, awaited} and known[first].spec == spec.digest
    assert all(known[first].at <= record.started for record in tracking.records(store))

    path.write_text(SPEC + LATER)
    longer = load(path)
    assert not run_sweep(longer, uri=store, body=BODY).finished
    again = tracking.registered(store)
    assert again[first] == known[first] and len(again) == 3, "a finished sweep registers what is new, too late"

    made = report.collect(longer, store)
    assert made.all_tables[0] is made.claims and made.claims is not None
    assert [(row.band, row.cells[0].text, row.cells[3].text) for row in made.claims.rows] == [
        ("1. Spatial lowers the error under severe occlusion", "supported", "before the runs"),
        ("2. As could be seen", "supported", "post hoc"),
    ]
    assert f"its digest was {spec.digest}" in made.claims.notes[0] and "changed since" not in made.claims.notes[1]
    text = report.render_terminal(made)
    assert text.index("2. As could be seen") < text.index(made.tables[0].title)


@pytest.mark.usefixtures("ray_session")
def test_runs_are_dated_after_the_registration_also_where_that_had_to_follow_a_clock_that_is_ahead(store, tmp_path):
    other = tracking.claim(store, "0" * 16, 0, tracking.myself())
    run = Run("0" * 16)
    ahead = tracking.RunLogger(store, run, "other", other, since=time.time() + 3600).start()
    ahead.finish()
    path = tmp_path / "claimed.yaml"
    path.write_text(SPEC.replace("seed: 3", "seed: 1"))
    spec = load(path)
    assert len(run_sweep(spec, uri=store, workers=1, body=BODY).finished) == 2
    [known] = tracking.registered(store).values()
    records = tracking.finished(store)
    assert records.pop(run.run_id).started < known.at
    assert all(known.at <= record.started and record.seconds < 60 for record in records.values())


def test_a_sweep_without_claims_registers_nothing_and_makes_no_ledger(store):
    run_sweep(SimpleNamespace(name="x", runs=[], test=None, tracking=SimpleNamespace(uri=None)), uri=store)
    assert tracking.registered(store) == {}
