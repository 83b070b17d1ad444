"""Terms that learn from windows without poses: value and gradient against slow float64, masks, and what is missing."""

from dataclasses import replace

import pytest
import torch

from harness import objectives
from harness.data.camera import project
from harness.errors import UserError
from harness.objectives.term import Batch, Context, Output
from tests.objectives.promises import FIFTEEN, LOOSE

J, CAMERA = 15, [1.1, 1.2, 0.05, -0.02, 0.1, -0.05, 0.02, 0.003, -0.004]


def batch_of(seed, frames=4, windows=3, joints=J):
    """Random windows with masks, in float64; padding holds NaN."""
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    valid = torch.ones(windows, frames, dtype=torch.bool)
    valid[0, -1] = valid[1, 0] = False
    visible = (draw(windows, frames, joints) > -0.7) | ~valid[..., None]
    place = draw(windows, frames, 1, 3) * 0.3 + torch.tensor([0.0, 0.0, 4.0], dtype=torch.float64)
    made = Batch(
        inputs=draw(windows, frames, joints, 2),
        target=draw(windows, frames, joints, 3) * 0.3,
        visible=visible,
        valid=valid,
        keys=torch.arange(windows),
        camera=torch.tensor(CAMERA, dtype=torch.float64).expand(windows, 9),
        trajectory=place,
        screen=draw(windows, frames, joints, 2) * 0.2,
    )
    for field in (made.target, made.trajectory, made.screen):
        field[~valid] = torch.nan
    return made


@pytest.fixture
def scene():
    labelled, given = batch_of(1), batch_of(2)
    pose, place = batch_of(3).target.nan_to_num(), batch_of(4).trajectory.nan_to_num(1.0)
    pose[~given.valid], place[~given.valid] = torch.nan, torch.nan
    hidden = replace(given, target=torch.full_like(given.target, torch.nan), trajectory=None)
    output = Output(
        pose=labelled.target.clone(), extra={"unlabelled": pose, "unlabelled_trajectory": place, "trajectory": place}
    )
    return output, replace(labelled, unlabelled=hidden)


def term(name, skeleton=FIFTEEN, **options):
    return objectives.build_term(name, skeleton=skeleton, **options)


def slow_reprojection(output, batch):
    found = []
    given = batch.unlabelled
    for b, t in given.valid.nonzero().tolist():
        for j in range(J):
            if given.visible[b, t, j]:
                there = output.extra["unlabelled"][b, t, j] + output.extra["unlabelled_trajectory"][b, t, 0]
                seen = project(there, given.camera[b])
                found.append(((seen - given.screen[b, t, j]) ** 2).sum() ** 0.5)
    return torch.stack(found).mean()


def slow_bones(output, batch):
    cost = 0.0
    for parent, child in FIFTEEN.bones:
        means = []
        for poses, of in ((output.extra["unlabelled"], batch.unlabelled), (batch.target, batch)):
            every = [(poses[b, t, child] - poses[b, t, parent]).norm() for b, t in of.valid.nonzero().tolist()]
            means.append(sum(every) / len(every))
        cost = cost + (means[0] - means[1]).abs() / len(FIFTEEN.bones)
    return cost


def slow_bones_over(over):
    def slow(output, batch):
        given, pose, found = batch.unlabelled, output.extra["unlabelled"], []
        for parent, child in FIFTEEN.bones:
            seen = given.visible[..., parent] & given.visible[..., child]
            counts = ((seen if over == "visible" else ~seen) & given.valid).nonzero().tolist()
            true = [(batch.target[b, t, child] - batch.target[b, t, parent]).norm() for b, t in batch.valid.nonzero()]
            if counts:
                every = [(pose[b, t, child] - pose[b, t, parent]).norm() for b, t in counts]
                found.append((sum(every) / len(every) - sum(true) / len(true)).abs())
        return sum(found) / len(found)

    return slow


def slow_trajectory(output, batch):
    found = []
    for b, t in batch.valid.nonzero().tolist():
        error = output.extra["trajectory"][b, t, 0] - batch.trajectory[b, t, 0]
        found.append(error.norm() / batch.trajectory[b, t, 0, 2])
    return torch.stack(found).mean()


SLOW = {
    "semi_reprojection": (slow_reprojection, ("unlabelled", "unlabelled_trajectory")),
    "semi_bone_length": (slow_bones, ("unlabelled",)),
    "trajectory_mpjpe": (slow_trajectory, ("trajectory",)),
}


def with_leaves(output, names):
    leaves = [output.extra[name].clone().requires_grad_() for name in names]
    return leaves, replace(output, extra={**output.extra, **dict(zip(names, leaves, strict=True))})


