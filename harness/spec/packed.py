"""How runs would share a machine, by what probes measured: what a plan says of it before anything starts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.spec import sizes
from harness.spec.probes import Probe, Probes
from harness.spec.run import Run

_GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Packed:
    """What is known of the shares of a spec's runs.

    Attributes:
        probes: that tell of them.
        gpu_of: the share of a GPU that a run has; None where runs train without one.
        workers: how many this machine holds at once.
        lines: the same for people.
    """

    probes: Probes
    gpu_of: Callable[[Run], float] | None
    workers: int
    lines: tuple[str, ...]


def of_spec(resources: Any, test: Any, runs: Sequence[Run], node: sizes.Node | None = None) -> Packed:
    """How the runs would share ``node``, by default this machine.

    A machine without a GPU may plan for one that has: then its processors count alone.
    """
    node = node or here()
    probes = _probes(resources, test, runs)
    on_gpu = probes.gpu
    sized: Counter[tuple[sizes.Size, Probe | None]] = Counter()
    for run in runs:
        known = probes.of(run)
        sized[sizes.needed(resources, known, gpus=on_gpu), known] += 1
    lines = _by_gpu(resources, sized, probes.gpu) + _by_memory(resources, sized, node)

    def share(run: Run) -> float:
        return sizes.needed(resources, probes.of(run), gpus=on_gpu).gpu

    return Packed(probes, share if on_gpu else None, _workers(sized, node), tuple(lines))


def here() -> sizes.Node:
    """What this machine has."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        memory = 0
    gpus = len(list(_GPUS.iterdir())) if _GPUS.is_dir() else 0
    return {"CPU": float(os.cpu_count() or 1), "GPU": float(gpus), "memory": float(memory)}


def _probes(resources: Any, test: Any, runs: Sequence[Run]) -> Probes:
    """Those on a GPU, if runs train on one; with ``gpu: auto`` if any is kept."""
    if resources.gpu != "auto":
        return Probes(test, gpu=float(resources.gpu) > 0)
    found = Probes(test, gpu=True)
    return found if any(found.of(run) is not None for run in runs) else Probes(test, gpu=False)


def _workers(sized: Counter[tuple[sizes.Size, Probe | None]], node: sizes.Node) -> int:
    """Runs at once, of the sort of which the fewest fit."""
    fits = []
    for size, known in sized:
        size = size if node.get("GPU") else sizes.Size(size.cpu, 0.0, size.memory)
        try:
            fits.append(sizes.settled(size, known.shared if known is not None else 0, [node]).on(node))
        except UserError:  # for another machine than this
            fits.append(1)
    return max(1, min(fits, default=1))


def _by_gpu(resources: Any, sized: Counter[tuple[sizes.Size, Probe | None]], on_gpu: bool) -> list[str]:
    if resources.gpu != "auto" or not on_gpu:
        return []
    lines = []
    for (size, known), count in sorted(sized.items(), key=lambda item: -item[0][0].gpu):
        runs = f"{count} run{'s' * (count != 1)}"
        if known is None:
            lines.append(f"packing: {runs} alone on a GPU until a probe tells more")
        else:
            memory = f"{known.gpu / 1e9:.3g} of {known.gpu_total / 1e9:.3g} GB each"
            lines.append(f"packing: {runs}, {sizes.per_gpu(size.gpu)} to a GPU ({memory}, on {known.hardware})")
    return lines


def _by_memory(resources: Any, sized: Counter[tuple[sizes.Size, Probe | None]], node: sizes.Node) -> list[str]:
    known = [probe for _, probe in sized if probe is not None]
    if not sizes.measured(resources) or not known:
        return []
    largest = max(known, key=lambda probe: probe.own)
    text = f"memory: up to {largest.own / 1e9:.2g} GB of its own for a run"
    text += f", and {largest.shared / 1e9:.2g} GB that all on a machine share"
    return [f"{text}; this machine has {node.get('memory', 0.0) / 1e9:.3g} GB"]
