from dataclasses import replace

import pandas as pd
import pytest

from harness import report, tracking
from harness.errors import UserError
from harness.report import records
from tests.tracking.runs import begun


@pytest.fixture
def evidence(ablation):
    return report.collect(ablation.spec, source=ablation).evidence


def test_each_subject_apart(evidence):
    found = evidence.by_subject()
    mine = found[(found["objective"] == "spatial") & (found["seed"] == 1) & (found["cameras"] == "seen")]
    shown = {(level, subject): value for level, subject, value in mine[["test_occlusion", "subject", "value"]].values}
    assert shown == pytest.approx(
        {("none", "A"): 105, ("none", "B"): 95, ("severe", "A"): 115, ("severe", "B"): 105}
        | {("curve", "A"): 110, ("curve", "B"): 100}
    )
    assert {"run_id", "objective", "backbone", "train_occlusion"} <= set(found.columns)


def test_subjects_average_to_the_runs_value(evidence):
    keys = ["run_id", "test_occlusion", "cameras"]
    mean = evidence.by_subject("p_mpjpe").groupby(keys, observed=True)["value"].mean()
    frame = evidence.frame
    rows = frame[(frame["metric"] == "p_mpjpe") & (frame["weights"] == "best")].set_index(keys)["value"]
    pd.testing.assert_series_equal(mean.sort_index(), rows.sort_index(), check_index_type=False, rtol=1e-6)


def test_weights_of_the_last_epoch_when_asked(evidence):
    best, last = (evidence.by_subject(weights=weights)["value"].mean() for weights in ("best", "last"))
    assert last == pytest.approx(best + 0.5)


def test_each_joint_apart_and_never_all_of_them(evidence):
    found = evidence.by_joint()
    assert set(found["joint"]) == {"Head"} and set(found["value"]) == {1e6}
    assert set(found["test_occlusion"]) == {"none", "severe", "curve"}
    assert evidence.by_joint("p_mpjpe").empty


def test_a_metric_nobody_logged_has_no_subjects(evidence):
    assert evidence.by_subject("auc").empty


def test_a_copy_with_another_baseline_reads_nothing_again_and_one_with_other_runs_does(evidence):
    found = evidence.by_subject()
    assert replace(evidence, baseline={}).by_subject() is found
    fewer = replace(evidence, arms=evidence.arms[:1]).by_subject()
    assert set(fewer["objective"]) == {"abs"}


def test_all_curves_of_a_run(evidence, ablation):
    one = ablation.spec.runs[0].run_id
    found = evidence.terms(one)
    assert list(found.columns) == ["name", "step", "value"] and set(found["name"]) == {"val_mpjpe"}
    assert len(found) == 10 and evidence.terms("nobody").empty


def test_when_runs_began_and_claims_were_registered(ablation):
    known = ablation.finished

    def finished(run_ids):
        for record in (records := known(run_ids)).values():
            record.started = 1.7e9
        return records

    ablation.finished = finished
    ablation.registered = lambda spec: {"d1": f"registration of {spec.name}"}
    found = report.collect(ablation.spec, source=ablation).evidence
    assert set(found.started.values()) == {"2023-11-14T22:13:20+00:00"} and len(found.started) == 9
    assert found.registered == {"d1": "registration of made"}


def test_a_source_that_knows_neither_will_do(evidence):
    assert evidence.started == {} and evidence.registered == {}


@pytest.fixture
def lost(tmp_path, make):
    """lost(file): a store in which the spec's only run is finished and has lost a file; None: none."""
    made = make({("abs", 0): 100.0})
    one = made.spec.runs[0]
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    tracking.prepare(uri)
    logger = begun(uri, one.run_id)
    logger.evaluation(tracking.parquet_bytes(made.frames[one.run_id]), ["none@1/seen", "severe@1/seen"])
    logger.finish({"late_gain": 0.0})
    folder = tracking.finished(uri)[one.run_id].artifact_uri

    def lose(name):
        kept = tracking.path(uri, tracking.finished(uri)[one.run_id], name)
        kept.rename(kept.with_suffix(".away"))
        try:
            with pytest.raises(UserError) as told:
                records.load(made.spec, records.Store(uri))
        finally:
            kept.with_suffix(".away").rename(kept)
        return str(told.value)

    assert len(records.load(made.spec, records.Store(uri)).frame) > 0
    return lose, one.run_id, folder.removeprefix("file://")


def test_a_finished_record_that_lost_a_file_is_told_in_one_message(lost):
    lose, run_id, folder = lost
    for name in ("evaluation.parquet", "summary.json", "curves.parquet"):
        told = lose(name)
        assert f"run {run_id} has no {name}" in told and folder in told and "delete the record" in told


def test_finished_runs_without_any_evaluation_are_counted(make):
    made = make({("abs", 0): 100.0, ("abs", 1): 101.0})
    known = made.evaluations
    made.evaluations = lambda run_ids: dict(list(known(run_ids).items())[:1])
    with pytest.raises(UserError, match="1 of 2 finished runs have no evaluation any more, the first b-abs-none-1"):
        report.collect(made.spec, source=made)
