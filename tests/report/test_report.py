import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from harness import report
from harness.errors import UserError
from harness.report.page import MACHINE
from tests.report.conftest import LEVELS, evaluation

ORDER = "depth order across joints, %"
T4, T2 = 2.776445, 4.302653  # t(0.975) with 4 and 2 degrees of freedom


def table(made, name):
    return next(t for t in report.collect(made.spec, source=made).tables if t.name == name)


def cell(shown, keys, label, group=None):
    row = next(row for row in shown.rows if row.keys == keys)
    columns = [i for i, (g, head) in enumerate(shown.columns) if head == label and (group is None or g == group)]
    assert len(columns) == 1
    return row.cells[columns[0]]


def test_cell_is_mean_half_width_and_seeds(make):
    made = make({("abs", s): 100.0 + s for s in range(5)} | {("spatial", s): 95.0 + s for s in range(5)})
    half = T4 * math.sqrt(2.5 / 5)
    assert cell(table(made, "ablation"), ("abs",), "none").text == f"102.0 ± {half:.1f} (5)"
    assert cell(table(made, "ablation"), ("abs",), "severe").text == f"112.0 ± {half:.1f} (5)"


def test_only_the_specs_own_conditions_enter_its_means(make):
    """A run that another spec shares may have been tested on more."""
    made = make(
        {("abs", s): 100.0 + s for s in range(3)}, tables=[{"name": "t", "rows": "objective", "metric": "mpjpe"}]
    )
    shared = made.spec.runs[0].run_id
    made.frames[shared] = evaluation({"mpjpe": 100.0}, levels=(*LEVELS, "minor"), cameras=("seen", "unseen"))
    found = report.collect(made.spec, source=made)
    assert set(found.evidence.frame["test_occlusion"]) == {*LEVELS, "curve"}
    assert set(found.evidence.frame["cameras"]) == {"seen"}
    assert found.tables[0].rows[0].cells[0].text.endswith("(3)")


def test_rows_of_another_version_of_a_level_do_not_count(make):
    made = make({("abs", s): 100.0 for s in range(3)})
    files = made.evaluations([one.run_id for one in made.spec.runs])
    old = made.spec.runs[0].run_id
    files[old] = {path: ["none@1/seen", "severe@0/seen"] for path in files[old]}
    made.evaluations = lambda run_ids: files
    found = report.collect(made.spec, source=made)
    rows = found.evidence.frame
    assert set(rows.loc[rows["run_id"] == old, "test_occlusion"]) == {"none"}  # half a curve has no area
    assert found.evidence.unevaluated == {("severe", "seen"): 1}
    [said] = found.warnings
    assert "severe with seen cameras (1)" in said and "without training" in said


def test_paired_difference_by_hand(make):
    # spatial − abs: -2, -1, -3 at every level; temporal − abs: +1, 0, +2
    made = make(
        {("abs", 0): 10.0, ("abs", 1): 12.0, ("abs", 2): 12.0}
        | {("spatial", 0): 8.0, ("spatial", 1): 11.0, ("spatial", 2): 9.0}
        | {("temporal", 0): 11.0, ("temporal", 1): 12.0, ("temporal", 2): 14.0}
    )
    shown = table(made, "difference")
    half = T2 / math.sqrt(3)
    numbers = cell(shown, ("spatial",), "severe").numbers
    assert numbers["difference"] == "-2.00" and numbers["n"] == "3"
    assert (numbers["low"], numbers["high"]) == (f"{-2 - half:.2f}", f"+{-2 + half:.2f}")
    # two of the eight sign patterns lie as far out as -2, -1, -3; d_z = -2 times Hedges' correction for 3 pairs
    assert numbers["p"] == "0.074" and numbers["p_sign_flip"] == "0.250"
    assert numbers["effect"] == f"{-2 / math.sqrt(math.pi):.2f}"
    assert numbers["improvement"] == "1.00"
    # one pair of three is a tie
    assert cell(shown, ("temporal",), "none").numbers["improvement"] == "0.17"
    assert [row.keys for row in shown.rows] == [("spatial",), ("temporal",)]
    assert "these subjects (over seeds)" in shown.title


