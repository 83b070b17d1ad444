"""No network loops over joints or frames in Python: it launches as many operations for many of them as for few."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import backbones
from harness import registry
from tests.backbones.test_backbone_contract import SMALL

NAMES = sorted(name for name, line in backbones.LINES.items() if line.base is None)


class Operations(TorchDispatchMode):
    """Counts what is launched; views, which cost nothing, too."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.number += 1
        return function(*args, **(kwargs or {}))


def launched(name: str, joints: int, frames: int) -> int:
    """Operations of one forward and backward pass."""
    cls = registry.load(registry.get("backbones", name))
    features = 3 if cls.needs_confidence else 2
    network = cls.for_data(**{"joints": joints, "features": features, "frames": frames, **SMALL.get(name, {})})
    x = torch.rand(2, frames, joints, features)
    if hasattr(network, "fit"):
        network.fit([(x, torch.rand(2, frames, joints, 3), torch.ones(2, frames, dtype=torch.bool))])
    with Operations() as counted:
        made = network(x)
        if made.requires_grad:
            made.sum().backward()
    return counted.number


@pytest.mark.parametrize("name", NAMES)
def test_as_many_operations_for_many_joints_and_frames(name):
    few = launched(name, 15, 29)
    assert launched(name, 30, 29) == few
    assert launched(name, 15, 58) == few
