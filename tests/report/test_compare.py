"""`repose report A B --compare`: real specs, evaluations made by hand."""

from __future__ import annotations

import pytest

from harness import report
from harness.cli.main import main
from harness.errors import UserError
from harness.report.compare import compared
from harness.spec import load
from tests.report.conftest import Made, evaluation

SPEC = """\
name: NAME
data: {dataset: synthetic, window: 27}
train: {steps: 10, batch: 4}
test: {occlusion: [none, severe], cameras: [seen]}
objectives:
  abs: {mpjpe: 1}
  spatial: {mpjpe: 1, spatial_rdc: 0.1}
  temporal: {mpjpe: 1, temporal_rdc: 0.2}
grid: {backbone: videopose3d-s, objective: [abs, spatial], seed: 2}
report: {baseline: {objective: abs}}
"""


@pytest.fixture
def spec(tmp_path):
    """spec(name, (old, new), …) → the small spec, changed."""

    def write(name, *changes):
        text = SPEC.replace("NAME", name)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return write


@pytest.fixture
def collected(tmp_path):
    """collected(comparison) → its report, from evaluations whose error grows by 1 a run."""

    def collect(comparison):
        made = Made(comparison, tmp_path)
        for number, run in enumerate(comparison.runs):
            made.frames[run.run_id] = evaluation({"mpjpe": 100.0 + number}, levels=("none", "severe", "minor"))
        return report.collect(comparison, source=made)

    return collect


def keys(found, name):
    return [row.keys for row in next(table for table in found.tables if table.name == name).rows]


def test_a_run_of_both_is_counted_once(spec, collected):
    other = spec("b", ("[abs, spatial]", "[abs, temporal]"))
    both = compared([spec("a"), other])
    assert len(both.runs) == 6 and len({run.run_id for run in both.runs}) == 6
    found = collected(both)
    assert (found.evidence.planned, found.evidence.finished) == (6, 6)
    assert keys(found, "ablation") == [("abs",), ("spatial",), ("temporal",)]
    assert keys(found, "difference") == [("spatial",), ("temporal",)]
    assert "2 runs stand in more than one of them and are counted once." in found.summary


def test_more_seeds_of_one_arm_are_one_arm(spec, collected):
    found = collected(compared([spec("a"), spec("b", ("seed: 2", "seed: [2, 3]"))]))
    assert [len(arm.runs) for arm in found.evidence.arms] == [4, 4]


def test_a_field_that_one_spec_varies_is_an_axis_of_both(spec, collected):
    found = collected(compared([spec("a"), spec("b", ("seed: 2", "seed: 2, train.lr: [1e-3, 2e-3]"))]))
    assert sorted(keys(found, "ablation")) == [(o, lr) for o in ("abs", "spatial") for lr in ("0.001", "0.002")]
    assert found.evidence.planned == 8, "a learning rate of 0.001 is the default: those runs are the same"


def test_longer_training_needs_no_axis_of_its_own(spec, collected):
    found = collected(compared([spec("a"), spec("b", ("steps: 10", "steps: 20"))]))
    assert found.evidence.axes == ("objective", "train.steps")


@pytest.mark.parametrize("first", ["steps: 10", "passes: 3"])
def test_lengths_in_passes_are_told_apart_by_their_spec(spec, collected, first):
    found = collected(compared([spec("a", ("steps: 10", first)), spec("b", ("steps: 10", "passes: 2"))]))
    assert found.evidence.axes == ("objective", "spec") and len(found.evidence.arms) == 4


def test_a_length_in_passes_stands_among_steps_as_what_it_is(spec, collected):
    # Three lengths: 10 steps, 20 steps, 2 passes; the same field is an axis of the first.
    steps = spec("a", ("steps: 10, ", ""), ("seed: 2", "seed: 2, train.steps: [10, 20]"))
    found = collected(compared([steps, spec("b", ("steps: 10", "passes: 2"))]))
    assert {arm.labels["train.steps"] for arm in found.evidence.arms} == {"10", "20", "2 passes"}
    gap = next(table for table in found.tables if table.name == "gap")
    assert {row.keys[-1] for row in gap.rows} == {"10 → 20"}


def test_arms_that_look_alike_are_told_apart_by_their_spec(spec, collected):
    found = collected(compared([spec("a"), spec("b", ("batch: 4", "batch: 8"))]))
    assert keys(found, "ablation") == [("abs", "a"), ("spatial", "a"), ("abs", "b"), ("spatial", "b")]
    assert keys(found, "difference") == [("spatial", "a"), ("spatial", "b")], "each within its own spec"


