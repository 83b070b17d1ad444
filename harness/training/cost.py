"""What a network costs, measured: parameters, multiply–accumulates, memory and time, the same way for all.

Published counts of one network differ up to twofold, for want of a common definition. Here: every product of
matrices and every convolution that is executed for one window, attention as the two products it is made of,
divided by the frames that come out. A product of an m × k by a k × n matrix counts m·k·n, whatever zeros are in
it. Norms, activations, softmax, sums and transforms that are no product count nothing.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from harness import registry
from harness.errors import UserError
from harness.skeleton import H36M17, Skeleton
from harness.spec import window_fit
from harness.spec.run import Train
from harness.training.lifter import Lifter, make_lifter
from harness.training.optimisation import make_optimiser
from harness.training.repeatable import pick_device, repeatable
from harness.training.speed import Forward

_USUAL = Train()
# On a device without numbers no network can read a value of a tensor.
_NEEDS_NUMBERS = (RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class Counted:
    """What doesn't depend on the machine.

    Attributes:
        window, frames_out: frames in and out of one window.
        parameters: numbers that training changes.
        macs: multiply–accumulates of one output frame.
    """

    window: int
    frames_out: int
    parameters: int
    macs: float


@dataclass(frozen=True)
class Timed:
    """One pass of a batch: median seconds, and the most memory it held beyond what was there before, in bytes."""

    batch: int
    seconds: float
    memory: int

    @property
    def windows(self) -> float:
        """Windows a second."""
        return self.batch / self.seconds


def macs(module: nn.Module, inputs: Tensor) -> int:
    """Multiply–accumulates of ``module(inputs)``, in the module's present mode.

    Fused attention is taken apart for this, so that every network is counted by its products.
    """
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel([SDPBackend.MATH]), counter:
        module(inputs)
    return counter.get_total_flops() // 2


def count(
    name: str,
    options: dict[str, Any] | None = None,
    *,
    window: int,
    frames_out: int,
    features: int = 2,
    skeleton: Skeleton = H36M17,
) -> Counted:
    """Count a registered network on one window of this shape; where its code allows, without computing a number.

    Raises:
        UserError: options that don't go together, or a window that the network can't take.
    """
    shape = (1, window, len(skeleton), features)

    def lifter() -> Lifter:
        made = make_lifter(
            name, options or {}, skeleton=skeleton, features=features, window=window, frames_out=frames_out
        )
        return made.eval()

    try:
        with torch.device("meta"):
            network = lifter()
            found = macs(network, torch.empty(shape))
    except _NEEDS_NUMBERS:
        with torch.random.fork_rng(devices=[]):
            network = solved(lifter())
            found = macs(network, torch.rand(shape))
    return Counted(window, frames_out, sum(p.numel() for p in network.parameters()), found / frames_out)


def solved(lifter: Lifter) -> Lifter:
    """``lifter``, fitted to noise if its backbone is solved in closed form and refuses to predict before."""
    if hasattr(lifter.backbone, "fit"):
        joints, features = lifter.backbone.joints, lifter.backbone.features
        frames = (2, lifter.window)
        seen = torch.rand(*frames, joints, features), torch.rand(*frames, joints, 3), torch.ones(frames).bool()
        lifter.backbone.fit([seen])
    return lifter


def shape_for(name: str, window: int, frames_out: int | None) -> tuple[int, int]:
    """Window and output frames at which a registered network is measured.

    A window that it can't take, or that is shorter than its receptive field, is raised to the least it needs.
    Output frames are by default those it answers for: the window's, or the centre one.
    """
    entry = registry.get("backbones", name)
    bound = window_fit.limit(entry, entry.preset)
    if bound is not None and bound[0] in (">=", "=="):
        window = max(window, bound[2])
    with torch.device("meta"):
        network = registry.load(entry).for_data(
            **{"joints": len(H36M17), "features": _features(name), "frames": window, **entry.preset}
        )
    window = max(window, network.receptive_field)
    return window, frames_out or (window if network.frames_out == "all" else 1)


def _features(name: str) -> int:
    return 3 if registry.attribute(registry.get("backbones", name), "needs_confidence", False) else 2


@dataclass(frozen=True)
class Cost:
    """A network's count, its prediction and its training step; no step for one that is solved in closed form."""

    counted: Counted
    forward: Timed
    step: Timed | None


