"""How the runs of a sweep share its machines: all alike, or each sort by what a probe measured of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.errors import UserError
from harness.spec import sizes
from harness.spec.probes import Probes
from harness.spec.sizes import Size
from harness.sweep import cluster, probing
from harness.sweep.cluster import Cluster
from harness.sweep.outcome import label

if TYPE_CHECKING:
    from harness.sweep.pool import Pool
    from harness.sweep.queue import Queue


class Packing:
    """The shares of a sweep's runs. Workers have one share at a time, the largest that a waiting run needs.

    Where the spec leaves shares to a probe, those of runs that no probe tells of are measured when this is made.

    Args:
        spec: has ``resources`` and ``test``.
        runs: of the sweep.
        held: the cluster, with what the spec says in numbers.

    Attributes:
        cluster: with the share that workers have now.
    Raises:
        UserError: no node can hold a run.
    """

    def __init__(self, spec: Any, runs: Sequence[Any], held: Cluster) -> None:
        self._shares: dict[str, Size] = {}
        if sizes.measured(spec.resources):
            self._shares = shares(spec, runs, cluster.nodes(), say=_say, joined=held.joined)
        self.cluster = held
        if self._shares:
            self._size(Counter(self._shares.values()))

    def following(self, queue: Queue) -> tuple[str, int] | None:
        """The next run that the workers there are have a share for, taken out of the queue, and its generation."""
        if not self._shares:
            return queue.runs.popleft() if queue.runs else None
        for place, (run_id, _) in enumerate(queue.runs):
            if self._shares[run_id] == self.cluster.size:
                found = queue.runs[place]
                del queue.runs[place]
                return found
        return None

    def turn(self, queue: Queue, pool: Pool) -> bool:
        """Have workers of another share once there's nothing left for these; whether it was so."""
        if not self._shares or not queue.runs or queue.added or pool.jobs:
            return False
        waiting = Counter(self._shares[run_id] for run_id, _ in queue.runs)
        if self.cluster.size in waiting:
            return False
        self._size(waiting)
        pool.reshape(self.cluster.workers, self.cluster.size)
        return True

    def _size(self, waiting: Counter[Size]) -> None:
        """Workers for the largest share that is waited for."""
        size = max(waiting, key=_rank)
        sized = self.cluster.sized(size)
        self.cluster = replace(sized, workers=min(sized.workers, waiting[size]))


def shares(
    spec: Any,
    runs: Sequence[Any],
    nodes: Sequence[sizes.Node],
    *,
    say: Callable[[str], None],
    joined: bool = False,
) -> dict[str, Size]:
    """The share of a node that each run's worker has, by run_id, as probes have it.

    Args:
        spec: has ``resources`` and ``test``.
        runs: to be done.
        nodes: of the cluster, as Ray counts what they have.
        say: told what is measured, and how many go on a machine.
        joined: others use the machines too, see `probing.measure`.
    Raises:
        UserError: no node can hold a run.
    """
    resources = spec.resources
    gpus = probing.on_gpu(resources)
    if resources.gpu == "auto" and not gpus:
        say("resources.gpu is auto and there's no GPU: runs train on the CPU, as many as its memory holds")
    probes = Probes(spec.test, gpu=gpus)
    probing.measure(runs, spec.test, probes, resources, say=say, joined=joined)
    found: dict[str, Size] = {}
    for run in runs:
        known = probes.of(run)
        size = sizes.needed(resources, known, gpus=gpus)
        try:
            found[run.run_id] = sizes.settled(size, known.shared if known is not None else 0, nodes)
        except UserError as error:
            raise UserError(f"{label(run)}: {error.message}", key=error.key) from None
    for size, count in sorted(Counter(found.values()).items(), key=lambda item: _rank(item[0]), reverse=True):
        at_once = sum(size.on(node) for node in nodes)
        say(f"{count} run{'s' * (count != 1)} with {words(size)} each: room for {at_once} at once")
    return found


def words(size: Size) -> str:
    """A share of a node, for people."""
    parts = [f"{size.gpu:.3g} of a GPU"] if 0 < size.gpu < 1 else [f"{size.gpu:g} GPU"] if size.gpu else []
    parts += [f"{size.memory / 1e9:.2g} GB of memory"] if size.memory else []
    return ", ".join([f"{size.cpu:g} CPU", *parts])


def _rank(size: Size) -> tuple[float, int]:
    return size.gpu, size.memory


def _say(text: str) -> None:
    print(text, flush=True)
