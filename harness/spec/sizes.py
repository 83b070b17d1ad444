"""What a worker takes of a machine: as the spec says, or as a probe measured it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.errors import UserError
from harness.spec.probes import Probe

MARGIN = 1.2
"""What is measured in a few steps is held to be so much more: fragments, checkpoints, a longer batch."""
_FINE = 10_000
"""Ray's shares of a GPU are multiples of one part in so many."""
_TINY = 1e-9

Node = Mapping[str, float]
"""What a node has, as Ray counts it: CPU, GPU, memory (bytes)."""


@dataclass(frozen=True)
class Size:
    """The share of a node that one worker has.

    Attributes:
        cpu: processors.
        gpu: of a GPU; one that is below 1 stays on one GPU.
        memory: bytes of RAM; 0 isn't counted.
    """

    cpu: float
    gpu: float = 0.0
    memory: int = 0

    def on(self, node: Node) -> int:
        """How many such workers a node holds."""
        fits = math.floor(node.get("CPU", 0.0) / self.cpu + _TINY)
        if self.gpu:
            gpus = math.floor(node.get("GPU", 0.0) + _TINY)
            # What a share below one leaves over on its GPU is no use to others of its size.
            fits = min(fits, gpus * per_gpu(self.gpu) if self.gpu <= 1 else gpus // math.ceil(self.gpu))
        if self.memory:
            fits = min(fits, math.floor(node.get("memory", 0.0) / self.memory))
        return fits


def per_gpu(share: float) -> int:
    """Workers of this share, at most 1, on a GPU."""
    return math.floor(1 / share + _TINY)


def measured(resources: Any) -> bool:
    """Whether a spec leaves to a probe how many runs go on a machine."""
    return resources.gpu == "auto" or resources.memory == "auto"


def named(resources: Any) -> str:
    """The field that leaves it to a probe."""
    return "resources.gpu" if resources.gpu == "auto" else "resources.memory"


def gpu_share(probe: Probe) -> float:
    """The share of a GPU that a run needs for its memory: as many such runs as fit, the margin included."""
    if not probe.gpu_total:
        return 0.0
    count = max(1, math.floor(probe.gpu_total / (MARGIN * max(1, probe.gpu))))
    return math.floor(_FINE / min(count, _FINE)) / _FINE


def stated(resources: Any) -> Size:
    """What a spec says in numbers: of what it leaves to a probe, nothing."""
    gpu, memory = (0.0 if given == "auto" else float(given or 0.0) for given in (resources.gpu, resources.memory))
    return Size(float(resources.cpu), gpu, round(1e9 * memory))


def needed(resources: Any, probe: Probe | None, *, gpus: bool) -> Size:
    """The share of a node that a run needs.

    Args:
        resources: of the spec.
        probe: of the run; without one a run that was to be measured has a GPU for itself.
        gpus: whether there are any: ``gpu: auto`` trains on the CPU where there's none.
    """
    size = stated(resources)
    if resources.gpu == "auto" and gpus:
        size = replace(size, gpu=gpu_share(probe) if probe is not None and probe.gpu_total else 1.0)
    if measured(resources) and not size.memory and probe is not None:
        size = replace(size, memory=math.ceil(MARGIN * probe.own))
    return size


def settled(size: Size, shared: int, nodes: Sequence[Node]) -> Size:
    """``size`` as workers are given it on these nodes, so that sizes that pack alike are one.

    What workers of a node share is counted once: it is spread over those that the smallest node holds. What isn't
    scarce isn't counted, and where processors are scarcer than a GPU's memory a worker has more of the GPU.

    Args:
        size: with the memory of a worker's own.
        shared: bytes that all workers of a node map.
        nodes: of the cluster.
    Raises:
        UserError: no node can hold one such worker.
    """
    refuse(replace(size, memory=size.memory + shared if size.memory else 0), nodes)
    if size.memory:
        left = [{**node, "memory": max(0.0, node.get("memory", 0.0) - shared)} for node in nodes]
        holds = [size.on(node) for node in left]
        if holds == [replace(size, memory=0).on(node) for node in nodes]:
            size = replace(size, memory=0)
        else:
            size = replace(size, memory=size.memory + shared // min(count for count in holds if count))
    if 0 < size.gpu < 1:
        holds = [size.on(node) for node in nodes]
        for count in range(1, per_gpu(size.gpu)):
            wider = replace(size, gpu=math.floor(_FINE / count) / _FINE)
            if [wider.on(node) for node in nodes] == holds:
                return wider
    return size


def refuse(size: Size, nodes: Sequence[Node]) -> None:
    """See that some node can hold one such worker: it would wait for ever without a word.

    Raises:
        UserError: none can.
    """
    for name, share in (("CPU", size.cpu), ("GPU", size.gpu)):
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if share > most + _TINY:
            message = f"a run needs {share:g} {name}s and no node of the cluster has more than {most:g}"
            raise UserError(message, key=f"resources.{name.lower()}")
    most = max((node.get("memory", 0.0) for node in nodes), default=0.0)
    if size.memory > most:
        message = f"a run needs {size.memory / 1e9:.3g} GB of memory and no node of the cluster has more than"
        raise UserError(f"{message} {most / 1e9:.3g} GB to give", key="resources.memory")
    if not any(size.on(node) for node in nodes):
        parts = [f"{size.cpu:g} CPUs", *([f"{size.gpu:g} GPUs"] if size.gpu else [])]
        parts += [f"{size.memory / 1e9:.3g} GB of memory"] if size.memory else []
        raise UserError(f"a run needs {', '.join(parts)} and no node of the cluster has all of it", key="resources")
