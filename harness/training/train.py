"""One run, from nothing (or from a snapshot) to weights: a pure function of the run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness import keyed, occlusion
from harness.convergence import falling, late_gain
from harness.data.views import Views
from harness.data.windows import Windows
from harness.objectives import Objective
from harness.objectives.term import Batch, Context
from harness.spec.run import Run
from harness.training import passes, pretraining
from harness.training.batches import UNLABELLED, TrainingBatches
from harness.training.companion import companions_of, needs_of, unlabelled_needs
from harness.training.curriculum import Curriculum
from harness.training.errors import Diverged
from harness.training.lifter import Lifter, make_lifter
from harness.training.material import Material, open_material, training_windows
from harness.training.observation import Observer
from harness.training.repeatable import pick_device, repeatable
from harness.training.result import Result
from harness.training.stage import ClosedForm, Stage, Supervised, supervised_state
from harness.training.state import Best, Curve, TrainState, weights_of
from harness.training.validation import validation_mpjpe

_PROBES = 40
"""How often in a run the terms' gradients are compared; few enough to cost under 2 % of it."""


@dataclass(frozen=True)
class EpochInfo:
    """What ``on_epoch`` is told at each validation point.

    Attributes:
        step, steps: done, and in all, all stages together.
        epoch: number of validation points passed.
        val_mpjpe: mm; None in a stage that has no poses to score.
        best_mpjpe: the lowest so far, before a snapshot that was gone on from too; inf before any.
        curves: the points since the last call.
        snapshot: gives a state from which `train` can go on, when called.
        best_weights: gives the weights of the best epoch so far, when called.
    """

    step: int
    steps: int
    epoch: int
    val_mpjpe: float | None
    best_mpjpe: float
    curves: list[Curve]
    snapshot: Callable[[], dict[str, Any]]
    best_weights: Callable[[], dict[str, Tensor]]


@dataclass(frozen=True)
class StepInfo:
    """What ``on_step`` is told between two steps, and once more when all is done.

    Attributes:
        step, steps: done, and in all, all stages together.
        parts: gives a state from which `train` can go on, when called; it holds the live tensors, so it is to be
            written down before ``on_step`` returns.
    """

    step: int
    steps: int
    parts: Callable[[], dict[str, Any]]


def train(
    run: Run,
    *,
    resume: dict[str, Any] | None = None,
    on_epoch: Callable[[EpochInfo], None] | None = None,
    on_step: Callable[[StepInfo], None] | None = None,
    device: str | torch.device | None = None,
) -> Result:
    """Train one run.

    Bit for bit repeatable for one build, processor type and number of threads; a run resumed from a
    snapshot ends with the same bits as one that was never stopped.

    Args:
        run: what to train.
        resume: a snapshot that ``on_epoch`` or ``on_step`` was offered earlier.
        on_epoch: told at each validation point; whatever it raises ends the run.
        on_step: told between two steps, also within an epoch; likewise. Not of a network solved in closed form.
        device: default is the GPU this process was given, else the CPU.
    Raises:
        Diverged: a loss term, or the validation error, became NaN or infinite.
        UserError: the data aren't what the run declares.
    """
    where = pick_device(device)
    with repeatable(where, run.train.threads):
        return _train(run, resume, on_epoch, on_step, where)


