"""Everything a run in progress consists of, so that it can stop anywhere and go on."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

Curve = tuple[str, int, float]
"""(name, step, value)"""


@dataclass
class Best:
    """The chosen epoch so far: lowest validation MPJPE (mm), its step and weights."""

    mpjpe: float = float("inf")
    step: int = 0
    weights: dict[str, torch.Tensor] = field(default_factory=dict)


@dataclass
class TrainState:
    """Modules, optimisers, progress and random state of a run.

    ``step`` is counted within ``stage``. The learning rate is a function of both and the random draws are keyed by
    them, so neither needs a place here; the torch generator is kept for modules that stream from it. ``gathered`` are
    the values logged in the steps of an epoch that isn't over: a point of a curve is their mean.
    """

    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    scaler: Any = None
    stage: int = 0
    step: int = 0
    best: Best = field(default_factory=Best)
    curves: list[Curve] = field(default_factory=list)
    seconds: float = 0.0
    gathered: dict[str, list[torch.Tensor]] = field(default_factory=dict)

    @property
    def lifter(self) -> nn.Module:
        """The network that is trained, with its padding."""
        return self.modules["lifter"]

    def state_dict(self) -> dict[str, Any]:
        """A snapshot that shares no memory with the live state."""
        return copy.deepcopy(self.parts())

    def parts(self) -> dict[str, Any]:
        """A snapshot that holds the live tensors, to be written down before the next step: it costs no memory."""
        return {
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "scaler": self.scaler.state_dict() if self.scaler is not None else None,
            "stage": self.stage,
            "step": self.step,
            "best": {"mpjpe": self.best.mpjpe, "step": self.best.step, "weights": self.best.weights},
            "curves": self.curves,
            "seconds": self.seconds,
            "gathered": {
                name: {"values": torch.stack(values), "on_cpu": values[0].device.type == "cpu"}
                for name, values in self.gathered.items()
            },
            "random": torch.random.get_rng_state(),
        }

    def load_state_dict(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot of the same run."""
        for name, module in self.modules.items():
            module.load_state_dict(snapshot["modules"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(copy.deepcopy(snapshot["optimisers"][name]))
        if self.scaler is not None:
            self.scaler.load_state_dict(snapshot["scaler"])
        self.stage, self.step, self.seconds = snapshot["stage"], snapshot["step"], snapshot["seconds"]
        self.best = Best(**copy.deepcopy(snapshot["best"]))
        self.curves = [tuple(point) for point in snapshot["curves"]]
        # Summed where they would have been, as sums on a GPU have other bits.
        device = next((parameter.device for parameter in self.lifter.parameters()), torch.device("cpu"))
        self.gathered = {
            name: list((part["values"] if part["on_cpu"] else part["values"].to(device)).unbind())
            for name, part in snapshot["gathered"].items()
        }
        torch.random.set_rng_state(snapshot["random"])


def weights_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of a module's state dict on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}
