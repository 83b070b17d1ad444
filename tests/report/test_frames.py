import pandas as pd
import pytest

from harness import report
from harness.errors import UserError


def test_runs_are_those_of_the_report_without_categories(ablation):
    frames = report.load(ablation.spec, source=ablation)
    assert len(frames.runs) == len(frames.report.evidence.frame)
    assert {"run_id", "objective", "seed", "test_occlusion", "cameras", "metric", "value"} <= set(frames.runs)
    assert not any(isinstance(dtype, pd.CategoricalDtype) for dtype in frames.runs.dtypes)


def test_subjects_and_joints_are_tidy_and_add_up(ablation):
    frames = report.load(ablation.spec, source=ablation)
    chosen = "objective == 'abs' and seed == 0 and test_occlusion == 'none' and cameras == 'seen'"
    assert frames.subjects.query(chosen).set_index("subject")["value"].to_dict() == {"A": 105.0, "B": 95.0}
    assert set(frames.joints["joint"]) == {"Head"}
    assert set(frames.of_subjects("p_mpjpe")["value"].groupby(frames.of_subjects("p_mpjpe")["subject"]).size()) == {
        len(frames.subjects) // 2
    }


def test_a_metric_nobody_logged_is_told_with_those_that_were(ablation):
    frames = report.load(ablation.spec, source=ablation)
    for read in (frames.of_subjects, frames.of_joints):
        with pytest.raises(UserError, match="'mpjvee'; logged were: depth_spread, mpjpe"):
            read("mpjvee")
        with pytest.raises(UserError, match="unknown weights of mpjpe 'first'"):
            read("mpjpe", weights="first")
    with pytest.raises(UserError, match="unknown group of mpjpe 'near'"):
        frames.of_subjects("mpjpe", "near")


def test_curves_name_their_run(ablation):
    curves = report.load(ablation.spec, source=ablation).curves
    assert list(curves.columns[-3:]) == ["name", "step", "value"] and len(curves) == 9 * 10
    assert set(curves["name"]) == {"val_mpjpe"} and set(curves["seed"]) == {0, 1, 2}


def test_tables_are_the_reports(ablation):
    frames = report.load(ablation.spec, source=ablation)
    for table in frames.report.all_tables:
        shown, numbers = frames.tables[table.name], frames.numbers[table.name]
        assert shown.shape == (len(table.rows), len(table.columns))
        assert [c for row in shown.to_numpy() for c in row] == [c.text + c.mark for r in table.rows for c in r.cells]
        assert len(numbers) == shown.size
    assert frames.numbers["ablation"]["mean"].dtype == float
    assert frames.tables["ablation"].index.names == ["objective"]


def test_claims_without_any_are_an_empty_frame(ablation):
    claims = report.load(ablation.spec, source=ablation).claims
    assert claims.empty and "verdict" in claims


def test_a_spec_by_name_is_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no finished run of 'smoke'"):
        report.load("smoke", "sqlite:///none.db")
    with pytest.raises(UserError, match="smokee"):
        report.load("smokee")
