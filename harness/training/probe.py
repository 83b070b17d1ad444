"""What a run costs, from a few of its steps, a validation and its test on a part of the data."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from harness import occlusion
from harness.data.views import Views
from harness.spec.lengths import in_steps
from harness.spec.probes import Probe
from harness.spec.run import Pretrain, Run, Test, Train, join_term
from harness.training import passes
from harness.training.evaluate import evaluate
from harness.training.lifter import Lifter
from harness.training.material import Material, open_material, training_windows
from harness.training.memory import Watch
from harness.training.observation import Observer
from harness.training.published import published
from harness.training.repeatable import pick_device, repeatable
from harness.training.result import Result
from harness.training.state import weights_of
from harness.training.train import StepInfo, build_lifter, train
from harness.training.validation import validation_mpjpe

_FIRST, _FEWEST, _MOST, _LONGEST = 2, 3, 40, 3.0
"""Steps that aren't counted, steps that are at least and at most, and seconds after which no more are taken."""
_FRAMES = 20_000
"""Frames of each set of views that are validated and tested; what all of them cost is in proportion."""
_ENDLESS = 100_000
"""Steps of the run that is begun: none of its few is validated, and at one only are gradients compared."""
_BATCHES = 100
"""Batches that a network solved in closed form is given, where the run gives it more."""


_Weights = tuple[dict[str, Tensor], dict[str, Tensor]]


class _Enough(Exception):
    pass


@dataclass
class _Clock:
    """Told between two steps; ends the training after a few."""

    device: torch.device
    began: float
    ends: list[float]
    last: int | None = None

    def __call__(self, _: StepInfo) -> None:
        _wait(self.device)
        self.ends.append(time.perf_counter())
        counted = len(self.ends) - 1 - _FIRST
        if self.last is not None and len(self.ends) > self.last:
            raise _Enough
        if counted >= _MOST or (counted >= _FEWEST and self.ends[-1] - self.ends[_FIRST] > _LONGEST):
            raise _Enough

    @property
    def step(self) -> float:
        """Median seconds of a step."""
        marks = self.ends[_FIRST:]
        return statistics.median(end - begin for begin, end in itertools.pairwise(marks))

    @property
    def before(self) -> float:
        """Seconds until the steps are as long as the others, less the steps themselves."""
        return max(0.0, self.ends[_FIRST] - self.began - _FIRST * self.step)


def probe(run: Run, test: Test | None, *, device: str | torch.device | None = None) -> Probe:
    """Measure what a run costs, in a few seconds if its steps are short.

    Its terms count with their full λ from the first step on, whatever their schedule, and occlusion that rises over
    the epochs is mixed: a few steps are to stand for all. What is validated and tested may be a part of the clips.

    Args:
        run: the run; measured in this process, which should have done nothing before, as memory is measured too.
        test: what a finished run is tested on.
        device: default is the GPU this process was given, else the CPU.
    Raises:
        UserError: whatever is wrong with the run or its data.
    """
    where = pick_device(device)
    with Watch() as watch, _Gpu(where) as gpu:
        material = open_material(run.data)
        observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
        with repeatable(where, run.train.threads):
            lifter = build_lifter(run, material, observer).to(where)
        windows = training_windows(material.train, run.data.window, run.data.frames_predicted, lifter.left)
        a_pass = passes.steps_a_pass(run, windows)
        found, weights = _training(run, lifter, a_pass, where)
        trained = watch.peak
        part, fraction = _part(material)
        if run.checkpoint is None and found.validations is None:
            found = replace(found, validation=_validation(run, lifter, part, fraction, observer, where))
        if test is not None:
            result = Result(weights[0], weights[1], curves=[], summary={}, seconds=0.0)
            found = replace(found, evaluation=_evaluation(run, test, result, part, where) / fraction)
    # Predictions and masks of all frames are held at a time: what a part of them took is in proportion.
    own = trained.own + round((watch.peak.own - trained.own) / fraction)
    shared = max(watch.peak.shared, _mapped(material))
    return replace(found, a_pass=a_pass, own=own, shared=shared, gpu=gpu.bytes, gpu_total=gpu.total)


def _mapped(material: Material) -> int:
    """Bytes of the views that runs of a node share: a few steps read few of them."""
    sets = {id(one): one for one in (material.unlabelled, material.validation, *material.tests.values()) if one.shared}
    parts = [part for one in sets.values() for part in (one.poses, one.pixels, one.score) if part is not None]
    return sum(part.numel() * part.element_size() for part in parts)


def _training(run: Run, lifter: Lifter, a_pass: float, device: torch.device) -> tuple[Probe, _Weights]:
    """Times of the steps, and weights to be tested: two sets that differ, as those of a finished run do."""
    empty = Probe(setup=0.0, step=0.0, validation=0.0, evaluation=0.0, a_pass=a_pass, own=0, shared=0)
    if run.checkpoint is not None:
        began = time.perf_counter()
        result = published(run)
        return replace(empty, setup=time.perf_counter() - began, validations=0), (
            result.best_weights,
            result.last_weights,
        )
    if hasattr(lifter.backbone, "fit"):
        return _closed_form(run, empty, a_pass, device)
    weights = weights_of(lifter.backbone)
    first = run.train.pretrain
    clock = _clocked(_endless(run, None), device)
    found = replace(empty, setup=clock.before, step=clock.step)
    if first is not None:
        clock = _clocked(_endless(run, first), device)
        found = replace(found, setup=found.setup + clock.before, pretrain_step=clock.step)
    return found, (weights, _other(weights))


