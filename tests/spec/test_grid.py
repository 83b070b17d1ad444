from __future__ import annotations

import itertools
from collections import Counter

import pytest

from harness.spec import load
from harness.spec.run import Run


def test_a_grid_is_the_product_of_its_axes(write, base):
    spec = load(write(base))
    points = {(r.labels["backbone"], r.labels["objective"], r.seed) for r in spec.runs}
    assert points == set(itertools.product(["videopose3d-s", "simple_baseline"], ["abs", "spatial"], [0, 1]))
    assert len({run.run_id for run in spec.runs}) == 8
    assert spec.axes == {
        "backbone": ["videopose3d-s", "simple_baseline"],
        "objective": ["abs", "spatial"],
        "train_occlusion": ["moderate"],
        "seed": ["0", "1"],
    }


def test_a_whole_number_of_seeds_may_be_written_as_a_fraction(write, base):
    written = [load(write(base.replace("seed: 2", f"seed: {seeds}"))).runs for seeds in ("2", "2.0", "[0, 1]")]
    assert written[0] == written[1] == written[2]


def test_an_option_of_one_form_is_tied_to_it(write, base):
    axis = '"objectives.spatial.spatial_rdc.form, objectives.spatial.spatial_rdc.margin"'
    text = base.replace("weight: 0.1, form: margin", "weight: 0.1") + f"  {axis}: [[hinge, 0.05], [margin, 0.1]]\n"
    spec = load(write(text), ["grid.objective=spatial", "grid.backbone=ridge", "grid.seed=1"])
    assert [r.objective["spatial_rdc"] for r in spec.runs] == [
        {"weight": 0.1},
        {"weight": 0.1, "form": "margin", "margin": 0.1},
    ]


def test_whole_comparisons_come_first(write, base):
    assert [run.seed for run in load(write(base)).runs] == [0] * 4 + [1] * 4


def test_runs_are_resolved_and_equal_validated_ones(write, base):
    run = next(r for r in load(write(base)).runs if r.labels["objective"] == "spatial")
    assert run.backbone.name == "videopose3d"
    assert run.backbone.options == {"channels": 128}
    assert run.objective == {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1, "form": "margin"}}
    assert run.data.window == 27 and run.data.fingerprint
    again = Run.model_validate(run.model_dump())
    assert again == run
    assert again.run_id == run.run_id


def test_objectives_compose_with_shared_terms_once(write, base):
    spec = load(write(base), ["grid.objective=both", "grid.backbone=ridge"])
    assert spec.runs[0].objective == {
        "mpjpe": {"weight": 1.0},
        "spatial_rdc": {"weight": 0.1, "form": "margin"},
        "temporal_rdc": {"weight": 0.2},
    }


def test_any_dotted_field_is_an_axis(write, base):
    text = base + "  train.lr: [1e-3, 3e-4]\n  data.cameras.train: [1, 4]\n"
    spec = load(write(text), ["grid.seed=1", "grid.objective=abs", "grid.backbone=ridge"])
    assert Counter((r.train.lr, r.data.cameras.train) for r in spec.runs) == dict.fromkeys(
        itertools.product([0.001, 0.0003], [1, 4]), 1
    )
    assert spec.runs[0].labels["train.lr"] == "0.001"
    assert spec.axes["data.cameras.train"] == ["1", "4"]


def test_a_lambda_sweep_varies_the_composed_objective_and_merges_what_it_does_not_touch(write, base):
    text = base.replace("[abs, spatial]", "[abs, both]") + "  objectives.spatial.spatial_rdc.weight: [0.01, 0.1]\n"
    spec = load(write(text), ["grid.backbone=ridge", "grid.seed=1"])
    label = "objectives.spatial.spatial_rdc.weight"
    assert [(r.labels["objective"], r.labels[label]) for r in spec.runs] == [
        ("abs", "-"),
        ("both", "0.01"),
        ("both", "0.1"),
    ]
    assert [r.objective["spatial_rdc"]["weight"] for r in spec.runs[1:]] == [0.01, 0.1]


def test_an_option_called_weight_leaves_room_for_lambda(write, base):
    text = base.replace("{weight: 0.1, form: margin}", "{lambda: 0.1, weight: occluded}")
    run = load(write(text), ["grid.objective=spatial"]).runs[0]
    assert run.terms == {"mpjpe": (1.0, {}), "spatial_rdc": (0.1, {"weight": "occluded"})}
    assert Run.model_validate(run.model_dump()).terms == run.terms
    swept = base + "  objectives.spatial.spatial_rdc.weight: [all, occluded]\n"
    spec = load(write(swept), ["grid.objective=spatial", "grid.backbone=ridge", "grid.seed=1"])
    assert [r.terms["spatial_rdc"] for r in spec.runs] == [
        (0.1, {"form": "margin"}),
        (0.1, {"form": "margin", "weight": "occluded"}),
    ]
    assert spec.axes["objectives.spatial.spatial_rdc.weight"] == ["all", "occluded"]


def test_tied_axes_vary_together(write, base):
    text = base + '  data.frames_out: 9\n  "data.window, train.batch": [[81, 64], [27, 32]]\n'
    spec = load(write(text))
    assert {(r.data.window, r.train.batch) for r in spec.runs} == {(81, 64), (27, 32)}
    assert len(spec.runs) == 16
    assert spec.runs[0].labels["train.batch"] == "64"


