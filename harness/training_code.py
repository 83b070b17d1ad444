"""Which code trains: a digest of its sources, the same wherever the same code is installed."""

from __future__ import annotations

import hashlib
from pathlib import Path

_TRAINS = ("*.py", "spec/run.py", "training/**/*.py", "objectives/**/*.py", "occlusion/**/*.py", "data/**/*.py")
"""Files of the package `harness` that decide a training's numbers, beside all of `backbones`."""


def digest() -> str:
    """16 hexadecimal digits of the sources that decide a training's numbers.

    Sources rather than a version or a commit: an edit is noticed before it is committed, and one elsewhere in the
    repository costs no run its progress.
    """
    import backbones

    found = hashlib.sha256()
    for folder, patterns in ((Path(__file__).parent, _TRAINS), (Path(str(backbones.__file__)).parent, ("**/*.py",))):
        files = sorted({file for pattern in patterns for file in folder.glob(pattern)})
        for file in files:
            found.update(f"{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()[:16]
