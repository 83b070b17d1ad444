"""Evaluations added to finished runs, without training: test conditions or metrics that their records lack."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness import protocols, tracking
from harness.spec import identity
from harness.spec.run import Test

Pair = tuple[str, str]
Wanted = Mapping[str, tuple[str, ...]]
"""Key → (level, cameras), or (level, cameras, metric); see `harness.spec.identity.evaluations`."""


@dataclass(frozen=True)
class Supplement:
    """What one finished run lacks.

    Attributes:
        record: its finished record.
        lacking: what of `Wanted`.
    """

    record: tracking.Record
    lacking: dict[str, tuple[str, ...]]


def of_test(test: Test | None) -> Wanted:
    """What a sweep sees to by itself: the spec's test conditions. Metrics that came later are asked for by name."""
    return identity.conditions(test) if test is not None else {}


def find(uri: str, records: Mapping[str, tracking.Record], wanted: Wanted) -> dict[str, Supplement]:
    """What finished runs lack of what is wanted, by run_id; only those that lack something."""
    found = tracking.unevaluated(uri, records, wanted)
    return {r: Supplement(records[r], {key: wanted[key] for key in keys}) for r, keys in found.items()}


class Queue:
    """The evaluations a sweep still has to add.

    Args:
        uri: the store.
        wanted: what all runs are to have.
        first: what is known to be lacking, by run_id.
    """

    def __init__(self, uri: str, wanted: Wanted, first: Mapping[str, Supplement]) -> None:
        self._uri, self._wanted = uri, wanted
        self._waiting: deque[tuple[str, Supplement]] = deque(first.items())

    def __len__(self) -> int:
        return len(self._waiting)

    def look(self, records: Mapping[str, tracking.Record]) -> int:
        """Add what these finished runs lack, which another driver may have done for another spec; how many do."""
        found = find(self._uri, records, self._wanted)
        self._waiting.extend(found.items())
        return len(found)

    def again(self, run_id: str, supplement: Supplement) -> None:
        """Put one back that failed."""
        self._waiting.append((run_id, supplement))

    def next(self) -> tuple[str, Supplement]:
        """Take the first one out."""
        return self._waiting.popleft()


def evaluate(uri: str, run: Any, supplement: Supplement) -> None:
    """Score a finished run's saved weights for what it lacks and add the rows to its record.

    A condition brings all metrics of today. A metric alone has a file of its own, so that no two files hold the same.

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
    from harness.metrics.kept_scores import with_scores

    best, last = (
        torch.load(tracking.path(uri, record, name), map_location="cpu", weights_only=True)
        for name in ("best.pt", "last.pt")
    )
    result = training.Result(best, last, curves=[], summary={}, seconds=0.0)
    asked = [supplement.lacking[key] for key in lacking]
    protocol = protocols.scored_as(lacking[0])  # what is wanted is wanted under one
    whole: list[Pair] = [(level, cameras) for level, cameras, *metric in asked if not metric]
    tests = _tests(whole, protocol)
    if tests:
        tables = [training.evaluate(run, test, result) for test in tests]
        keys = [key for test in tests for key in identity.evaluations(test)]
        content = with_scores(tracking.parquet_bytes(pd.concat(tables, ignore_index=True)))
        tracking.add_evaluation(uri, record, content, keys)
    for metrics, pairs in _alone(asked, whole).items():
        tables = [training.evaluate(run, test, result, metrics=metrics) for test in _tests(pairs, protocol)]
        table = pd.concat(tables, ignore_index=True)
        for metric in metrics:
            keys = [key for key in lacking if supplement.lacking[key][2:] == (metric,)]
            keys = [key for key in keys if supplement.lacking[key][:2] in pairs]
            rows = table[table["metric"] == metric].reset_index(drop=True)
            tracking.add_evaluation(uri, record, with_scores(tracking.parquet_bytes(rows)), keys)


def _alone(asked: Iterable[tuple[str, ...]], whole: Collection[Pair]) -> dict[tuple[str, ...], list[Pair]]:
    """Metrics that are asked for alone → the conditions: those that lack the same metrics go together."""
    metrics: dict[Pair, list[str]] = {}
    for level, cameras, *metric in asked:
        if metric and (level, cameras) not in whole:
            metrics.setdefault((level, cameras), []).extend(metric)
    together: dict[tuple[str, ...], list[Pair]] = {}
    for pair, names in metrics.items():
        together.setdefault(tuple(names), []).append(pair)
    return together


def _tests(pairs: Iterable[Pair], protocol: str) -> list[Test]:
    """As few tests as ask for these conditions and no other: cameras that lack the same levels go together."""
    levels: dict[str, list[str]] = {}
    for level, cameras in pairs:
        levels.setdefault(cameras, []).append(level)
    together: dict[tuple[str, ...], list[Any]] = {}
    for cameras, names in levels.items():
        together.setdefault(tuple(names), []).append(cameras)
    return [Test(occlusion=list(names), cameras=found, protocol=protocol) for names, found in together.items()]
