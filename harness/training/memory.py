"""What memory this process takes: its own, and files it has mapped, which processes of a node share."""

from __future__ import annotations

import resource
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_EVERY = 0.02
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Held:
    """Bytes of RAM.

    Attributes:
        own: that nobody else can use: two such processes need twice as much.
        shared: of mapped files and shared memory, libraries and views of large data among them. All processes that map
            them have the same pages, so a node needs them once.
    """

    own: int
    shared: int


def held() -> Held | None:
    """What this process holds now; None where the system doesn't tell (it's Linux that does)."""
    found = _fields()
    if found is None:
        return None
    return Held(found["RssAnon"], found["RssFile"] + found["RssShmem"])


def _fields() -> dict[str, int] | None:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = {name: value.split()[0] for name, _, value in (line.partition(":") for line in lines) if "kB" in value}
    wanted = ("RssAnon", "RssFile", "RssShmem")
    if not found.keys() >= set(wanted):
        return None
    return {name: 1024 * int(value) for name, value in found.items()}


class Watch:
    """The most this process held while the block was at work; a context manager.

    Attributes:
        peak: bytes, own and shared each at its highest. Where the system tells only the sum, all of it is own.
    """

    def __init__(self) -> None:
        self.peak = Held(0, 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._note()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        self._note()

    def restart(self) -> None:
        """Forget the peak so far."""
        self.peak = Held(0, 0)
        self._note()

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            self._note()

    def _note(self) -> None:
        now = held()
        if now is None:
            # kilobytes on Linux; where this is bytes, it's too much rather than too little
            now = Held(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0)
        self.peak = Held(max(self.peak.own, now.own), max(self.peak.shared, now.shared))
