"""Ray, started or joined, without its chatter; and how many workers it can hold."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import math
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from harness.errors import UserError
from harness.spec import sizes
from harness.spec.sizes import Node, Size
from harness.sweep import environment

_TINY = 1e-9
_GB = 1e9
_ONE = Size(1.0)
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
        size: a worker's share.
        limit: of workers that have something to do, or that are wanted.
        fixed: so many are wanted, whatever fits now.
    """

    owned: bool
    joined: bool
    workers: int
    size: Size = _ONE
    limit: int = 1
    fixed: bool = False

    def stop(self) -> None:
        """Leave it as it was found."""
        if self.owned:
            import ray

            ray.shutdown()

    def wanted(self) -> int:
        """How many workers to have now: more once nodes have joined."""
        return self.limit if self.fixed else min(_fitting(nodes(), self.size), self.limit)

    def sized(self, size: Size) -> Cluster:
        """The same for workers that have another share."""
        return replace(self, size=size, workers=_first(size, self.limit, self.fixed))

    def lack(self) -> str:
        """What a worker needs and what is free, for people."""
        import ray

        alive, free, whole = nodes(), ray.available_resources(), ray.cluster_resources()
        shares = [(name, share) for name, share in (("CPU", self.size.cpu), ("GPU", self.size.gpu)) if share]
        needs = " and ".join(_count(share, name) for name, share in shares)
        left = " and ".join(f"{free.get(name, 0.0):g} of {_count(whole.get(name, 0.0), name)}" for name, _ in shares)
        if self.size.memory:
            needs += f" and {self.size.memory / _GB:.3g} GB of memory"
            left += f" and {free.get('memory', 0.0) / _GB:.3g} of {whole.get('memory', 0.0) / _GB:.3g} GB"
        where = f"on {len(alive)} nodes" if len(alive) != 1 else "on its one node"
        return f"each needs {needs}, free {where}: {left}"


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _count(amount: float, name: str) -> str:
    return f"{amount:g} {name}{'s' * (amount != 1)}"


def nodes() -> list[dict[str, float]]:
    """What each node has in all."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def load() -> None:
    """Import Ray now, in this thread: two threads that import what both need may meet half a module."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    importlib.import_module("ray")


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

    size = sizes.stated(resources)
    owned = not ray.is_initialized()
    if owned:
        quiet: Any = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            os.environ.update(environment.of_workers(threads))  # inherited
            wanted = min(workers or max(1, math.floor(cores() / size.cpu + _TINY)), at_most)
            count = max(cores(), math.ceil(wanted * size.cpu - _TINY)) if workers or wanted == 1 else cores()
            ray.init("local", num_cpus=count, include_dashboard=False, object_store_memory=_STORE, **quiet)
        else:
            _knock(address)
            try:
                ray.init(address, runtime_env={"env_vars": environment.of_workers(threads)}, **quiet)
            except (ConnectionError, ValueError, RuntimeError) as error:
                hint = "if it runs, is RAY_AUTH_MODE (and the token) the same on both sides?"
                raise UserError(f"no Ray cluster answers at '{address}': {error}; {hint}") from error
    _silence()
    try:
        sizes.refuse(size, nodes())
    except UserError:
        if owned:
            ray.shutdown()
        raise
    limit = min(workers or at_most, at_most)
    # On a cluster so many workers as are asked for wait for room, by which one that grows by itself knows its demand.
    fixed = workers is not None and address is not None
    return Cluster(owned, not owned or address is not None, _first(size, limit, fixed), size, limit, fixed)


def _knock(address: str) -> None:
    """See that somebody listens: Ray itself tries for minutes. ``auto`` is looked up by Ray."""
    given = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if given.startswith("ray://") and importlib.util.find_spec("grpc") is None:
        raise UserError(f"'{given}' is for Ray's client, which needs grpcio: pip install 'repose-harness[cluster]'")
    host, _, port = given.removeprefix("ray://").rpartition(":")
    if given == "auto":
        return
    if not host or not port.isdigit():
        raise UserError(f"'{given}' is no address of a Ray cluster; expected auto, host:port or ray://host:port")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_LIMIT).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at '{given}': {error}") from None


def _first(size: Size, limit: int, fixed: bool) -> int:
    return limit if fixed else max(1, min(_fitting(nodes(), size), limit))


def _fitting(alive: Iterable[Node], size: Size) -> int:
    return sum(size.on(node) for node in alive)


def _silence() -> None:
    """Ray prints a ``(raylet)`` paragraph for each worker that dies, whatever `log_to_driver` says.

    The driver says it in a line of its own. There's no public switch, so the printing function is replaced.
    """
    from ray._private import worker

    worker.print_to_stdstream = lambda data, ignore_prefix: None
