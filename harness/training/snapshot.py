"""A run's state as bytes that another process, on any node, goes on from; and what it refuses to go on from."""

from __future__ import annotations

import io
import pickle
from typing import Any

import torch

from harness import training_code
from harness.spec.run import Run

FORMAT = 1
"""Of what is written here; another one is refused."""


class Unfit(Exception):
    """A snapshot that this process must not go on from; the message says why."""


def pack(run: Run, parts: dict[str, Any]) -> bytes:
    """A snapshot, from ``on_epoch`` or ``on_step`` of `train`, with what must be alike where it is gone on from."""
    buffer = io.BytesIO()
    torch.save({"fit": _fit(run), "parts": parts}, buffer)
    return buffer.getvalue()


def unpack(run: Run, content: bytes) -> dict[str, Any]:
    """What `pack` was given, on the CPU; nothing but tensors and plain values is read.

    Raises:
        Unfit: it can't be read, or it is another run's, of another format, another torch or other training code.
    """
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        fit, parts = found["fit"], found["parts"]
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise Unfit(f"it can't be read ({type(error).__name__})") from None
    for name, here in _fit(run).items():
        if fit.get(name) != here:
            raise Unfit(f"{name} is another: {fit.get(name)}, here {here}")
    return parts


def _fit(run: Run) -> dict[str, Any]:
    return {"format": FORMAT, "run": run.run_id, "torch": str(torch.__version__), "training code": _CODE}


_CODE = training_code.digest()  # now, as what is imported now is what trains
