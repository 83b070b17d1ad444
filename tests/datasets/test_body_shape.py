"""Body-shape augmentation: other lengths, the same directions."""

import pytest
import torch

from harness.data.body_shape import draw_factors, scale_bones
from harness.skeleton import H36M17

KEYS = torch.arange(500)
PARENTS, CHILDREN = (list(side) for side in zip(*H36M17.bones, strict=True))


def bones(poses):
    return poses[:, :, CHILDREN] - poses[:, :, PARENTS]


def test_each_bone_is_scaled_and_keeps_its_direction():
    poses = torch.randn(4, 6, 17, 3, generator=torch.Generator().manual_seed(0))
    factors = draw_factors(KEYS[:4], 0.3, H36M17)
    scaled = scale_bones(poses, factors, H36M17)
    torch.testing.assert_close(bones(scaled), bones(poses) * factors[:, None, :, None], atol=1e-5, rtol=1e-5)
    assert torch.equal(scaled[:, :, 0], poses[:, :, 0])


def test_factors_of_one_change_nothing():
    poses = torch.randn(2, 3, 17, 3)
    torch.testing.assert_close(scale_bones(poses, torch.ones(2, 16), H36M17), poses, atol=1e-5, rtol=0)


def test_factors_are_symmetric_within_the_spread_and_differ_between_bones():
    factors = draw_factors(KEYS, 0.2, H36M17)
    assert factors.shape == (500, 16) and factors.min() >= 0.8 and factors.max() <= 1.2
    assert float(factors.mean()) == pytest.approx(1.0, abs=0.01)
    mirrored = [CHILDREN.index(H36M17.mirror[child]) for child in CHILDREN]
    assert torch.equal(factors, factors[:, mirrored])
    assert (factors[:, 1] != factors[:, 2]).all()
    assert 0.3 < float(torch.corrcoef(factors[:, [1, 2]].T)[0, 1]) < 0.7  # half of it is size


def test_draws_depend_on_the_key_alone():
    assert torch.equal(draw_factors(KEYS[7:9], 0.2, H36M17), draw_factors(KEYS, 0.2, H36M17)[7:9])
    assert torch.equal(draw_factors(KEYS[:3], 0.0, H36M17), torch.ones(3, 16))


@pytest.mark.parametrize("spread", [-0.1, 1.0, float("nan")])
def test_impossible_spread(spread):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        draw_factors(KEYS, spread, H36M17)
