"""Views: clips as cameras see them."""

import numpy as np
import pytest
import torch

from harness.data import Clip, open_dataset
from harness.data.camera import image_coordinates, project
from harness.data.views import views


@pytest.fixture(scope="module")
def clips():
    return open_dataset("synthetic", subjects=3, clips=2, seconds=0.6).clips


def test_layout(clips):
    seen = views(clips, purpose="train", count=2, seed=0)
    assert len(seen) == 2 * len(clips)
    assert seen.length.tolist() == [len(c) for c in clips for _ in range(2)]
    assert seen.offset.tolist() == [0, *seen.length.cumsum(0)[:-1].tolist()]
    assert seen.clip.tolist() == [i for i in range(len(clips)) for _ in range(2)]
    assert seen.camera.tolist() == [0, 1] * len(clips)
    assert seen.frames == int(seen.length.sum()) == len(seen.pixels)
    assert seen.longest == max(map(len, clips))
    assert seen.poses.dtype == seen.pixels.dtype == torch.float32
    assert len(set(seen.key.tolist())) == len(seen)


def test_each_view_is_its_clip_moved_rigidly(clips):
    seen = views(clips, purpose="seen", count=2, seed=0)
    for view in range(len(seen)):
        rows = slice(int(seen.offset[view]), int(seen.offset[view] + seen.length[view]))
        world = torch.from_numpy(clips[seen.clip[view]].positions)
        apart = torch.cdist(world[:1].flatten(0, 1), world[-1:].flatten(0, 1))
        poses = seen.poses[rows]
        torch.testing.assert_close(
            torch.cdist(poses[:1].flatten(0, 1), poses[-1:].flatten(0, 1)), apart, atol=1e-4, rtol=0
        )


def test_pixels_are_projections_in_the_image(clips):
    seen = views(clips, purpose="unseen", count=1, seed=3)
    row = seen.offset
    screen = project(seen.poses[row], seen.intrinsic[:, None])
    torch.testing.assert_close(image_coordinates(screen, seen.resolution[:, None]), seen.pixels[row])
    assert seen.pixels.min() > 0 and (seen.pixels.amax((0, 1)) < seen.resolution[0]).all()


def test_a_view_does_not_depend_on_the_others(clips):
    every, one = views(clips, purpose="seen", count=2, seed=0), views(clips[2:3], purpose="seen", count=1, seed=0)
    rows = slice(int(every.offset[4]), int(every.offset[4] + every.length[4]))
    assert every.key[4] == one.key[0]
    assert torch.equal(every.pixels[rows], one.pixels) and torch.equal(every.poses[rows], one.poses)


def test_clips_of_any_length_and_frame_rate():
    one = Clip("A/x", "A", "A", "walk", 25.0, np.random.default_rng(0).normal(0, 0.3, (1, 17, 3)).astype(np.float32))
    seen = views((one,), purpose="train", count=1, seed=0)
    assert (seen.frames, seen.longest, seen.fps.tolist()) == (1, 1, [25.0])


def test_nothing_to_film(clips):
    with pytest.raises(ValueError, match="at least one clip"):
        views((), purpose="train", count=1, seed=0)
    with pytest.raises(ValueError, match="one camera"):
        views(clips, purpose="train", count=0, seed=0)
