"""Clips from recordings that have holes: frames in which somebody or the camera was lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def stretches(there: np.ndarray, name: str) -> Iterator[tuple[str, slice]]:
    """The unbroken stretches of frames that are ``there`` (F,) bool: the clip's name and its frames.

    A recording without holes keeps its name; the parts of another say which frames they are, first and last.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        whole = end - first == len(there)
        yield name if whole else f"{name} {first}-{end - 1}", slice(first, end)
