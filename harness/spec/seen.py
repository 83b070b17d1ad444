"""Data files that were read and found good before: remembered, so that `validate` needn't read them again.

What is remembered is keyed by the file's path, size and time of change (and its side file's), and by
everything else the answer depends on. Only good answers are kept; without a cache folder every check reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from harness import __version__, registry
from harness.data import cache, canonical_split
from harness.skeleton import Skeleton
from harness.spec.run import Data


class Found(NamedTuple):
    """What reading a data file told: fingerprint, frames of its longest training clip, number of these, skeleton."""

    fingerprint: str
    longest: int
    clips: int
    skeleton: Skeleton


def recall(data: Data) -> Found | None:
    """What a file told that hasn't changed since `remember`."""
    try:
        kept = json.loads(_place(data).read_text(encoding="utf-8"))
        skeleton = Skeleton(**{name: _frozen(value) for name, value in kept["skeleton"].items()})
        return Found(str(kept["fingerprint"]), int(kept["longest"]), int(kept["clips"]), skeleton)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):  # never seen, or not written by us: read the data
        return None


def remember(data: Data, found: Found) -> None:
    """Keep what reading the file gave."""
    with contextlib.suppress(OSError):  # a folder that can't be written only costs time
        place = _place(data)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"{place.name}.{os.getpid()}")
        part.write_text(json.dumps({**found._asdict(), "skeleton": asdict(found.skeleton)}), encoding="utf-8")
        part.replace(place)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return {name: _frozen(item) for name, item in value.items()} if isinstance(value, dict) else value


def _place(data: Data) -> Path:
    """Where the answer about a file is kept. Raises `OSError` when there is no such file."""
    file = Path(str(data.path)).resolve()
    side = file.with_suffix(".json")
    about = [
        __version__,
        data.dataset,
        registry.get("datasets", data.dataset).version,
        sorted(data.options.items()),
        canonical_split(data.dataset, data.split, data.options, data.path),
        str(file),
        *_state(file),
        *(_state(side) if side.exists() else ()),
    ]
    name = hashlib.sha256(json.dumps(about, default=str).encode()).hexdigest()[:24]
    return cache.folder() / f"{name}.json"


def _state(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns
