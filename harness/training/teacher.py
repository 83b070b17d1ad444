"""The teacher: a running mean of the lifter, which sees the windows before occlusion.

Tarvainen and Valpola, mean teachers, NeurIPS 2017.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from harness import registry
from harness.errors import UserError
from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Run
from harness.training.companion import Terms
from harness.training.lifter import Lifter
from harness.training.material import Material
from harness.training.observation import Observer
from harness.training.speed import Forward
from harness.training.state import TrainState


class Teacher:
    """``unlabelled_teacher`` (B, T_out, J, 3): poses of the unlabelled windows, seen whole, without gradient.

    After each step of the lifter, θ ← d·θ + (1 − d)·θ_lifter with d = min(decay, 1 − 1/n) at the n-th step: at first it
    is the plain mean of the lifters so far, which forgets the untrained one. Buffers such as running means are averaged
    likewise. It answers as it would be tested, without dropout.

    Raises:
        UserError: two terms ask for teachers of different decay.
    """

    name = "teacher"
    joint = False

    def __init__(self, run: Run, terms: Terms, material: Material, observer: Observer, lifter: Lifter) -> None:
        decays = {}
        for name, (_, options) in terms.items():
            default = registry.options(registry.get("losses", name))["decay"].default
            decays[name] = options.get("decay", default)
        if len(set(decays.values())) > 1:
            found = ", ".join(f"{name}: {decay:g}" for name, decay in decays.items())
            raise UserError(
                f"the terms share one teacher, whose decay must be one number; got {found}", key="objective"
            )
        self.decay: float = next(iter(decays.values()))
        self.forward = Forward(run.train)

    def enter(self, state: TrainState, device: torch.device) -> None:
        state.modules[self.name] = copy.deepcopy(state.lifter).requires_grad_(False)

    def extend(self, state: TrainState, output: Output, batch: Batch, context: Context) -> Output:
        clean = cast(Tensor, cast(Batch, batch.unlabelled).clean)
        with torch.no_grad():
            pose = self.forward(state.modules[self.name].eval(), clean)
        return replace(output, extra={**output.extra, "unlabelled_teacher": pose})

    @torch.no_grad()
    def step(self, state: TrainState, output: Output, batch: Batch, context: Context) -> dict[str, Tensor]:
        kept = min(self.decay, 1.0 - 1.0 / (context.step + 1))
        present: dict[str, Any] = state.lifter.state_dict()
        for name, value in state.modules[self.name].state_dict().items():
            if value.is_floating_point():
                value.lerp_(present[name], 1.0 - kept)
            else:  # such as how many batches a norm has seen
                value.copy_(present[name])
        return {}
