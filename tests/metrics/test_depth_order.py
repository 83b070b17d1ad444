"""Depth order against obvious loops, ties, undefined cases, invariance to monotone maps."""

import math
from itertools import combinations

import pytest
import torch

from harness.metrics import depth_order

BINS = {"2-5 cm": (0.02, 0.05), "5-10 cm": (0.05, 0.1), "10-20 cm": (0.1, 0.2), ">20 cm": (0.2, math.inf)}


def loop(pairs, pred, target, hidden):
    """Points and counts by group, one pair at a time; a pair is two (frame, joint) keypoints."""
    points = {group: [] for group in depth_order.GROUPS}
    for one, other in pairs:
        gap = target[one] - target[other]
        if abs(gap) < 0.02:
            continue
        told = pred[one] - pred[other]
        worth = 0.5 if told == 0 else float((told > 0) == (gap > 0))
        name = next(n for n, (low, high) in BINS.items() if low <= abs(gap) < high)
        groups = ["all", name] + (["occluded", f"occluded {name}"] if hidden[one] or hidden[other] else [])
        for group in groups:
            points[group].append(worth)
    return {g: (100 * sum(p) / len(p) if p else math.nan, len(p)) for g, p in points.items()}


def same(found, expected):
    assert list(found) == list(expected)
    for group, (value, n) in expected.items():
        assert found[group].n == n, group
        assert found[group].value == pytest.approx(value, nan_ok=True), group


def depths(clip):
    pred, target, hidden = clip
    pred = (pred * 50).round() / 50  # ties
    return pred, target, hidden, pred[..., 2].double(), target[..., 2].double()


def test_spatial_is_what_the_loop_gives(clip):
    pred, target, hidden, zp, zt = depths(clip)
    valid = torch.ones(23, dtype=torch.bool)
    valid[20:] = False
    pairs = [((f, i), (f, j)) for f in range(20) for i, j in combinations(range(17), 2)]
    same(depth_order.spatial(pred, target, hidden=hidden, valid=valid), loop(pairs, zp, zt, hidden))


@pytest.mark.parametrize("max_lag", [1, 6, 40])
def test_temporal_is_what_the_loop_gives(clip, max_lag):
    pred, target, hidden, zp, zt = depths(clip)
    valid = torch.ones(23, dtype=torch.bool)
    valid[[4, 22]] = False
    frames = [(f, g) for f, g in combinations(range(23), 2) if g - f <= max_lag and valid[f] and valid[g]]
    pairs = [((f, j), (g, j)) for f, g in frames for j in range(17)]
    found = depth_order.temporal(pred, target, hidden=hidden, valid=valid, max_lag=max_lag)
    same(found, loop(pairs, zp, zt, hidden))


def test_long_clips_are_cut_without_a_seam(clip, monkeypatch):
    pred, target, hidden, *_ = depths(clip)
    whole = [order(pred, target, hidden=hidden) for order in (depth_order.spatial, depth_order.temporal)]
    monkeypatch.setattr(depth_order, "_CHUNK", 700)
    for found, order in zip(whole, (depth_order.spatial, depth_order.temporal), strict=True):
        same(order(pred, target, hidden=hidden), found)


@pytest.mark.parametrize("order", [depth_order.spatial, depth_order.temporal])
def test_a_flat_or_still_prediction_is_worth_one_half(clip, order):
    _, target, hidden = clip
    found = order(torch.zeros_like(target), target, hidden=hidden)
    assert all(share.value == 50.0 for share in found.values() if share.n)
    assert order(target, target, hidden=hidden)["all"].value == 100.0
    assert order(-target, target, hidden=hidden)["all"].value == 0.0


@pytest.mark.parametrize("order", [depth_order.spatial, depth_order.temporal])
def test_only_the_order_of_predicted_depths_counts(clip, order):
    pred, target, hidden = clip
    same(order(torch.exp(3 * pred.double()) - 7, target, hidden=hidden), order(pred, target, hidden=hidden))
    sideways = pred.clone()
    sideways[..., :2] = 0
    same(order(sideways, target, hidden=hidden), order(pred, target, hidden=hidden))


def test_bins_start_at_their_edges():
    target = torch.zeros(1, 2, 3, dtype=torch.float64)
    for gap, group in ((0.0199, None), (0.02, "2-5 cm"), (0.05, "5-10 cm"), (0.1, "10-20 cm"), (0.2, ">20 cm")):
        target[0, 1, 2] = gap
        found = depth_order.spatial(target, target)
        assert [g for g in BINS if found[g].n] == ([group] if group else [])
        assert found["all"].n == (group is not None)


def test_without_pairs_the_accuracy_is_missing(clip):
    pred, target, _ = clip
    flat = torch.zeros_like(target)
    for order in (depth_order.spatial, depth_order.temporal):
        assert all(math.isnan(share.value) and share.n == 0 for share in order(pred, flat).values())
        nothing = order(pred, target, valid=torch.zeros(23, dtype=torch.bool))
        assert all(math.isnan(share.value) and share.n == 0 for share in nothing.values())
        found = order(pred, target)  # nothing known to be hidden
        assert found["all"].n > 0 and math.isnan(found["occluded"].value)
    assert math.isnan(depth_order.temporal(pred[:1], target[:1])["all"].value)


def test_groups_add_up(clip):
    pred, target, hidden = clip
    for order in (depth_order.spatial, depth_order.temporal):
        found = order(pred, target, hidden=hidden)
        for prefix, total in (("", "all"), ("occluded ", "occluded")):
            parts = [found[prefix + name] for name in BINS]
            assert sum(part.n for part in parts) == found[total].n
            correct = sum(part.value * part.n for part in parts if part.n)
            assert correct / found[total].n == pytest.approx(found[total].value)


def test_spread_is_the_ratio_of_standard_deviations(clip):
    pred, target, _ = clip
    squeezed = target * torch.tensor([1.0, 1.0, 0.4]) + 2.0
    assert depth_order.spread(squeezed, target).value == pytest.approx(0.4)
    assert depth_order.spread(squeezed, target).n == 23
    valid = torch.ones(23, dtype=torch.bool)
    valid[9:] = False
    expected = pred[:9, :, 2].double().std(correction=0) / target[:9, :, 2].double().std(correction=0)
    assert depth_order.spread(pred, target, valid=valid).value == pytest.approx(float(expected))
    assert math.isnan(depth_order.spread(pred, torch.zeros_like(pred)).value)
    assert math.isnan(depth_order.spread(pred, target, valid=torch.zeros(23, dtype=torch.bool)).value)


def test_shapes_are_checked(clip):
    pred, target, hidden = clip
    with pytest.raises(ValueError, match="expected two clips"):
        depth_order.spatial(pred, target[:4])
    with pytest.raises(ValueError, match="expected hidden"):
        depth_order.temporal(pred, target, hidden=hidden[:4])
