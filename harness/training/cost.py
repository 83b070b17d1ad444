"""What a network costs, measured: parameters, multiply–accumulates, memory and time, the same way for all.

Published counts of one network differ up to twofold, for want of a common definition. Here: every product of
matrices and every convolution that is executed for one window, attention as the two products it is made of,
divided by the frames that come out. A product of an m × k by a k × n matrix counts m·k·n, whatever zeros are in
it. Norms, activations, softmax, sums and transforms that are no product count nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from harness.skeleton import H36M17, Skeleton
from harness.spec.run import Train
from harness.training.lifter import Lifter, make_lifter
from harness.training.optimisation import make_optimiser
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
        optimiser.zero_grad(set_to_none=True)
        torch.linalg.vector_norm(forward(lifter, inputs) - target, dim=-1).mean().backward()
        optimiser.step()
        return None

    return run


def timed(function: Callable[[], object], batch: int, device: torch.device, *, budget: float = 1.0) -> Timed:
    """Median time and peak memory of ``function``, run again until ``budget`` seconds are spent (once at least)."""
    function()  # what is made once, such as the optimiser's state or compiled kernels, isn't the pass
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
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        function()
    results: Any = watched.profiler.kineto_results if watched.profiler else None
    changes = sorted((e.start_ns(), e.nbytes()) for e in results.events() if e.name() == "[memory]")
    held = most = 0
    for _, change in changes:
        held += change
        most = max(most, held)
    return most


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
