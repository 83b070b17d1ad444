"""The depth-order terms against loops in float64, hand-worked numbers and their own promises."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from harness import objectives
from harness.errors import UserError
from harness.objectives import fused_sums, pairwise
from harness.objectives.joint_pairs import joint_pairs
from harness.skeleton import H36M17, Skeleton
from tests.objectives.reference import relational

torch.set_num_threads(1)

FORMS = ["hinge", "margin", "logistic", "soft", "difference"]
SELECTIONS = [
    ("spatial", "all"),
    ("spatial", "skeleton"),
    ("spatial", "nearest"),
    ("temporal", "all"),
    ("temporal", "adjacent"),
    ("temporal", "radius"),
]
ALONG = ("skeleton", "nearest")
EVERY = [(axis, kind, form) for axis, kind in SELECTIONS for form in [*FORMS, "placebo"]]


# As MPII-like sets list it: the head first, the root in the middle.
FIFTEEN = Skeleton(
    "fifteen",
    tuple(f"joint{i}" for i in range(15)),
    (1, 14, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1),
    (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14),
    {},
    {},
)


def build(axis: str, kind: str = "all", **options):
    key = "pairs" if axis == "spatial" else "frames"
    extra = {"radius": 2} if kind == "radius" else {}
    return objectives.build(f"{axis}_rdc", **{key: kind}, **extra, **options)


def poses(b: int, t: int, k: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Random poses, decimetres deep, with exact ties in truth, in prediction and in both."""
    g = torch.Generator().manual_seed(seed)
    target = torch.randn(b, t, k, 3, generator=g, dtype=dtype) * 0.2
    pred = target + torch.randn(b, t, k, 3, generator=g, dtype=dtype) * 0.1
    target[:, :, 0] = pred[:, :, 0] = 0.0
    target[:, 1, 2:4] = target[:, 0, 2:3]
    pred[:, 2, 5] = pred[:, 1, 5]
    return pred, target


def masks(b: int, t: int, k: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed + 100)
    visible = torch.rand(b, t, k, generator=g) > 0.3
    valid = torch.rand(b, t, generator=g) > 0.25
    valid[:, 1:3] = True
    return visible, valid


def gradient(loss, pred: Tensor, *rest) -> tuple[Tensor, Tensor]:
    leaf = pred.detach().clone().requires_grad_()
    value = loss(leaf, *rest)
    (grad,) = torch.autograd.grad(value, leaf)
    return value.detach(), grad


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("axis", "kind"), SELECTIONS)
@pytest.mark.parametrize("coords", ["z", "xyz"])
def test_value_and_gradient_equal_the_loops(form, axis, kind, coords):
    joints = 17 if kind in ALONG else 6
    for min_gap, weight, masked in itertools.product([0.0, 0.08], ["all", "occluded"], [False, True]):
        pred, target = poses(2, 5, joints)
        visible, valid = masks(2, 5, joints)
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
    pred, target = poses(2, 4, 17, dtype=torch.float32)
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


def in_tensors(monkeypatch) -> None:
    """Take the way of other devices: whole slabs of pairs by tensor operations."""
    monkeypatch.setattr(fused_sums, "fused_sums", lambda *_: None)


@pytest.mark.parametrize(("axis", "kind", "form"), [way for way in EVERY if way[1] not in ALONG])
def test_compiled_loops_equal_tensor_operations(monkeypatch, axis, kind, form):
    pred, target = poses(3, 7, 20, dtype=torch.float32)
    visible, valid = masks(3, 7, 20)
    rest = (target, visible, valid, torch.tensor([1, 2, 3]))
    for options in ({}, {"weight": "occluded", "min_gap": 0.05}):
        loss = build(axis, kind, form=form, **options)
        found = gradient(loss, pred, *rest)
        with monkeypatch.context() as patch:
            patch.setattr(fused_sums, "_COLUMNS", 8)  # blocks that don't divide the columns
            blocks = gradient(loss, pred, *rest)
            in_tensors(patch)
            expected = gradient(loss, pred, *rest)
            patch.setattr(pairwise, "_SLAB", 40)
            slabs = gradient(loss, pred, *rest)
        steps = form not in ("logistic", "soft")  # their slopes are counts, and exact
        atol = 0 if steps else 1e-6 * expected[1].abs().max().item()
        for value, grad in (found, blocks, slabs):
            torch.testing.assert_close(value, expected[0], rtol=2e-6, atol=0)
            torch.testing.assert_close(grad, expected[1], rtol=0 if steps else 2e-5, atol=atol)


