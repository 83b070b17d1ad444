"""A person who walks by: what is behind them, when, how often, and that draws depend on key and frame alone."""

import itertools

import numpy as np
import pytest
import torch

from harness import keyed
from harness.data.synthetic import load
from harness.data.views import views
from harness.occlusion import Fill, Level, Scene
from harness.occlusion.passer_by import PasserBy, process
from harness.skeleton import H36M17

FILL = Fill(0.4, 0.3, 0.3)
FRAMES = 600


def level(severity: float, **changed) -> Level:
    return Level("passer", 1, severity, (PasserBy(**changed),), FILL)


def scene(poses: torch.Tensor, fps: float = 50.0) -> Scene:
    size = len(poses)
    square = torch.full((size, 2), 1000.0)
    return Scene(poses, poses[..., :2] * 100 + 500, torch.zeros(size, 9), square, torch.full((size,), fps))


@pytest.fixture(scope="module")
def standing():
    """(40, 600, 17, 3): people who stand still for 12 seconds, each before a camera of their own."""
    seen = views(load(subjects=3, clips=1, seconds=1.0, seed=3).clips, purpose="train", count=14, seed=4)
    return seen.poses[seen.offset[:40]][:, None].expand(-1, FRAMES, -1, -1)


@pytest.fixture(scope="module")
def clock():
    return torch.arange(40) * 31, torch.arange(FRAMES).expand(40, -1)


def test_it_hides_exactly_what_lies_behind_the_walker(standing, clock):
    keys, frames = clock
    found = ~level(1.0).draw(keys, frames, H36M17, scene=scene(standing)).visible
    rows, times = torch.arange(0, 40, 7), torch.arange(0, FRAMES, 17)
    process_ = process()
    seconds = frames[rows][:, times] / 50.0
    cell = torch.floor(seconds / process_.period)
    own = keyed.combine(keys[rows], keyed.key("occlusion", "passer_by", 1))[:, None]
    poses = standing[rows][:, times]
    starts, ends = process_.walker(
        keyed.combine(own, cell.long()), seconds - cell * process_.period, H36M17, poses
    )  # (b, t, 10, 3)
    start, along = starts.double().numpy(), (ends - starts).double().numpy()
    radii = np.array([0.15, 0.1, 0.08, 0.05, 0.08, 0.05, 0.05, 0.04, 0.05, 0.04])
    expected = np.zeros(poses.shape[:-1], dtype=bool)
    for share in np.linspace(0.35, 0.9, 251):  # places along the ray from the camera
        to = share * poses.double().numpy()[..., None, :] - start[..., None, :, :]
        part = np.clip((to * along[..., None, :, :]).sum(-1) / (along**2).sum(-1)[..., None, :], 0, 1)
        gap = np.linalg.norm(to - part[..., None] * along[..., None, :, :], axis=-1)
        expected |= (gap <= radii).any(-1)
    found = found[rows][:, times].numpy()
    assert 0.04 < expected.mean() < 0.2
    assert (found == expected).mean() >= 0.998  # a graze between two places is missed
    assert expected[found].mean() > 0.98 and found[expected].all()


def test_a_person_passes_as_often_as_severity_says(standing, clock):
    keys, frames = clock
    for severity in (0.25, 0.5, 1.0):
        hidden = ~level(severity).draw(keys, frames, H36M17, scene=scene(standing)).visible
        passes = hidden[:, :, [0, 7, 8]].any(-1).unflatten(1, (-1, 150)).any(-1).float().mean().item()  # cells of 3 s
        assert passes == pytest.approx(severity, abs=0.1)


def test_a_passing_is_one_event_that_comes_and_goes(standing, clock):
    keys, frames = clock
    drawn = level(1.0).draw(keys, frames, H36M17, scene=scene(standing))
    lengths = []
    for row in range(10):
        for first in range(0, FRAMES, 150):
            cell = drawn.stretch_key[row, first : first + 150]
            assert len(cell[cell > 0].unique()) == 1  # all joints, one event, one fill
            before = (cell > 0).any(-1).nonzero().flatten()
            lengths.append(len(before) / 50)
            assert before[0] > 0 and before[-1] < 149  # within the cell
    assert 0.4 < np.mean(lengths) < 1.6


def test_it_crosses_the_image(standing, clock):
    """The hidden joints move across the person, from one side to the other, not all at once."""
    keys, frames = clock
    hidden = (~level(1.0).draw(keys, frames, H36M17, scene=scene(standing)).visible).double()
    x = standing[..., 0].double() / standing[..., 2]
    some = hidden.any(-1).unflatten(1, (-1, 150))
    middle = ((hidden * x).sum(-1) / hidden.sum(-1).clamp_min(1)).unflatten(1, (-1, 150))
    travelled = []
    for row, cell in itertools.product(range(40), range(4)):
        path = middle[row, cell][some[row, cell]]
        travelled.append((path[-3:].mean() - path[:3].mean()).item())
    assert (np.abs(travelled) > 0.03).mean() > 0.8
    assert 0.25 < (np.array(travelled) > 0).mean() < 0.75  # from both sides


def test_severities_nest(standing, clock):
    keys, frames = clock
    draws = [level(s).draw(keys, frames, H36M17, scene=scene(standing)) for s in (0.0, 0.3, 0.7, 1.0)]
    assert draws[0].visible.all()
    for lower, higher in itertools.pairwise(draws):
        hidden = ~lower.visible
        assert not higher.visible[hidden].any()
        assert torch.equal(higher.stretch_key[hidden], lower.stretch_key[hidden])
        assert (~higher.visible).sum() > hidden.sum()


def test_window_and_batch_change_nothing(standing, clock):
    keys, frames = clock
    whole = level(1.0).draw(keys, frames, H36M17, scene=scene(standing))
    rows, part = torch.tensor([7, 2, 30]), slice(140, 221)
    window = level(1.0).draw(keys[rows], frames[rows, part], H36M17, scene=scene(standing[rows, part]))
    for name in ("visible", "cause", "stretch_key"):
        assert torch.equal(getattr(window, name), getattr(whole, name)[rows, part])
    assert not window.visible.all()


def test_time_is_told_in_seconds(standing, clock):
    keys, frames = clock
    fast = level(1.0).draw(keys, frames, H36M17, scene=scene(standing, fps=100.0)).visible
    slow = level(1.0).draw(keys, frames[:, :300], H36M17, scene=scene(standing[:, :300])).visible
    assert torch.equal(fast[:, ::2], slow) and not slow.all()


@pytest.mark.parametrize("wrong", [{"period": 0.0}, {"jitter": 1.5}, {"nearness": (0.5, 1.0)}])
def test_a_person_behind_the_subject_is_refused(wrong):
    with pytest.raises(ValueError, match="passer_by: need"):
        PasserBy(**wrong)


def test_it_can_not_be_drawn_blind(clock):
    with pytest.raises(ValueError, match="scene"):
        level(1.0).draw(*clock, H36M17)
