"""What a network is shown: projection, noise in pixels, occlusion; and its mirror image."""

import pytest
import torch

from harness import occlusion
from harness.data.camera import normalise_screen_coordinates, project_linear
from harness.skeleton import H36M17
from harness.training.observation import Observer, mirror_inputs, mirror_poses

RESOLUTION = torch.tensor([1000.0, 800.0]).view(1, 1, 1, 2)


def seen(level="none", noise=0.0, confidence="none", frames=400):
    pixels = torch.rand(2, frames, 17, 2, generator=torch.Generator().manual_seed(0)) * 700 + 50
    keys, numbers = torch.tensor([5, 6]), torch.arange(frames).expand(2, frames)
    found = Observer(noise, confidence, H36M17)(pixels, RESOLUTION, keys, numbers, occlusion.level(level))
    return pixels, *found


def test_without_noise_and_occlusion_it_is_the_projection():
    pixels, inputs, visible = seen()
    assert torch.equal(inputs, normalise_screen_coordinates(pixels, RESOLUTION))
    assert visible.all()


def test_noise_is_in_pixels_of_the_native_resolution():
    pixels, inputs, _ = seen(noise=4.0)
    error = inputs - normalise_screen_coordinates(pixels, RESOLUTION)
    assert float(error.std()) == pytest.approx(4.0 * 2.0 / 1000.0, rel=0.02)


def test_occlusion_changes_the_hidden_keypoints_alone():
    _, clear, _ = seen(noise=4.0)
    _, inputs, visible = seen("severe", noise=4.0)
    assert torch.equal(inputs[visible], clear[visible])
    assert (inputs[~visible] != clear[~visible]).any(dim=-1).float().mean() > 0.99


def test_confidence_is_appended_and_changes_nothing_else():
    _, plain, visible = seen("moderate", noise=4.0)
    _, scored, same = seen("moderate", noise=4.0, confidence="oracle")
    assert torch.equal(scored[..., :2], plain) and torch.equal(same, visible)
    assert torch.equal(scored[..., 2], visible.float())


def test_a_mirrored_body_is_seen_mirrored():
    poses = torch.randn(2, 3, 17, 3) * 0.5 + torch.tensor([0.0, 0.0, 5.0])
    camera = torch.tensor([2.3, 2.3, 0.0, 0.0, 0, 0, 0, 0, 0])
    direct = project_linear(mirror_poses(poses, H36M17), camera)
    assert torch.allclose(direct, mirror_inputs(project_linear(poses, camera), H36M17), atol=1e-6)


def test_mirroring_twice_changes_nothing_and_confidence_is_not_negated():
    inputs = torch.rand(2, 3, 17, 3)
    once = mirror_inputs(inputs, H36M17)
    left, right = H36M17.joints.index("LWrist"), H36M17.joints.index("RWrist")
    assert torch.equal(once[:, :, left, 0], -inputs[:, :, right, 0])
    assert torch.equal(once[:, :, left, 1:], inputs[:, :, right, 1:])
    assert torch.equal(mirror_inputs(once, H36M17), inputs)