def test_best_is_bold_and_what_is_not_separated_from_it_marked(make):
    noise = np.array([0.0, 5.0, -5.0, 9.0, -7.0])
    errors = {("abs", s): 100 + noise[s] for s in range(5)}
    errors |= {("spatial", s): 90 + noise[s] + 0.01 * s for s in range(5)}
    errors |= {("temporal", s): 90.5 + noise[(s + 1) % 5] for s in range(5)}
    shown = table(make(errors), "ablation")
    for level in ("none", "severe"):
        assert cell(shown, ("spatial",), level).bold
        assert not cell(shown, ("abs",), level).bold and cell(shown, ("abs",), level).mark == ""
        assert not cell(shown, ("temporal",), level).bold and cell(shown, ("temporal",), level).mark == "†"
    assert any("doesn't say that they are equal" in note for note in shown.notes)


def test_one_seed_is_never_bold_and_has_no_interval(make):
    made = make({("abs", 0): 100.0, ("spatial", 0): 50.0})
    for shown in report.collect(made.spec, source=made).tables:
        for row in shown.rows:
            assert not any(c.bold or c.mark for c in row.cells)
    assert cell(table(made, "ablation"), ("spatial",), "none").text == "50.0 (1)"
    only = cell(table(made, "difference"), ("spatial",), "none")
    assert only.text == "-50.00 (1)" and not {"p", "p_adjusted", "low"} & only.numbers.keys()


def test_a_single_seed_does_not_take_bold_from_arms_with_intervals(make):
    errors = {("abs", s): 100.0 + s for s in range(3)} | {("spatial", s): 90.0 + s * s for s in range(3)}
    shown = table(make(errors | {("temporal", 0): 10.0}), "ablation")
    assert cell(shown, ("spatial",), "none").bold and not cell(shown, ("temporal",), "none").bold


def test_higher_is_better_for_depth_order_and_nothing_for_spread(make):
    made = make({("abs", s): 100.0 for s in range(3)} | {("spatial", s): 100.0 for s in range(3)})
    for one in made.spec.runs:
        better = one.labels["objective"] == "spatial"
        frame = made.frames[one.run_id]
        for metric, value in (("order_spatial", 80.0 + 5 * better), ("depth_spread", 0.5 + 0.3 * better)):
            rows = frame[frame["metric"] == "mpjpe"].assign(metric=metric, value=value + 0.01 * one.seed)
            frame = made.frames[one.run_id] = type(frame)(np.vstack([frame, rows]), columns=frame.columns).astype(
                frame.dtypes.to_dict()
            )
    shown = table(made, "metrics")
    assert cell(shown, ("spatial",), ORDER).bold and not cell(shown, ("abs",), ORDER).bold
    assert not any(cell(shown, (arm,), "depth spread, predicted/true").bold for arm in ("abs", "spatial"))
    assert cell(table(made, "order_spatial"), ("spatial",), "any gap", "all pairs").bold


def test_depth_order_by_gap_tells_occluded_pairs_apart(make):
    made = make({("abs", 0): 100.0})
    frame = made.frames[made.spec.runs[0].run_id]
    rows = frame[frame["weights"] == "best"]
    groups = {"all": 90.0, "2-5 cm": 60.0, ">20 cm": 99.0, "occluded": 70.0, "occluded 2-5 cm": 55.0}
    parts = [rows.assign(metric="order_temporal", group=g, value=v) for g, v in groups.items()]
    made.frames[made.spec.runs[0].run_id] = pd.concat([frame, *parts])
    shown = table(made, "order_temporal")
    hidden = "pairs with an occluded keypoint"
    assert shown.columns == (
        ("all pairs", "any gap"),
        ("all pairs", "2-5 cm"),
        ("all pairs", ">20 cm"),
        (hidden, "any gap"),
        (hidden, "2-5 cm"),
    )
    assert [c.numbers["mean"] for c in shown.rows[0].cells] == ["90.0", "60.0", "99.0", "70.0", "55.0"]
    # Beside other measures stands the number for all pairs.
    assert cell(table(made, "metrics"), ("abs",), "depth order across frames, %").numbers["mean"] == "90.0"


