"""A node's folder for what can be worked out again: views of large data, fingerprints of large files.

It may be deleted at any time. ``REPOSE_CACHE`` names it, a node's own disk say; else it's where programs keep such
things, ``$XDG_CACHE_HOME/repose-harness`` or ``~/.cache/repose-harness``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

VARIABLE = "REPOSE_CACHE"
_SETTLED = 2.0  # seconds: a file that changed so lately may change again within one tick of the clock

_KNOWN: dict[str, tuple[list[str | int], str]] = {}


def folder() -> Path:
    """Where the cache is; it need not exist."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "repose-harness"


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """One process of all that share the folder at a time; a process that dies lets go.

    Raises:
        OSError: the folder can't be written.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / f"{name}.lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest_of(path: str | Path, work_out: Callable[[], str]) -> str:
    """``work_out()``, remembered for as long as the file has the same place, size, inode and time of change.

    Nothing is remembered where the folder can't be written.
    """
    file = Path(path).resolve()
    try:
        state = file.stat()
    except OSError:
        return work_out()
    about: list[str | int] = [str(file), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    if (known := _KNOWN.get(str(file))) is not None and known[0] == about:
        return known[1]
    note = folder() / "digests" / blake2b(str(file).encode(), digest_size=12).hexdigest()
    with contextlib.suppress(OSError, ValueError, TypeError):
        then, found = json.loads(note.read_text(encoding="utf-8"))
        if then == about and isinstance(found, str):
            _KNOWN[str(file)] = about, found
            return found
    found = work_out()
    _KNOWN[str(file)] = about, found
    if time.time() - max(state.st_mtime, state.st_ctime) > _SETTLED:
        with contextlib.suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            part = note.with_name(f".{note.name}.{os.getpid()}")
            part.write_text(json.dumps([about, found]), encoding="utf-8")
            part.replace(note)
    return found
