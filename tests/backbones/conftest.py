from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
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


@pytest.fixture
def published() -> dict[str, dict[str, Any]]:
    """What is known of every published configuration: parameters, and numbers of its seeded network's output."""
    return json.loads((DATA / "counts.json").read_text(encoding="utf-8"))


@pytest.fixture
def seeded() -> Callable[..., tuple[torch.nn.Module, torch.Tensor]]:
    """Makes a network and an input as the reference numbers were made; the input has the shape given."""

    def make(build: Callable[[], torch.nn.Module], shape: Sequence[int]) -> tuple[torch.nn.Module, torch.Tensor]:
        torch.manual_seed(0)
        module, noise = build(), torch.Generator().manual_seed(1)
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                if parameter.ndim == 1 or "pos_embed" in name:
                    parameter += 0.1 * torch.randn(parameter.shape, generator=noise)
        return module.eval(), 0.5 * torch.randn(*shape, generator=torch.Generator().manual_seed(7))

    return make
