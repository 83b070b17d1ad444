"""The specs at paper scale, on made-up poses in files of the original layouts: imported, planned, trained a step."""

import itertools
import json

import pytest

from harness import registry
from harness.cli.main import main
from harness.spec import load, shipped
from harness.spec.published import chosen
from harness.training import evaluate, train

NETWORKS = ("videopose3d", "mixste", "poseformerv2")
SHORT = [
    "train.steps=2",  # the first epoch measures the terms' gradients, the second has them
    "train.epochs=2",
    "train.flip_test=false",
    "test.occlusion=[none]",
    "claims=[]",
    "report={}",
]
SPECS = {"h36m_repose": 243, "3dhp_repose": 81}


def small(frames):
    """Networks a hundred times smaller, windows as they are."""
    transformers = {"mixste": 8, "poseformerv2": 4}
    return [
        f"backbones.videopose3d-t{frames}.channels=8",
        *(f"backbones.{name}-t{frames}.embed_dim_ratio={width}" for name, width in transformers.items()),
        *(f"backbones.{name}-t{frames}.{key}" for name in transformers for key in ("depth=1", "num_heads=2")),
    ]


@pytest.fixture(autouse=True)
def _data(imported_data, monkeypatch):
    monkeypatch.setenv("REPOSE_DATA", str(imported_data))


def test_every_spec_on_imported_data_is_tested_here():
    found = [name for name, path in shipped.names().items() if "dataset: clips" in path.read_text("utf-8")]
    assert set(found) == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_a_lab_with_the_data_gives_the_path_and_can_plan(name, capsys):
    assert main(["validate", name]) == 0
    assert capsys.readouterr().out.endswith("valid, 75 runs in 15 arms\n")
    assert main(["plan", name, "--offline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["to_do"] == 75


@pytest.mark.parametrize("name", SPECS)
def test_without_the_data_it_says_which_file_is_missing(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REPOSE_DATA", str(tmp_path))
    assert main(["validate", name]) == 2
    said = capsys.readouterr().err
    assert f"{name}.yaml" in said and f"{name.split('_')[0]}.npz" in said and "Traceback" not in said


@pytest.mark.parametrize(("name", "frames"), SPECS.items())
def test_each_network_has_each_objective_and_its_own_published_training(name, frames):
    spec = load(name, data="need")
    arms = {(run.backbone.name, run.labels["objective"]) for run in spec.runs}
    assert arms == set(itertools.product(NETWORKS, ("abs", "spatial", "temporal", "both", "released")))
    assert {len(runs) for runs in spec.arms.values()} == {5}, "seeds"
    for run in spec.runs:
        recipe = registry.attribute(registry.get("backbones", run.backbone.name), "recipe", None)
        changed = {key for key, value in recipe["train"].items() if getattr(run.train, key) != value}
        assert changed <= {"batch"}
        poses = recipe["train"]["batch"] * (1 if run.backbone.name != "mixste" else 243)
        assert run.train.batch * run.data.frames_predicted == pytest.approx(poses, rel=0.005), "poses a step"
        own = {term: weight for term, (weight, _) in run.terms.items() if term in recipe["objective"]}
        assert own == recipe["objective"]
        added = {term for term in run.terms if term not in recipe["objective"]}
        assert added <= {"spatial_rdc", "temporal_rdc"}
        assert all(run.schedules[term].by_gradient for term in added), "one λ means one thing in all networks"
        assert run.data.window == (frames if run.backbone.name == "mixste" else frames + 8)
        assert (run.data.noise, run.train.occlusion) == (0, "none")
    assert spec.resources.gpu == 1
    assert spec.test.protocol == {"h36m_repose": "videopose3d", "3dhp_repose": "3dhp"}[name]


def test_the_summarys_gains_are_claimed_as_they_stand_beside_the_report():
    spec = load("h36m_repose")
    numbers = {one.label: one for one in chosen(spec.report.reference)}
    plain = {"videopose3d": "VideoPose3D", "mixste": "MixSTE", "poseformerv2": "PoseFormerV2"}
    ends = {"both": "", "spatial": ", spatial term only", "temporal": ", temporal term only"}
    claimed = [claim for claim in spec.claims if claim.arm["objective"] in ends]
    assert len(claimed) == 5
    for claim in claimed:
        label = plain[claim.where["backbone"].partition("-")[0]]
        with_terms = numbers[f"{label} + RePOSE{ends[claim.arm['objective']]}"]
        without = numbers[f"{label}, 243 frames"]
        assert claim.at_least == pytest.approx(without.value - with_terms.value)
        assert claim.where["test_occlusion"] == "none"
        assert with_terms.about and "hinge without margin" in with_terms.contradicts


@pytest.mark.parametrize(("name", "frames"), SPECS.items())
def test_each_arm_trains_a_step_and_is_scored(name, frames):
    spec = load(name, [*SHORT, *small(frames)], data="need")
    runs = [run for run in spec.runs if run.seed == 0 and run.labels["objective"] in ("abs", "both", "released")]
    assert len(runs) == 9
    for run in runs:
        result = train(run)
        curves = {curve for curve, _, _ in result.curves}
        assert {f"term.{term}" for term in run.objective} <= curves
        rows = evaluate(run, spec.test, result, metrics=["mpjpe"])
        whole = rows[(rows["joint"] == "all") & (rows["group"] == "all") & (rows["weights"] == "best")]
        tested = run.data.split["test"]
        assert set(whole["subject"]) == set(tested) and whole["value"].notna().all()
        assert len(whole) == len(tested) * (4 if name == "h36m_repose" else 1), "cameras"


@pytest.mark.parametrize("name", SPECS)
def test_the_networks_can_be_built_at_their_published_size(name):
    from harness.training.lifter import make_lifter
    from harness.training.material import open_material

    runs = {run.backbone.name: run for run in load(name).runs}
    material = open_material(runs["mixste"].data)
    millions = {}
    for backbone, run in runs.items():
        shape = {"window": run.data.window, "frames_out": run.data.frames_predicted}
        lifter = make_lifter(backbone, run.backbone.options, skeleton=material.skeleton, features=2, **shape)
        millions[backbone] = round(sum(p.numel() for p in lifter.parameters()) / 1e6, 1)
    published = {"h36m_repose": (17.0, 33.8, 14.4), "3dhp_repose": (12.8, 33.7, 14.4)}[name]
    assert millions == dict(zip(NETWORKS, published, strict=True))
