"""Training batches: keyed by (seed, window, pass), the same for every arm."""

import pytest
import torch

from harness.skeleton import H36M17
from harness.training.batches import relative
from harness.training.material import open_material
from harness.training.observation import Observer, mirror_inputs, mirror_poses
from harness.training.train import build_lifter, training_batches


def batches_of(run):
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    return training_batches(run, material, observer, build_lifter(run, material, observer), torch.device("cpu"))


def assert_equal(a, b):
    for name in ("inputs", "target", "visible", "valid", "keys"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name


def test_arms_see_the_same_batches(make_run):
    plain = batches_of(make_run())
    other = batches_of(make_run({"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 1.0}}))
    for step in range(5):
        assert_equal(plain[step], other[step])


def test_a_batch_depends_on_its_step_alone(make_run):
    run = make_run(batch=3)
    forward, backward = batches_of(run), batches_of(run)
    kept = {step: forward[step] for step in range(20)}
    for step in reversed(range(20)):
        assert_equal(kept[step], backward[step])


def test_each_pass_visits_every_window_once(make_run):
    batches = batches_of(make_run(batch=4))
    total = len(batches.windows)
    which, visit = batches._visited(torch.arange(2 * total))
    assert torch.equal(which[:total].sort().values, torch.arange(total))
    assert torch.equal(which[total:].sort().values, torch.arange(total))
    assert visit.tolist() == [0] * total + [1] * total
    assert not torch.equal(which[:total], which[total:])


def test_inputs_differ_between_passes_and_seeds(make_run):
    batches, other = batches_of(make_run()), batches_of(make_run(seed=1))
    assert not torch.equal(batches[0].inputs, other[0].inputs)


def test_occlusion_level_hides_more_of_the_same(make_run):
    minor, severe = batches_of(make_run(occlusion="minor")), batches_of(make_run(occlusion="severe"))
    hidden_minor = torch.cat([~minor[s].visible for s in range(30)])
    hidden_severe = torch.cat([~severe[s].visible for s in range(30)])
    assert torch.equal(hidden_minor & hidden_severe, hidden_minor)
    assert hidden_severe.sum() > 2 * hidden_minor.sum() > 0


def test_root_of_the_target(make_run):
    frame = batches_of(make_run())[0].target
    first = batches_of(make_run(data={"root": "first_frame"}))[0].target
    assert frame[:, :, 0].abs().max() == 0
    assert first[:, 0, 0].abs().max() == 0
    assert first[:, 1:, 0].abs().max() > 0


def test_relative_keeps_bones():
    poses = torch.randn(2, 5, 17, 3)
    for root in ("per_frame", "first_frame"):
        moved = relative(poses, root, H36M17)
        assert torch.allclose(moved[:, :, 3] - moved[:, :, 2], poses[:, :, 3] - poses[:, :, 2], atol=1e-6)


def test_confidence_is_a_third_channel(make_run):
    batch = batches_of(make_run(data={"confidence": "oracle"}))[0]
    assert batch.inputs.shape[-1] == 3
    assert torch.equal(batch.inputs[..., 2] > 0.5, batch.visible)


def test_flip_mirrors_input_target_and_masks_of_about_half_the_windows(make_run):
    data = {"confidence": "oracle"}
    plain = batches_of(make_run(data=data, batch=64, flip=False))[0]
    flipped = batches_of(make_run(data=data, batch=64, flip=True))[0]
    which = (plain.target != flipped.target).flatten(1).any(dim=1)
    assert 16 <= int(which.sum()) <= 48
    assert torch.equal(flipped.inputs[which], mirror_inputs(plain.inputs[which], H36M17))
    assert torch.equal(flipped.target[which], mirror_poses(plain.target[which], H36M17))
    assert torch.equal(flipped.visible[which], plain.visible[which][..., list(H36M17.mirror)])
    for name in ("inputs", "target", "visible"):
        assert torch.equal(getattr(flipped, name)[~which], getattr(plain, name)[~which])


def test_body_shape_moves_input_and_target_together(make_run):
    options = {"noise": 0.0, "root": "per_frame"}
    plain = batches_of(make_run(data=options, batch=16, flip=False, occlusion="none"))[0]
    other = batches_of(make_run(data=options, batch=16, flip=False, occlusion="none", body_shape=0.2))[0]
    bones = [[joint for joint, _ in H36M17.bones], [joint for _, joint in H36M17.bones]]

    def lengths(batch):
        return (batch.target[:, :, bones[1]] - batch.target[:, :, bones[0]]).norm(dim=-1)

    factor = lengths(other) / lengths(plain)
    assert ((factor > 0.799) & (factor < 1.201)).all()
    assert (factor - factor[:, :1]).abs().max() < 1e-3  # one body for the whole window
    root = H36M17.root
    assert torch.allclose(other.inputs[:, :, root], plain.inputs[:, :, root], atol=1e-5)
    assert not torch.allclose(other.inputs, plain.inputs, atol=1e-2)


@pytest.mark.parametrize("data", [{"frames_out": 1}, {"window": 55}])
def test_beyond_a_clips_ends_its_first_and_last_reports_are_held(make_run, data):
    run = make_run(data={**data, "confidence": "calibrated"}, occlusion="severe", flip=False)
    batches = batches_of(run)
    windows, which = batches.windows, torch.arange(len(batches.windows))
    batch = batches.make(which, which)
    inputs, visible, valid = batch.inputs, batch.visible, batch.valid
    wanted = windows.start[:, None] + torch.arange(windows.window) - windows.lead
    length = windows.length[windows.view][:, None]
    outside = (wanted < 0) | (wanted >= length)
    held = torch.minimum(wanted.clamp(min=0), length - 1) - windows.start[:, None] + windows.lead
    assert outside.any() and not outside.all(dim=1).any()
    expected = inputs.gather(1, held[:, :, None, None].expand_as(inputs))
    assert torch.equal(inputs, expected)  # nothing is told there that the clip's own frames don't tell
    assert visible[~valid].all()


@pytest.mark.parametrize("root", ["per_frame", "first_frame"])
def test_targets_of_every_frame_agree_with_those_asked_for(make_run, root):
    objective = {"mpjpe": {"weight": 1.0}, "mpjpe_every_frame": {"weight": 1.0}}
    fields = {"data": {"frames_out": 1, "window": 9, "root": root}, "body_shape": 0.1}
    plain, both = batches_of(make_run(**fields)), batches_of(make_run(objective, **fields))
    for step in range(4):
        assert_equal(plain[step], both[step])
        batch = both[step]
        assert plain[step].whole is None and batch.whole.shape == (4, 9, 17, 3)
        assert torch.equal(batch.whole[:, 4:5], batch.target) and batch.whole_valid[:, 4].all()
        assert torch.equal(batch.whole_visible[:, 4:5], batch.visible) and batch.whole_visible[~batch.whole_valid].all()
        moved = batch.whole[:, :, H36M17.root].norm(dim=-1).max()
        assert moved == 0 if root == "per_frame" else moved > 0
    assert not all(both[step].whole_valid.all() for step in range(20)), "frames beyond a clip's ends don't count"


def test_training_shares_no_key_with_validation_and_test(make_run):
    run = make_run()
    material, batches = open_material(run.data), batches_of(run)
    scored = torch.cat([material.validation.key, *(views.key for views in material.tests.values())])
    drawn = torch.cat([batches[step].keys for step in range(200)])
    assert len(drawn.unique()) == len(drawn)  # each visit of a window is its own draw
    assert not torch.isin(drawn, scored).any()
    assert len(scored.unique()) == len(scored)
