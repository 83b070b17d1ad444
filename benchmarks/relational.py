"""Time and extra memory of every depth-order form beside its plain broadcast version, one thread.

    python benchmarks/relational.py [--shapes 16x243x17 32x81x17] [--rounds 7]

The plain version makes the full tensor of ordered pairs from the same (B, T, J, 3) poses and lets
autograd differentiate it. Both are timed in turns, forward and backward, in processor time of one
thread (which a busy neighbour disturbs less than wall time), and the median of each is printed.
Memory is by how much one forward and backward pass raises the resident memory at its peak (Linux).
"""

from __future__ import annotations

import argparse
import ctypes
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from harness import objectives

FORMS = ("hinge", "margin", "logistic", "soft", "difference", "placebo")
MARGIN = TAU = 0.05


def plain(axis: str, form: str, pred: Tensor, target: Tensor) -> Tensor:
    """The definition as anyone would write it first: all ordered pairs at once."""
    z, true = pred[..., 2], target[..., 2]
    first, second = (3, 2) if axis == "spatial" else (2, 1)
    d = z.unsqueeze(first) - z.unsqueeze(second)
    gap = true.unsqueeze(first) - true.unsqueeze(second)
    nearer = (gap < 0).to(d.dtype)
    match form:
        case "hinge":
            cost = torch.relu(d)
        case "margin":
            cost = torch.relu(gap.abs().clamp(max=MARGIN) + d)
        case "logistic":
            cost = torch.nn.functional.softplus(d / TAU)
        case "soft":
            cost = 1 + torch.tanh(d / TAU)
        case "difference":
            cost = (d - gap).abs()
        case _:  # placebo: labels of a random order
            order = torch.rand_like(z)
            swap = (order.unsqueeze(first) < order.unsqueeze(second)) & (gap != 0)
            return (torch.relu(d) * swap.to(d.dtype)).mean()
    return (cost * nearer).mean()


def poses(shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """A random walk in depth, and a prediction 10 cm off."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(*shape, 3, generator=generator).mul_(0.05).cumsum(1)
    return (target + torch.randn(*shape, 3, generator=generator) * 0.1).requires_grad_(), target


def versions(axis: str, form: str) -> tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]:
    options = {"margin": {"margin": MARGIN}, "logistic": {"tau": TAU}, "soft": {"tau": TAU}}.get(form, {})
    return objectives.build(f"{axis}_rdc", form=form, **options), lambda p, t: plain(axis, form, p, t)


def step(loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, target: Tensor) -> float:
    """Seconds of one forward and backward pass."""
    pred.grad = None
    start = time.process_time()
    loss(pred, target).backward()
    return time.process_time() - start


def resident(what: str) -> float:
    """MiB of this process: ``VmRSS`` now, ``VmHWM`` at its peak."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) / 1024


def extra_memory(loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, target: Tensor) -> float:
    """MiB that one forward and backward pass needs at its peak beyond what was there before."""
    pred.grad = None
    ctypes.CDLL(None).malloc_trim(0)  # freed memory that the allocator kept would hide new use
    Path("/proc/self/clear_refs").write_text("5")  # forget the old peak
    before = resident("VmRSS")
    step(loss, pred, target)
    return resident("VmHWM") - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=["16x243x17", "32x81x17"], help="batch x frames x joints")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| shape | term | form | ms | plain ms | faster | MiB | plain MiB |")
    print("| --- | --- | --- | --: | --: | --: | --: | --: |")
    for text in args.shapes:
        b, t, k = (int(part) for part in text.split("x"))
        pred, target = poses((b, t, k))
        for axis in ("spatial", "temporal"):
            for form in FORMS:
                ours, theirs = versions(axis, form)
                for loss in (ours, theirs):
                    step(loss, pred, target)
                pairs = [(step(ours, pred, target), step(theirs, pred, target)) for _ in range(args.rounds)]
                mine, other = (1000 * statistics.median(side) for side in zip(*pairs, strict=True))
                memory = [extra_memory(loss, pred, target) for loss in (ours, theirs)]
                print(
                    f"| {text} | {axis} | {form} | {mine:.2f} | {other:.2f} | {other / mine:.1f}× "
                    f"| {memory[0]:.0f} | {memory[1]:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