def test_unequal_seeds_are_paired_down_and_said(make):
    errors = {("abs", s): 100.0 + s for s in range(4)} | {("spatial", s): 99.0 + s + 0.1 * s * s for s in (1, 2, 5)}
    shown = table(make(errors), "difference")
    assert cell(shown, ("spatial",), "none").numbers["n"] == "2"
    assert any("unequal seeds" in note and "0, 3, 5" in note for note in shown.notes)


def test_missing_cells_are_shown_and_counted(make):
    errors = {("abs", 0): 100.0, ("abs", 1): 101.0, ("spatial", 0): None, ("spatial", 1): None}
    made = make(errors)
    made.reasons = {made.spec.runs[2].run_id: "NaN in /home/someone/x at step 7"}
    collected = report.collect(made.spec, source=made)
    shown = collected.tables[0]
    assert [c.text for c in shown.rows[1].cells] == ["missing"] * 3 and shown.missing == 3
    assert any("3 of 6 cells are missing" in note for note in shown.notes)
    assert any("2 of 4 runs are missing: spatial (2 of 2)" in line for line in collected.warnings)
    assert any("1 of them failed" in line for line in collected.warnings)
    page = collected.files()["report.html"]
    # A reason may name a machine's paths: it stands in the marked block only.
    assert page.index(MACHINE[0]) < page.index("NaN in /home/someone") < page.index(MACHINE[1])


def test_a_level_evaluated_for_some_runs_only_is_not_averaged_in(make):
    made = make({("abs", 0): 100.0, ("abs", 1): 102.0, ("spatial", 0): 90.0, ("spatial", 1): 92.0})
    run_id = made.spec.runs[3].run_id
    made.frames[run_id] = made.frames[run_id].query("test_occlusion == 'none'")
    assert cell(table(made, "ablation"), ("spatial",), "severe").text == "100.0 (1)"
    # averaged over none and severe: seed 1 has half of it, so it is left out
    assert cell(table(made, "metrics"), ("spatial",), "MPJPE, mm").text == "95.0 (1)"


def test_arms_still_falling_are_marked_and_said(ablation):
    one = next(r for r in ablation.spec.runs if r.labels["objective"] == "spatial")
    ablation.figures[one.run_id] = {"late_gain": 2.5, "falling": 1.0}
    collected = report.collect(ablation.spec, source=ablation)
    assert [row.mark for row in collected.tables[0].rows] == ["", "‡", ""]
    assert any("spatial (1 of 3 runs, 2.5 mm gained late)" in line for line in collected.warnings)
    assert "spatial‡" in collected.files()["tables/ablation.md"]


def test_runs_of_a_version_that_recorded_slopes_are_judged_by_their_curves(ablation):
    for number, one in enumerate(ablation.spec.runs):
        ablation.figures[one.run_id] = {"slope": 9.0, "slope_falling": 0.0, "parameters": 10.0}
        late = 97.0 if number == 3 else 99.9
        ablation.points[one.run_id] = [("val_mpjpe", 800, 120.0), ("val_mpjpe", 2400, 100.0), ("val_mpjpe", 3000, late)]
    collected = report.collect(ablation.spec, source=ablation)
    assert [row.mark for row in collected.tables[0].rows] == ["", "‡", ""]
    assert any("spatial (1 of 3 runs, 3.0 mm gained late)" in line for line in collected.warnings)
    files = collected.files()
    told = {run["run_id"]: run for run in json.loads(files["report.json"])["runs"]}
    assert [run["late_gain"] for run in told.values()].count(3.0) == 1


