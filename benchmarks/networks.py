"""Forward and step time of every network, small and published sizes, beside videopose3d in the same run.

    python benchmarks/networks.py                        # the small sizes, a minute
    python benchmarks/networks.py --published            # the published ones too, some minutes on a CPU
    python benchmarks/networks.py mixste-s pstmo-tiny    # these, beside videopose3d-s
    python benchmarks/networks.py --device cuda --batch 256 --precision bfloat16 --compile

Each network predicts `--frames-out` frames of windows of `--window` frames (of more, where it reads more at a
time), with untrained weights. A step is forward, mean per-joint error, backward and optimiser step. Times are
medians on one thread; ratios are to the network of that size class which comes first. With --compile each network is
timed uncompiled too, just before, and the last column says how many times faster its step has become.
"""

from __future__ import annotations

import argparse

import backbones
from harness.spec.run import Train
from harness.training.cost import described, measure, usable

SMALL = (
    "videopose3d-s",
    "multistride_tcn-s",
    "simple_baseline",
    "poseformer-s",
    "poseformerv2-s",
    "pstmo-tiny",
    "mixste-s",
    "dstformer-tiny",
    "motionagformer-tiny",
)
CLOSED = ("ridge", "constant_pose")  # solved, not trained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="default: the small ones")
    parser.add_argument("--window", type=int, default=27)
    parser.add_argument("--frames-out", type=int, help="default: what each network gives")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--device")
    parser.add_argument("--published", action="store_true", help="the published sizes too")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--budget", type=float, default=0.5, help="seconds for which a pass is repeated")
    given = parser.parse_args()
    where = usable(given.device)
    train = Train(precision=given.precision, compile=given.compile)
    compiled = ", compiled" if given.compile else ""
    print(f"{described(where)}; {given.precision}{compiled}; batches of {given.batch} windows")
    shared = dict(frames_out=given.frames_out, batch=given.batch, device=where, train=train, budget=given.budget)
    chosen = tuple(dict.fromkeys((SMALL[0], *given.names))) if given.names else SMALL
    table("chosen" if given.names else "small", chosen, window=given.window, **shared)
    if given.published:
        published = [name for name in backbones.LINES if name not in SMALL and name not in CLOSED]
        table("published", published, window=given.window, **shared)


def table(title: str, names, **how) -> None:
    """One line a network; the first is the measure of the others."""
    plain = how["train"].model_copy(update={"compile": False}) if how["train"].compile else None
    heads = f"| {title} | frames in → out | forward, ms | × {names[0]} | step, ms | × {names[0]} | MACs/frame, M |"
    print(f"\n{heads}{' step, uncompiled ÷ compiled |' if plain else ''}")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |" + " ---: |" * bool(plain))
    first = None
    for name in names:
        before = measure(name, **{**how, "train": plain}).step if plain else None
        found = measure(name, **how)
        assert found.step is not None, f"{name} can't be trained"
        forward, step = found.forward.seconds, found.step.seconds
        first = first or (forward, step)
        frames = f"{found.counted.window} → {found.counted.frames_out}"
        ratios = f"{forward * 1e3:.1f} | {forward / first[0]:.1f} | {step * 1e3:.1f} | {step / first[1]:.1f}"
        gained = f" {before.seconds / step:.2f} |" if before else ""
        print(f"| {name} | {frames} | {ratios} | {found.counted.macs / 1e6:,.2f} |{gained}", flush=True)


if __name__ == "__main__":
    main()
