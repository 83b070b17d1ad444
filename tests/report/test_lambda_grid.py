"""Weights λ of two terms swept beside an objective that has neither: from the spec file to every difference."""

from __future__ import annotations

import json

import pytest

from harness import report
from harness.report import power
from harness.report.verify import verify
from harness.spec import load
from tests.report.conftest import Made, evaluation

SPATIAL, TEMPORAL = "objectives.both.spatial_rdc.weight", "objectives.both.temporal_rdc.weight"
SPEC = f"""\
name: grid
data: {{dataset: synthetic, window: 27}}
train: {{steps: 10, batch: 4}}
test: {{occlusion: [none, severe], cameras: [seen]}}
objectives:
  abs: {{mpjpe: 1}}
  both: {{mpjpe: 1, spatial_rdc: 0.1, temporal_rdc: 0.2}}
grid: {{backbone: videopose3d-s, objective: [abs, both], {SPATIAL}: [0.01, 0.1], {TEMPORAL}: [0.02, 0.2], seed: 3}}
claims:
  - {{text: It helps, arm: both, versus: abs, where: {{{SPATIAL}: 0.1, {TEMPORAL}: 0.2}}, direction: lower}}
report:
  baseline: {{objective: abs}}
  figures: [difference]
  tables:
    - {{rows: objective}}
    - {{rows: objective, columns: {SPATIAL}, where: {{{TEMPORAL}: 0.2}}}}
    - {{rows: {SPATIAL}, where: {{objective: both, {TEMPORAL}: 0.02}}}}
"""
GAINS = {("0.01", "0.02"): 1.0, ("0.01", "0.2"): 2.0, ("0.1", "0.02"): 3.0, ("0.1", "0.2"): 4.0}
NOISE = {0: 0.0, 1: 0.1, 2: -0.1}


@pytest.fixture
def made(tmp_path):
    """The arm of each pair of weights lies ``GAINS`` under the baseline, but for a little noise."""
    path = tmp_path / "grid.yaml"
    path.write_text(SPEC, encoding="utf-8")
    found = Made(load(path), tmp_path)
    for run in found.spec.runs:
        gain = GAINS.get((run.labels[SPATIAL], run.labels[TEMPORAL]), 0.0)
        error = 100.0 + 5 * run.seed - gain + (NOISE[run.seed] if gain else 0.0)
        found.frames[run.run_id] = evaluation({"mpjpe": error})
        found.figures[run.run_id] = {"late_gain": 0.1, "falling": 0.0}
    return found


@pytest.fixture
def collected(made):
    return report.collect(made.spec, source=made)


def differences(found, name):
    table = next(table for table in found.tables if table.name == name)
    return {row.raw or row.keys: [cell.numbers.get("difference") for cell in row.cells] for row in table.rows}


def test_every_arm_of_the_grid_is_compared_with_the_one_baseline(collected):
    shown = {("both", *weights): [f"-{gain:.2f}"] * 2 for weights, gain in GAINS.items()}
    assert differences(collected, "table1_difference") == shown
    table = next(table for table in collected.tables if table.name == "table1_difference")
    assert any(f"The baseline has no {SPATIAL}, {TEMPORAL}" in note for note in table.notes)


def test_a_weight_across_the_columns_or_chosen_hides_no_baseline(collected):
    assert differences(collected, "table2_difference") == {("both",): [None, "-2.00", "-4.00"]}
    assert differences(collected, "table3_difference") == {("0.01",): ["-1.00"] * 2, ("0.1",): ["-3.00"] * 2}


def test_claims_and_power_use_the_same_baseline(collected):
    verdict, difference, *_ = collected.claims.rows[0].cells
    assert verdict.text == "supported" and difference.numbers["difference"] == "-4.00"
    needs = power.pilot(collected.evidence, [("effect", 1.0)], where={SPATIAL: ["0.1"]}).needs
    assert [need.pairs for need in needs] == [3, 3]


def test_verification_finds_the_same_baselines(made, tmp_path):
    report.write(made.spec, out=tmp_path / "out", source=made)
    assert not verify(tmp_path / "out", made.spec, made).mismatches
    path = tmp_path / "out/report.json"
    data = json.loads(path.read_text())
    data["tables"][1]["rows"][0]["cells"][0]["numbers"]["difference"] = -1.5
    path.write_text(json.dumps(data))
    assert any("table1_difference" in str(one) for one in verify(tmp_path / "out").mismatches)
