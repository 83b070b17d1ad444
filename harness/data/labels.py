"""Which training clips keep their labels: a fraction of whole clips, chosen by key. Importable without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.errors import UserError


def labelled_count(clips: int, fraction: float, **where: Any) -> int:
    """How many of ``clips`` training clips keep their labels: as many as ``fraction`` holds, never more.

    Args:
        clips: clips of the training side.
        fraction: in (0, 1].
        where: file, line and key of the fraction, for the message.
    Raises:
        UserError: none of them would.
    """
    count = math.floor(fraction * clips + 1e-9)  # 0.29 · 100 is less than 29 in floating point
    if count < 1:
        message = f"a label fraction of {fraction:g} leaves no clip its labels: a clip is labelled as a whole"
        raise UserError(f"{message}, and the training side has {clips}, so from 1/{clips} on one is", **where)
    return count


def labelled_clips(names: Sequence[str], fraction: float, seed: int) -> tuple[int, ...]:
    """The places in ``names`` of the clips that keep their labels, in ascending order.

    A clip's rank is a draw keyed by its name and the dataset's seed, so that what a smaller fraction labels a larger
    one labels too.

    Raises:
        UserError: see `labelled_count`.
    """
    from harness import keyed  # torch

    count = labelled_count(len(names), fraction, key="data.label_fraction")
    ranked = sorted(range(len(names)), key=lambda place: (keyed.key("labels", names[place], seed), names[place]))
    return tuple(sorted(ranked[:count]))
