"""Detector noise: Gaussian, in pixels, looked up by key, frame and joint."""

import pytest
import torch

from harness.data.detector import observe

KEYS = torch.arange(40) * 7919


def noise(keys=KEYS, frames=None, frames_from=0, length=50, size=1.0):
    frames = (frames_from + torch.arange(length)).expand(len(keys), -1) if frames is None else frames
    return observe(torch.zeros(len(keys), frames.shape[1], 17, 2), keys, frames, size)


def test_it_is_gaussian_with_the_given_spread():
    draws = noise(size=4.0) / 4.0
    assert abs(float(draws.mean())) < 0.015 and float(draws.std()) == pytest.approx(1.0, abs=0.01)
    assert float((draws**4).mean()) == pytest.approx(3.0, abs=0.12)
    assert float((draws.abs() > 2).float().mean()) == pytest.approx(0.0455, abs=0.004)


def test_coordinates_joints_frames_and_keys_are_independent():
    draws = noise(length=200)
    for a, b in (
        (draws[..., 0], draws[..., 1]),
        (draws[:, :, 1:], draws[:, :, :-1]),
        (draws[:, 1:], draws[:, :-1]),
        (draws[1:], draws[:-1]),
    ):
        assert abs(float(torch.corrcoef(torch.stack((a.flatten(), b.flatten())))[0, 1])) < 0.012


def test_a_frame_has_the_same_noise_in_every_window_and_batch():
    whole, part = noise(), noise(frames_from=20, length=10)
    assert torch.equal(whole[:, 20:30], part)
    order = torch.randperm(len(KEYS), generator=torch.Generator().manual_seed(1))
    assert torch.equal(noise(keys=KEYS[order]), whole[order])
    assert torch.equal(noise(keys=KEYS[3:4]), whole[3:4])


def test_it_is_added_and_none_changes_nothing():
    pixels = torch.rand(2, 5, 17, 2) * 1000
    frames = torch.arange(5).expand(2, 5)
    assert torch.equal(observe(pixels, KEYS[:2], frames, 0.0), pixels)
    added = observe(pixels, KEYS[:2], frames, 2.0) - pixels
    torch.testing.assert_close(added, noise(KEYS[:2], frames, size=2.0), atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [-1.0, float("nan"), float("inf")])
def test_impossible_noise(size):
    with pytest.raises(ValueError, match="number of pixels"):
        noise(size=size)
