"""Files that runs read, for nodes that don't have them: sent through Ray's object store, once per node.

Where a file lies in the same place on a shared disk nothing is sent. The source of a backbone of the user's own is such
a file too; it is known by its content, all others by their size.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from harness import own_backbones
from harness.data import cache
from harness.errors import UserError

_CHUNK = 64 * 2**20
"""Bytes of one object: larger files are never whole in a process."""
_KEPT = 30 * 24 * 3600.0
_SOURCE = ".py"


@dataclass(frozen=True)
class Parcel:
    """A file on its way, and what belongs beside it.

    Attributes:
        path: where the driver has it.
        digest: of names and contents.
        members: name and contents, as references to pieces in the object store.
    """

    path: str
    digest: str
    members: tuple[tuple[str, tuple[Any, ...]], ...] = field(repr=False)


Known = int | str
"""By what a file is told from another in its place: its size, or of a source the digest of its content."""


def read_by(runs: Iterable[Any]) -> dict[str, Known]:
    """The files that runs read, and what each is known by; those that aren't here either are left out."""
    found: dict[str, Known] = {}
    for run in runs:
        for path in filter(None, _paths(run)):
            with contextlib.suppress(OSError):
                found[path] = Path(path).stat().st_size
        if (source := _source(run)) is not None:
            found[source[0]] = source[1]
    return found


def lacking(files: Mapping[str, Known]) -> list[str]:
    """Those that this machine doesn't have, or has others in place of."""
    return [path for path, known in files.items() if not _has(path, known)]


def moved(run: Any, places: Mapping[str, str]) -> Any:
    """The run, reading from where files were put here; its identity is the same."""
    if not any(path in places for path in _paths(run)):
        return run
    data, checkpoint = run.data, run.checkpoint
    changed: dict[str, Any] = {"path": places.get(data.path, data.path)}
    if (detector := _detector(run)) is not None and detector in places:
        changed["noise"] = data.noise.model_copy(update={"detector": places[detector]})
    update: dict[str, Any] = {"data": data.model_copy(update=changed)}
    if checkpoint is not None:
        update["checkpoint"] = checkpoint.model_copy(update={"path": places.get(checkpoint.path, checkpoint.path)})
    return run.model_copy(update=update)


class Depot:
    """The driver's end: puts a file into the object store when the first node asks for it."""

    def __init__(self) -> None:
        self._parcels: dict[str, Parcel] = {}
        self.said: list[str] = []
        """What was sent, to be taken out by whoever tells it."""

    def pack(self, paths: Sequence[str]) -> list[Parcel]:
        """Parcels of these files.

        Raises:
            UserError: one can't be read.
        """
        for path in paths:
            if path not in self._parcels:
                self._parcels[path] = _pack(path)
                size = Path(path).stat().st_size
                self.said.append(f"{path} ({size / 1e6:.3g} MB) is sent to the nodes that don't have it")
        return [self._parcels[path] for path in paths]


def receive(parcels: Iterable[Parcel]) -> dict[str, str]:
    """Put files into this node's cache, unless another worker of the node has; where each is now.

    This process reads sources from there from now on; of other files `moved` tells a run.

    Raises:
        UserError: the cache can't be written.
    """
    try:
        found = {parcel.path: str(_receive(parcel)) for parcel in parcels}
        for path, where in found.items():
            if path.endswith(_SOURCE):
                own_backbones.place(path, where)
        return found
    except OSError as error:
        message = f"the cache {cache.folder()} can't hold the data ({error.strerror}); {cache.VARIABLE} names another"
        raise UserError(message) from None


def _paths(run: Any) -> list[str | None]:
    data, checkpoint = getattr(run, "data", None), getattr(run, "checkpoint", None)
    return [getattr(data, "path", None), getattr(checkpoint, "path", None), _detector(run)]


def _detector(run: Any) -> str | None:
    """The file of a detector's errors; a shipped one is a name."""
    named = getattr(getattr(getattr(run, "data", None), "noise", None), "detector", None)
    return named if named is not None and os.sep in named else None


def _source(run: Any) -> tuple[str, str] | None:
    """Path and digest of the file that a run's backbone is in, if it is the user's own."""
    name = getattr(getattr(run, "backbone", None), "name", None)
    return own_backbones.file_of(name) if isinstance(name, str) else None


def _has(path: str, known: Known) -> bool:
    try:
        return own_backbones.digest_of(path) == known if isinstance(known, str) else Path(path).stat().st_size == known
    except (OSError, UserError):
        return False


def _pieces(file: Path) -> Iterator[bytes]:
    with open(file, "rb") as opened:
        while piece := opened.read(_CHUNK):
            yield piece


def _pack(path: str) -> Parcel:
    import ray

    file, digest, members = Path(path), blake2b(digest_size=16), []
    beside = file.with_suffix(".json")  # a clip file's frame rate and licence
    has_beside = file.suffix not in (".json", _SOURCE) and beside.is_file()
    try:
        for one in (file, beside) if has_beside else (file,):
            digest.update(f"{one.name}\0{one.stat().st_size}\0".encode())
            pieces = []
            for piece in _pieces(one):
                digest.update(piece)
                pieces.append(ray.put(piece))
            members.append((one.name, tuple(pieces)))
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", file=path) from None
    return Parcel(path, digest.hexdigest(), tuple(members))


def _receive(parcel: Parcel) -> Path:
    import ray

    home = cache.folder() / "files"
    place = home / parcel.digest
    with cache.locked("files"):
        if not place.is_dir():
            _forget_the_old(home)
            part = home / f".{parcel.digest}.{os.getpid()}"
            part.mkdir(parents=True)
            try:
                for name, pieces in parcel.members:
                    with open(part / name, "wb") as file:
                        for piece in pieces:
                            file.write(ray.get(piece))
                        file.flush()
                        os.fsync(file.fileno())
                part.rename(place)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        os.utime(place)
    return place / Path(parcel.path).name


def _forget_the_old(home: Path) -> None:
    """Remove files unused for long, and what a process that was killed left half-written."""
    for entry in home.iterdir() if home.is_dir() else ():
        with contextlib.suppress(OSError):
            if entry.name.startswith(".") or time.time() - entry.stat().st_mtime > _KEPT:
                shutil.rmtree(entry, ignore_errors=True)