def _train(
    run: Run,
    resume: dict[str, Any] | None,
    on_epoch: Callable[[EpochInfo], None] | None,
    on_step: Callable[[StepInfo], None] | None,
    device: torch.device,
) -> Result:
    began = time.perf_counter()
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter = build_lifter(run, material, observer).to(device)
    batches = training_batches(run, material, observer, lifter, device)
    run = passes.resolved(run, batches.windows)

    def validate() -> float:
        levels = [occlusion.level(name) for name in run.train.validate_on]
        return validation_mpjpe(lifter, material.validation, levels, observer, device)

    if hasattr(lifter.backbone, "fit"):
        return _solve(run, lifter, batches, validate, began, on_epoch)
    state, a_pass = supervised_state(run, lifter), passes.steps_a_pass(run, batches.windows)
    probe_every = max(1, run.train.steps // _PROBES)
    companions = companions_of(run, material, observer, lifter)
    supervised = Supervised(run, build_objective(run, material), probe_every, a_pass, companions)
    stages: list[tuple[Stage, TrainingBatches]] = [(supervised, batches)]
    if run.train.pretrain is not None:
        first = pretraining.Pretraining(run, observer, a_pass)
        stages.insert(0, (first, first.batches(material, device)))
    first_stage, earlier = (0, 0.0) if resume is None else (resume["stage"], resume["seconds"])
    in_all = sum(stage.steps for stage, _ in stages)

    def clock() -> float:
        return earlier + time.perf_counter() - began

    def parts() -> dict[str, Any]:
        state.seconds = clock()
        return state.parts()

    def between(done: int) -> None:
        if on_step is not None:
            on_step(StepInfo(done, in_all, parts))

    before = 0
    for number, (stage, fed) in enumerate(stages):
        if number >= first_stage:
            stage.enter(state, device)
            if resume is not None and number == first_stage:
                state.load_state_dict(resume)
            else:
                state.stage, state.step = number, 0
            _run_stage(run, stage, material, lifter, state, fed, validate, on_epoch, between, clock, (before, in_all))
            stage.leave(state)
        before += stage.steps
    between(in_all)
    state.seconds = clock()
    return _result(run, state, lifter)


def build_lifter(run: Run, material: Material, observer: Observer) -> Lifter:
    """The run's network with its initial weights, which depend on the run's seed alone."""
    torch.manual_seed(keyed.key("weights", run.seed) & ((1 << 63) - 1))
    return make_lifter(
        run.backbone.name,
        run.backbone.options,
        skeleton=material.skeleton,
        features=observer.features,
        window=run.data.window,
        frames_out=run.data.frames_predicted,
    )


def training_batches(
    run: Run, material: Material, observer: Observer, lifter: Lifter, device: torch.device
) -> TrainingBatches:
    """The run's training batches, by step, with what its loss terms need."""
    needs = needs_of(run)
    without = unlabelled_needs(needs)
    labelled = _windows(run, material.train, lifter)
    curriculum = Curriculum(run.train, passes.resolved(run, labelled).train.steps)

    def drawn(views: Views, windows: Windows, **options: Any) -> TrainingBatches:
        return TrainingBatches(run, views, windows, curriculum, observer, device, **options)

    beside = None
    if without is not None:
        views = material.unlabelled
        beside = drawn(views, _windows(run, views, lifter), purpose=UNLABELLED, needs=without)
    whole = "every" in build_objective(run, material).heads
    return drawn(material.train, labelled, whole=whole, needs=needs, unlabelled=beside)


def _windows(run: Run, views: Views, lifter: Lifter) -> Windows:
    return training_windows(views, run.data.window, run.data.frames_predicted, lifter.left)


def build_objective(run: Run, material: Material) -> Objective:
    """The run's weighted loss terms."""
    return Objective(run.terms, material.skeleton, run.schedules)


def _run_stage(
    run: Run,
    stage: Stage,
    material: Material,
    lifter: Lifter,
    state: TrainState,
    batches: TrainingBatches,
    validate: Callable[[], float],
    on_epoch: Callable[[EpochInfo], None] | None,
    between: Callable[[int], None],
    clock: Callable[[], float],
    place: tuple[int, int],
) -> None:
    """Go on with a stage to its end; ``place`` are the steps of the stages before it, and of all."""
    before, in_all = place
    steps, epochs = stage.steps, min(run.train.epochs, stage.steps)
    ends = [round(steps * (n + 1) / epochs) for n in range(epochs)]
    told, an_epoch = len(state.curves), steps / run.train.epochs
    for epoch, end in enumerate(ends):
        if end <= state.step:
            continue
        for module in state.modules.values():
            module.train()
        while state.step < end:
            between(before + state.step)
            context = Context(epoch, state.step, an_epoch, state.modules, material.skeleton)
            for name, value in stage.step(state, batches[state.step], context).items():
                state.gathered.setdefault(name, []).append(value)
            state.step += 1
        state.curves += [(name, end, float(torch.stack(values).nanmean())) for name, values in state.gathered.items()]
        state.gathered = {}
        error = validate() if stage.validates else None
        if error is not None:
            if not math.isfinite(error):
                raise Diverged("val_mpjpe", end, error)
            state.curves.append(("val_mpjpe", end, error))
            if error < state.best.mpjpe:
                state.best = Best(error, end, weights_of(lifter.backbone))
        if on_epoch is not None:
            state.seconds = clock()
            new, told = state.curves[told:], len(state.curves)
            at, best = (before + end, in_all, epoch + 1), state.best
            on_epoch(EpochInfo(*at, error, best.mpjpe, new, state.state_dict, best.weights.copy))


def _result(run: Run, state: TrainState, lifter: Lifter) -> Result:
    gain = late_gain((step, value) for name, step, value in state.curves if name == "val_mpjpe")
    summary = {
        "val_mpjpe_best": state.best.mpjpe,
        "val_mpjpe_last": next(value for name, _, value in reversed(state.curves) if name == "val_mpjpe"),
        "best_step": float(state.best.step),
        "late_gain": gain,
        "falling": float(falling(gain, state.best.mpjpe)),
        "parameters": float(sum(p.numel() for p in lifter.parameters())),
    }
    return Result(
        best_weights=state.best.weights,
        last_weights=weights_of(lifter.backbone),
        curves=state.curves,
        summary=summary,
        seconds=state.seconds,
    )


def _solve(
    run: Run,
    lifter: Lifter,
    batches: TrainingBatches,
    validate: Callable[[], float],
    began: float,
    on_epoch: Callable[[EpochInfo], None] | None,
) -> Result:
    """A closed-form backbone: one pass over the batches, one epoch."""

    def stream() -> Iterator[Batch]:
        return (batches[step] for step in range(run.train.steps))

    ClosedForm(run).fit(lifter, stream())
    error = validate()
    state = TrainState({"lifter": lifter}, {}, step=run.train.steps)
    state.best = Best(error, run.train.steps, weights_of(lifter.backbone))
    state.curves = [("val_mpjpe", run.train.steps, error)]
    state.seconds = time.perf_counter() - began
    if on_epoch is not None:
        steps = run.train.steps
        on_epoch(EpochInfo(steps, steps, 1, error, error, state.curves, state.state_dict, state.best.weights.copy))
    return _result(run, state, lifter)
