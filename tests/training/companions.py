"""Companions and terms made for tests: one draws much and adds nothing, one is trained with the lifter."""

from dataclasses import replace

import torch
from torch import nn

from harness.objectives.term import LossTerm
from harness.training.companion import reseed
from harness.training.optimisation import make_optimiser


class Noisy(LossTerm):
    """Adds nothing, whatever its companion draws."""

    companion = "tests.training.companions:Drawing"

    def __call__(self, output, batch, context):
        return output.pose.sum() * 0.0 + output.extra["drawn"] * 0.0


class NoisyToo(Noisy):
    """Another with the same companion."""


class Guided(LossTerm):
    """Squared distance of the prediction from a shift that its companion learns."""

    companion = "tests.training.companions:Shift"

    def __call__(self, output, batch, context):
        return (output.pose - output.extra["shift"])[batch.valid].square().mean()


class Drawing:
    name, joint = "drawing", False
    built = 0

    def __init__(self, run, terms, material, observer, lifter):
        type(self).built += 1
        self.terms = terms

    def enter(self, state, device):
        torch.rand(100)
        state.modules[self.name] = nn.Dropout()

    def extend(self, state, output, batch, context):
        drawn = state.modules[self.name](torch.rand(50)).sum()
        return replace(output, extra={**output.extra, "drawn": drawn, "nested": {"poses": output.pose}})

    def step(self, state, output, batch, context):
        return {"drawing.first": torch.rand(()), "drawing.terms": torch.tensor(float(len(self.terms)))}


class Shift:
    name, joint = "shift", True

    def __init__(self, run, terms, material, observer, lifter):
        self.run = run

    def enter(self, state, device):
        reseed(self.name, self.run.seed, "weights")
        state.modules[self.name] = nn.Linear(1, 3).to(device)
        state.optimisers[self.name] = make_optimiser(self.run.train, state.modules[self.name].parameters())

    def extend(self, state, output, batch, context):
        shift = state.modules[self.name](torch.ones(1))
        return replace(output, extra={**output.extra, "shift": shift})

    def step(self, state, output, batch, context):
        (rate,) = {group["lr"] for group in state.optimisers[self.name].param_groups}
        return {"shift.size": state.modules[self.name].bias.detach().norm(), "shift.lr": torch.tensor(rate)}
