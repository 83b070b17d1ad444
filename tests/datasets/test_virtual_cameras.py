"""Virtual cameras: keyed, inside their bands, looking at the motion."""

import pytest
import torch

from harness.data import camera
from harness.data.virtual_cameras import BANDS, PURPOSES, REFERENCE_RADIUS, SEEN, UNSEEN, draw_cameras

NAMES = tuple(f"S{n}/clip" for n in range(40))
CENTRE = torch.stack((torch.linspace(-2, 2, 40), torch.linspace(1, -1, 40), torch.full((40,), 0.9)), dim=1)
RADIUS = torch.linspace(0.9, 3.0, 40)


def draw(purpose="train", count=3, seed=0, names=NAMES, centre=CENTRE, radius=RADIUS):
    return draw_cameras(names, centre, radius, purpose=purpose, count=count, seed=seed)


def inside(values, intervals, slack=1e-3):
    return torch.stack([(values > a - slack) & (values < b + slack) for a, b in intervals]).any(0)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_cameras_stand_in_their_bands(purpose):
    cameras, bands = draw(purpose), BANDS[purpose]
    offset = cameras.translation - CENTRE[cameras.clip]
    azimuth = torch.rad2deg(torch.atan2(offset[:, 1], offset[:, 0]))
    assert (inside(azimuth, bands.azimuth, 0.01) | inside(azimuth + 360, bands.azimuth, 0.01)).all()
    assert inside(cameras.translation[:, 2], bands.height).all()
    scale = (RADIUS[cameras.clip] / REFERENCE_RADIUS).clamp(min=1)
    assert inside(offset.norm(dim=1) / scale, bands.distance).all()


def test_unseen_bands_share_nothing_with_seen_ones():
    for name in ("azimuth", "height", "distance"):
        for low, high in getattr(UNSEEN, name):
            assert all(high <= a or low >= b for a, b in getattr(SEEN, name))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_whole_motion_is_in_the_image_upright_and_in_the_middle(purpose):
    cameras = draw(purpose)
    direction = torch.nn.functional.normalize(torch.randn(200, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    points = CENTRE[cameras.clip, None] + RADIUS[cameras.clip, None, None] * direction
    outside = cameras.orientation[:, None], cameras.translation[:, None]
    screen = camera.project(camera.world_to_camera(points, *outside), cameras.intrinsic[:, None])
    pixels = camera.image_coordinates(screen, cameras.resolution[:, None])
    assert pixels.min() > 0 and pixels.max() < 1000
    middle = camera.world_to_camera(CENTRE[cameras.clip], cameras.orientation, cameras.translation)
    assert middle[:, :2].abs().max() < 1e-4
    above = camera.world_to_camera(
        CENTRE[cameras.clip] + torch.tensor([0, 0, 0.5]), cameras.orientation, cameras.translation
    )
    assert (above[:, 1] < -0.3).all() and above[:, 0].abs().max() < 1e-4  # y points down


def test_a_camera_depends_on_its_clip_number_purpose_and_seed_alone():
    every, some = draw(), draw(names=NAMES[7:9], centre=CENTRE[7:9], radius=RADIUS[7:9], count=2)
    rows = [7 * 3, 7 * 3 + 1, 8 * 3, 8 * 3 + 1]
    for field in ("key", "orientation", "translation", "intrinsic", "number"):
        assert torch.equal(getattr(every, field)[rows], getattr(some, field))


def test_purposes_and_seeds_share_no_key():
    keys = [set(draw(p, seed=s).key.tolist()) for p in PURPOSES for s in (0, 1)]
    assert len(set.union(*keys)) == sum(map(len, keys)) == 8 * 120


def test_intrinsics_are_those_of_the_lab():
    focal = draw().intrinsic[:, :2] * 500
    assert (focal > 1142).all() and (focal < 1150).all()


def test_unknown_purpose():
    with pytest.raises(ValueError, match="train, validation, seen, unseen"):
        draw("test")
