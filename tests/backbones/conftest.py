from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

DATA = Path(__file__).parents[1] / "data" / "backbones"


@pytest.fixture(autouse=True)
def one_seeded_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data() -> Path:
    """The folder of reference files."""
    return DATA


@pytest.fixture
def reference() -> Callable[[str], dict[str, Any]]:
    """Reads one of the reference files by name."""
    return lambda name: torch.load(DATA / f"{name}.pt", weights_only=True)
