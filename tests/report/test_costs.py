"""The table of costs: a row for each network that costs something else, and what runs took where the machine stands."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

from harness import report
from harness.report.verify import verify

CHEAP, DEAR = {"parameters": 1000, "macs": 2_500_000.0}, {"parameters": 23456, "macs": 40e6}


def collected(ablation, **costs):
    runs = ablation.spec.runs
    return report.collect(
        ablation.spec, source=ablation, costs={run.run_id: costs[run.labels["objective"]] for run in runs}
    )


def test_one_network_is_one_row(ablation):
    table = collected(ablation, abs=CHEAP, spatial=CHEAP, temporal=CHEAP).costs
    assert table.keys == ("backbone",)
    assert [(row.keys, [cell.text for cell in row.cells]) for row in table.rows] == [(("b",), ["1,000", "2.50"])]


def test_an_axis_that_changes_the_cost_tells_rows_apart(ablation):
    table = collected(ablation, abs=CHEAP, spatial=DEAR, temporal=CHEAP).costs
    assert table.keys == ("backbone", "objective")
    assert [row.keys[1] for row in table.rows] == ["abs", "spatial", "temporal"]
    assert [row.cells[1].numbers["value"] for row in table.rows] == ["2.50", "40.00", "2.50"]


def test_without_counts_there_is_no_table(ablation):
    found = report.collect(ablation.spec, source=ablation)
    assert found.costs is None and "cost" not in [table.name for table in found.all_tables]
    assert json.loads(found.files()["report.json"])["costs"] is None


def test_it_stands_in_every_format_and_is_verified(ablation, tmp_path):
    found = collected(ablation, abs=CHEAP, spatial=DEAR, temporal=CHEAP)
    page = report.write(found, out=tmp_path / "out")
    assert "23,456" in page.read_text() and "23,456" in (tmp_path / "out/tables/cost.md").read_text()
    assert not verify(tmp_path / "out").mismatches
    page.write_text(page.read_text().replace("23,456", "23,457"))
    assert verify(tmp_path / "out").mismatches


def test_what_runs_took_stands_with_the_machine_alone(ablation, tmp_path):
    page = report.write(report.collect(ablation.spec, source=ablation), out=tmp_path / "out").read_text()
    assert page.index("machine: begin") < page.index("b: 10 s") < page.index("machine: end")
    assert page.count("b: 10 s") == 1


def measuring(ablation, *, hardware="some CPU", **more):
    """Every run but those of ``temporal`` tells what it measured; the third seed's machine was slower."""
    for run in ablation.spec.runs:
        if run.labels["objective"] != "temporal":
            ablation.figures[run.run_id] |= {
                "cost.batch": 32.0,
                "cost.predict_bytes": 1.28e6,
                "cost.step_bytes": 4.032e6,
                "cost.predict_per_second": 8000.0 + run.seed,
                "cost.step_per_second": 1500.0 - 900 * (run.seed == 2),
                **more,
            }
    ablation.spec.report.figures = ["learning"]  # drawing the others takes seconds
    plain = ablation.finished
    ablation.finished = lambda ids: {
        r: SimpleNamespace(**{**vars(one), "hardware": hardware}) for r, one in plain(ids).items()
    }
    return ablation


def test_what_runs_measured_is_a_row_of_medians(ablation):
    table = report.collect(measuring(ablation).spec, source=ablation).measured_costs
    assert table.keys == ("backbone", "hardware", "batch")
    (row,) = table.rows
    assert row.keys == ("b", "some CPU", "32")
    assert [cell.text for cell in row.cells] == ["1.28", "4.03", "8,001", "1,500", "6"]
    assert not table.missing


def test_hardware_and_networks_are_never_averaged_over(ablation):
    found = collected(measuring(ablation), abs=CHEAP, spatial=DEAR, temporal=CHEAP)
    table = found.measured_costs
    assert [row.keys for row in table.rows] == [
        ("b", "abs", "some CPU", "32"),
        ("b", "spatial", "some CPU", "32"),
        ("b", "temporal", "–", "–"),
    ]
    assert [cell.text for cell in table.rows[2].cells] == ["not measured"] * 5 and table.missing == 5
    assert any(note.startswith("5 of 15 cells are missing") for note in table.notes)
    plain, odd = ablation.finished, ablation.spec.runs[0].run_id
    ablation.finished = lambda ids: {
        r: SimpleNamespace(**{**vars(one), "hardware": "a GPU" if r == odd else "some CPU"})
        for r, one in plain(ids).items()
    }
    rows = report.collect(ablation.spec, source=ablation).measured_costs.rows
    assert [(row.keys[1], row.cells[-1].text) for row in rows] == [("a GPU", "1"), ("some CPU", "5")]


def test_a_network_that_is_not_trained_has_no_step(ablation):
    measuring(ablation)
    for figures in ablation.figures.values():
        figures.pop("cost.step_bytes", None), figures.pop("cost.step_per_second", None)
    (row,) = report.collect(ablation.spec, source=ablation).measured_costs.rows
    assert [cell.text for cell in row.cells] == ["1.28", "–", "8,001", "–", "6"] and not row.cells[1].missing


def test_records_without_measurements_have_no_such_table(ablation, tmp_path):
    ablation.spec.report.figures = ["learning"]
    found = report.collect(ablation.spec, source=ablation)
    assert found.measured_costs is None
    assert not [name for name in found.files() if name.startswith("machine/")]
    page = report.write(measuring(ablation).spec, out=tmp_path / "out", source=ablation).parent
    assert (page / "machine/cost_measured.csv").exists()
    report.write(found, out=tmp_path / "out")
    assert not (page / "machine/cost_measured.csv").exists()


def test_measurements_stand_in_the_machine_block_and_folder_alone(ablation):
    files = []
    for speed in (1500.0, 321.0):
        figures = {"cost.step_per_second": speed}
        files.append(report.collect(measuring(ablation, **figures).spec, source=ablation).files())
    one, other = files
    assert {name for name in one if one[name] != other[name]} - {"report.html"} == {
        f"machine/cost_measured.{suffix}" for suffix in ("md", "tex", "csv", "json", "parquet")
    }
    outside = [re.sub("<!-- machine: begin.*machine: end -->", "", f["report.html"], flags=re.S) for f in files]
    assert outside[0] == outside[1] and "cost_measured" not in one["report.json"]
    block = one["report.html"].split("machine: begin")[1]
    assert "8,001" in block and "windows a second" in block


def test_measurements_are_verified(ablation, tmp_path):
    folder = report.write(collected(measuring(ablation), abs=CHEAP, spatial=DEAR, temporal=CHEAP), out=tmp_path / "out")
    folder = folder.parent
    found = verify(folder, ablation.spec, ablation)
    assert not found.mismatches and found.counts["machine"] >= 15
    page = folder / "report.html"
    kept = page.read_text()
    page.write_text(kept.replace("8,001", "8,002", 1))
    assert [one.file for one in verify(folder).mismatches] == ["report.html"]
    page.write_text(kept)
    for figures in ablation.figures.values():
        figures["cost.predict_bytes"] = 9e6
    wrong = verify(folder, ablation.spec, ablation).mismatches
    assert (
        wrong and {one.file for one in wrong} == {"machine/cost_measured.json"} and "1.28" in {m.found for m in wrong}
    )
    (folder / "machine/cost_measured.json").unlink()
    assert [one.file for one in verify(folder).mismatches] == ["machine/cost_measured.json"]
