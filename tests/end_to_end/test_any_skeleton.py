"""Only a skeleton's declaration knows how many joints there are: motion to report with 15, 17, 24 and 133."""

import json
import math
import re

import pytest
import torch

from harness import occlusion, registry_lines, report
from harness.metrics.records import clip_rows
from harness.report.figures import figures
from harness.report.player import choose, show
from harness.skeleton import SKELETONS
from harness.spec import load
from harness.spec.detector_noise import DetectorNoise
from harness.spec.run import Data
from harness.training import evaluate, train
from harness.training.lifter import make_lifter
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.prediction import observed
from harness.training.replay import replay
from tests.report.conftest import Made
from tests.training.test_networks import NETWORKS

WITHOUT_HIDING = {"none", "jitter", "poseformerv2", "lino"}
SMALL = "{base: videopose3d, filter_widths: [3], channels: 8}"
SPEC = """\
name: any
data: {{dataset: synthetic, options: {{subjects: 4, clips: 2, seconds: 0.6, skeleton: {skeleton}}}, window: 9{data}}}
backbones: {{small: {backbone}}}
backbone: small
train: {{steps: 4, batch: 4, epochs: 2, occlusion: moderate, body_shape: 0.1, validate_on: [none]{train}}}
test: {{occlusion: [none, severe], cameras: [seen]}}
objectives: {{abs: {{mpjpe: 1}}, terms: {{{terms}}}}}
grid: {{objective: [abs, terms], seed: 1}}
report: {{baseline: {{objective: abs}}}}
"""
OPTIONS = {
    "spatial_rdc": "{lambda: 0.1, weight: predicted, pairs: nearest, k: 3, warmup: 1}",
    "temporal_rdc": "{weight: 0.1, scale: gradient, form: soft}",
}
SECOND_HEAD = "mpjpe_every_frame"
UNLABELLED = ("trajectory_mpjpe", "semi_reprojection", "semi_bone_length", "relational_consistency")
UNLABELLED = (*UNLABELLED, "relational_consistency_temporal")
FEW = ["humaneva15", "wholebody133"]
SHIPPED = DetectorNoise(detector="plausible")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def spec(folder, skeleton, terms, *, backbone=SMALL, data="", train=""):
    written = ", ".join(f"{term}: {OPTIONS.get(term, '0.1')}" for term in sorted(terms))
    path = folder / "any.yaml"
    path.write_text(SPEC.format(skeleton=skeleton, terms=written, backbone=backbone, data=data, train=train))
    return load(path, data="need")


@pytest.fixture(scope="module", params=SKELETONS)
def material(request):
    return open_material(Data(options={"subjects": 3, "clips": 8, "seconds": 2, "skeleton": request.param}, window=9))


def test_every_process_and_level_hides_joints_of_any_body(material):
    views, skeleton = material.tests["seen"], material.skeleton
    observer = Observer(0.0, "calibrated", skeleton)
    clear = observed(views, occlusion.level("none"), observer)[0][..., :2]
    for name in (*registry_lines.OCCLUSIONS, *(f"{name}@1" for name in registry_lines.PROCESSES)):
        inputs, visible = observed(views, occlusion.level(name), observer)
        assert inputs.shape == (views.frames, len(skeleton), 3) and torch.isfinite(inputs).all(), name
        hidden = set((~visible).any(dim=0).nonzero().flatten().tolist())
        assert hidden or name.partition("@")[0] in WITHOUT_HIDING, name
        assert name == "none" or not torch.equal(inputs[..., :2], clear), name
        if name in ("random_joints@1", "joints@1", "frames@1"):
            assert hidden == set(range(len(skeleton))), "each joint of a body can be lost"


