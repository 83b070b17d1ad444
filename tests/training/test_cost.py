"""Costs: one counter held to sums done by hand, memory to tensors of known size."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness import registry
from harness.errors import UserError
from harness.skeleton import H36M17
from harness.training.cost import count, forward_pass, macs, peak_memory, solved, timed, training_step
from harness.training.lifter import make_lifter
from tests.training.test_networks import NETWORKS

CPU = torch.device("cpu")
SMALL = {
    **NETWORKS,
    "videopose3d": {"filter_widths": [3], "channels": 8},
    "simple_baseline": {"linear_size": 8},
    "ridge": {},
    "constant_pose": {},
}


class Attend(nn.Module):
    def forward(self, x):  # (B, H, N, D)
        return F.scaled_dot_product_attention(x, x, x)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("module", "shape", "by_hand"),
    [
        (nn.Linear(7, 11), (3, 5, 7), 3 * 5 * 7 * 11),
        (nn.Linear(7, 11, bias=False), (5, 7), 5 * 7 * 11),
        (nn.Conv1d(4, 6, 3, dilation=2), (2, 4, 20), 2 * 6 * 16 * 4 * 3),
        (nn.Conv1d(4, 6, 3, stride=3), (1, 4, 9), 6 * 3 * 4 * 3),
        (nn.Conv1d(4, 4, 3, groups=4, padding=1), (1, 4, 9), 4 * 9 * 3),
        (Attend(), (2, 4, 9, 8), 2 * (2 * 4 * 9 * 9 * 8)),  # products with the keys, and with the values
        (nn.Sequential(nn.LayerNorm(8), nn.GELU(), nn.Softmax(-1)), (2, 8), 0),
    ],
)
def test_products_are_counted_as_by_hand(module, shape, by_hand, device):
    assert macs(module.to(device).eval(), torch.rand(*shape, device=device)) == by_hand


def test_a_whole_network_by_hand():
    """One block pair of attention over joints and over frames, 16 numbers a token, 9 frames of 17 joints."""
    tokens, width = 9 * 17, 16
    block = tokens * width * (3 * width + width + 2 * 2 * width)  # queries, keys, values; output; the MLP's two maps
    joints, frames = 2 * tokens * 17 * width, 2 * tokens * 9 * width  # attention among 17 joints, among 9 frames
    ends = tokens * (2 * width + width * 3)
    options = {"embed_dim_ratio": width, "depth": 1, "num_heads": 2}
    found = count("mixste", options, window=9, frames_out=9)
    assert found.macs * 9 == 2 * block + joints + frames + ends
    assert (found.window, found.frames_out) == (9, 9)


def test_videopose3d_by_hand():
    """9 frames in: three taps make 7 of them, and three taps two frames apart one."""
    options = {"filter_widths": [3, 3], "channels": 8}
    expand, block, shrink = 17 * 2 * 8 * 3, 8 * 8 * (3 + 1), 8 * 17 * 3
    assert count("videopose3d", options, window=9, frames_out=1).macs == 7 * expand + block + shrink


@pytest.mark.parametrize("name", SMALL)
def test_without_numbers_as_with_them(name):
    """What is counted on shapes alone is what is executed."""
    features = 3 if registry.attribute(registry.get("backbones", name), "needs_confidence", False) else 2
    counted = count(name, SMALL[name], window=9, frames_out=3, features=features)
    lifter = make_lifter(name, SMALL[name], skeleton=H36M17, features=features, window=9, frames_out=3)
    assert counted.macs == macs(solved(lifter).eval(), torch.rand(1, 9, 17, features)) / 3
    assert counted.parameters == sum(p.numel() for p in lifter.parameters())
    assert (counted.macs == 0) == (name == "constant_pose")


def test_memory_is_the_most_that_was_held_at_a_time():
    def function():
        a = torch.ones(1000, 250)  # 1 MB
        b = a + 1  # 2 MB
        del a
        c = b.exp()  # 2 MB, after 1
        return c

    assert 2_000_000 <= peak_memory(function, CPU) < 2_000_100  # the 1 that is added is a tensor too
    kept = torch.ones(1000)
    assert peak_memory(lambda: kept.add_(1), CPU) < 1000


def test_a_step_holds_more_than_a_prediction_and_moves_the_weights():
    lifter = make_lifter("videopose3d-s", {}, skeleton=H36M17, features=2, window=27, frames_out=1)
    inputs, before = torch.rand(4, 27, 17, 2), [p.clone() for p in lifter.parameters()]
    forward = timed(forward_pass(lifter, inputs), 4, CPU, budget=0.01)
    assert all(torch.equal(a, b) for a, b in zip(before, lifter.parameters(), strict=True))
    step = timed(training_step(lifter, inputs), 4, CPU, budget=0.01)
    assert not any(torch.equal(a, b) for a, b in zip(before, lifter.parameters(), strict=True))
    gradients = 4 * sum(p.numel() for p in lifter.parameters())
    assert step.memory > gradients > 0 and step.memory > forward.memory > 0
    assert step.windows == 4 / step.seconds


def test_a_window_that_a_network_cannot_take_is_told():
    with pytest.raises(UserError, match="81 frames at a time"):
        count("poseformer", window=27, frames_out=1)