@pytest.mark.parametrize("form", ["logistic", "soft"])
@pytest.mark.parametrize("tau", [0.05, 0.005, 0.0005])
def test_exponentials_never_leave_the_range(form, tau):
    # Gaps up to 2.5 m: 50, 500 and 5,000 times τ; the last two leave single and double precision.
    pred, target = torch.randn(2, 2, 4, 6, 3, generator=torch.Generator().manual_seed(4)).mul_(0.4)
    pred[0, 0, :2, 2] = torch.tensor([-1.25, 1.25])
    slow = gradient(lambda p: relational("spatial", p, target, form=form, tau=tau), pred)
    found = gradient(objectives.build("spatial_rdc", form=form, tau=tau), pred, target)
    torch.testing.assert_close(found[0].double(), slow[0].double(), rtol=2e-6, atol=0)
    torch.testing.assert_close(found[1], slow[1], rtol=1e-4, atol=2e-6 * slow[1].abs().max().item())


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


@pytest.mark.parametrize("kind", ALONG)
def test_pairs_along_a_skeleton_need_one_that_fits(kind):
    pred, target = poses(1, 3, 9)
    with pytest.raises(ValueError, match="9 joints"):
        objectives.build("spatial_rdc", pairs=kind)(pred, target)
    with pytest.raises(ValueError, match="has 17"):
        objectives.build_term("spatial_rdc", pairs=kind, skeleton=H36M17).value(pred, target)
    point = Skeleton("point", ("Hip",), (-1,), (0,), {}, {})
    with pytest.raises(UserError, match="has none"):
        objectives.build_term("spatial_rdc", pairs=kind, skeleton=point).value(pred[:, :, :1], target[:, :, :1])


@pytest.mark.parametrize("kind", ALONG)
@pytest.mark.parametrize("form", FORMS)
def test_pairs_follow_any_skeleton(kind, form):
    pred, target = poses(2, 3, 15)
    for options in ({}, {"k": 1}, {"k": 6}) if kind == "nearest" else ({},):
        term = objectives.build_term("spatial_rdc", pairs=kind, form=form, skeleton=FIFTEEN, **options)

        def slow(p, kind=kind, options=options):
            return relational("spatial", p, target, form=form, kind=kind, bones=list(FIFTEEN.bones), **options)

        torch.testing.assert_close(gradient(term.value, pred, target), gradient(slow, pred), rtol=1e-9, atol=1e-12)


def test_nearest_goes_from_bones_to_all_pairs():
    assert set(joint_pairs("nearest", 1, H36M17, 17)) == set(H36M17.bones)
    assert set(joint_pairs("nearest", 16, H36M17, 17)) == set(itertools.combinations(range(17), 2))
    chosen = [set(joint_pairs("nearest", k, H36M17, 17)) for k in range(1, 17)]
    assert all(fewer <= more for fewer, more in itertools.pairwise(chosen))
    # Only joints with a single neighbour look further for a second one: feet, wrists and the head.
    assert {(1, 3), (4, 6), (11, 13), (14, 16), (8, 10)} == chosen[1] - chosen[0]


def test_nearest_pairs_mirror():
    mirror = H36M17.mirror
    for k in range(1, 17):
        pairs = set(joint_pairs("nearest", k, H36M17, 17))
        assert pairs == {tuple(sorted((mirror[i], mirror[j]))) for i, j in pairs}


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