def test_a_detectors_errors_know_every_joint(material):
    views = material.tests["seen"]
    pixels, certain = (Observer(noise, "calibrated", material.skeleton) for noise in (0.0, SHIPPED))
    exact, seen = (observed(views, occlusion.level("none"), observer)[0][..., :2] for observer in (pixels, certain))
    assert torch.isfinite(seen).all() and ((seen - exact).abs().amax(dim=(0, 2)) > 0).all(), "each joint errs"


def test_every_metric_has_every_joint(material):
    truth, skeleton = material.tests["seen"].poses, material.skeleton
    guess = truth + 0.05 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    hidden = torch.zeros(truth.shape[:2], dtype=torch.bool)
    hidden[:, -1] = True
    rows = clip_rows(guess, truth, hidden=hidden, fixed=hidden, skeleton=skeleton, root=skeleton.root)
    assert {row["metric"] for row in rows} == set(registry_lines.METRICS)
    assert {row["joint"] for row in rows} == {"all", *skeleton.joints}
    assert all(math.isfinite(row["value"]) for row in rows if row["n"])


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_every_loss_term_trains_a_step(skeleton, tmp_path):
    of_poses = set(registry_lines.LOSSES) - {*UNLABELLED, SECOND_HEAD}
    pstmo = (
        f"{{base: pstmo, {', '.join(f'{key}: {value}' for key, value in {**NETWORKS['pstmo'], 'layers': 2}.items())}}}"
    )
    specs = [
        spec(tmp_path, skeleton, of_poses),
        spec(tmp_path, skeleton, ("mpjpe", *UNLABELLED), data=", label_fraction: 0.5"),
        spec(tmp_path, skeleton, ("mpjpe", SECOND_HEAD), data=", frames_out: 1", backbone=pstmo,
             train=", pretrain: {steps: 2}"),
    ]  # fmt: skip
    trained = [next(run for run in one.runs if run.labels["objective"] == "terms") for one in specs]
    assert {term for run in trained for term in run.objective} == set(registry_lines.LOSSES)
    for run in trained:
        last = {name: value for name, _, value in train(run).curves}
        assert all(math.isfinite(last[f"term.{term}"]) for term in run.objective)
        assert math.isfinite(last["val_mpjpe"])


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_every_network_takes_and_gives_every_joint(skeleton):
    joints = SKELETONS[skeleton]
    inputs = torch.rand(2, 9, len(joints), 3)
    small = {**NETWORKS, "videopose3d": {"filter_widths": [3], "channels": 8}, "simple_baseline": {"linear_size": 16}}
    for name, options in small.items():
        lifter = make_lifter(name, options, skeleton=joints, features=3, window=9, frames_out=3)
        assert lifter(inputs).shape == (2, 3, len(joints), 3), name


@pytest.mark.parametrize("skeleton", FEW)
def test_a_report_draws_and_plays_any_body(skeleton, tmp_path):
    study = spec(tmp_path, skeleton, ("mpjpe", "temporal_rdc"))
    made, weights = Made(study, tmp_path), {}
    for run in study.runs:
        result = train(run)
        weights[run.run_id] = result.best_weights
        made.frames[run.run_id] = evaluate(run, study.test, result)
        made.points[run.run_id] = list(result.curves)
    collected = report.collect(study, source=made)
    drawn = figures(collected.evidence, ["joints", "occlusion", "depth_order", "learning"])
    assert set(drawn) == {"joints", "occlusion", "depth_order", "learning"}
    assert "Seen from the front" in drawn["joints"].caption, "the body is understood, and drawn as one"

    choice = choose(collected.evidence, 1)
    runs = {run.run_id: run for run in study.runs}
    clips = [(pick.clip, pick.camera) for pick in choice.picks]
    both = [replay(runs[run], weights[run], clips, level=choice.level, cameras="seen") for run in choice.runs]
    shown = show(choice, list(zip(*both, strict=True)))
    bones = json.loads(re.search(r'"bones":(\[\[.*?\]\])', shown.fragment)[1])
    assert bones == [list(bone) for bone in SKELETONS[skeleton].bones]
