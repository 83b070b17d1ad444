"""The table of costs: a row for each network that costs something else, and what runs took where the machine stands."""

from __future__ import annotations

import json

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
