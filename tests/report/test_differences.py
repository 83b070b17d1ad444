import re

import numpy as np
import pandas as pd
import pytest

from harness import report
from harness.report.statistics import new_subjects, studentised_interval, t_interval
from tests.report.conftest import evaluation

# spatial − abs: -2, -1, -3; temporal − abs: +1, 0, +2 at every level
ERRORS = {("abs", 0): 10.0, ("abs", 1): 12.0, ("abs", 2): 12.0}
ERRORS |= {("spatial", 0): 8.0, ("spatial", 1): 11.0, ("spatial", 2): 9.0}
ERRORS |= {("temporal", 0): 11.0, ("temporal", 1): 12.0, ("temporal", 2): 14.0}
P_SPATIAL, P_TEMPORAL = 0.0741799, 0.2254033  # t with 2 degrees of freedom


def tables(made):
    return {table.name: table for table in report.collect(made.spec, source=made).tables}


def cells(table, *keys):
    row = next(row for row in table.rows if row.keys == keys)
    return {label: cell for (_, label), cell in zip(table.columns, row.cells, strict=True)}


def shifted(made, objective, level, by):
    """Add ``by[seed]`` to the MPJPE of an arm at one level."""
    for one in made.spec.runs:
        if one.labels["objective"] == objective:
            frame = made.frames[one.run_id]
            there = (frame["test_occlusion"] == level) & (frame["metric"] == "mpjpe")
            made.frames[one.run_id] = frame.assign(value=frame["value"] + there * by[one.seed])


def people(values):
    """An evaluation with one clip of each subject, S0, S1, …, and 1 mm more at the severe level."""
    one = evaluation({"mpjpe": 0.0}, spread=0.0).query("subject == 'A' and joint == 'all'")
    severe = one["test_occlusion"] == "severe"
    return pd.concat([one.assign(subject=f"S{i}", value=value + severe) for i, value in enumerate(values)])


@pytest.fixture
def peopled(make):
    """peopled(arms): objective → (seeds, subjects) of MPJPE at the level none."""

    def build(arms):
        made = make({(arm, seed): 0.0 for arm, table in arms.items() for seed in range(len(table))})
        for one in made.spec.runs:
            made.frames[one.run_id] = people(arms[one.labels["objective"]][one.seed])
        return made

    return build


def test_holm_across_arms_and_fixed_order_across_levels(make):
    shown = tables(make(ERRORS))["difference"]
    # the smaller p opens the gate at 2 p and takes its whole chain with it; then the other arm is alone
    for level in ("area", "severe", "none"):
        assert cells(shown, "spatial")[level].numbers["p_adjusted"] == f"{2 * P_SPATIAL:.3f}"
        assert cells(shown, "temporal")[level].numbers["p_adjusted"] == f"{P_TEMPORAL:.3f}"
    assert any("6 tests" in note and "area → severe → none" in note for note in shown.notes)


def test_an_easier_level_is_never_surer_than_a_harder_one(make):
    made = make(ERRORS)
    shifted(made, "spatial", "severe", {0: 3.0, 1: 0.0, 2: 4.0})
    found = cells(tables(made)["difference"], "spatial")
    assert float(found["none"].numbers["p"]) < 0.1 < float(found["severe"].numbers["p"])
    assert found["none"].numbers["p_adjusted"] == found["severe"].numbers["p_adjusted"]


def test_order_of_testing_is_not_the_order_of_columns(make):
    levels = ("severe", "none", "moderate")
    made = make(ERRORS, levels=levels)
    shown = tables(made)["difference"]
    assert [label for _, label in shown.columns] == ["area", *levels]
    assert any("area → severe → moderate → none" in note for note in shown.notes)
    assert shown.recipe.steps == (0, 1, 3, 2)


def test_a_test_that_cannot_be_made_ends_its_arms_chain_and_is_said(make):
    made = make(ERRORS)
    for one in made.spec.runs[3:5]:  # one seed of spatial is left at severe
        made.frames[one.run_id] = made.frames[one.run_id].query("test_occlusion == 'none'")
    shown = tables(made)["difference"]
    found = cells(shown, "spatial")
    assert found["none"].numbers["n"] == "3" and found["none"].numbers["p"] == "0.074"
    assert not any("p_adjusted" in cell.numbers for cell in found.values())
    assert found["none"].text.endswith("] p – (3)") and "p" not in found["severe"].text
    assert any(note.startswith("p –:") and "A single pair of seeds" in note for note in shown.notes)


