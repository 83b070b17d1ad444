from __future__ import annotations

import numpy as np
import pytest
import torch

from backbones.ridge import Ridge

JOINTS, RADIUS, PENALTY = 3, 2, 0.03


@pytest.fixture
def sample():
    x, y = torch.randn(6, 9, JOINTS, 2) + 0.5, torch.randn(6, 9, JOINTS, 3) - 2
    valid = torch.ones(6, 9, dtype=torch.bool)
    valid[1, 6:] = False
    valid[4] = False
    y[~valid] = float("nan")  # padding may hold anything
    return x, y, valid


def numpy_solution(x, y, valid):
    """Ridge regression written out: rows by loops, the intercept as a column of ones without penalty."""
    rows, targets = [], []
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            if valid[b, t]:
                near = [x[b, min(max(s, 0), x.shape[1] - 1)] for s in range(t - RADIUS, t + RADIUS + 1)]
                rows.append(np.append(np.concatenate([frame.reshape(-1) for frame in near]), 1.0))
                targets.append(y[b, t].reshape(-1))
    a, b = np.array(rows, dtype=np.float64), np.array(targets, dtype=np.float64)
    penalty = PENALTY * len(a) * np.eye(a.shape[1])
    penalty[-1, -1] = 0
    return np.linalg.solve(a.T @ a + penalty, a.T @ b)


def test_equals_the_solution_written_out(sample):
    module = Ridge(num_joints=JOINTS, radius=RADIUS, penalty=PENALTY)
    module.fit([sample])
    expected = numpy_solution(*(part.numpy() for part in sample))
    np.testing.assert_allclose(module.weight.numpy(), expected[:-1], atol=1e-6)
    np.testing.assert_allclose(module.bias.numpy(), expected[-1], atol=1e-6)


def test_batches_and_their_order_do_not_matter(sample):
    whole, parts = (Ridge(num_joints=JOINTS, radius=RADIUS, penalty=PENALTY) for _ in range(2))
    whole.fit([sample])
    parts.fit(tuple(part[i : i + 2] for part in sample) for i in (4, 0, 2))
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)
    parts.fit([sample])  # a second fit starts afresh
    assert parts.frames_seen == sample[2].sum()


def test_recovers_a_linear_map_and_keeps_it_in_its_state():
    truth = torch.randn(JOINTS * 2, JOINTS * 3)
    x = torch.randn(8, 20, JOINTS, 2)
    y = (x.flatten(2) @ truth + 1.5).unflatten(2, (JOINTS, 3))
    module = Ridge(num_joints=JOINTS, radius=1, penalty=1e-9)
    module.fit([(x, y, torch.ones(8, 20, dtype=torch.bool))])
    torch.testing.assert_close(module(x), y, atol=1e-4, rtol=1e-4)
    again = Ridge(num_joints=JOINTS, radius=1)
    again.load_state_dict(module.state_dict())
    assert torch.equal(again(x), module(x)) and module(x).dtype == torch.float32


def test_what_cannot_be_solved_is_refused(sample):
    x, y, valid = sample
    module = Ridge(num_joints=JOINTS, radius=RADIUS)
    with pytest.raises(RuntimeError, match="must be fitted"):
        module(x)
    with pytest.raises(ValueError, match="at least one valid frame"):
        module.fit([(x, y, torch.zeros_like(valid))])
    with pytest.raises(ValueError, match="isn't finite"):
        module.fit([(x, y, torch.ones_like(valid))])
    with pytest.raises(ValueError, match=r"targets must be \(6, 9, 3, 3\); found \(6, 8, 3, 3\)"):
        module.fit([(x, y[:, 1:], valid)])
    with pytest.raises(ValueError, match=r"valid must be \(6, 9\); found \(6, 8\)"):
        module.fit([(x, y, valid[:, 1:])])
