import pytest

from harness import report
from harness.errors import UserError
from harness.report import area
from harness.report.selection import Column, values

FOUR = ("none", "minor", "moderate", "severe")
# Severities 0, 0.25, 0.4, 0.7; `make` adds 10 mm at each harder level: (10 · 0.2 + 20 · 0.225 + 30 · 0.15) / 0.7
ABOVE = 11 / 0.7


def of_curve(frame):
    return frame[frame["test_occlusion"] == area.CURVE]


def test_shares_by_hand():
    shares = area.scale(FOUR).weights
    expected = {"none": 0.125 / 0.7, "minor": 0.2 / 0.7, "moderate": 0.225 / 0.7, "severe": 0.15 / 0.7}
    assert shares == pytest.approx(expected) and sum(shares.values()) == pytest.approx(1)


def test_levels_without_a_common_severity_are_equally_far_apart_and_said():
    found = area.scale(("none", "theirs", "severe"))
    assert not found.declared and found.hardest_first == ["severe", "theirs", "none"]
    assert found.weights == pytest.approx({"none": 0.25, "theirs": 0.5, "severe": 0.25})
    assert "equally far apart" in found.told


def test_one_level_has_no_curve(make):
    assert area.scale(("severe",)) is None
    made = make({("abs", 0): 100.0, ("spatial", 0): 90.0}, levels=("severe",))
    collected = report.collect(made.spec, source=made)
    assert of_curve(collected.evidence.frame).empty
    assert [label for _, label in collected.tables[0].columns] == ["severe"]


def test_the_area_of_a_run_is_that_of_its_levels(make):
    made = make({("abs", 0): 100.0}, levels=FOUR, cameras=("seen", "unseen"))
    frame = of_curve(report.collect(made.spec, source=made).evidence.frame)
    best = frame[frame["weights"] == "best"].set_index("cameras")
    assert best["value"].to_dict() == pytest.approx({"seen": 100 + ABOVE, "unseen": 101 + ABOVE}, abs=1e-4)
    # subject A lies 5 mm above and has three quarters of the frames
    assert best["per_frame"]["seen"] == pytest.approx(102.5 + ABOVE, abs=1e-4)
    assert set(best["n"]) == {400} and set(best["subjects"]) == {2}


def test_the_area_stands_first_and_enters_no_mean_over_levels(make):
    made = make({("abs", s): 100.0 + s for s in range(2)}, levels=FOUR)
    collected = report.collect(made.spec, source=made)
    main = collected.tables[0]
    assert [label for _, label in main.columns] == ["area", *FOUR]
    assert main.rows[0].cells[0].numbers["mean"] == f"{100.5 + ABOVE:.1f}"
    assert any("none 0, minor 0.25, moderate 0.4, severe 0.7" in note for note in main.notes)
    other = next(table for table in collected.tables if table.name == "metrics")
    assert other.rows[0].cells[0].numbers["mean"] == "115.5"


def test_half_a_curve_has_no_area(make):
    made = make({("abs", 0): 100.0, ("abs", 1): 102.0})
    lacking = made.spec.runs[1].run_id
    made.frames[lacking] = made.frames[lacking].query("test_occlusion == 'none'")
    assert set(of_curve(report.collect(made.spec, source=made).evidence.frame)["seed"]) == {0}


def test_a_measure_that_a_level_does_not_define_has_no_area(make):
    made = make({("abs", 0): 100.0}, extra={"mpjpe_occluded": 120.0})
    one = made.spec.runs[0].run_id
    frame = made.frames[one]
    made.frames[one] = frame[(frame["metric"] != "mpjpe_occluded") | (frame["test_occlusion"] != "none")]
    assert set(of_curve(report.collect(made.spec, source=made).evidence.frame)["metric"]) == {"mpjpe"}


def test_the_area_can_be_chosen_and_is_not_averaged_with_levels(make):
    evidence = report.collect((made := make({("abs", 0): 100.0})).spec, source=made).evidence
    chosen = Column({"metric": "mpjpe", "test_occlusion": "curve"}, ("", ""))
    assert values(evidence, ("objective",), chosen) == {("abs",): {0: 105.0}}
    mixed = Column({"metric": "mpjpe", "test_occlusion": ["curve", "severe"]}, ("", ""))
    apart = values(evidence, ("objective", "test_occlusion"), mixed)
    assert apart == {("abs", "curve"): {0: 105.0}, ("abs", "severe"): {0: 110.0}}
    with pytest.raises(UserError, match=r"\(curve\) isn't averaged with severe"):
        values(evidence, ("objective",), mixed)
