"""Time and memory of every loss term; those of depth order beside their plain form, and that compiled.

    python benchmarks/losses.py [--shapes 16x243x17] [--rounds 8] [--no-compile] [--no-terms]

Depth order: each form over all pairs of joints or frames, forward and backward, on the same (B, T, K, 3) poses of human
size. The plain form makes the tensor of all ordered pairs and lets autograd differentiate it. The versions run in
turns, a few passes each, on one thread; the fastest pass of each counts, which a busy neighbour disturbs least.
Memory is by how much a pass raises the resident memory at its peak (Linux).

All terms: the same, each with its default options on a batch of the built-in data, and as a share of one training
step of VideoPose3D. A term with companions (a discriminator, a teacher, …) is charged the step that trains with it
less the step that does not.
"""

from __future__ import annotations

import argparse
import ctypes
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from harness import objectives, registry
from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Choice, Data, Run, Train
from harness.training.companion import companions_of
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.stage import Supervised, supervised_state
from harness.training.train import build_lifter, build_objective, training_batches

FORMS = ("hinge", "margin", "logistic", "soft", "difference", "placebo")
MARGIN = TAU = 0.05
IN_TURN = 5  # passes of one version before the next has its turn

Loss = Callable[[Tensor, Tensor], Tensor]


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


def poses(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Joints of a body half a metre deep that sways by decimetres, and a prediction 10 cm off."""
    generator = torch.Generator().manual_seed(0)
    body = torch.randn(shape[0], 1, shape[2], 3, generator=generator) * 0.25
    sway = torch.randn(*shape, 3, generator=generator).mul_(0.01).cumsum(1)
    return (body + sway + torch.randn(*shape, 3, generator=generator) * 0.1).requires_grad_(), body + sway


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def fastest(versions: list[Callable[[], object]], rounds: int) -> list[float]:
    """Milliseconds of the fastest pass of each, taken in turns."""
    for version in versions:
        version()
    best = [float("inf")] * len(versions)
    for _ in range(rounds):
        for at, version in enumerate(versions):
            best[at] = min(best[at], *(seconds(version) for _ in range(IN_TURN)))
    return [1000 * each for each in best]


def extra_memory(function: Callable[[], object]) -> float:
    """MiB that one pass needs at its peak beyond what was there before."""
    ctypes.CDLL(None).malloc_trim(0)  # freed memory that the allocator kept would hide new use
    Path("/proc/self/clear_refs").write_text("5")  # forget the old peak
    before = resident("VmRSS")
    function()
    return resident("VmHWM") - before


def resident(what: str) -> float:
    """MiB of this process: ``VmRSS`` now, ``VmHWM`` at its peak."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) / 1024


def both_ways(loss: Loss, pred: Tensor, target: Tensor) -> Callable[[], None]:
    def run() -> None:
        pred.grad = None
        loss(pred, target).backward()

    return run


def depth_order(shape: tuple[int, ...], rounds: int, compiled: bool) -> None:
    pred, target = poses(shape)
    name = "x".join(map(str, shape))
    for axis in ("spatial", "temporal"):
        for form in FORMS:
            options = {"margin": {"margin": MARGIN}, "logistic": {"tau": TAU}, "soft": {"tau": TAU}}.get(form, {})
            ours = objectives.build(f"{axis}_rdc", form=form, **options)
            first = 1000 * seconds(both_ways(ours, pred, target))  # may compile the loop, or load it

            def theirs(p: Tensor, t: Tensor, axis: str = axis, form: str = form) -> Tensor:
                return plain(axis, form, p, t)

            versions = [both_ways(ours, pred, target), both_ways(theirs, pred, target)]
            if compiled:
                torch._dynamo.reset()
                versions.append(both_ways(torch.compile(theirs), pred, target))
            best = fastest(versions, rounds)
            memory = [extra_memory(version) for version in versions[:2]]
            other = f"{best[2]:.2f} | {best[2] / best[0]:.1f}×" if compiled else "– | –"
            print(
                f"| {name} | {axis} | {form} | {best[0]:.2f} | {best[1]:.2f} | {best[1] / best[0]:.1f}× | {other} "
                f"| {memory[0]:.0f} | {memory[1]:.0f} | {first:.0f} |",
                flush=True,
            )


def make_run(objective: dict[str, dict[str, float]], batch: int, frames: int, channels: int) -> Run:
    network = Choice(name="videopose3d", options={"filter_widths": [3] * 5, "channels": channels})
    return Run(
        data=Data(window=frames),
        backbone=network,
        objective={"mpjpe": {"weight": 1.0}, **objective},
        train=Train(steps=1000, batch=batch, occlusion="moderate"),
    )


def training_step(run: Run) -> tuple[Callable[[], None], Batch]:
    """One step of a real run, again and again on its first batch; and that batch."""
    material = open_material(run.data)
    observer = Observer(run.data.noise, "none", material.skeleton)
    lifter = build_lifter(run, material, observer)
    batch = training_batches(run, material, observer, lifter, torch.device("cpu"))[0]
    companions = companions_of(run, material, observer, lifter)
    stage = Supervised(run, build_objective(run, material), probe_every=10**9, companions=companions)
    state = supervised_state(run, lifter)
    stage.enter(state, torch.device("cpu"))
    lifter.train()

    def advance() -> None:
        stage.step(state, batch, Context(epoch=0, step=1, modules=state.modules, skeleton=material.skeleton))

    return advance, batch


def every_term(batch_size: int, frames: int, channels: int, rounds: int) -> None:
    bare, _ = training_step(make_run({}, batch_size, frames, channels))
    (step,) = fastest([bare], 1)
    print(f"\nA step of videopose3d (3,3,3,3,3 × {channels}, {frames} frames, batch {batch_size}): {step:.0f} ms\n")
    print("| term | ms | share of a step | MiB |\n| --- | --: | --: | --: |")
    for name in registry.entries("losses"):
        entry = registry.get("losses", name)
        if registry.attribute(entry, "companion", None) is not None:
            whole, _ = training_step(make_run({name: {"weight": 0.1}}, batch_size, frames, channels))
            without, cost = fastest([bare, whole], 1)
            more = max(0.0, extra_memory(whole) - extra_memory(bare))
            share = (cost - without) / without
            print(f"| {name} | {cost - without:.2f}, companions included | {share:.1%} | {more:.0f} |", flush=True)
            continue
        second_head = registry.attribute(entry, "head", None)
        objective = {} if second_head else {name: {"weight": 0.1}}
        _, batch = training_step(make_run(objective, batch_size, frames, 8))
        batch = replace(batch, whole=batch.target, whole_valid=batch.valid) if second_head else batch
        term = objectives.build_term(name, skeleton=open_material(Data()).skeleton)
        noise = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(0))
        leaf = (batch.target + 0.1 * noise).requires_grad_()

        def run(pose: Tensor = leaf, term=term, batch: Batch = batch, head=second_head) -> None:
            pose.grad = None
            term(Output(pose, {head: pose} if head else {}), batch, Context(skeleton=term.skeleton)).backward()

        (cost,) = fastest([run], rounds)
        print(f"| {name} | {cost:.2f} | {cost / step:.1%} | {extra_memory(run):.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="*", default=["16x243x17", "4x81x133"], help="batch x frames x joints")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--channels", type=int, default=256, help="of the network whose step is the measure")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--no-terms", action="store_true", help="depth order only")
    args = parser.parse_args()
    torch.set_num_threads(1)
    compiled = not args.no_compile
    if compiled:
        try:
            torch.compile(lambda x: x + 1)(torch.ones(2))
        except Exception as error:  # no C++ compiler, or one that torch can't use
            print(f"torch.compile does not work here, and is left out: {str(error).splitlines()[0]}\n")
            compiled = False
    print("| shape | term | form | ms | plain ms | faster | compiled ms | faster | MiB | plain MiB | first ms |")
    print("| --- | --- | --- | --: | --: | --: | --: | --: | --: | --: | --: |")
    for text in args.shapes:
        depth_order(tuple(int(part) for part in text.split("x")), args.rounds, compiled)
    if not args.no_terms:
        every_term(16, 243, args.channels, args.rounds)


if __name__ == "__main__":
    main()