def test_two_pairs_have_an_interval_and_no_test_and_it_is_said(make):
    shown = tables(make({key: value for key, value in ERRORS.items() if key[1] < 2}))["difference"]
    found = cells(shown, "spatial")["none"]
    assert found.text.endswith("] p – (2)") and "low" in found.numbers and not {"p", "p_adjusted"} & set(found.numbers)
    assert found.numbers["left_out"] == "p, p_sign_flip: two pairs"
    [said] = [note for note in shown.notes if note.startswith("p –:")]
    assert "two pairs of seeds are too few" in said and "single" not in said


def test_two_seeds_are_not_separated_from_the_best(make):
    shown = tables(make({key: value - 90 * (key[0] == "spatial") for key, value in ERRORS.items() if key[1] < 2}))
    ablation = shown["ablation"]
    assert cells(ablation, "spatial")["none"].bold and cells(ablation, "abs")["none"].mark == "†"
    assert any(note.startswith("Two seeds (2) aren't tested") for note in ablation.notes)


def test_skewed_differences_have_no_sign_flip_and_it_is_said(make):
    errors = {("abs", s): 100.0 + s for s in range(6)}
    even = {("spatial", s): 99.0 + s + 0.1 * s for s in range(6)}
    odd = {("temporal", s): 99.0 + s + 5.0 * (s == 3) for s in range(6)}
    shown = tables(make(errors | even | odd))["difference"]
    numbers = {arm: cells(shown, arm)["none"].numbers for arm in ("spatial", "temporal")}
    assert "p_sign_flip" in numbers["spatial"] and "left_out" not in numbers["spatial"]
    assert "p_sign_flip" not in numbers["temporal"] and "p" in numbers["temporal"]
    assert numbers["temporal"]["left_out"] == "p_sign_flip: skewed differences"


def test_columns_that_are_no_levels_are_corrected_together(make):
    made = make(ERRORS, tables=[dict(rows="objective", columns="cameras")], cameras=("seen", "unseen"))
    shown = tables(made)["table1_difference"]
    # four tests, two of them as small as each other
    assert cells(shown, "spatial")["seen"].numbers["p_adjusted"] == f"{4 * P_SPATIAL:.3f}"
    assert cells(shown, "temporal")["seen"].numbers["p_adjusted"] == f"{2 * P_TEMPORAL:.3f}"
    assert any("by Holm for the 4 tests" in note for note in shown.notes) and shown.recipe.steps == ()


def test_levels_beside_another_column_key_make_a_chain_each(make):
    layout = dict(rows="objective", columns=["cameras", "test_occlusion"], where={"objective": ["spatial"]})
    shown = tables(make(ERRORS, tables=[layout], cameras=("seen", "unseen")))["table1_difference"]
    assert {cell.numbers["p_adjusted"] for cell in shown.rows[0].cells} == {f"{2 * P_SPATIAL:.3f}"}


def test_a_level_at_which_a_measure_is_not_defined_is_no_test_left_out(make):
    made = make(
        ERRORS,
        levels=("none", "moderate", "severe"),
        extra={"mpjpe_occluded": 50.0},
        tables=[dict(rows="objective", where={"test_occlusion": ["curve", "none", "moderate", "severe"]})],
    )
    made.spec.report.tables[0]["metric"] = "mpjpe_occluded"
    for one in made.spec.runs:
        frame = made.frames[one.run_id]
        frame.loc[frame["metric"] == "mpjpe_occluded", "value"] += ERRORS[one.labels["objective"], one.seed]
        frame = frame[(frame["metric"] != "mpjpe_occluded") | (frame["test_occlusion"] != "none")]
        made.frames[one.run_id] = frame
    found = cells(tables(made)["table1_difference"], "spatial")
    assert [found[level].text for level in ("area", "none")] == ["–", "–"]
    assert {found[level].numbers["p_adjusted"] for level in ("severe", "moderate")} == {f"{2 * P_SPATIAL:.3f}"}


def test_higher_is_better_in_the_probability_of_improvement(make):
    made = make(ERRORS, tables=[dict(rows="objective", metric="order_spatial")], extra={"order_spatial": 80.0})
    for one in made.spec.runs:
        frame = made.frames[one.run_id]
        up = 1.0 + one.seed if one.labels["objective"] == "spatial" else 0.0
        frame.loc[frame["metric"] == "order_spatial", "value"] += up
    found = cells(tables(made)["table1_difference"], "spatial")["none"].numbers
    assert found["difference"] == "+2.00" and found["improvement"] == "1.00"


