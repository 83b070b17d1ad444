from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def reference() -> dict[str, np.ndarray]:
    """Poses and the values that published implementations give for them."""
    with np.load(Path(__file__).parents[1] / "data" / "metrics.npz") as file:
        return dict(file)


@pytest.fixture
def clip():
    """A true clip (23, 17, 3) in metres, a prediction near it, and what is hidden (23, 17)."""
    generator = torch.Generator().manual_seed(5)
    start = 0.3 * torch.randn(1, 17, 3, generator=generator)
    target = start + (0.02 * torch.randn(23, 17, 3, generator=generator)).cumsum(dim=0)
    pred = target + 0.05 * torch.randn(23, 17, 3, generator=generator)
    return pred, target, torch.rand(23, 17, generator=generator) < 0.3
