"""Probes of a spec's runs, on the machines that would do them: one of each cost, one after another."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from harness import tracking
from harness.errors import UserError
from harness.spec import sizes
from harness.spec.packed import of_spec
from harness.spec.plan import estimates
from harness.spec.probes import Probe, Probes
from harness.spec.sizes import Size
from harness.sweep import body, cluster, freight
from harness.sweep.outcome import label
from harness.sweep.room import Waiting
from harness.sweep.worker import describe

DEFAULT = "harness.training.probe:probe"
_POLL = 0.5


class Prober:
    """The body of a Ray actor that measures one run and ends, so that its memory is that of the run."""

    def __init__(self, threads: int) -> None:
        os.environ.update({f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS")})

    def lacking(self, files: Mapping[str, freight.Known]) -> list[str]:
        """Which files this machine doesn't have; it has a place, then."""
        return freight.lacking(files)

    def measure(self, name: str, run: Any, test: Any, parcels: Sequence[freight.Parcel] = ()) -> Probe:
        """What ``module:function`` measures of a run, which reads what is sent in ``parcels`` from where it is put."""
        places = freight.receive(parcels)
        found: Any = body.load(name)
        probe: Probe = found(freight.moved(run, places), test)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return replace(probe, hardware=probe.hardware or tracking.hardware(), at=probe.at or at)


def probe_spec(
    spec: Any,
    finished: Mapping[str, tracking.Record],
    *,
    address: str | None = None,
    say: Callable[[str], None],
    probe: str | None = None,
) -> dict[str, str]:
    """Measure one run of each cost that neither finished runs nor kept probes tell of.

    Args:
        spec: the spec.
        finished: run_id → record of those that are done.
        address: a Ray cluster to measure on; this machine by default.
        say: told what is measured.
        probe: what measures, ``module:function``.
    Returns:
        what couldn't be measured: label → reason.
    Raises:
        UserError: nobody is at ``address``, or no node can hold one run.
    """
    to_do = [run for run in spec.runs if run.run_id not in finished]
    if not sizes.measured(spec.resources):  # then it's for their time alone
        like = estimates(to_do, finished.values(), tracking.shape_of)
        to_do = [run for run, seconds in zip(to_do, like, strict=True) if seconds is None]
    if not of_spec(spec.resources, spec.test, to_do).probes.lacking(to_do) and spec.resources.gpu != "auto":
        return {}
    threads = max(run.train.threads for run in to_do)
    held = cluster.start(_for_one(spec.resources), workers=1, address=address, at_most=1, threads=threads)
    try:
        gpus = on_gpu(spec.resources)
        return measure(
            to_do, spec.test, Probes(spec.test, gpu=gpus), spec.resources, say=say, probe=probe, joined=held.joined
        )
    finally:
        held.stop()


def on_gpu(resources: Any) -> bool:
    """Whether runs would train on a GPU of the cluster at hand."""
    gpus = max((node.get("GPU", 0.0) for node in cluster.nodes()), default=0.0)
    return gpus >= 1 if resources.gpu == "auto" else float(resources.gpu) > 0


def measure(
    runs: Sequence[Any],
    test: Any,
    probes: Probes,
    resources: Any,
    *,
    say: Callable[[str], None],
    probe: str | None = None,
    joined: bool = False,
) -> dict[str, str]:
    """Measure, in the Ray session at hand, one run of each cost that isn't kept; what couldn't be: label → reason.

    ``joined``: others use the session's machines too, which may be full.
    """
    gpus, lacking, wrong = on_gpu(resources), probes.lacking(list(runs)), {}
    size = Size(float(resources.cpu), float(gpus))
    held = cluster.Cluster(owned=False, joined=joined, workers=1, size=size)
    depot = freight.Depot()
    for number, run in enumerate(lacking, start=1):
        say(f"probe {number} of {len(lacking)}: a few steps of {label(run)}")
        try:
            probes.keep(run, _one(run, test, held, depot, probe or DEFAULT, say))
        except UserError as error:
            wrong[label(run)] = str(error)
            say(f"no probe of {label(run)}: {error}")
    return wrong


def _one(
    run: Any, test: Any, held: cluster.Cluster, depot: freight.Depot, probe: str, say: Callable[[str], None]
) -> Probe:
    """One run in a process of its own, alone on its GPU, with the files that its machine lacks.

    Raises:
        UserError: it fails, or its process dies.
    """
    import ray

    remote: Any = ray.remote
    size = held.size
    actor = remote(num_cpus=size.cpu, num_gpus=int(size.gpu), max_restarts=0, max_task_retries=0)(Prober).remote(
        run.train.threads
    )
    try:
        lacking = _placed(actor.lacking.remote(freight.read_by([run])), held, say)
        parcels = depot.pack(lacking)
        while depot.said:
            say(depot.said.pop(0))
        return ray.get(actor.measure.remote(probe, run, test, parcels))
    except ray.exceptions.RayTaskError as error:
        raise UserError(describe(getattr(error, "cause", None) or error)) from None
    except ray.exceptions.RayError:
        raise UserError("its process died: killed, out of memory, or crashed") from None
    finally:
        ray.kill(actor, no_restart=True)


def _placed(answer: Any, held: cluster.Cluster, say: Callable[[str], None]) -> Any:
    """What a process answers first, which has no place before; told of, where that takes long."""
    import ray

    waiting, began = Waiting(held, lambda text, style=None: say(text)), time.monotonic()
    while not ray.wait([answer], timeout=_POLL)[0]:
        waiting.look([time.monotonic() - began], 1)
    waiting.look([], 1)
    return ray.get(answer)


def _for_one(resources: Any) -> Any:
    """What a probe needs before it is known what a run does."""
    gpu = 0.0 if resources.gpu == "auto" else min(1.0, math.ceil(resources.gpu))
    return SimpleNamespace(cpu=resources.cpu, gpu=gpu, memory=None)
