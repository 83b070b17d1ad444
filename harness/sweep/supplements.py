"""Evaluations added to finished runs: test conditions that the spec names and their records lack, without training."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness import tracking
from harness.spec.identity import conditions
from harness.spec.run import Test

Pair = tuple[str, str]


@dataclass(frozen=True)
class Supplement:
    """What one finished run lacks.

    Attributes:
        record: its finished record.
        lacking: key → (occlusion level, cameras) of the conditions; see `harness.spec.identity.condition`.
    """

    record: tracking.Record
    lacking: dict[str, Pair]


def find(uri: str, records: Mapping[str, tracking.Record], test: Test | None) -> dict[str, Supplement]:
    """What finished runs lack of ``test``, by run_id; only those that lack something."""
    wanted = conditions(test) if test is not None else {}
    found = tracking.unevaluated(uri, records, wanted)
    return {r: Supplement(records[r], {key: wanted[key] for key in keys}) for r, keys in found.items()}


class Queue:
    """The evaluations a sweep still has to add.

    Args:
        uri: the store.
        test: what the spec wants.
        first: what is known to be lacking, by run_id.
    """

    def __init__(self, uri: str, test: Test | None, first: Mapping[str, Supplement]) -> None:
        self._uri, self._test = uri, test
        self._waiting: deque[tuple[str, Supplement]] = deque(first.items())

    def __len__(self) -> int:
        return len(self._waiting)

    def look(self, records: Mapping[str, tracking.Record]) -> int:
        """Add what these finished runs lack, which another driver may have done for another spec; how many do."""
        found = find(self._uri, records, self._test)
        self._waiting.extend(found.items())
        return len(found)

    def again(self, run_id: str, supplement: Supplement) -> None:
        """Put one back that failed."""
        self._waiting.append((run_id, supplement))

    def next(self) -> tuple[str, Supplement]:
        """Take the first one out."""
        return self._waiting.popleft()


def evaluate(uri: str, run: Any, supplement: Supplement) -> None:
    """Score a finished run's saved weights under the conditions it lacks and add the rows to its record.

    Raises:
        FileNotFoundError: the record has no weights.
    """
    record = tracking.current(uri, supplement.record)
    lacking = tracking.unevaluated(uri, {run.run_id: record}, supplement.lacking).get(run.run_id, ())
    if not lacking:
        return  # another driver was quicker
    import pandas as pd
    import torch

    from harness import training

    best, last = (
        torch.load(tracking.path(uri, record, name), map_location="cpu", weights_only=True)
        for name in ("best.pt", "last.pt")
    )
    result = training.Result(best, last, curves=[], summary={}, seconds=0.0)
    tables = [training.evaluate(run, test, result) for test in _tests(supplement.lacking[key] for key in lacking)]
    tracking.add_evaluation(uri, record, tracking.parquet_bytes(pd.concat(tables, ignore_index=True)), lacking)


def _tests(pairs: Iterable[Pair]) -> list[Test]:
    """As few tests as ask for these conditions and no other: cameras that lack the same levels go together."""
    levels: dict[str, list[str]] = {}
    for level, cameras in pairs:
        levels.setdefault(cameras, []).append(level)
    together: dict[tuple[str, ...], list[Any]] = {}
    for cameras, names in levels.items():
        together.setdefault(tuple(names), []).append(cameras)
    return [Test(occlusion=list(names), cameras=found) for names, found in together.items()]