def test_a_table_of_longer_runs_does_not_carry_the_sign_of_shorter_ones(make):
    made = make({(o, s): 100.0 + s for o in ("abs", "spatial") for s in range(2)} | {("spatial", 0, 12000): 85.0})
    for run in made.spec.runs:
        made.figures[run.run_id] = {"late_gain": 3.0, "falling": float(run.train.steps == 3000)}
    made.spec.report.tables = [
        {"rows": "objective", "columns": "test_occlusion", "metric": "mpjpe", "where": {"train.steps": steps}}
        for steps in (3000, 12000)
    ]
    shorter, longer = (table(made, f"table{number}") for number in (1, 2))
    assert {row.mark for row in shorter.rows} == {"‡"}
    assert {row.mark for row in longer.rows} == {""}


def test_longer_training_stands_in_its_own_rows_with_its_gap(make):
    errors = {(o, s): v + s for o, v in (("abs", 100.0), ("spatial", 99.0)) for s in range(3)}
    made = make(errors | {("abs", 0, 12000): 80.0, ("spatial", 0, 12000): 85.0})
    main = table(made, "ablation")
    assert [row.keys for row in main.rows] == [
        ("abs", "3000"),
        ("spatial", "3000"),
        ("abs", "12000"),
        ("spatial", "12000"),
    ]
    assert cell(main, ("spatial", "3000"), "none").bold and not cell(main, ("abs", "12000"), "none").bold
    gap = table(made, "gap")
    assert [c.text for c in gap.rows[0].cells] == ["105.0 (1)", "85.0 (1)", "-20.00 (1)"]
    assert gap.rows[1].keys == ("spatial", "3000 → 12000") and gap.rows[1].cells[2].text == "-14.00 (1)"
    longer = cell(table(made, "difference"), ("spatial", "12000"), "none")
    assert longer.text == "+5.00 (1)"


def test_last_epoch_stands_beside_the_chosen_one(ablation):
    shown = table(ablation, "metrics")
    chosen = cell(shown, ("seen", "abs"), "MPJPE, mm").numbers["mean"]
    last = cell(shown, ("seen", "abs"), "MPJPE of the last epoch, mm").numbers["mean"]
    assert float(last) == pytest.approx(float(chosen) + 0.5)


def test_ways_of_averaging_are_labelled(ablation):
    shown = table(ablation, "averaging")
    subjects, frames = (float(cell(shown, ("seen", "abs"), by).numbers["mean"]) for by in ("subjects", "frames"))
    # subject A lies 5 mm above and has three quarters of the frames
    assert frames - subjects == pytest.approx(2.5)


@pytest.mark.parametrize("protocol, mean", [("mean-per-subject", "100.0"), ("mean-per-frame", "102.5")])
def test_the_protocol_decides_the_mean_in_the_cells(make, protocol, mean):
    made = make({("abs", 0): 100.0})
    made.spec.test.protocol = protocol
    shown = table(made, "ablation")
    assert cell(shown, ("abs",), "none").numbers["mean"] == mean
    assert any(f"Protocol {protocol}" in note for note in shown.notes)


def test_every_varying_axis_becomes_a_row_key(make):
    made = make({("abs", s): 100.0 + s for s in range(2)} | {("spatial", s): 98.0 + s for s in range(2)})
    other = make({("abs", s): 80.0 + s for s in range(2)} | {("spatial", s): 79.0 + s for s in range(2)}, backbone="c")
    made.spec.runs += other.spec.runs
    made.frames |= other.frames
    main = table(made, "ablation")
    assert main.keys == ("objective", "backbone")
    difference = table(made, "difference")
    # each arm against the baseline on its own backbone
    assert cell(difference, ("spatial", "b"), "none").numbers["difference"] == "-2.00"
    assert cell(difference, ("spatial", "c"), "none").numbers["difference"] == "-1.00"