def test_from_fifteen_seeds_intervals_are_the_bootstraps_and_said(make):
    draws = np.random.default_rng(5).exponential(50.0, 15)
    made = make({("abs", s): 100.0 + draws[s] for s in range(15)})
    shown = tables(made)["ablation"]
    expected = studentised_interval((100.0 + draws).round(4))
    text = cells(shown, "abs")["none"].text
    assert text == f"{expected.mean:.1f} ± {expected.half:.1f} (15)"
    assert abs(expected.half - t_interval(100.0 + draws).half) > 0.1, "Student's would read otherwise"
    assert any("studentised bootstrap from 15 seeds" in note for note in shown.notes)


def test_of_few_seeds_nothing_is_said_of_a_bootstrap(make):
    assert not any("bootstrap" in note for note in tables(make(ERRORS))["ablation"].notes)


def test_a_level_nobody_was_tested_at_is_missing_and_counted(make):
    made = make(ERRORS)
    for run_id, frame in made.frames.items():
        made.frames[run_id] = frame.query("test_occlusion == 'none'")
    shown = tables(made)["ablation"]
    found = cells(shown, "abs")
    assert found["severe"].missing and found["area"].missing and not found["none"].missing
    assert shown.missing == 6 and any("6 of 9 cells are missing" in note for note in shown.notes)


def test_new_subjects_have_a_table_of_their_own(peopled):
    draw = np.random.default_rng(3)
    base = draw.normal(100, 10, (5, 7))
    change = -2 + draw.normal(0, 1, (5, 1)) + draw.normal(0, 2, (1, 7)) + draw.normal(0, 0.5, (5, 7))
    found = tables(peopled({"abs": base, "spatial": base + change}))
    shown = found["difference_new_subjects"]
    expected = new_subjects(change.round(4))
    cell = cells(shown, "spatial")["none"]
    assert cell.text == f"{expected.mean:+.2f} [{expected.low:+.2f}, {expected.high:+.2f}] (5 × 7)"
    assert (cell.numbers["seeds"], cell.numbers["subjects"]) == ("5", "7")
    assert not any("No interval under" in note for note in shown.notes)
    # every level has the same differences, and so has the area
    assert {c.text for c in shown.rows[0].cells} == {cell.text}
    assert shown.title.endswith("new subjects") and found["difference"].title.endswith("these subjects (over seeds)")
    over_seeds = cells(found["difference"], "spatial")["none"].numbers
    assert over_seeds["difference"] == cell.numbers["difference"] and over_seeds["n"] == "5"


def test_subjects_that_a_run_lacks_are_left_out_and_said(peopled):
    base = np.arange(28.0).reshape(4, 7) ** 1.5
    made = peopled({"abs": base, "spatial": base - 1 - np.eye(4, 7)})
    one = made.spec.runs[-1].run_id
    made.frames[one] = made.frames[one].query("subject != 'S6'")
    shown = tables(made)["difference_new_subjects"]
    assert {cell.numbers["subjects"] for cell in shown.rows[0].cells} == {"6"}
    assert any("3 cells rest on fewer subjects" in note for note in shown.notes)


def test_only_common_seeds_speak_for_new_subjects(peopled):
    base = np.arange(28.0).reshape(4, 7) ** 1.5
    made = peopled({"abs": base, "spatial": base[:3] - 1 - np.eye(3, 7)})
    assert cells(tables(made)["difference_new_subjects"], "spatial")["none"].numbers["seeds"] == "3"


@pytest.mark.parametrize("seeds", [1, 4])
def test_too_few_seeds_say_nothing_of_new_subjects(peopled, seeds):
    base = np.arange(7.0 * seeds).reshape(seeds, 7) ** 1.5
    shown = tables(peopled({"abs": base, "spatial": base - 1 - base / 9}))["difference_new_subjects"]
    cell = cells(shown, "spatial")["none"]
    assert "low" not in cell.numbers and "[" not in cell.text and cell.text.endswith(f"({seeds} × 7)")
    assert "No interval under 5 seed pairs." in shown.notes


def test_new_subjects_are_refused_under_six_and_the_reason_stands_below(make):
    found = tables(make(ERRORS))
    assert "difference_new_subjects" not in found
    assert any("New subjects: no interval, since 2 were tested" in note for note in found["difference"].notes)


@pytest.mark.parametrize("subjects, given", [(5, False), (6, True)])
def test_six_subjects_are_enough(peopled, subjects, given):
    base = np.arange(3.0 * subjects).reshape(3, subjects) ** 1.5
    found = tables(peopled({"abs": base, "spatial": base - 1 - base / 50}))
    assert ("difference_new_subjects" in found) == given


def test_nothing_is_called_tied(make):
    collected = report.collect((made := make(ERRORS)).spec, source=made)
    said = " ".join(note for table in collected.tables for note in table.notes)
    assert "not separated" in said and not re.search(r"\bt(ied|ies)\b", said)
