"""Settings of which each backbone has its own: said once, and in no row and no name."""

from __future__ import annotations

import pytest

from harness import report
from harness.report.verify import verify
from tests.report.conftest import Made, evaluation, run

OWN = {"small": ("1e-2", 2000), "large": ("1e-3", 1000)}


@pytest.fixture
def networks(make) -> Made:
    """Two networks with a rate and a length of their own, a mean pose with neither, and two objectives."""
    made = make({("abs", 0): 100.0})
    made.spec.runs, made.frames = [], {}
    for number, (name, (rate, steps)) in enumerate({**OWN, "mean": ("-", 1000)}.items()):
        for objective in ("abs", "b") if name in OWN else ("abs",):
            for seed in range(3):
                labels = {"train.lr": rate, "train.clip_norm": "1" if objective == "b" else "-"}
                one = run(objective, seed, steps=steps, backbone=name, **labels)
                made.spec.runs.append(one)
                made.frames[one.run_id] = evaluation({"mpjpe": 100.0 + 10 * number + len(objective) + seed**2 % 3})
    return made


def test_the_backbone_stands_for_what_is_its_own(networks):
    found = report.collect(networks.spec, source=networks)
    assert found.evidence.own == {"train.lr": {"small": "1e-2", "large": "1e-3", "mean": "-"}}
    assert "train.lr" in found.evidence.axes, "the records keep it"
    tables = {table.name: table for table in found.tables}
    assert tables["ablation"].keys == tables["difference"].keys == ("objective", "backbone", "train.clip_norm", "steps")
    assert "gap" not in tables, "no network was trained for two lengths"
    assert found.evidence.describe(found.evidence.arms[0]) == "abs · large · 1000 steps"


def test_the_notes_of_a_main_table_say_it_in_the_specs_words(networks):
    networks.spec.report.labels = {"train.lr": "rate", "small": "the small one"}
    (table, *_) = report.collect(networks.spec, source=networks).tables
    assert "Each backbone has its own rate (large 1e-3, the small one 1e-2)." in table.notes


def test_it_is_a_row_where_a_table_asks_for_it(networks):
    networks.spec.report.tables = [{"rows": ["backbone", "train.lr", "objective"], "columns": "test_occlusion"}]
    (table, *_) = report.collect(networks.spec, source=networks).tables
    assert table.keys == ("backbone", "train.lr", "objective", "train.clip_norm", "steps")


def test_two_settings_across_are_named_and_only_those_that_some_arm_has(networks):
    networks.spec.report.labels = {"train.lr": "rate"}
    networks.spec.report.tables = [
        {"rows": "objective", "columns": ["train.steps", "train.lr"], "where": {"backbone": ["small", "large"]}}
    ]
    networks.spec.report.baseline = {"objective": "abs"}
    (main, differences, *_) = report.collect(networks.spec, source=networks).tables
    assert main.columns == differences.columns
    assert [label for _, label in main.columns] == ["rate 1e-3", "rate 1e-2"]
    assert [over for over, _ in main.columns] == ["1000", "2000"], "steps have no word of their own here"


def test_it_is_a_row_where_the_baseline_is_named_by_it(networks):
    named = {"backbone": "small", "train.lr": "1e-2", "objective": "abs"}
    networks.spec.report.tables = [{"rows": "objective", "baseline": named}]
    own = {table.name: table for table in report.collect(networks.spec, source=networks).tables}
    assert "train.lr" in own["table1"].keys and "table1_difference" in own
    networks.spec.report.tables, networks.spec.report.baseline = [], named
    assert "difference" in {table.name for table in report.collect(networks.spec, source=networks).tables}


def test_what_a_backbone_has_two_of_is_a_row(networks):
    other = run("abs", 0, steps=2000, backbone="small", **{"train.lr": "3e-2", "train.clip_norm": "-"})
    networks.spec.runs.append(other)
    networks.frames[other.run_id] = evaluation({"mpjpe": 90.0})
    found = report.collect(networks.spec, source=networks)
    assert not found.evidence.own and "train.lr" in found.tables[0].keys


def test_a_report_without_them_verifies(networks, tmp_path):
    page = report.write(networks.spec, out=tmp_path / "made", source=networks)
    for source in ((networks.spec, networks), ()):
        ledger = verify(page.parent, *source)
        assert ledger.counts and not ledger.mismatches
