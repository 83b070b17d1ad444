"""Tables that a spec declares: bands, order, labels, a baseline of their own, and what they refuse."""

from __future__ import annotations

import re

import pytest

from harness import report
from harness.errors import UserError
from harness.report import figures
from harness.spec.report_section import FIGURES, Table

ERRORS = {(objective, seed): 100.0 + 3 * i + seed for i, objective in enumerate(("abs", "b", "c")) for seed in range(3)}


@pytest.fixture
def shown(make):
    """shown(table, …, labels) → the report's tables by name, of three arms on two levels and two cameras."""

    def build(*tables, labels=None, errors=ERRORS, **more):
        made = make(errors, tables=[Table(**table) for table in tables], cameras=("seen", "unseen"), **more)
        made.spec.report.labels = labels or {}
        return {table.name: table for table in report.collect(made.spec, source=made).tables}

    return build


def keys(table):
    return [row.keys for row in table.rows]


def test_one_sweep_gives_several_tables_in_the_order_declared(shown):
    tables = list(shown({"columns": "cameras"}, {"title": "Second", "where": {"objective": ["abs", "c"]}}))
    assert [name for name in tables if name.startswith("table")] == [
        "table1", "table1_difference", "table2", "table2_difference",
    ]  # fmt: skip


def test_differences_can_be_left_out(shown):
    assert "table1_difference" not in shown({"differences": False})


def test_a_group_makes_bands_even_of_what_is_no_row_yet(shown):
    table = shown({"group": "cameras"})["table1"]
    assert table.keys == ("objective",)
    assert [(band, [row.keys for row in rows]) for band, rows in table.bands] == [
        (f"cameras: {cameras}", [("abs",), ("b",), ("c",)]) for cameras in ("seen", "unseen")
    ]
    assert table.recipe.rows == ("cameras", "objective") and table.rows[0].raw == ("seen", "abs")


@pytest.mark.parametrize(
    "weights, said",
    [(["last"], "weights of the last epoch."), (["best", "last"], "averaged with those of the last epoch")],
)
def test_the_epoch_that_is_shown_is_the_one_that_is_named(shown, weights, said):
    assert said in shown({"where": {"weights": weights}})["table1"].notes[0]
    assert "chosen once per run on the validation subjects." in shown({"columns": "cameras"})["table1"].notes[0]


def test_order_and_labels_of_rows_and_columns(shown):
    asked = {
        "order": {"objective": ["c"], "test_occlusion": ["severe"]},
        "labels": {"test_occlusion": {"severe": "hard"}, "b": "middle"},
    }
    tables = shown(asked, labels={"c": "ours", "b": "beta"})
    assert keys(tables["table1"]) == [("ours",), ("abs",), ("middle",)]
    assert [label for _, label in tables["table1"].columns] == ["hard", "none"]
    assert tables["table1"].rows[0].cells[0].text.startswith("117.5"), "cells go with their heads"
    assert keys(tables["table1_difference"]) == [("ours",), ("middle",)]
    assert ("seen", "beta") in keys(tables["metrics"]), "the report's labels hold in every table"


def test_a_table_may_have_a_baseline_of_its_own(shown):
    tables = shown({"baseline": {"objective": "c"}}, {})
    assert keys(tables["table1_difference"]) == [("abs",), ("b",)]
    assert tables["table1_difference"].recipe.baseline == {"objective": "c"}
    assert keys(tables["table2_difference"]) == [("b",), ("c",)]


def test_the_area_under_the_curve_is_a_column_where_it_is_named(shown):
    table = shown({"where": {"test_occlusion": ["curve", "severe"]}})["table1"]
    assert [label for _, label in table.columns] == ["area", "severe"]


def test_rows_on_other_data_never_compete(make):
    made = make(ERRORS, tables=[Table()])
    for run in made.spec.runs:
        run.labels["data.noise"] = "8" if run.labels["objective"] == "c" else "4"
    table = report.collect(made.spec, source=made).tables[0]
    assert table.keys == ("objective", "data.noise")
    assert [row.cells[-1].bold for row in table.rows] == [True, False, False]
    assert not table.rows[2].cells[-1].mark, "another detector is neither better nor near"
    assert any("different data.noise" in note for note in table.notes)


def test_a_metric_nobody_logged_is_told_with_those_that_were(shown):
    with pytest.raises(UserError, match=r"no finished run has logged the metric 'auc'; logged were: mpjpe") as caught:
        shown({}, {"metric": ["mpjpe", "auc"]})
    assert caught.value.key == "report.tables[1].metric"


def test_an_unknown_figure_is_told_with_the_nearest(make):
    made = make(ERRORS)
    made.spec.report.figures = ["learnin"]
    with pytest.raises(UserError, match=re.escape("unknown figure 'learnin'; did you mean 'learning'?")):
        report.write(made.spec, source=made)


def test_specs_know_every_figure():
    assert set(FIGURES) == set(figures.LINES)
