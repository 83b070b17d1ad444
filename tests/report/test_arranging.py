from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report import writers
from harness.report.arranging import arranged
from harness.report.data_writers import comma_separated, plain
from harness.report.table import Cell, Recipe, Row, Table
from harness.report.verify import printed
from harness.report.verify.ledger import Ledger


@pytest.fixture
def shown() -> Table:
    """Two networks by two objectives, two columns; each cell says where it stood."""
    keys = [("small", "abs"), ("small", "rdc"), ("81", "abs"), ("81", "rdc")]
    rows = [
        Row((net, loss), (Cell(f"{net} {loss} none", {"mean": "1.0"}), Cell("x")), "‡", marked=1) for net, loss in keys
    ]
    recipe = Recipe(
        "difference",
        ("backbone", "objective"),
        ({"metric": "mpjpe", "test_occlusion": "none", "mean": "value"}, {"metric": "auc", "cameras": "seen"}),
        {"objective": "abs"},
    )
    columns = (("MPJPE, mm", "none"), ("seen cameras, test occlusion", "AUC, %"))
    notes = ("to the baseline (objective = abs; all else equal)",)
    return Table("t", "Title", ("backbone", "objective"), columns, tuple(rows), notes, recipe)


def keys(table: Table) -> list[tuple[str, ...]]:
    return [row.keys for row in table.rows]


def test_nothing_asked_changes_nothing(shown):
    assert arranged(shown) == shown


def test_values_named_come_first_and_the_rest_as_they_were(shown):
    found = arranged(shown, order={"objective": ["rdc"]})
    assert keys(found) == [("small", "rdc"), ("small", "abs"), ("81", "rdc"), ("81", "abs")]
    found = arranged(shown, order={"backbone": ["81"], "elsewhere": ["x"]})
    assert found.rows[0].raw == ("81", "abs") and found.rows[0].cells[0].text == "81 abs none"


def test_a_group_becomes_bands_and_stays_in_what_is_recomputed(shown):
    found = arranged(shown, group="objective", order={"objective": ["rdc"]})
    assert [row.band for row in found.rows] == ["objective: rdc"] * 2 + ["objective: abs"] * 2
    assert found.keys == ("backbone",) and keys(found) == [("small",), ("81",)] * 2
    assert [row.raw for row in found.rows][:2] == [("small", "rdc"), ("81", "rdc")]
    assert found.recipe == shown.recipe
    assert all(row.shown[0].endswith("‡") for row in found.rows), "the arm's sign stands behind a key that is left"


def test_other_words_are_printed_and_the_records_words_kept(shown):
    labels = {
        "rdc": "relational",
        "objective": {"abs": "L1"},
        "backbone": "network",
        "none": "clear",
        "mpjpe": "error",
        "seen": "known",
    }
    found = arranged(shown, labels=labels)
    assert found.keys == ("network", "objective")
    assert keys(found)[:2] == [("small", "L1"), ("small", "relational")]
    assert found.columns == (("error", "clear"), ("known cameras, test occlusion", "AUC, %"))
    assert found.notes == ("to the baseline (objective = L1; all else equal)",)
    assert [row.raw for row in found.rows] == [row.raw for row in shown.rows] and found.recipe == shown.recipe
    assert arranged(shown, group="objective", labels=labels).rows[0].band == "L1"


def test_a_spare_key_that_tells_no_rows_apart_is_a_note(shown):
    small = replace(shown, rows=shown.rows[:2])
    assert {row.raw[0] for row in small.rows} == {"small"}
    found = arranged(small, spare=["backbone", "objective"], labels={"backbone": "network", "small": "S"})
    assert found.keys == ("objective",) and keys(found) == [("abs",), ("rdc",)]
    assert found.notes == ("All rows: network S.", *shown.notes)
    assert found.recipe == small.recipe and [row.raw for row in found.rows] == [row.raw for row in small.rows]
    assert arranged(small) == small, "a declared one is shown"
    assert arranged(shown, spare=["backbone"]) == shown, "and one that tells rows apart"


def test_a_spare_key_that_no_row_has_is_not_spoken_of(shown):
    none = [replace(row, keys=("-", row.keys[1]), raw=()) for row in shown.rows[:2]]
    found = arranged(replace(shown, rows=tuple(none)), spare=["backbone"])
    assert found.keys == ("objective",) and found.notes == shown.notes


def test_every_format_shows_the_bands(shown):
    found = arranged(shown, group="backbone")
    assert "| *backbone: small* |  |  |\n| abs" in writers.markdown(found)
    assert r"\multicolumn{3}{l}{\textit{backbone: small}} \\" in writers.latex(found)
    assert '<tr class="band"><th colspan="3">backbone: 81</th></tr>' in writers.page_table(found)
    assert "\nbackbone: 81\n" in writers.plain(found)
    assert comma_separated(found).startswith("band,objective,") and "\nbackbone: 81,abs," in comma_separated(found)
    assert [row["band"] for row in plain(found)["rows"]] == [row.band for row in found.rows]
    assert not comma_separated(shown).startswith("band,")


def test_latex_breaks_a_table_that_no_page_holds(shown):
    long = replace(shown, rows=shown.rows * 13)
    for table, form, heads in ((replace(shown, rows=shown.rows * 12), "tabular", 1), (long, "longtable", 2)):
        text = writers.latex(table)
        assert text.count(f"\\begin{{{form}}}") == text.count("\\caption") == text.count("\\bottomrule") == 1
        assert text.count("\\begin{table}") == 2 - heads
        assert text.count("backbone & objective") == heads, "on the first page, and on those that follow"
        ledger = Ledger()
        printed.latex(ledger, "t.tex", text.encode(), plain(table))
        assert ledger.counts["formats"] > 3 * len(table.rows) and ledger.mismatches == []


def test_a_table_that_was_not_computed_is_left_alone():
    table = Table("published", "p", ("what",), (("", "MPJPE, mm"),), (Row(("abs",), (Cell("1"),)),))
    assert arranged(table, group="what", labels={"abs": "x"}) is table
