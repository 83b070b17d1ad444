"""The camera model equals Human3.6M's reference functions."""

from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data import camera

REFERENCE = np.load(Path(__file__).parents[1] / "data" / "camera.npz")


@pytest.fixture(params=range(4))
def given(request):
    prefix = f"{request.param}/"
    return {
        name.removeprefix(prefix): torch.from_numpy(REFERENCE[name]).float()
        for name in REFERENCE.files
        if name.startswith(prefix)
    }


def close(found, expected, tolerance=1e-5):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


def test_world_to_camera_and_back(given):
    outside = given["orientation"], given["translation"]
    close(camera.world_to_camera(given["world"], *outside), given["cam"])
    close(camera.camera_to_world(given["cam"], *outside), given["world_back"])


def test_projection(given):
    close(camera.project(given["cam"], given["intrinsic"]), given["proj"])
    close(camera.project_linear(given["cam"], given["intrinsic"]), given["proj_linear"])


def test_pixels_and_screen_units(given):
    pixels, screen = given["pixels"], given["pixels_normalised"]
    close(camera.normalise_screen_coordinates(pixels, given["res"]), screen)
    close(camera.image_coordinates(screen, given["res"]), pixels, tolerance=2e-4)  # float32 at hundreds of pixels
    close(camera.image_coordinates(screen.double(), given["res"].double()).float(), pixels, tolerance=1e-4)


def test_points_beside_or_behind_the_camera_are_clamped_before_distortion():
    points, intrinsic, expected = (torch.from_numpy(REFERENCE[f"clamp_{n}"]) for n in ("in", "intrinsic", "proj"))
    close(camera.project(points, intrinsic[:, None]), expected)


def test_batches_of_cameras_broadcast():
    stack = {k: torch.stack([torch.from_numpy(REFERENCE[f"{i}/{k}"]).float() for i in range(4)]) for k in
             ("orientation", "translation", "intrinsic", "world", "proj")}  # fmt: skip
    seen = camera.world_to_camera(
        stack["world"], stack["orientation"][:, None, None], stack["translation"][:, None, None]
    )
    close(camera.project(seen, stack["intrinsic"][:, None, None]), stack["proj"])
