import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def clips():
    """Keys of 64 clips and the frame numbers of 300 frames of each."""
    return torch.arange(64) * 7919 + 3, torch.arange(300).expand(64, -1)
