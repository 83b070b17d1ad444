"""Stages: what one training step does. Plain supervision here, with its companions; others can stand beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor

from harness import keyed
from harness.objectives import Objective
from harness.objectives.scale import GradientScale
from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Run
from harness.training.companion import Companion, reseed
from harness.training.errors import Diverged
from harness.training.lifter import EveryFrame, Lifter
from harness.training.optimisation import batch_norm_momentum, learning_rate, make_optimiser, set_learning_rate
from harness.training.speed import Forward
from harness.training.state import TrainState


class Stage(Protocol):
    """One phase of a run's recipe, with its own modules' step and its own number of steps.

    ``validates`` says whether poses can be scored at its validation points.
    """

    name: str
    steps: int
    validates: bool

    def enter(self, state: TrainState, device: torch.device) -> None:
        """Add to a state what this stage alone trains, as it is before the first step."""
        ...

    def leave(self, state: TrainState) -> None:
        """Take out of a state what the next stage doesn't need."""
        ...

    def step(self, state: TrainState, batch: Batch, context: Context) -> dict[str, Tensor]:
        """Advance the modules by one batch; give the values to log by name (detached scalars)."""
        ...


class Supervised:
    """Gradient steps on the objective, and those of the companions that its terms name.

    Dropout is reseeded by (seed, step): a module that draws more or less than another can't
    shift what the next step draws. Companions draw after the lifter, each from a seed of its own.
    """

    name = "supervised"
    validates = True

    def __init__(
        self,
        run: Run,
        objective: Objective,
        probe_every: int,
        a_pass: float = math.inf,
        companions: Sequence[Companion] = (),
    ) -> None:
        self.run, self.objective, self.steps = run, objective, run.train.steps
        self.probe_every, self.a_pass = probe_every, a_pass
        self.companions = companions
        self.forward = Forward(run.train)
        self._every: EveryFrame | None = None

    def enter(self, state: TrainState, device: torch.device) -> None:
        if self.objective.by_gradient:
            state.modules[GradientScale.name] = GradientScale(self.objective.by_gradient)
        for companion in self.companions:
            companion.enter(state, device)

    def leave(self, state: TrainState) -> None:
        pass

    def step(self, state: TrainState, batch: Batch, context: Context) -> dict[str, Tensor]:
        train, lifter, optimiser = self.run.train, state.lifter, state.optimisers["lifter"]
        torch.manual_seed(keyed.key("step", self.run.seed, context.step) & _POSITIVE)
        trained = {"lifter": optimiser, **{c.name: state.optimisers[c.name] for c in self.companions if c.joint}}
        for its in trained.values():
            set_learning_rate(its, learning_rate(train, context.step, self.a_pass))
        momentum = batch_norm_momentum(train, context.step, self.a_pass)
        if momentum is not None:
            lifter.backbone.set_bn_momentum(momentum)  # type: ignore[operator, union-attr]
        output, batch = self._answer(lifter, batch)
        for companion in self.companions:
            reseed(companion.name, self.run.seed, context.step)
            output = companion.extend(state, output, batch, context)
        self.objective.measure(output, batch, context)
        total, values = self.objective(output, batch, context)
        if not torch.isfinite(total):
            raise _diverged(total, values, context.step)
        for its in trained.values():
            its.zero_grad(set_to_none=True)
        total.backward()
        for its in trained.values():  # clipped apart, so that a companion's gradient can't shorten the lifter's step
            if train.clip_norm > 0:
                torch.nn.utils.clip_grad_norm_([p for g in its.param_groups for p in g["params"]], train.clip_norm)
            its.step()
        logged = {"loss": total.detach(), **{f"term.{name}": value.detach() for name, value in values.items()}}
        if context.step % self.probe_every == 0 and len(self.objective.terms) > 1:
            logged |= self._probe(output, batch, context, values)
        if self.objective.schedules:
            in_force = self.objective.in_force(context)
            logged |= {f"lambda.{name}": torch.tensor(value) for name, value in in_force.items()}
        for companion in self.companions:
            reseed(f"{companion.name} step", self.run.seed, context.step)
            logged |= companion.step(state, output, batch, context)
        return logged

    def _answer(self, lifter: Any, batch: Batch) -> tuple[Output, Batch]:
        """What the network gives, and the batch cut to the frames that it reads where a second head is supervised."""
        if batch.whole is None or batch.whole_valid is None or batch.whole_visible is None:
            return Output(pose=self.forward(lifter, batch.inputs), extra={}), batch
        if self._every is None:
            self._every = EveryFrame(lifter)
        answers, read = self.forward(self._every, batch.inputs), self._every.read
        valid, visible = batch.whole_valid[:, read], batch.whole_visible[:, read]
        cut = replace(batch, whole=batch.whole[:, read], whole_valid=valid, whole_visible=visible)
        return Output(pose=answers[:, :1], extra={"every": answers[:, 1:]}), cut

    def _probe(self, output: Output, batch: Batch, context: Context, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each term's share of the gradient, its cosine with the absolute terms', its active pairs.

        Of a term whose λ is 0 now, which the step didn't compute, also the value.
        """
        found = {}
        for name, row in self.objective.shares(_detached(output), batch, context).items():
            if name not in values:  # beside those of steps that compute it, so on their device
                found[f"term.{name}"] = torch.as_tensor(row["value"], device=output.pose.device)
            for what in ("share", "cosine", "active"):
                if row.get(what) is not None:
                    found[f"{what}.{name}"] = torch.as_tensor(row[what])
        return found


class ClosedForm:
    """A backbone with a ``fit`` method, solved once from ``steps`` batches of training windows.

    It is shown whole windows, of which the frames asked for count: what it then sees of their
    surroundings is what it sees when it predicts.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    def fit(self, lifter: Lifter, batches: Iterator[Batch]) -> None:
        asked = slice(lifter.left, lifter.left + lifter.frames_out)

        def rows() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
            for batch in batches:
                frames = batch.inputs.shape[:2]
                target = batch.target.new_zeros(*frames, *batch.target.shape[2:])
                counts = batch.valid.new_zeros(frames)
                target[:, asked], counts[:, asked] = batch.target, batch.valid
                yield batch.inputs, target, counts

        lifter.backbone.fit(rows())


_POSITIVE = (1 << 63) - 1


def _detached(value: Any) -> Any:
    """What a network gave, cut from the graph that it came by."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, Output):
        return Output(_detached(value.pose), _detached(value.extra))
    if isinstance(value, dict):
        return {name: _detached(part) for name, part in value.items()}
    return value


def _diverged(total: Tensor, values: dict[str, Tensor], step: int) -> Diverged:
    for name, value in values.items():
        if not torch.isfinite(value):
            return Diverged(name, step, float(value))
    return Diverged("total", step, float(total))


def supervised_state(run: Run, lifter: Lifter) -> TrainState:
    """The state a supervised run starts from."""
    return TrainState(modules={"lifter": lifter}, optimisers={"lifter": make_optimiser(run.train, lifter.parameters())})
