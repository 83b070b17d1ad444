from __future__ import annotations

from types import SimpleNamespace

from harness.report import data_writers, literature, writers
from harness.spec import published
from harness.spec.report_section import Published

OURS = Published(
    label="ours", value=52.75, metric="p_mpjpe", source="a paper", protocol="all", detector="true 2D", note="one seed"
)


def shown(*reference):
    [table] = literature.tables(SimpleNamespace(reference=list(reference)))
    return table


def test_without_a_reference_there_is_no_table():
    assert literature.tables(SimpleNamespace(reference=[])) == []
    assert literature.tables(None) == []


def test_all_that_ships_is_shown_with_its_source_and_never_as_measured():
    table = shown("*")
    assert (table.kind, table.title, table.recipe) == ("published", "Published, not measured here", None)
    assert len(table.rows) == len(published.shipped())
    for row in table.rows:
        assert all(row.keys) and not any(cell.bold or cell.missing for cell in row.cells)
    texts = [row.cells[0].text for row in table.rows]
    assert {"46.8", "~44.5", "~45.3", "~45.8", "40.9", "~39.2", "45.2", "~43.5", "40.1"} < set(texts)
    assert {"39.8", "39.2", "37.2", "42.6"} < set(texts)


def test_what_contradicts_a_number_stands_under_the_table():
    table = shown("mixste-repose", "videopose3d-gt", "videopose3d-cpn-on-gt")
    assert [row.mark for row in table.rows] == [" [1]", " [2]", " [2]"]
    contradictions = [note for note in table.notes if "Contradicted:" in note]
    assert len(contradictions) == 2
    assert contradictions[0].startswith("[1] Contradicted: ") and "released code" in contradictions[0]
    assert "42.6" in contradictions[1] and "37.2" in contradictions[1]


def test_several_metrics_have_a_column_each_and_numbers_keep_their_decimals():
    table = shown("mixste", OURS)
    assert [label for _, label in table.columns] == ["MPJPE, mm", "P-MPJPE, mm"]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [["40.9", ""], ["", "52.75"]]
    assert table.notes[-1] == "[2] one seed."


def test_every_format_holds_value_and_source():
    table = shown("cheng2020")
    for text in (writers.markdown(table), writers.latex(table), writers.page_table(table), writers.plain(table)):
        assert "40.1" in text and "Cheng et al., AAAI 2020" in text and "HRNet" in text
    assert 'class="wide words"' in writers.page_table(table), "long words are broken into lines"
    assert r"\begin{tabular}{p{0.16\linewidth}p{" in writers.latex(table)
    assert "Cheng et al." in data_writers.comma_separated(table)
    assert data_writers.plain(table)["kind"] == "published"