def measure(
    name: str,
    *,
    window: int,
    frames_out: int | None = None,
    batch: int = 8,
    device: str | torch.device | None = None,
    train: Train = _USUAL,
    budget: float = 0.5,
) -> Cost:
    """Count and time a registered network with untrained weights.

    Args:
        window, frames_out: see `shape_for`.
        batch: windows of a pass.
        device: default is the GPU this process was given, else the CPU.
        train: its threads, optimiser, precision and compile are used.
        budget: seconds for which each pass is repeated.
    Raises:
        UserError: more output frames than the network gives for the window.
    """
    where = pick_device(device)
    window, frames_out = shape_for(name, window, frames_out)
    features = _features(name)
    counted = count(name, window=window, frames_out=frames_out, features=features)
    with repeatable(where, train.threads):
        torch.manual_seed(0)
        lifter = solved(
            make_lifter(name, {}, skeleton=H36M17, features=features, window=window, frames_out=frames_out)
        ).to(where)
        inputs = torch.rand(batch, window, len(H36M17), features).to(where)
        forward = timed(forward_pass(lifter, inputs, train), batch, where, budget=budget)
        trainable = counted.parameters > 0
        step = timed(training_step(lifter, inputs, train), batch, where, budget=budget) if trainable else None
    return Cost(counted, forward, step)


def forward_pass(lifter: Lifter, inputs: Tensor, train: Train = _USUAL) -> Callable[[], object]:
    """One prediction of a batch, as ``train`` asks for passes; call it to run it."""
    lifter.eval()
    forward = Forward(train)

    def run() -> object:
        with torch.no_grad():
            return forward(lifter, inputs)

    return run


def training_step(lifter: Lifter, inputs: Tensor, train: Train = _USUAL) -> Callable[[], object]:
    """Forward, mean per-joint error, backward and optimiser step on one batch; call it to run it."""
    lifter.train()
    forward, optimiser = Forward(train), make_optimiser(train, lifter.parameters())
    target = torch.zeros(*inputs.shape[:1], lifter.frames_out, inputs.shape[2], 3, device=inputs.device)

    def run() -> object:
        torch.linalg.vector_norm(forward(lifter, inputs) - target, dim=-1).mean().backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)  # last, so that what a step frees is what it made
        return None

    return run


def timed(function: Callable[[], object], batch: int, device: torch.device, *, budget: float = 1.0) -> Timed:
    """Median time and peak memory of ``function``, run again until ``budget`` seconds are spent (once at least).

    The first time isn't counted: it makes what is made once, such as the optimiser's state or compiled kernels.
    """
    function()
    memory = peak_memory(function, device)
    spent: list[float] = []
    while not spent or sum(spent) < budget:
        _wait(device)
        began = time.perf_counter()
        function()
        _wait(device)
        spent.append(time.perf_counter() - began)
    return Timed(batch, statistics.median(spent), memory)


def peak_memory(function: Callable[[], object], device: torch.device) -> int:
    """The most bytes that ``function`` held at a time beyond those held before, as torch's allocator counts them.

    What a kernel takes for itself without asking the allocator isn't seen.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        function()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # errors only; otherwise it announces each start and stop
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        function()
    results: Any = watched.profiler.kineto_results if watched.profiler else None
    changes = sorted((e.start_ns(), e.nbytes()) for e in results.events() if e.name() == "[memory]")
    held = most = 0
    for _, change in changes:
        held += change
        most = max(most, held)
    return most


def usable(device: str | None) -> torch.device:
    """The device asked for, or the one runs would take.

    Raises:
        UserError: no such device here.
    """
    try:
        where = pick_device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError) as error:  # what torch raises depends on how it was built
        raise UserError(f"no device '{device}' here: {str(error).splitlines()[0]}", key="--device") from None
    return where


def described(device: torch.device) -> str:
    """The device in words, with what decides its times."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    return f"one thread of {_processor()}, torch {torch.__version__}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