def test_declared_tables(make):
    tables = [
        dict(rows="objective", columns=["backbone", "test_occlusion"], metric="mpjpe", title="By backbone"),
        dict(rows=["test_occlusion", "objective"], columns="metric", metric=["mpjpe", "mpjve"]),
        dict(rows="objective", columns="cameras", where={"test_occlusion": ["severe"], "objective": ["spatial"]}),
    ]
    errors = {(o, s): v + s for o, v in (("abs", 100.0), ("spatial", 98.0)) for s in range(2)}
    made = make(errors, tables=tables, extra={"mpjve": 3.0}, cameras=("seen", "unseen"))
    for one in made.spec.runs:
        one.labels["backbone"] = "b"
    first, difference, second = (table(made, name) for name in ("table1", "table1_difference", "table2"))
    assert first.title == "By backbone" and first.columns == (("b", "none"), ("b", "severe"))
    assert any("Cameras: averaged over seen, unseen" in note for note in first.notes)
    assert cell(first, ("abs",), "none").numbers["mean"] == "101.0"  # 100.5 and, unseen, 101.5
    assert cell(difference, ("spatial",), "severe").numbers["difference"] == "-2.00"
    assert [row.keys[0] for row in second.rows] == ["none", "none", "severe", "severe"]
    assert [label for _, label in second.columns] == ["MPJPE, mm", "MPJVE, mm/frame"]
    third = table(made, "table3")
    assert [row.keys for row in third.rows] == [("spatial",)]
    assert cell(third, ("spatial",), "unseen").numbers["mean"] == "109.5"
    # the filter on the arms doesn't hide the baseline
    assert cell(table(made, "table3_difference"), ("spatial",), "seen").numbers["difference"] == "-2.00"


def test_the_spec_files_own_defaults_give_the_default_layout(make):
    from harness.spec.report_section import Report

    errors = {(o, s): 1.0 + s for o in ("abs", "spatial") for s in range(2)}
    made = make(errors, tables=Report().tables, cameras=("seen", "unseen"))
    names = [t.name for t in report.collect(made.spec, source=made).tables]
    assert names == ["ablation", "difference", "metrics", "averaging"]


@pytest.mark.parametrize(
    "layout, message",
    [
        (dict(rows="objectiv"), "did you mean 'objective'"),
        (dict(columns="occlusion"), "unknown table axis"),
        (dict(metric="mpjpx"), "no finished run has logged the metric 'mpjpx'"),
        (dict(where={"colour": "red"}), "unknown table axis 'colour'"),
        (dict(where={"group": "al"}), "unknown group of a table 'al'; did you mean 'all'?"),
        (dict(where={"weights": ["bst"]}), "unknown weights of a table 'bst'; did you mean 'best'?"),
    ],
)
def test_declared_tables_that_name_what_is_not_there(make, layout, message):
    made = make({("abs", 0): 1.0}, tables=[layout])
    with pytest.raises(UserError, match=re.escape(message)):
        _ = report.collect(made.spec, source=made).tables


def test_a_baseline_that_is_not_in_the_grid(make):
    made = make({("spatial", 0): 1.0})
    with pytest.raises(UserError, match=r"baseline objective: abs isn't in the grid \(spatial\)"):
        report.collect(made.spec, source=made)


def test_two_runs_of_one_arm_and_seed_are_refused(make):
    made = make({("abs", 0): 1.0, ("abs", 1): 2.0})
    made.spec.runs[1].seed = 0
    with pytest.raises(UserError, match="have seed 0"):
        report.collect(made.spec, source=made)


def test_no_finished_run(make):
    made = make({("abs", 0): None})
    made.reasons = {made.spec.runs[0].run_id: "loss is NaN\n\nTraceback: at length"}
    with pytest.raises(UserError, match=r"no finished run of 'made' \(1 planned; 1 failed: loss is NaN\)"):
        report.write(made.spec, source=made)


def test_evaluations_without_a_single_number(make):
    made = make({("abs", 0): 1.0})
    one = made.spec.runs[0].run_id
    made.frames[one] = made.frames[one].assign(value=math.nan, n=0)
    with pytest.raises(UserError, match="left no number at all"):
        report.collect(made.spec, source=made)


def test_terminal_table_is_plain_and_fits(ablation):
    text = report.render_terminal(ablation.spec, source=ablation, width=80)
    assert "seen cameras" in text and "unseen cameras" in text
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^abs +107\.0 ± 5\.0 \(3\) +102\.0 ± 5\.0 \(3\)", text, re.MULTILINE)
