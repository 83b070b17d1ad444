"""Bone products: against loops, unchanged by turns and shifts, steps known where both frames are."""

import pytest
import torch

from harness.objectives.kinematic_chain import bone_products, product_steps
from harness.skeleton import H36M17
from tests.objectives.promises import CHAIN, FIFTEEN


@pytest.mark.parametrize("skeleton", [H36M17, FIFTEEN, CHAIN], ids=lambda s: s.name)
def test_products_are_those_of_each_pair_of_bones(skeleton):
    poses = torch.randn(2, 3, len(skeleton), 3, dtype=torch.float64)
    bones, found = skeleton.bones, bone_products(poses, skeleton.bones)
    assert found.shape == (2, 3, len(bones) * (len(bones) + 1) // 2)
    for b in range(2):
        for t in range(3):
            vectors = [poses[b, t, child] - poses[b, t, parent] for parent, child in bones]
            slow = [float(one @ other) for n, one in enumerate(vectors) for other in vectors[n:]]
            assert found[b, t].tolist() == pytest.approx(slow)


def test_a_turned_and_shifted_body_has_the_same_products():
    poses = torch.randn(1, 4, 17, 3, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    torch.testing.assert_close(bone_products(poses @ turn + 5, H36M17.bones), bone_products(poses, H36M17.bones))


def test_steps_are_known_where_both_frames_are():
    products = torch.tensor([[[1.0], [3.0], [6.0], [10.0], [15.0]]])
    valid = torch.tensor([[True, True, False, True, True]])
    steps, known = product_steps(products, valid)
    assert known.tolist() == [[False, True, False, False, True]]
    assert steps.squeeze().tolist() == [0, 2, 0, 0, 5]
