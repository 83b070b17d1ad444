"""What a network is shown: projection, noise in pixels, occlusion; and its mirror image."""

import pytest
import torch

from harness import occlusion
from harness.data.camera import normalise_screen_coordinates, project_linear
from harness.data.detector_errors import person_size
from harness.skeleton import H36M17
from harness.spec.detector_noise import DetectorNoise
from harness.training.observation import Observer, mirror_inputs, mirror_poses

RESOLUTION = torch.tensor([1000.0, 800.0]).view(1, 1, 1, 2)


def seen(level="none", noise=0.0, confidence="none", frames=400, size=700, **more):
    pixels = torch.rand(2, frames, 17, 2, generator=torch.Generator().manual_seed(0)) * size + 50
    keys, numbers = torch.tensor([5, 6]), torch.arange(frames).expand(2, frames)
    found = Observer(noise, confidence, H36M17)(pixels, RESOLUTION, keys, numbers, occlusion.level(level), **more)
    return pixels, *found


def pixels_off(pixels, inputs):
    return (inputs[..., :2] - normalise_screen_coordinates(pixels, RESOLUTION)) * 500


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


def test_a_detectors_errors_grow_with_the_person():
    noise, fps = DetectorNoise(detector="plausible"), torch.tensor([50.0, 25.0])
    large, small = (pixels_off(*seen(noise=noise, fps=fps, size=size)[:2]) for size in (700, 70))
    torch.testing.assert_close(large, 10 * small, rtol=0.01, atol=0.02)
    double = pixels_off(*seen(noise=DetectorNoise(detector="plausible", scale=2), fps=fps)[:2])
    near = double.norm(dim=-1) < 400  # within the detector's reach
    torch.testing.assert_close(double[near], 2 * large[near], rtol=0.01, atol=0.02)
    with pytest.raises(ValueError, match="need the frames a second"):
        seen(noise=noise)


def test_a_calibrated_score_tells_how_surely_a_keypoint_is_right():
    # At a scale at which about a fifth of the keypoints are more than a quarter of the person's size off: the share
    # of right ones that the score takes for granted.
    noise, fps = DetectorNoise(detector="plausible", scale=3.4), torch.tensor([50.0, 50.0])
    pixels, inputs, visible = seen(noise=noise, confidence="calibrated", frames=4000, fps=fps)
    assert visible.all()
    off = pixels_off(pixels, inputs).norm(dim=-1) / person_size(pixels)[..., None]
    right, score = off <= 0.25, inputs[..., 2]
    assert float(right.float().mean()) == pytest.approx(0.8, abs=0.02)
    for low in (0.1, 0.3, 0.5, 0.7, 0.9):
        band = (score >= low - 0.1) & (score < low + 0.1)
        assert float(right[band].float().mean()) == pytest.approx(float(score[band].mean()), abs=0.05), low
    _, told, _ = seen(noise=noise, confidence="oracle", frames=50, fps=fps)
    assert (told[..., 2] == 1).all(), "what is seen is seen, however badly"


@pytest.mark.parametrize("level", ["none", "severe", "failure@0.5"])
def test_a_recorded_score_of_zero_says_that_the_detector_saw_nothing(level):
    scores = torch.full((2, 400, 17), 0.7)
    scores[0, 100:140, 3] = 0
    _, before, visible = seen(level, confidence="detector", scores=torch.full((2, 400, 17), 0.7))
    _, inputs, found = seen(level, confidence="detector", scores=scores)
    missing = scores == 0
    assert not found[missing].any() and (inputs[missing] == 0).all()
    assert torch.equal(found[~missing], visible[~missing])
    same = torch.ones_like(missing)
    same[0, 100:, 3] = False  # a place held later may be another one
    assert torch.equal(inputs[same], before[same])
    _, unsure, _ = seen(level, confidence="calibrated", scores=scores)
    assert float(unsure[missing][:, 2].mean()) < 0.5


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