def _clocked(run: Run, device: torch.device) -> _Clock:
    """Begun twice: what a process does once, such as imports, isn't a run's."""
    for last in (1, None):
        clock = _Clock(device, time.perf_counter(), [], last)
        with contextlib.suppress(_Enough):
            train(run, on_step=clock, device=device)
    return clock


def _endless(run: Run, pretrain: Pretrain | None) -> Run:
    """The run with steps enough, each costing what one in the middle does."""
    schedule = "mixed" if run.train.occlusion_schedule == "rising" else run.train.occlusion_schedule
    changes: dict[str, Any] = {"steps": _ENDLESS, "passes": None, "epochs": 1, "occlusion_schedule": schedule}
    if pretrain is not None:
        pretrain = pretrain.model_copy(update={"steps": _ENDLESS, "passes": None})
    objective = {name: join_term(weight, options) for name, (weight, options) in run.terms.items()}
    return _with(run, {**changes, "pretrain": pretrain}).model_copy(update={"objective": objective})


def _closed_form(run: Run, empty: Probe, a_pass: float, device: torch.device) -> tuple[Probe, _Weights]:
    """A network solved in closed form is validated once; its time grows with its batches."""
    steps = in_steps(run.train, a_pass).steps
    sizes = [steps] if steps <= 2 * _BATCHES else [_BATCHES, 2 * _BATCHES]
    spent = []
    for size in sizes:
        began = time.perf_counter()
        result = train(_with(run, {"steps": size, "passes": None}), device=device)
        _wait(device)
        spent.append(time.perf_counter() - began)
    step = spent[0] / steps if len(sizes) == 1 else max(0.0, spent[1] - spent[0]) / _BATCHES
    setup = max(0.0, spent[0] - sizes[0] * step)
    return replace(empty, setup=setup, step=step, validations=0), (result.best_weights, result.last_weights)


def _with(run: Run, changes: Mapping[str, Any]) -> Run:
    train_: Train = run.train.model_copy(update=dict(changes))
    return run.model_copy(update={"train": train_})


def _other(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value * 1.001 if value.is_floating_point() else value for name, value in weights.items()}


def _validation(
    run: Run, lifter: Lifter, part: Material, fraction: float, observer: Observer, device: torch.device
) -> float:
    """Seconds of a validation, which isn't the first: what the network sees is worked out once."""
    levels = [occlusion.level(name) for name in run.train.validate_on]
    with repeatable(device, run.train.threads):
        for _ in range(2):
            began = time.perf_counter()
            validation_mpjpe(lifter, part.validation, levels, observer, device)
            _wait(device)
    return (time.perf_counter() - began) / fraction


def _evaluation(run: Run, test: Test, result: Result, part: Material, device: torch.device) -> float:
    """Seconds of a test, if it's short one that isn't a process's first: what the networks see is worked out once."""
    for _ in range(2):
        began = time.perf_counter()
        evaluate(run, test, result, device=device, material=part)
        spent = time.perf_counter() - began
        if spent > _LONGEST:
            break
    return spent


def _part(material: Material) -> tuple[Material, float]:
    """The material with the validation and test clips that suffice, and the share of frames that they have."""
    sets = {"validation": material.validation, **material.tests}
    chosen = {name: _some(views) for name, views in sets.items()}
    fraction = sum(map(_frames, chosen.values())) / sum(map(_frames, sets.values()))
    tests = type(material.tests)({name: views for name, views in chosen.items() if name != "validation"})
    return replace(material, validation=chosen["validation"], tests=tests), fraction


def _some(views: Views) -> Views:
    """Clips evenly spread over all, as many as have the frames that suffice."""
    wanted = _FRAMES / _frames(views)
    if wanted >= 1:
        return views
    count = max(1, round(wanted * len(views.clips)))
    chosen = [int((number + 0.5) * len(views.clips) / count) for number in range(count)]
    return replace(views, shared=False).of_clips(chosen)  # a copy of their rows alone


def _frames(views: Views) -> int:
    return int(views.length.sum())


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class _Gpu:
    """Bytes of a GPU's memory that were taken at most in the block, the context and what others have included."""

    def __init__(self, device: torch.device) -> None:
        self._device, self.bytes, self.total = device, 0, 0

    def __enter__(self) -> _Gpu:
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        return self

    def __exit__(self, *_: object) -> None:
        if self._device.type == "cuda":
            free, self.total = torch.cuda.mem_get_info(self._device)
            now = torch.cuda.memory_reserved(self._device)
            beside = self.total - free - now
            self.bytes = beside + torch.cuda.max_memory_reserved(self._device)
