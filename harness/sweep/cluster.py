"""Ray, started or joined, without its chatter; and how many workers it can hold."""

from __future__ import annotations

import logging
import math
import os
import socket
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError

_TINY = 1e-9
_LIMIT = 5.0
"""Seconds a cluster has to answer."""
_STORE = 200_000_000
"""Bytes of Ray's object store: only runs and outcomes travel, never tensors."""


@dataclass(frozen=True)
class Cluster:
    """A Ray session.

    Attributes:
        owned: started or joined here, so stopped or left here.
        joined: runs without this sweep, so nodes may join it.
        workers: how many to begin with.
        cpu, gpu: a worker's share.
        limit: of workers that have something to do, or that are wanted.
        fixed: so many are wanted, whatever fits now.
    """

    owned: bool
    joined: bool
    workers: int
    cpu: float = 1.0
    gpu: float = 0.0
    limit: int = 1
    fixed: bool = False

    def stop(self) -> None:
        """Leave it as it was found."""
        if self.owned:
            import ray

            ray.shutdown()

    def wanted(self) -> int:
        """How many workers to have now: more once nodes have joined."""
        return self.limit if self.fixed else min(_fitting(_alive(), self.cpu, self.gpu), self.limit)

    def lack(self) -> str:
        """What a worker needs and what is free, for people."""
        import ray

        nodes, free, whole = _alive(), ray.available_resources(), ray.cluster_resources()
        shares = [(name, share) for name, share in (("CPU", self.cpu), ("GPU", self.gpu)) if share]
        needs = " and ".join(_count(share, name) for name, share in shares)
        left = " and ".join(f"{free.get(name, 0.0):g} of {_count(whole.get(name, 0.0), name)}" for name, _ in shares)
        where = f"on {len(nodes)} nodes" if len(nodes) != 1 else "on its one node"
        return f"each needs {needs}, free {where}: {left}"


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _count(amount: float, name: str) -> str:
    return f"{amount:g} {name}{'s' * (amount != 1)}"


def _alive() -> list[dict[str, float]]:
    """What each node has in all."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def start(resources: Any, *, workers: int | None, address: str | None, at_most: int, threads: int) -> Cluster:
    """Start Ray on this machine, or join the cluster at ``address`` (or the session of this process).

    Args:
        resources: a run's ``cpu`` and ``gpu`` share.
        workers: how many are wanted; None is as many as fit.
        address: ``auto``, ``host:port`` or ``ray://host:port``; None starts Ray here.
        at_most: more workers than this have nothing to do.
        threads: CPU threads of a worker.

    Raises:
        UserError: nobody is at the address, or no node can hold one run.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    cpu, gpu = float(resources.cpu), float(resources.gpu)
    owned = not ray.is_initialized()
    if owned:
        quiet: Any = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            os.environ["OMP_NUM_THREADS"] = str(threads)  # inherited by the workers, before they load anything
            wanted = min(workers or max(1, math.floor(cores() / cpu + _TINY)), at_most)
            count = max(cores(), math.ceil(wanted * cpu - _TINY)) if workers or wanted == 1 else cores()
            ray.init("local", num_cpus=count, include_dashboard=False, object_store_memory=_STORE, **quiet)
        else:
            _knock(address)
            try:
                ray.init(address, runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads)}}, **quiet)
            except (ConnectionError, ValueError, RuntimeError) as error:
                hint = "if it runs, is RAY_AUTH_MODE (and the token) the same on both sides?"
                raise UserError(f"no Ray cluster answers at '{address}': {error}; {hint}") from error
    _silence()
    try:
        room = _room(_alive(), cpu, gpu)
    except UserError:
        if owned:
            ray.shutdown()
        raise
    limit = min(workers or at_most, at_most)
    # On a cluster so many workers as are asked for wait for room, by which one that grows by itself knows its demand.
    fixed = workers is not None and address is not None
    first = limit if fixed else max(1, min(room, limit))
    return Cluster(owned, not owned or address is not None, first, cpu, gpu, limit, fixed)


def _knock(address: str) -> None:
    """See that somebody listens: Ray itself tries for minutes. ``auto`` is looked up by Ray."""
    given = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    host, _, port = given.removeprefix("ray://").rpartition(":")
    if given == "auto":
        return
    if not host or not port.isdigit():
        raise UserError(f"'{given}' is no address of a Ray cluster; expected auto, host:port or ray://host:port")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_LIMIT).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at '{given}': {error}") from None


def _room(nodes: list[dict[str, float]], cpu: float, gpu: float) -> int:
    """Runs that fit at once. What no single node can hold would wait for ever without a word: refused."""
    for name, share in (("CPU", cpu), ("GPU", gpu)):
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if share > most + _TINY:
            raise UserError(
                f"a run needs {share:g} {name}s and no node of the cluster has more than {most:g}",
                key=f"resources.{name.lower()}",
            )
    return _fitting(nodes, cpu, gpu)


def _fitting(nodes: list[dict[str, float]], cpu: float, gpu: float) -> int:
    return sum(_fits(node, cpu, gpu) for node in nodes)


def _fits(node: dict[str, float], cpu: float, gpu: float) -> int:
    gpus = math.floor(node.get("GPU", 0.0) + _TINY)
    # A share below one stays on one GPU; what it leaves over there is no use to others of its size.
    by_gpu = math.inf if not gpu else gpus * math.floor(1 / gpu + _TINY) if gpu <= 1 else gpus // math.ceil(gpu)
    return int(min(math.floor(node.get("CPU", 0.0) / cpu + _TINY), by_gpu))


def _silence() -> None:
    """Ray prints a ``(raylet)`` paragraph for each worker that dies, whatever `log_to_driver` says.

    The driver says it in a line of its own. There's no public switch, so the printing function is replaced.
    """
    from ray._private import worker

    worker.print_to_stdstream = lambda data, ignore_prefix: None
