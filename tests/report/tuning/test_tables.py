"""Tables of a study: what every arm was given and found, and what is left on fresh seeds."""

from __future__ import annotations

import json

import pytest

from harness import report
from harness.errors import UserError
from tests.report.tuning.conftest import FORM, SPATIAL, trial


def collected(made):
    return report.collect(made.spec, source=made)


def named(found, name):
    return next(table for table in found.tuning if table.name == name)


def texts(table):
    return [[*row.keys, *(cell.text for cell in row.cells)] for row in table.rows]


def test_every_arms_budget_is_told_controls_included(tuned):
    table = named(collected(tuned()), "tuning")
    assert [label for _, label in table.columns] == [
        *("trials", "ended", "stopped early", "failed", "from earlier runs", "runs", "hours")
    ]
    assert texts(table) == [
        ["abs", "12", "1", "0", "0", "0", "1", "0.01"],
        ["spatial", "12", "9", "3", "0", "0", "12", "0.12"],
        ["both", "12", "9", "3", "0", "0", "12", "0.12"],
    ]


def test_own_and_tuned_values_stand_beside_each_other(tuned):
    table = named(collected(tuned()), "tuning_found")
    assert [label for _, label in table.columns] == [
        *("in the study", "− own", "λ spatial_rdc", "λ temporal_rdc", "spatial_rdc.form")
    ]
    assert texts(table) == [
        ["abs", "the spec's own", "100.00", "–", "–", "–", "–"],
        ["spatial", "the spec's own", "98.00", "–", "0.1", "–", "hinge"],
        ["spatial", "trial 10", "96.25", "-1.75", "0.003162", "–", "hinge"],
        ["both", "the spec's own", "97.50", "–", "0.1", "0.1", "hinge"],
        ["both", "trial 10", "95.50", "-2.00", "0.003162", "0.01778", "hinge"],
    ]
    assert any("from 0.001 to 1, logarithmic" in note and "of hinge, logistic" in note for note in table.notes)


def test_fresh_seeds_tell_what_tuning_bought_and_how_optimistic_the_study_was(tuned):
    table = named(collected(tuned()), "tuning_fresh")
    (spatial, both) = texts(table)
    assert spatial[:2] == ["spatial", "98.00"] and spatial[4] == "96.25" and both[4] == "95.50"
    assert spatial[2].startswith("98.00 ± ") and spatial[5].startswith("96.65 ± ")
    assert spatial[6].startswith("+0.40 [") and spatial[7:] == ["-1.75", spatial[8]]
    assert spatial[8].startswith("-1.35 [") and both[8].startswith("-1.60 [")
    # On these seeds the tuned values spread evenly by 0.3 mm: t of 2 degrees of freedom times 0.3 / sqrt 3.
    half = 4.303 * 0.3 / 3**0.5
    assert spatial[6] == f"+0.40 [{0.4 - half:+.2f}, {0.4 + half:+.2f}] (3)"


def test_on_test_subjects_tuned_is_compared_with_own_arm_by_arm(tuned):
    table = next(table for table in collected(tuned()).tables if table.name == "tuned_difference")
    assert [row.keys for row in table.rows] == [("spatial", "tuned"), ("both", "tuned")]
    assert table.rows[0].cells[1].text.startswith("-1.80 [")  # 0.1, 0.2 and 0.3 less than 2 mm better


def test_an_arm_whose_own_values_were_best_has_no_difference_but_its_optimism(tuned, content):
    arm = content["arms"][1]
    arm["best"], arm["trials"][0]["values"] = [0], [95.0]
    made = tuned(content)
    made.spec.runs = [r for r in made.spec.runs if (r.labels["objective"], r.labels["tuned"]) != ("spatial", "tuned")]
    for run in made.spec.runs:
        run.labels["tuned"] = "-" if run.labels["objective"] == "spatial" else run.labels["tuned"]
    found = collected(made)
    row = next(line for line in texts(named(found, "tuning_fresh")) if line[0] == "spatial")
    assert row[4] == "95.00" and row[6].startswith("+3.00 [") and row[7:] == ["–", "–"]
    assert [line[1] for line in texts(named(found, "tuning_found")) if line[0] == "spatial"] == ["the spec's own"]


def test_of_several_metrics_all_that_none_beats_are_shown(tuned, content):
    content["study"]["metrics"].append({"name": "macs", "direction": "minimize"})
    for arm in content["arms"]:
        arm["trials"] = [
            trial(i, {SPATIAL: 0.1 * (i + 1), FORM: "hinge"} if arm["space"] else {}, pair)
            for i, pair in enumerate([(98.0, 3e6), (97.0, 4e6), (96.0, 5e6)])
        ]
        arm["best"], arm["default"] = [0, 1, 2], arm["trials"][0]
    table = named(collected(tuned(content)), "tuning_found")
    rows = [row for row in table.rows if row.keys[0] == "spatial"]
    assert [row.keys[1] for row in rows] == ["the spec's own", "trial 1", "trial 2"]
    assert [row.mark for row in rows] == ["", "", "†"]  # the first metric's best is taken
    assert [cell.text for cell in rows[2].cells[:4]] == ["96.00", "-2.00", "5,000,000", "+2,000,000"]


def test_a_metric_that_runs_do_not_keep_has_no_table_of_fresh_seeds(tuned, content):
    content["study"]["metrics"] = [{"name": "val_order_spatial", "direction": "maximize"}]
    assert [table.name for table in collected(tuned(content)).tuning] == [
        *("tuning", "tuning_found", "tuning_importance")
    ]


def test_before_the_study_a_line_says_so(tuned):
    found = collected(tuned(save=False))
    assert found.tuning == [] and "Nothing is tuned yet: `repose tune` writes results/made/study.json." in found.summary
    assert "study" not in json.loads(found.files()["report.json"])


def test_a_report_without_a_study_says_nothing_of_tuning(ablation):
    found = collected(ablation)
    assert not found.tuning and not any("tun" in line.lower() for line in found.summary)


def test_a_file_that_is_no_study_is_told(tuned, tmp_path):
    made = tuned()
    made.spec.tuned.path.write_text('{"schema": 1, "spec": "made"}')
    with pytest.raises(UserError, match=r"study\.json is no study"):
        collected(made)


def test_a_study_of_another_space_is_warned_of(tuned, content):
    content["study"]["digest"] = "before"
    made = tuned(content)
    made.spec.study.digest = "now"
    assert any("study has changed" in line for line in collected(made).warnings)
