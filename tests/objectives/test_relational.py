"""The depth-order terms against loops in float64, hand-worked numbers and their own promises."""

from __future__ import annotations

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from tests.objectives.reference import relational
from tests.objectives.relational_cases import ALONG, EVERY, FORMS, SELECTIONS, build, gradient, masks, poses

torch.set_num_threads(1)

PAIRWISE = [(0.0, "all", False), (0.08, "occluded", False), (0.08, "all", True), (0.0, "occluded", True)]
"""min_gap, weight, and whether frames are invalid: each two of them in all four ways."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("axis", "kind"), SELECTIONS)
@pytest.mark.parametrize("coords", ["z", "xyz"])
def test_value_and_gradient_equal_the_loops(form, axis, kind, coords):
    frames, joints = 3 if axis == "spatial" else 5, 17 if kind in ALONG else 6
    for min_gap, weight, masked in PAIRWISE if coords == "z" else [(0.08, "occluded", True)]:
        pred, target = poses(2, frames, joints)
        visible, valid = masks(2, frames, joints)
        valid = valid if masked else None
        options = {"form": form, "coords": coords, "min_gap": min_gap, "weight": weight}

        def slow(p, kw=options, target=target, visible=visible, valid=valid):
            return relational(axis, p, target, visible, valid, kind=kind, radius=2, **kw)

        expected = gradient(slow, pred)
        found = gradient(build(axis, kind, **options), pred, target, visible, valid)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("axis", "kind"), SELECTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_float32_stays_near_float64(axis, kind, form):
    pred, target = poses(1, 3, 17, dtype=torch.float32)
    pred, target = pred + 5.0, target + 5.0  # as far from the camera as absolute depth is
    slow = gradient(lambda p: relational(axis, p, target, kind=kind, radius=2, form=form), pred)
    found = gradient(build(axis, kind, form=form), pred, target)
    assert found[1].dtype == torch.float32
    torch.testing.assert_close(found[0].double(), slow[0].double(), rtol=2e-6, atol=2e-8)
    torch.testing.assert_close(found[1], slow[1], rtol=1e-4, atol=2e-6 * slow[1].abs().max().item())


def test_released_definition_by_hand():
    # One frame, three joints: true depths 1 < 2 < 3, predicted 2.0, 1.5, 0.0. Wrong pairs (i truly nearer):
    # (0,1): 0.5, (0,2): 2.0, (1,2): 1.5; their sum 4.0 over 3² ordered pairs.
    pred, target = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    pred[0, 0, :, 2], target[0, 0, :, 2] = torch.tensor([2.0, 1.5, 0.0]), torch.tensor([1.0, 2.0, 3.0])
    value, grad = gradient(objectives.build("spatial_rdc"), pred, target)
    assert value.item() == pytest.approx(4 / 9, abs=1e-6)
    torch.testing.assert_close(grad[0, 0, :, 2], torch.tensor([2.0, 0.0, -2.0]) / 9)
    assert not grad[..., :2].any()
    # The same numbers as three frames of one joint, beside a second joint in the right order.
    pred, target = torch.zeros(1, 3, 2, 3), torch.zeros(1, 3, 2, 3)
    pred[0, :, 0, 2], target[0, :, 0, 2] = torch.tensor([2.0, 1.5, 0.0]), torch.tensor([1.0, 2.0, 3.0])
    pred[0, :, 1, 2] = target[0, :, 1, 2] = torch.tensor([1.0, 2.0, 3.0])
    value, grad = gradient(objectives.build("temporal_rdc"), pred, target)
    assert value.item() == pytest.approx(4 / 18, abs=1e-6)
    torch.testing.assert_close(grad[0, :, 0, 2], torch.tensor([2.0, 0.0, -2.0]) / 18)
    assert not grad[:, :, 1].any()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"form": "margin", "margin": 0.05}, (0.5 + 0.05 + 2.0 + 0.05 + 1.5 + 0.05) / 9),
        ({"form": "margin", "margin": 1.5}, (0.5 + 1.0 + 2.0 + 1.5 + 1.5 + 1.0) / 9),
        ({"form": "difference"}, (1.5 + 4.0 + 2.5) / 9),
        ({"min_gap": 1.0}, 2.0 / 9),
        ({"min_gap": 2.0}, 0.0),
        ({"form": "soft", "tau": 1e-3}, 6 / 9),
        ({"form": "logistic", "tau": 0.01}, 400 / 9),
    ],
)
def test_other_forms_by_hand(options, expected):
    pred, target = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    pred[0, 0, :, 2], target[0, 0, :, 2] = torch.tensor([2.0, 1.5, 0.0]), torch.tensor([1.0, 2.0, 3.0])
    assert objectives.build("spatial_rdc", **options)(pred, target).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("axis", "kind", "form"), EVERY)
def test_gradcheck(axis, kind, form):
    pred, target = poses(2, 4, 17, seed=3)
    pred = pred + torch.randn(pred.shape, dtype=pred.dtype, generator=torch.Generator().manual_seed(9)) * 0.05
    visible, valid = masks(2, 4, 17)
    loss = build(axis, kind, form=form, coords="xyz", weight="occluded", min_gap=0.01)
    leaf = pred.requires_grad_()
    keys = torch.tensor([5, 6])
    assert torch.autograd.gradcheck(
        lambda p: loss(p, target, visible, valid, keys), leaf, fast_mode=True, atol=1e-7, eps=1e-8
    )


@pytest.mark.parametrize(("axis", "kind", "form"), EVERY)
def test_padded_frames_change_nothing(axis, kind, form):
    pred, target = poses(3, 6, 17, dtype=torch.float32)
    visible, _ = masks(3, 6, 17)
    keys = torch.tensor([11, 12, 13])
    for weight in ("all", "occluded"):
        loss = build(axis, kind, form=form, weight=weight)
        value, grad = gradient(loss, pred, target, visible, None, keys)
        for before, after in ((0, 3), (2, 1)):
            pad = (0, 0, 0, 0, before, after)
            junk = [torch.nn.functional.pad(x, pad, value=float("nan")) for x in (pred, target)]
            seen = torch.nn.functional.pad(visible, pad[2:], value=False)
            valid = torch.zeros(3, 6 + before + after, dtype=torch.bool)
            valid[:, before : before + 6] = True
            padded, padded_grad = gradient(loss, junk[0], junk[1], seen, valid, keys)
            torch.testing.assert_close(padded, value, rtol=1e-6, atol=0)
            torch.testing.assert_close(padded_grad[:, before : before + 6], grad, rtol=1e-6, atol=1e-8)
            assert not padded_grad[~valid].any()


@pytest.mark.parametrize(("axis", "kind", "form"), EVERY)
def test_nothing_selected_is_zero_with_zero_gradient(axis, kind, form):
    pred, target = poses(2, 4, 17, dtype=torch.float32)
    visible = torch.ones(2, 4, 17, dtype=torch.bool)
    nothing = [
        (build(axis, kind, form=form), pred, target, None, torch.zeros(2, 4, dtype=torch.bool)),
        (build(axis, kind, form=form, weight="occluded"), pred, target, visible, None),
        (build(axis, kind, form=form, weight="occluded"), pred, target, None, None),
        (build(axis, kind, form=form, min_gap=100.0), pred, target, None, None),
        (build(axis, kind, form=form), pred[:0], target[:0], None, None),
    ]
    if axis == "temporal":
        nothing.append((build(axis, kind, form=form), pred[:, :1], target[:, :1], None, None))
    for loss, *rest in nothing:
        value, grad = gradient(loss, *rest)
        assert value.item() == 0
        assert grad.shape == rest[0].shape
        assert not grad.any()


@pytest.mark.parametrize(("axis", "kind", "form"), EVERY)
def test_a_batch_is_the_mean_of_its_samples(axis, kind, form):
    pred, target = poses(3, 5, 17)
    keys = torch.tensor([7, -2, 40])
    loss = build(axis, kind, form=form)
    value, grad = gradient(loss, pred, target, None, None, keys)
    alone = [gradient(loss, pred[i : i + 1], target[i : i + 1], None, None, keys[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(value, torch.stack([v for v, _ in alone]).mean())
    torch.testing.assert_close(grad, torch.cat([g for _, g in alone]) / 3)
    back = gradient(loss, pred.flip(0), target.flip(0), None, None, keys.flip(0))
    torch.testing.assert_close(back, (value, grad.flip(0)))


def test_radius_spanning_the_window_is_all_pairs():
    pred, target = poses(2, 7, 6)
    expected = gradient(build("temporal", form="margin"), pred, target)
    for radius in (6, 50):
        found = gradient(objectives.build("temporal_rdc", form="margin", frames="radius", radius=radius), pred, target)
        torch.testing.assert_close(found, expected)


def test_a_moving_or_perfect_prediction_costs_no_order():
    _, target = poses(2, 5, 17)
    for axis in ("spatial", "temporal"):
        for form in ("hinge", "margin", "difference"):
            value, grad = gradient(build(axis, form=form), target + torch.tensor([0.3, -1.0, 2.0]), target)
            assert value.item() == pytest.approx(0, abs=1e-12)
            if form == "hinge":
                assert not grad.any()


def test_a_flat_pose_has_no_hinge_but_a_margin():
    _, target = poses(2, 5, 17)
    flat = torch.zeros_like(target)
    assert gradient(build("spatial"), flat, target)[0] == 0
    assert gradient(build("spatial", form="margin"), flat, target)[0] > 0


class TestPlacebo:
    pred, target = poses(4, 6, 17, seed=1)
    keys = torch.tensor([3, 1 << 40, -5, 9])

    @pytest.mark.parametrize("axis", ["spatial", "temporal"])
    def test_labels_follow_the_key_alone(self, axis):
        loss = build(axis, form="placebo")
        first = gradient(loss, self.pred, self.target, None, None, self.keys)
        torch.testing.assert_close(gradient(loss, self.pred, self.target, None, None, self.keys), first, rtol=0, atol=0)
        other = gradient(loss, self.pred, self.target, None, None, self.keys + 1)
        assert not torch.allclose(first[1], other[1])
        order = torch.tensor([2, 0, 3, 1])
        moved = gradient(loss, self.pred[order], self.target[order], None, None, self.keys[order])
        torch.testing.assert_close(moved[1], first[1][order])

    @pytest.mark.parametrize("axis", ["spatial", "temporal"])
    @pytest.mark.parametrize("min_gap", [0.0, 0.1])
    def test_pairs_are_those_of_the_hinge(self, axis, min_gap):
        # Against itself reversed every ordered pair is wrong once: hinge(−z) + hinge(z) covers each
        # pair exactly once with |d|, and so must the placebo, whatever its labels.
        totals = []
        for form in ("hinge", "placebo"):
            loss = build(axis, form=form, min_gap=min_gap)
            rest = (self.target, None, None, self.keys)
            totals.append(loss(self.pred, *rest) + loss(-self.pred, *rest))
        torch.testing.assert_close(totals[0], totals[1])

    def test_labels_carry_no_information(self):
        target = poses(512, 8, 17, seed=2)[1]
        keys = torch.arange(512)
        right = build("spatial", form="placebo")(target, target, None, None, keys).item()
        wrong = build("spatial", form="placebo")(-target, target, None, None, keys).item()
        assert right == pytest.approx(wrong, rel=0.05)
        assert right > 0


def test_strided_poses_and_a_second_backward_pass_change_nothing():
    pred, target = poses(2, 4, 17)
    visible, _ = masks(2, 4, 17)
    for axis, kind, form in EVERY:
        loss = build(axis, kind, form=form, weight="occluded")
        expected = gradient(loss, pred, target, visible)
        leaf, others = pred.flip(1).transpose(1, 2).contiguous().requires_grad_(), (target, visible)
        rest = [x.flip(1).transpose(1, 2).contiguous().transpose(1, 2).flip(1) for x in others]
        value = loss(leaf.transpose(1, 2).flip(1), *rest)
        for _ in range(2):
            (grad,) = torch.autograd.grad(value, leaf, retain_graph=True)
            torch.testing.assert_close((value.detach(), grad.transpose(1, 2).flip(1)), expected, rtol=0, atol=0)


def test_no_gradient_no_graph():
    pred, target = poses(2, 4, 17, dtype=torch.float32)
    loss = objectives.build("temporal_rdc")
    assert not loss(pred, target).requires_grad
    with torch.no_grad():
        assert not loss(pred.requires_grad_(), target).requires_grad
    assert loss(pred, target.requires_grad_()).requires_grad


def test_half_precision_predictions_are_summed_in_single():
    pred, target = poses(2, 4, 17, dtype=torch.float32)
    value, grad = gradient(objectives.build("spatial_rdc"), pred.bfloat16(), target)
    assert value.dtype == grad.dtype == torch.bfloat16
    expected = objectives.build("spatial_rdc")(pred.bfloat16().float(), target)
    assert value.float().item() == pytest.approx(expected.item(), rel=1e-2)


def test_nan_in_a_valid_frame_is_not_swallowed():
    pred, target = poses(2, 4, 17, dtype=torch.float32)
    pred[1, 2, 3, 2] = float("nan")
    for axis, kind, form in EVERY:
        if kind not in ALONG:
            assert torch.isnan(build(axis, kind, form=form)(pred, target)), (axis, kind, form)


def test_active_is_the_share_of_wrong_pairs():
    pred, target = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    pred[0, 0, :, 2], target[0, 0, :, 2] = torch.tensor([1.0, 0.0, 5.0]), torch.tensor([1.0, 2.0, 3.0])
    ones = torch.ones(1, 1, 3, dtype=torch.bool)
    batch = objectives.Batch(torch.zeros(1, 1, 3, 2), target, ones, ones[:, :, 0], torch.zeros(1, dtype=torch.int64))
    output, context = objectives.Output(pred), objectives.Context()
    assert objectives.build_term("spatial_rdc").active(output, batch, context) == pytest.approx(1 / 3)
    assert objectives.build_term("spatial_rdc", weight="occluded").active(output, batch, context) is None
    assert objectives.build_term("temporal_rdc").active(output, batch, context) is None


@pytest.mark.parametrize(
    "options",
    [
        {"form": "hing"},
        {"margins": 1},
        {"min_gap": -0.1},
        {"tau": 0.0},
        {"min_gap": float("nan")},
        {"radius": 2},
        {"pairs": "nearest", "k": 0},
        {"pairs": "skeleton", "k": 2},
        {"pairs": "neighbours"},
    ],
)
def test_options_are_checked(options):
    with pytest.raises(UserError):
        objectives.build("spatial_rdc", **options)