def test_train_occlusion_is_short_for_train_dot_occlusion(write, base):
    short = load(write(base + "  train_occlusion: [none, severe]\n"))
    dotted = load(write(base + "  train.occlusion: [none, severe]\n"))
    assert [r.run_id for r in short.runs] == [r.run_id for r in dotted.runs]
    assert short.axes["train_occlusion"] == ["none", "severe"]
    assert list(short.runs[0].labels) == ["backbone", "objective", "train_occlusion", "seed"]


def test_include_takes_open_axes_from_the_grid(write, base):
    text = base + "include:\n  - {seed: 7, train.steps: 40}\n  - {backbone: [ridge, constant_pose], objective: abs}\n"
    spec = load(write(text))
    extra = [r for r in spec.runs if r.train.steps == 40]
    assert {(r.labels["backbone"], r.labels["objective"], r.seed) for r in extra} == set(
        itertools.product(["videopose3d-s", "simple_baseline"], ["abs", "spatial"], [7])
    )
    closed = {(r.labels["backbone"], r.labels["objective"], r.seed) for r in spec.runs if r.backbone.name == "ridge"}
    assert closed == {("ridge", "abs", 0), ("ridge", "abs", 1)}
    assert len(spec.runs) == 8 + 4 + 4
    assert {r.labels["train.steps"] for r in spec.runs} == {"10", "40"}, "every run says its steps"


def test_an_included_backbone_takes_no_backbone_options_from_the_grid(write, base):
    text = base.replace("[videopose3d-s, simple_baseline]", "videopose3d")
    text += "  backbone.channels: [16, 32]\ninclude: [{backbone: ridge, objective: abs}]\n"
    spec = load(write(text))
    assert {(r.labels["backbone"], r.labels["backbone.channels"]) for r in spec.runs} == {
        ("videopose3d", "16"),
        ("videopose3d", "32"),
        ("ridge", "-"),
    }


def test_equal_points_are_one_run(write, base):
    text = base + "include: [{objective: abs, seed: 0}]\n"
    assert len(load(write(text)).runs) == 8
    declared = base.replace("objectives:", "backbones: {same: {base: videopose3d, channels: 128}}\nobjectives:")
    spec = load(write(declared.replace("[videopose3d-s, simple_baseline]", "[videopose3d-s, same]")))
    assert len(spec.runs) == 4, "a preset and its spelt-out form are the same run"


def test_exclude_drops_partial_matches_of_the_grid_but_not_what_is_included(write, base):
    text = base + "exclude: [{backbone: simple_baseline, objective: [abs, spatial], seed: 1}, {objective: spatial}]\n"
    spec = load(write(text + "include: [{backbone: simple_baseline, objective: spatial, seed: 1}]\n"))
    assert [(r.labels["backbone"], r.labels["objective"], r.seed) for r in spec.runs] == [
        ("videopose3d-s", "abs", 0),
        ("simple_baseline", "abs", 0),
        ("videopose3d-s", "abs", 1),
        ("simple_baseline", "spatial", 1),
    ]


def test_excluded_points_need_not_make_sense(write, base):
    text = base.replace("  seed: 2", "  backbone.channels: [16]\n  seed: 2")
    spec = load(write(text + "exclude: [{backbone: simple_baseline}]\n"))
    assert {r.labels["backbone"] for r in spec.runs} == {"videopose3d-s"}


def test_arms_are_the_runs_that_differ_by_seed_only(write, base):
    spec = load(write(base), seeds=3)
    assert list(spec.arms) == [
        "videopose3d-s, abs",
        "videopose3d-s, spatial",
        "simple_baseline, abs",
        "simple_baseline, spatial",
    ]
    assert all(len(ids) == 3 for ids in spec.arms.values())
    assert sorted(itertools.chain(*spec.arms.values())) == sorted(r.run_id for r in spec.runs)


def test_seeds_extend_a_grid_without_changing_what_was_there(write, base):
    path = write(base)
    assert {r.run_id for r in load(path, seeds=2).runs} < {r.run_id for r in load(path, seeds=5).runs}


def test_a_single_objective_needs_no_axis(write):
    text = "name: one\nbackbone: {name: videopose3d, channels: 8}\nobjectives: {abs: {mpjpe: 1}}\ngrid: {seed: [3]}\n"
    (run,) = load(write(text)).runs
    assert run.labels == {"backbone": "videopose3d", "objective": "abs", "train_occlusion": "none", "seed": "3"}
    assert run.backbone.options == {"channels": 8}


def test_report_values_are_printed_as_labels_are(write, base):
    text = base + "  train.lr: [1e-3, 1]\nreport: {baseline: {train.lr: 0.001}, tables: [{where: {train.lr: [1.0]}}]}\n"
    spec = load(write(text))
    assert spec.baseline == {"train.lr": "0.001"}
    assert spec.report.tables[0].where == {"train.lr": ["1"]}


@pytest.mark.parametrize("swap", [False, True])
def test_ten_thousand_runs_expand(write, base, swap):
    axes = ["  train.lr: [" + ", ".join(f"{k}e-5" for k in range(1, 51)) + "]\n", "  train.warmup: [0, 1]\n"]
    text = base.replace("  seed: 2\n", "") + "".join(reversed(axes) if swap else axes) + "  seed: 25\n"
    spec = load(write(text))
    assert len(spec.runs) == 10_000
    assert len({r.run_id for r in spec.runs}) == 10_000
