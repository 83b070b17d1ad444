"""Levels of several processes: each process has a curve and an area of its own, and none goes through two."""

import json

import pytest

from harness import report
from harness.errors import UserError
from harness.occlusion import ladder
from harness.report import area
from harness.report.selection import Column, values
from harness.report.verify import verify
from harness.spec import load
from tests.report.conftest import Made, evaluation

# `evaluation` adds 10 mm at each later level: none 0, limbs 10 and 20, jitter 30 and 40.
LEVELS = ("none", "limbs@0.25", "limbs@0.75", "jitter@0.5", "jitter@1")
LIMBS = (5 * 0.25 + 15 * 0.5) / 0.75
JITTER = (15 * 0.5 + 35 * 0.5) / 1


def test_places_and_shares_by_hand():
    found = area.scale(LEVELS)
    assert found.curves == {
        "limbs": {"none": 0.0, "limbs@0.25": 0.25, "limbs@0.75": 0.75},
        "jitter": {"none": 0.0, "jitter@0.5": 0.5, "jitter@1": 1.0},
    }
    assert list(found.areas) == ["curve", "curve/limbs", "curve/jitter"]
    assert found.areas["curve/jitter"] == pytest.approx({"none": 0.25, "jitter@0.5": 0.5, "jitter@1": 0.25})
    assert found.weights["none"] == pytest.approx((0.25 + 0.125 / 0.75) / 2) and sum(found.weights.values()) == (
        pytest.approx(1)
    )
    assert "limbs (none 0, limbs@0.25 0.25, limbs@0.75 0.75); jitter" in found.told and "mean of the 2" in found.told
    assert found.order(["limbs@0.25", "none"]) == ["curve/limbs", "limbs@0.75", "limbs@0.25", "none"]
    assert found.order(["limbs@0.25", "jitter@1"]) == found.order(["curve", "none"]) == []


def test_one_level_each_of_several_processes_makes_no_curve():
    assert area.scale(("limbs@0.5", "jitter@0.5")) is None
    assert area.scale(("limbs@0.5", "limbs@0.7", "jitter@0.5")) is None
    assert area.scale(("limbs@0.5", "limbs@0.7")).declared, "of one process it does"


@pytest.fixture
def made(make):
    gain = {"abs": 0.0, "spatial": 2.0}
    errors = {(arm, seed): 100.0 + 2 * seed - gain[arm] * (1 + seed / 20) for arm in gain for seed in range(4)}
    return make(errors, levels=LEVELS)


def test_areas_of_each_process_and_their_mean(made):
    collected = report.collect(made.spec, source=made)
    frame = collected.evidence.frame
    mine = frame[(frame["seed"] == 0) & (frame["objective"] == "abs") & (frame["weights"] == "best")]
    values = mine.set_index("test_occlusion")["value"].to_dict()
    assert values["curve/limbs"] == pytest.approx(100 + LIMBS, abs=1e-4)
    assert values["curve/jitter"] == pytest.approx(100 + JITTER, abs=1e-4)
    assert values["curve"] == pytest.approx(100 + (LIMBS + JITTER) / 2, abs=1e-4)
    main = collected.tables[0]
    assert [label for _, label in main.columns] == ["area", "area, limbs", "area, jitter", *LEVELS]
    assert any("one curve for each process" in note for note in main.notes)
    other = next(table for table in collected.tables if table.name == "metrics")
    assert other.rows[0].cells[0].numbers["mean"] == "123.0", "no area enters a mean over levels"
    subjects = collected.evidence.by_subject()
    assert set(subjects["test_occlusion"]) == {*LEVELS, "curve", "curve/limbs", "curve/jitter"}


def test_an_area_is_not_averaged_with_another(made):
    evidence = report.collect(made.spec, source=made).evidence
    chosen = Column({"metric": "mpjpe", "test_occlusion": ["curve/limbs", "curve/jitter"]}, ("", ""))
    with pytest.raises(UserError, match=r"\(curve/limbs\) isn't averaged with curve/jitter"):
        values(evidence, ("objective",), chosen)
    assert set(values(evidence, ("objective", "test_occlusion"), chosen)) == {
        (arm, f"curve/{name}") for arm in ("abs", "spatial") for name in ("limbs", "jitter")
    }


def test_it_verifies_and_another_area_does_not(made, tmp_path):
    made.spec.report.figures = ["occlusion"]
    report.write(made.spec, out=tmp_path / "out", source=made)
    with_records, alone = verify(tmp_path / "out", made.spec, made), verify(tmp_path / "out")
    assert with_records.mismatches == alone.mismatches == [] and with_records.counts["areas"] > 100
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["tested"]["scale"]["jitter"] == {"none": 0, "jitter@0.5": 0.5, "jitter@1": 1}
    runs = tmp_path / "out" / "runs.csv"
    text = runs.read_text()
    line = next(line for line in text.splitlines() if "curve/jitter" in line)
    runs.write_text(text.replace(line, line.replace("curve/jitter", "curve/limbs", 1)))
    assert verify(tmp_path / "out", made.spec, made).mismatches


def test_the_shipped_spec_of_several_processes(tmp_path):
    fewer = ["grid.train_occlusion=none", "report.figures=[occlusion]", "report.labels={}", "claims=[]"]
    spec = load("occlusion_curves", [*fewer, "include=[]"], seeds=2)
    processes = ladder.curves(spec.test.occlusion)
    assert len(spec.runs) == 4 and len(processes) >= 4
    made = Made(spec, tmp_path)
    for number, run in enumerate(spec.runs):
        made.frames[run.run_id] = evaluation({"mpjpe": 90.0 + number}, levels=spec.test.occlusion)
    report.write(spec, out=tmp_path / "out", source=made)
    assert verify(tmp_path / "out", spec, made).mismatches == []
    assert json.loads((tmp_path / "out" / "report.json").read_text())["tested"]["scale"] == processes
    drawn = (tmp_path / "out" / "figures" / "occlusion.svg").read_text()
    assert all(name in drawn for name in processes)
    assert "a panel for each process" in (tmp_path / "out" / "report.html").read_text()
