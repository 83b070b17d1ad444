"""Whether a worker died alone or with its node, which its death doesn't tell: both close the same connection."""

from __future__ import annotations

import socket
from typing import Any

_LIMIT = 2.0
"""Seconds a node has to answer."""


class Nodes:
    """Remembers on which node each worker is."""

    def __init__(self) -> None:
        self._of: dict[Any, Any] = {}

    def note(self, actor: Any) -> None:
        """Ask a worker that is ready for its node; the answer is there when it's needed."""
        self._of[actor] = actor.node.remote()

    def forget(self, actor: Any) -> bool:
        """A worker is gone: whether its node is, too.

        Ray itself knows only after several missed signs of life, some 15 s; that nobody listens there any more shows
        at once.
        """
        import ray

        reference = self._of.pop(actor, None)
        if reference is None:
            return False
        try:
            node = ray.get(reference, timeout=_LIMIT)
        except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError):
            return False
        found = next((one for one in ray.nodes() if one["NodeID"] == node), None)
        return found is None or not found["Alive"] or not _answers(found)


def _answers(node: dict[str, Any]) -> bool:
    try:
        place = (node["NodeManagerAddress"], node["NodeManagerPort"])
        socket.create_connection(place, timeout=_LIMIT).close()
    except OSError:
        return False
    return True