@pytest.mark.parametrize("name", SLOW)
def test_value_and_gradient_equal_the_slow_version(scene, name):
    output, batch = scene
    slow, names = SLOW[name]
    leaves, output = with_leaves(output, names)
    value, expected = term(name)(output, batch, Context()), slow(output, batch)
    assert value.item() == pytest.approx(expected.item(), rel=1e-12) and value.item() > 0
    for ours, theirs, leaf in zip(
        torch.autograd.grad(value, leaves), torch.autograd.grad(expected, leaves), leaves, strict=True
    ):
        assert ours.isfinite().all() and (ours[leaf.isnan()] == 0).all()
        torch.testing.assert_close(ours, theirs.nan_to_num())


@pytest.mark.parametrize("name", SLOW)
def test_gradients_by_differences(scene, name):
    output, batch = scene
    names = SLOW[name][1]

    def value(*tensors):
        extra = {**output.extra, **dict(zip(names, tensors, strict=True))}
        return term(name)(replace(output, extra=extra), batch, Context())

    leaves = [output.extra[name].nan_to_num(1.0).requires_grad_() for name in names]
    assert torch.autograd.gradcheck(value, leaves, fast_mode=True)


@pytest.mark.parametrize("name", SLOW)
def test_nothing_to_average_over_is_zero_with_zero_gradient(scene, name):
    output, batch = scene
    leaves, output = with_leaves(output, SLOW[name][1])
    none = torch.zeros_like(batch.valid)
    batch = replace(batch, valid=none, unlabelled=replace(batch.unlabelled, valid=none))
    value = term(name)(output, batch, Context())
    assert value.item() == 0
    assert all((gradient == 0).all() for gradient in torch.autograd.grad(value, leaves))


def test_hidden_keypoints_are_not_held_against_the_projection(scene):
    output, batch = scene
    moved = batch.unlabelled.screen.clone()
    moved[~batch.unlabelled.visible] += 5.0
    other = replace(batch, unlabelled=replace(batch.unlabelled, screen=moved))
    reprojection = term("semi_reprojection")
    assert reprojection(output, batch, Context()) == reprojection(output, other, Context())
    seen = replace(batch.unlabelled, visible=torch.zeros_like(batch.unlabelled.visible))
    assert reprojection(output, replace(batch, unlabelled=seen), Context()) == 0


def test_a_right_answer_costs_nothing(scene):
    output, batch = scene
    pose, place = (output.extra[name] for name in ("unlabelled", "unlabelled_trajectory"))
    seen = project(pose + place, batch.unlabelled.camera[:, None, None])
    exact = replace(batch, unlabelled=replace(batch.unlabelled, screen=seen))
    assert term("semi_reprojection")(output, exact, Context()) == 0
    same = replace(batch, target=pose, valid=batch.unlabelled.valid)
    assert term("semi_bone_length")(output, same, Context()) == 0


@pytest.mark.parametrize("over", ["visible", "occluded"])
def test_bones_may_count_where_they_are_seen_or_hidden(scene, over):
    output, batch = scene
    parent, child = FIFTEEN.bones[0]
    visible = batch.unlabelled.visible.clone()
    visible[..., [parent, child]] = over != "visible"  # a bone that never counts
    batch = replace(batch, unlabelled=replace(batch.unlabelled, visible=visible))
    [leaf], output = with_leaves(output, ("unlabelled",))
    chosen = term("semi_bone_length", over=over)
    found, expected = chosen(output, batch, Context()), slow_bones_over(over)(output, batch)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12) and found.item() > 0
    ours, theirs = (torch.autograd.grad(x, leaf)[0] for x in (found, expected))
    assert ours.isfinite().all()
    torch.testing.assert_close(ours, theirs.nan_to_num())
    nothing = replace(batch, unlabelled=replace(batch.unlabelled, visible=torch.full_like(visible, over != "visible")))
    none = chosen(output, nothing, Context())
    assert none.item() == 0 and not torch.autograd.grad(none, leaf)[0].any()


def test_what_stands_behind_the_camera_is_finite(scene):
    output, batch = scene
    (_, place), output = with_leaves(output, ("unlabelled", "unlabelled_trajectory"))
    behind = replace(output, extra={**output.extra, "unlabelled_trajectory": place - 8.0})
    value = term("semi_reprojection")(behind, batch, Context())
    assert value.isfinite() and torch.autograd.grad(value, place)[0].isfinite().all()


def test_what_is_missing_is_told(scene):
    output, batch = scene
    for name in SLOW:
        with pytest.raises(ValueError, match="this term needs"):
            term(name)(Output(pose=output.pose), replace(batch, unlabelled=None), Context())
    with pytest.raises(UserError, match="'loose' has none"):
        term("semi_bone_length", skeleton=LOOSE)(output, batch, Context())
