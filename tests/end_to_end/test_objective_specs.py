"""The specs of objectives compare what they say, and every arm of theirs trains."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from harness.data import open_dataset
from harness.data.mocap import splits
from harness.spec import load
from harness.spec.run import Run
from harness.training import train

_SMALL = [
    "train.steps=2",  # the first epoch is a warm-up of most terms, the second is theirs
    "train.epochs=2",
    "train.batch=2",
    "train.warmup=0",
    "train.validate_on=[none]",
    "data.fingerprint=null",
    "data.window=9",
    "grid.seed=1",
]


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip file with the subjects of ``cmu-a``: enough short clips that a tenth of them is one."""
    split = splits()["cmu-a"]
    train_side, others = list(split.train), [*split.validation, *split.test]
    clips = open_dataset("synthetic", subjects=len(train_side) + len(others), clips=2, seconds=1).clips
    names = [f"{name}/{number}" for name in train_side + others for number in (1, 2)]
    path = tmp_path_factory.mktemp("data") / "cmu_h36m17.npz"
    np.savez(path, **{name: clip.positions for name, clip in zip(names, clips, strict=True)})
    return path


@pytest.fixture(scope="module")
def family() -> list[Run]:
    return load("relational_family").runs


def arms(runs: list[Run]) -> dict[tuple, set[int]]:
    """Labels without the seed → seeds."""
    found: dict[tuple, set[int]] = {}
    for run in runs:
        found.setdefault(tuple((k, v) for k, v in run.labels.items() if k != "seed"), set()).add(run.seed)
    return found


def kind(run: Run) -> str:
    """What decides which code a run goes through: all but the sizes of λ and of the smallest gap."""
    terms = {name: {**given, "min_gap": 0} for name, (_, given) in run.terms.items()}
    return repr((run.backbone.name, sorted(terms.items()), run.data.label_fraction, run.train))


def test_the_relational_family_is_a_product_and_has_its_controls(family):
    trained = [run for run in family if run.backbone.name == "videopose3d"]
    seeds = set(map(frozenset, arms(trained).values()))
    assert seeds == {frozenset(range(3)), frozenset(range(8))}, "paired, more of them where something is claimed"
    spatial = [run.terms["spatial_rdc"] for run in trained if "spatial_rdc" in run.objective and run.seed == 0]
    cells = {
        (given.get("form", "hinge"), given.get("pairs", "all"), given.get("min_gap", 0), weight)
        for weight, given in spatial
    }
    forms = ("hinge", "margin", "logistic", "soft")
    product = set(itertools.product(forms, ("all", "skeleton", "nearest"), (0, 0.02), (0.1, 0.5)))
    assert cells - product == set(itertools.product(("difference", "placebo"), ("all",), (0,), (0.1, 0.5)))
    assert cells >= product
    assert len(spatial) == len(cells)
    temporal = {
        (given.get("form", "hinge"), given.get("frames", "all"), weight)
        for weight, given in (run.terms["temporal_rdc"] for run in trained if "temporal_rdc" in run.objective)
    }
    assert {form for form, _, _ in temporal} == {*forms, "difference", "placebo"}
    assert {frames for _, frames, _ in temporal} == {"all", "adjacent", "radius"}
    others = {tuple(sorted(run.objective)) for run in trained} - {("mpjpe", "spatial_rdc"), ("mpjpe", "temporal_rdc")}
    assert others == {("mpjpe",), ("depth_l1", "mpjpe"), ("mpjpe", "mpjve")}
    transformer = [run for run in family if run.backbone.name == "mixste"]
    assert set(map(frozenset, arms(transformer).values())) == {frozenset(range(5))}
    assert {repr(run.terms) for run in transformer} < {repr(run.terms) for run in trained}
    assert {run.backbone.name for run in family} == {"videopose3d", "mixste", "ridge", "constant_pose"}


def test_one_lambda_means_one_thing_in_the_whole_family(family):
    for run in family:
        assert all(run.schedules[name].by_gradient for name in run.objective if name != "mpjpe")


def test_the_a_a_arm_is_the_baseline_but_for_rounding(family):
    mine = [run for run in family if set(run.objective) == {"mpjpe"} and run.backbone.name == "videopose3d"]
    alone = {run.labels["objective"]: run for run in mine}
    one, again = alone["abs"].terms["mpjpe"], alone["again"].terms["mpjpe"]
    assert one[1] == again[1]
    assert one[0] != again[0]
    assert math.isclose(one[0], again[0], rel_tol=0.002)


def test_each_part_of_cheng_stands_with_and_without_the_others():
    runs = load("cheng2020").runs
    assert set(map(frozenset, arms(runs).values())) == {frozenset(range(5))}

    def cell(run: Run) -> tuple:
        terms = run.objective
        masks = (run.train.occlusion, run.train.occlusion_schedule)
        return run.backbone.name, "adversarial" in terms, "semi_reprojection" in terms, masks

    controls = {"again", "depth", "difference", "placebo", "velocity"}
    assert controls < {run.labels["objective"] for run in runs}
    runs = [run for run in runs if run.labels["objective"] not in controls]
    whole = {cell(run) for run in runs if run.data.label_fraction == 1}
    networks, masks = ("videopose3d", "multistride_tcn"), (("none", "fixed"), ("severe", "fixed"), ("severe", "rising"))
    assert whole == set(itertools.product(networks, (False, True), (False,), masks))
    few = {cell(run) for run in runs if run.data.label_fraction == 0.1}
    assert few == set(itertools.product(("multistride_tcn",), (False, True), (False, True), (("severe", "rising"),)))


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("relational_family", ["backbones.small.filter_widths=[3, 3]", "backbones.small.channels=8"]),
        ("cheng2020", ["backbones.single.filter_widths=[3, 3]", "backbones.multi.filter_widths=[1, 1]"]),
    ],
)
def test_every_arm_trains_a_step_with_all_its_terms(name, overrides, clip_file, monkeypatch):
    monkeypatch.setenv("REPOSE_DATA", str(clip_file.parent))
    spec = load(name, [*_SMALL, *overrides], data="need")
    chosen = {kind(run): run for run in spec.runs}
    assert chosen
    for arm in chosen.values():
        # Networks may be trained longer, or on larger batches, than the spec's others.
        run = arm.model_copy(update={"train": arm.train.model_copy(update={"steps": 2, "batch": 2})})
        last = {curve: value for curve, _, value in train(run).curves}
        assert math.isfinite(last["val_mpjpe"])
        if run.backbone.name not in ("ridge", "constant_pose"):
            assert all(math.isfinite(last[f"term.{term}"]) for term in run.objective)
            assert all(last.get(f"lambda.{term}", 1) > 0 for term in run.objective), "each has begun"
