"""Files that the runs of a study read, for nodes that don't have them: see `harness.sweep.freight`.

Ray Tune makes a study's workers, so they ask for what they lack: an actor on the driver's machine answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.errors import UserError
from harness.sweep import freight
from harness.sweep.worker import describe

Sent = tuple[list[freight.Parcel], list[str]]
"""Parcels, and what people are told of them."""


class Sender:
    """The body of that actor. It is asked once a worker and file; a file is read once."""

    def __init__(self) -> None:
        self._depot = freight.Depot()

    def send(self, paths: Sequence[str]) -> Sent:
        """Parcels of these files. Raises `UserError`: one can't be read."""
        parcels = self._depot.pack(paths)
        said, self._depot.said = self._depot.said, []
        return parcels, said


def sender() -> Any:
    """The actor, on this process's node. It takes no processor, so a full node has room for it."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    remote: Any = ray.remote
    return remote(num_cpus=0, scheduling_strategy=here)(Sender).remote()


def asking(actor: Any | None) -> Callable[[Sequence[str]], Sent]:
    """How a worker asks ``actor``; None where all is on one machine."""

    def ask(paths: Sequence[str]) -> Sent:
        import ray

        if actor is None:
            raise UserError("no such file", file=paths[0])
        try:
            return ray.get(actor.send.remote(list(paths)))
        except ray.exceptions.RayTaskError as error:
            raise UserError(describe(getattr(error, "cause", None) or error)) from None
        except ray.exceptions.RayError as error:
            raise UserError(f"{paths[0]} can't be sent here: {describe(error)}") from None

    return ask
