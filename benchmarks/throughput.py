"""Throughput of the training loop as a share of the bare forward, backward and step of its network.

    python benchmarks/throughput.py [--channels 256] [--window 81] [--batch 32] [--blocks 8]

The bare loop feeds one fixed batch to the same network with the same optimiser and the mean
per-joint error; the whole loop draws windows, adds noise and occlusion, flips, computes the objective,
clips, and samples the terms' gradients, as `repose run` does. Both run in turn on one thread in one
process, in blocks, so that a machine that slows down slows both. Validation is timed apart.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from harness import occlusion
from harness.objectives.term import Context, Output
from harness.spec.run import Choice, Data, Run, Train
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.optimisation import make_optimiser
from harness.training.stage import Supervised, supervised_state
from harness.training.train import build_lifter, build_objective, training_batches
from harness.training.validation import validation_mpjpe

OBJECTIVES = {
    "mpjpe": {"mpjpe": {"weight": 1.0}},
    "+ spatial": {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1}},
    "+ temporal": {"mpjpe": {"weight": 1.0}, "temporal_rdc": {"weight": 0.1}},
    "+ both": {"mpjpe": {"weight": 1.0}, "spatial_rdc": {"weight": 0.1}, "temporal_rdc": {"weight": 0.1}},
}
AIMS = {"mpjpe": 0.90, "+ both": 0.80}
STEPS = 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--window", type=int, default=81)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10, help="steps of a block")
    args = parser.parse_args()
    torch.set_num_threads(1)
    network = f"videopose3d 3,3,3,3 × {args.channels} channels, window {args.window}, batch {args.batch}, 1 thread"
    print(network)
    for name, objective in OBJECTIVES.items():
        run = make_run(objective, args)
        material = open_material(run.data)
        observer = Observer(run.data.noise, "none", material.skeleton)
        whole, bare = whole_loop(run, material, observer), bare_loop(run, material, observer)
        whole(2), bare(2)  # warm up
        pairs = [(timed(bare, args.steps), timed(whole, args.steps)) for _ in range(args.blocks)]
        share = statistics.median(b / w for b, w in pairs)
        step = statistics.median(b for b, _ in pairs) / args.steps
        aim = f"(aim ≥ {AIMS[name]:.0%})" if name in AIMS else ""
        print(f"  {name:11s} bare step {1e3 * step:7.1f} ms   whole loop at {share:6.1%} of its throughput {aim}")
    sampled = probing(run, material, observer)
    print(f"  sampling the terms' gradients takes {sampled:.2%} of the loop with both (aim < 2 %)")
    lifter = build_lifter(run, material, observer)
    levels = [occlusion.level(level) for level in run.train.validate_on]
    seconds = timed(lambda _: validation_mpjpe(lifter, material.validation, levels, observer, torch.device("cpu")), 1)
    share = run.train.epochs * seconds / (STEPS * step)
    print(f"  validation  {seconds:.2f} s × {run.train.epochs} epochs = {share:.1%} of {STEPS} bare steps")


def make_run(objective: dict, args: argparse.Namespace) -> Run:
    return Run(
        data=Data(window=args.window),
        backbone=Choice(name="videopose3d", options={"filter_widths": [3, 3, 3, 3], "channels": args.channels}),
        objective=objective,
        train=Train(steps=STEPS, batch=args.batch, occlusion="moderate"),
    )


def whole_loop(run: Run, material, observer: Observer):
    """Advance a real run by so many steps."""
    lifter = build_lifter(run, material, observer)
    batches = training_batches(run, material, observer, lifter, torch.device("cpu"))
    state = supervised_state(run, lifter)
    stage = Supervised(run, build_objective(run, material), probe_every=STEPS // 40)
    lifter.train()

    def advance(steps: int) -> None:
        for _ in range(steps):
            context = Context(epoch=0, step=state.step, modules=state.modules, skeleton=material.skeleton)
            stage.step(state, batches[state.step], context)
            state.step += 1

    return advance


def bare_loop(run: Run, material, observer: Observer):
    """Forward, mean per-joint error, backward and optimiser step on one fixed batch."""
    lifter = build_lifter(run, material, observer)
    batch = training_batches(run, material, observer, lifter, torch.device("cpu"))[0]
    optimiser = make_optimiser(run.train, lifter.parameters())
    lifter.train()

    def advance(steps: int) -> None:
        for _ in range(steps):
            optimiser.zero_grad(set_to_none=True)
            torch.linalg.vector_norm(lifter(batch.inputs) - batch.target, dim=-1).mean().backward()
            optimiser.step()

    return advance


def probing(run: Run, material, observer: Observer) -> float:
    """Share of the loop's time that comparing the terms' gradients takes, sampled as a run does."""
    every = max(1, STEPS // 40)
    lifter = build_lifter(run, material, observer).train()
    batches = training_batches(run, material, observer, lifter, torch.device("cpu"))
    state, objective = supervised_state(run, lifter), build_objective(run, material)
    seldom = Supervised(run, objective, probe_every=10**9)
    steps, probes = [], []
    for step in range(1, 16):
        context = Context(epoch=0, step=step, modules=state.modules, skeleton=material.skeleton)
        steps.append(timed(lambda _, c=context: seldom.step(state, batches[c.step], c), 1))
        pose = Output(pose=lifter(batches[step].inputs).detach())
        probes.append(timed(lambda n, p=pose, c=context: objective.shares(p, batches[n], c), step))
    return statistics.median(probes) / every / statistics.median(steps)


def timed(function, steps: int) -> float:
    began = time.perf_counter()
    function(steps)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
