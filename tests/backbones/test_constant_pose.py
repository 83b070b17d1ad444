from __future__ import annotations

import pytest
import torch

from backbones.constant_pose import ConstantPose


def test_gives_the_mean_of_the_valid_frames():
    y = torch.randn(4, 5, 3, 3)
    valid = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 1, 0, 1]], dtype=torch.bool)
    y[~valid] = float("nan")  # padding may hold anything
    x = torch.randn(4, 5, 3, 2)
    module = ConstantPose(num_joints=3)
    module.fit([(x[:1], y[:1], valid[:1]), (x[1:], y[1:], valid[1:])])
    out = module(torch.randn(2, 7, 3, 2))
    assert out.shape == (2, 7, 3, 3) and out.dtype == torch.float32
    torch.testing.assert_close(out, y[valid].mean(0).expand(2, 7, 3, 3))


def test_without_a_valid_frame_there_is_no_mean():
    module = ConstantPose(num_joints=3)
    with pytest.raises(ValueError, match="at least one valid frame"):
        module.fit([(torch.zeros(1, 2, 3, 2), torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, dtype=torch.bool))])
    with pytest.raises(RuntimeError, match="must be fitted"):
        module(torch.zeros(1, 2, 3, 2))
