"""Evaluation files with the same cells, read into common arrays: of ten thousand files there are a few.

The means of a file are those of `harness.metrics.scored`, read from its footer where it keeps them
(`harness.metrics.kept_scores`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.metrics.kept_scores import KEPT, kept_scores
from harness.metrics.scored import DIMENSIONS, Scored, score

_NUMBERS = ("n", "per_action", "per_frame", "means")


@dataclass(frozen=True)
class Alike:
    """Files with the same cells.

    Attributes:
        files: (files,) the place of each among all.
        cells: the first of them: its names, cells and subjects are those of all.
        numbers: ``n``, ``per_action`` and ``per_frame``, (files, cells) each, and ``means``, (files, cells, subjects);
            see `Scored`.
    """

    files: np.ndarray
    cells: Scored
    numbers: Mapping[str, np.ndarray]

    def among(self, wanted: np.ndarray) -> Alike:
        """Some of the files: (files,) bool."""
        if wanted.all():
            return self
        return replace(self, files=self.files[wanted], numbers={k: all_[wanted] for k, all_ in self.numbers.items()})


def read(files: Sequence[str], dimensions: Sequence[str], kept: Mapping[str, str]) -> list[Alike]:
    """The means of all files, those with the same cells together, in the order of the first of each.

    Args:
        files: paths of evaluations.
        dimensions, kept: as `score` takes them.

    Raises:
        UserError: a file can't be read or lacks a column.
    """
    footers = (tuple(dimensions), dict(kept)) == (DIMENSIONS, KEPT)
    alike: dict[Hashable, tuple[list[int], list[Scored]]] = {}
    known: dict[Hashable, Hashable] = {}
    for i, file in enumerate(files):
        one = (kept_scores(file) if footers else None) or score(file, dimensions, kept, file)
        # Footers that say the same share their names, which is seen at once; ``scored`` keeps them, and so their ids.
        same = id(one.names), id(one.subjects), one.cells.tobytes()
        if same not in known:
            known[same] = tuple((name, *texts) for name, texts in one.names.items()), tuple(one.subjects), same[2]
        places, scored = alike.setdefault(known[same], ([], []))
        places.append(i)
        scored.append(one)
    return [
        Alike(np.array(places), scored[0], {k: np.stack([getattr(one, k) for one in scored]) for k in _NUMBERS})
        for places, scored in alike.values()
    ]
