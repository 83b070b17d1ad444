"""The process-wide switches that decide a run's bits, set for its duration and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def pick_device(device: str | torch.device | None) -> torch.device:
    """The device asked for; else the GPU this process was given; else the CPU."""
    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def repeatable(device: torch.device, threads: int) -> Iterator[None]:
    """A fixed number of threads, no random number leaking in or out, deterministic GPU kernels.

    Sums depend on the number of threads. On a GPU, kernels that have no deterministic form warn
    instead of failing; on a CPU all that are used here are deterministic.
    """
    before = torch.get_num_threads()
    cudnn = torch.backends.cudnn
    switches = torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark
    torch.set_num_threads(threads)
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.use_deterministic_algorithms(True, warn_only=True)
        cudnn.deterministic, cudnn.benchmark = True, False
    try:
        with torch.random.fork_rng(devices=[device] if on_gpu else []):
            yield
    finally:
        torch.set_num_threads(before)
        if on_gpu:
            torch.use_deterministic_algorithms(switches[0])
            cudnn.deterministic, cudnn.benchmark = switches[1:]