def test_a_baseline_in_both_serves_arms_of_each(spec, collected):
    found = collected(compared([spec("a"), spec("b", ("spatial_rdc: 0.1", "spatial_rdc: 0.5"))]))
    assert keys(found, "ablation") == [("abs", "a + b"), ("spatial", "a"), ("spatial", "b")]
    difference = next(table for table in found.tables if table.name == "difference")
    assert [row.keys for row in difference.rows] == [("spatial", "a"), ("spatial", "b")]
    # By seed abs 100 and 102, spatial of a 101 and 103, of b 104 and 105.
    assert [row.cells[1].numbers["difference"] for row in difference.rows] == ["+1.00", "+3.50"]


def test_tables_figures_labels_and_references_of_all(spec, collected):
    more = "report: {tables: [{rows: objective, columns: cameras}], figures: [learning], reference: [mixste], "
    one = spec("a", ("report: {", more + "labels: {abs: L1}, "))
    two = spec("b", ("report: {", more + "labels: {spatial: L_s}, title: Two, "))
    found = collected(compared([one, two]))
    assert found.title == "a and Two"
    assert [table.name for table in found.tables if table.name.startswith("table")] == ["table1", "table1_difference"]
    assert keys(found, "table1") == [("L1",), ("L_s",)]
    assert found.spec.report.figures == ["learning"] and len(found.literature[0].rows) == 1
    assert found.spec.report.baseline == {"objective": "abs"}


def test_only_shared_conditions_are_shown_and_it_says_so(spec, collected):
    found = collected(compared([spec("a"), spec("b", ("[none, severe]", "[minor, none, severe]"))]))
    assert found.evidence.levels == ("none", "severe")
    assert "Only some of them are tested at minor: left out here." in found.summary


REFUSALS = {
    "protocol": (
        ("cameras: [seen]}", "cameras: [seen], protocol: mean-per-frame}"),
        ["test.protocol is mean-per-subject in 'a' and mean-per-frame in 'b'"],
    ),
    "detector": (
        ("window: 27}", "window: 27, noise: 8, confidence: oracle}"),
        ["data.noise is 4 in 'a' and 8 in 'b'; data.confidence is none in 'a' and oracle in 'b'"],
    ),
    "detectors": (("seed: 2", "seed: 2, data.noise: [4, 8]"), ["data.noise is 4 in 'a' and 4 and 8 in 'b'"]),
    "data": (("window: 27}", "window: 27, options: {subjects: 9}}"), ["data.fingerprint is"]),
    "subjects": (
        ("window: 27}", "window: 27, split: {train: [P01], validation: [P02], test: [P03]}}"), ["data.split is"]
    ),
    "baselines": (("objective: abs}", "objective: spatial}"), ["different baselines", "abs in 'a'", "in 'b'"]),
    "levels": (("[none, severe]", "[minor]"), ["no value of test.occlusion", "none, severe in 'a'; minor in 'b'"]),
    "stores": (("grid:", "tracking: {uri: 'sqlite:///b.db'}\ngrid:"), ["different stores"]),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_what_does_not_compare_is_refused_by_name(spec, what):
    change, parts = REFUSALS[what]
    with pytest.raises(UserError) as caught:
        compared([spec("a"), spec("b", change)])
    for part in parts:
        assert part in caught.value.message
    assert "\n" not in str(caught.value)


def test_what_decides_no_number_may_differ(spec):
    changes = [("window: 27}", "window: 27, cameras: {train: 3}}"), ("batch: 4", "batch: 4, occlusion: moderate")]
    assert len(compared([spec("a"), spec("b", *changes)]).runs) == 8


def test_a_baseline_may_leave_out_what_its_spec_does_not_vary(spec):
    one = spec("a", ("objective: abs}", "objective: abs, backbone: videopose3d-s}"))
    both = compared([one, spec("b", ("seed: 2", "seed: 3"))])
    assert both.report.baseline == {"objective": "abs", "backbone": "videopose3d-s"}
    two = spec("c", ("backbone: videopose3d-s", "backbone: [videopose3d-s, simple_baseline]"))
    with pytest.raises(UserError, match="different baselines"):
        compared([one, two])


def test_specs_of_one_name_are_refused(spec):
    with pytest.raises(UserError, match="two of the compared specs are called 'a'"):
        compared([spec("a"), spec("a")])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a.yaml", "--compare"], "--compare: a comparison needs two specs or more"),
        (["a.yaml", "b.yaml", "--out", "x"], "--out: one folder can't hold several reports"),
        (["a.yaml", "b.yaml", "--compare"], "can't stand in one table: data.noise is 4 in 'a' and 8 in 'b'"),
    ],
)
def test_the_command_line_says_what_does_not_go_together(spec, tmp_path, monkeypatch, capsys, given, said):
    spec("a")
    spec("b", ("window: 27}", "window: 27, noise: 8}"))
    monkeypatch.chdir(tmp_path)
    assert main(["report", *given]) == 2
    assert said in capsys.readouterr().err
