"""What a batch holds beside poses and masks, where a loss term needs it."""

import pytest
import torch

from harness.data.camera import project
from harness.skeleton import H36M17
from harness.training.batches import UNLABELLED, TrainingBatches
from harness.training.curriculum import Curriculum
from harness.training.material import open_material, training_windows
from harness.training.observation import Observer

CPU = torch.device("cpu")
EXACT = {"noise": 0.0, "confidence": "none"}


def batches_of(run, *needs, unlabelled=(), kept_back=False):
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    curriculum = Curriculum(run.train, run.train.steps)

    def drawn(views, **options):
        window, out = run.data.window, run.data.frames_predicted
        windows = training_windows(views, window, out, (window - out) // 2)
        return TrainingBatches(run, views, windows, curriculum, observer, CPU, **options)

    beside = drawn(material.unlabelled, purpose=UNLABELLED, needs=unlabelled) if kept_back else None
    return drawn(material.train, needs=needs, unlabelled=beside)


@pytest.mark.parametrize("root", ["per_frame", "first_frame"])
@pytest.mark.parametrize("body_shape", [0.0, 0.2])
def test_target_and_trajectory_project_to_what_the_detector_sees(make_run, root, body_shape):
    run = make_run(batch=32, occlusion="none", body_shape=body_shape, data={**EXACT, "root": root, "frames_out": 5})
    batch = batches_of(run, "camera", "trajectory", "screen")[0]
    assert batch.camera.shape == (32, 9) and batch.trajectory.shape == (32, 5, 1, 3)
    assert batch.trajectory[..., 2].min() > 1.0, "metres in front of the camera"
    seen = project(batch.target + batch.trajectory, batch.camera[:, None, None])
    assert (seen - batch.screen).abs().max() < 1e-4  # half of the samples are mirrored
    assert torch.equal(batch.screen, batch.inputs[:, 2:7, :, :2])
    moves = (batch.trajectory[:, 1:] - batch.trajectory[:, :1]).abs().max()
    assert moves == 0 if root == "first_frame" else moves > 0


def test_the_clean_input_is_the_input_before_occlusion(make_run):
    run = make_run(batch=32, occlusion="severe", data={"confidence": "oracle"})
    batch = batches_of(run, "clean")[0]
    unhidden = batches_of(make_run(batch=32, occlusion="none", data={"confidence": "oracle"}))[0]
    assert torch.equal(batch.clean, unhidden.inputs)
    seen = batch.visible  # as many frames come out as go in
    assert torch.equal(batch.clean[seen], batch.inputs[seen])
    assert not torch.equal(batch.clean[~seen], batch.inputs[~seen]) and (~seen).any()


def test_what_a_term_needs_changes_nothing_else(make_run):
    run = make_run()
    plain, full = batches_of(run), batches_of(run, "camera", "trajectory", "screen", "clean", kept_back=True)
    for step in range(12):
        for name in ("inputs", "target", "visible", "valid", "keys"):
            assert torch.equal(getattr(plain[step], name), getattr(full[step], name)), name
        assert all(getattr(plain[step], name) is None for name in ("camera", "trajectory", "clean", "unlabelled"))


def test_unlabelled_windows_hold_no_pose_and_are_the_same_at_every_fraction(make_run):
    few, all_ = make_run(data={"label_fraction": 0.2}), make_run(data={"label_fraction": 1.0})
    part, whole = (batches_of(run, kept_back=True, unlabelled=["camera", "screen"]) for run in (few, all_))
    assert len(part.windows) < len(whole.windows) == len(part.unlabelled.windows)
    for step in range(8):
        one, other = part[step].unlabelled, whole[step].unlabelled
        assert one.target.isnan().all() and one.target.shape == (4, 9, 17, 3)
        assert one.trajectory is None and one.clean is None and one.unlabelled is None
        for name in ("inputs", "visible", "valid", "keys", "camera", "screen"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        assert not torch.equal(whole[step].inputs, other.inputs)


def test_unlabelled_windows_depend_on_their_step_alone_and_share_no_key(make_run):
    run = make_run(batch=3)
    forward, backward = (batches_of(run, kept_back=True) for _ in range(2))
    kept = {step: forward[step] for step in range(20)}
    for step in reversed(range(20)):
        assert torch.equal(kept[step].unlabelled.inputs, backward[step].unlabelled.inputs)
    keys = torch.cat([batch.keys for batch in kept.values()] + [batch.unlabelled.keys for batch in kept.values()])
    assert len(keys.unique()) == len(keys) == 120


def test_labelled_windows_come_from_the_labelled_clips_alone(make_run):
    run = make_run(data={"label_fraction": 0.5, "cameras": {"train": 1, "test": 1}}, flip=False)
    material, batches = open_material(run.data), batches_of(run)
    names = [clip.name for clip in material.train.clips]
    assert len(names) == len(material.unlabelled.clips) // 2
    whole = open_material(make_run(data={"cameras": {"train": 1, "test": 1}}).data).validation
    assert torch.equal(material.validation.key, whole.key) and torch.equal(material.validation.pixels, whole.pixels)
    poses = material.train.poses - material.train.poses[:, H36M17.root, None]
    known = {tuple(row) for row in poses[:, 1].tolist()}
    for step in range(10):
        rows = batches[step].target[:, :, 1].flatten(0, 1)
        assert {tuple(row) for row in rows.tolist()} <= known
