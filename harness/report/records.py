"""Where a report's numbers come from: the finished runs of a spec, as the tracking store left them.

The only module of the report that talks to tracking. Anything with the methods of `Source` will do
in its place: tests use one made of files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from harness import convergence
from harness.errors import UserError
from harness.report import area, scores
from harness.report.curve_files import Curves
from harness.report.evidence import STEPS, Arm, Evidence, describe, labelled
from harness.report.tuning import study
from harness.spec import identity


class Source(Protocol):
    """What the report asks of the tracking store; all take run ids and answer for those they know.

    A source may also have ``registered(spec)``: digest of a claim → its registration, see `Evidence`; and
    ``begun(run_ids)``: when each run was first begun, seconds since 1970, where earlier attempts have their own record.
    """

    def finished(self, run_ids: list[str]) -> Mapping[str, Any]: ...

    def evaluations(self, run_ids: list[str]) -> Mapping[str, Mapping[Path, Collection[str]]]: ...

    def summaries(self, run_ids: list[str]) -> Mapping[str, Mapping[str, float]]: ...

    def curves(self, run_ids: list[str]) -> Mapping[str, Path]: ...

    def failed(self, run_ids: list[str]) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Store:
    """The tracking store at ``uri`` (None is the default store).

    One report asks for the same runs several times: what was found finished at first stands for all of it.
    """

    uri: str | None = None
    _known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def finished(self, run_ids: list[str]) -> Mapping[str, Any]:
        from harness import tracking

        found = tracking.finished(self.uri, run_ids, details=True)
        self._known.update(found)
        return found

    def _among(self, run_ids: list[str]) -> dict[str, Any] | None:
        """The records of these runs, if all were found finished before."""
        return {r: self._known[r] for r in run_ids} if all(r in self._known for r in run_ids) else None

    def evaluations(self, run_ids: list[str]) -> Mapping[str, Mapping[Path, Collection[str]]]:
        from harness import tracking

        with _whole():
            return tracking.read_evaluations(self.uri, run_ids, self._among(run_ids))

    def summaries(self, run_ids: list[str]) -> Mapping[str, Mapping[str, float]]:
        from harness import tracking

        with _whole():
            return tracking.read_summaries(self.uri, run_ids, self._among(run_ids))

    def curves(self, run_ids: list[str]) -> Mapping[str, Path]:
        from harness import tracking

        with _whole():
            return tracking.read_curves(self.uri, run_ids, self._among(run_ids))

    def failed(self, run_ids: list[str]) -> Mapping[str, str]:
        from harness import tracking

        return tracking.failed(self.uri, run_ids)

    def begun(self, run_ids: list[str]) -> Mapping[str, float]:
        from harness import tracking

        return tracking.begun(self.uri, run_ids)

    def registered(self, spec: Any) -> Mapping[str, Any]:
        from harness import tracking

        return tracking.registered(self.uri, [claim.digest(spec.name) for claim in option(spec, "claims", ())])


@contextmanager
def _whole() -> Iterator[None]:
    """Says what to do about a finished record that has lost a file."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(
            f"{error}; a finished record never loses its files by itself: put them back, or delete the record "
            "(`mlflow runs delete --run-id …`) and `repose run` does the run again"
        ) from None


def load(spec: Any, source: Source, before: Callable[[Evidence], None] | None = None) -> Evidence:
    """Read the finished runs of ``spec``.

    Args:
        spec: a loaded spec.
        source: where from.
        before: is given the evidence without its rows, before these are read, which takes longest.

    Raises:
        UserError: no run is finished; the baseline isn't an arm; two runs of one arm share a seed; a finished record
            has lost a file; the study's file is none.
    """
    arms, axes = _arms(spec)
    baseline = _baseline(spec, arms, axes)
    run_ids = [run.run_id for run in spec.runs]
    records = dict(source.finished(run_ids))
    paths = source.evaluations(list(records)) if records else {}
    lost = [run_id for run_id in records if run_id not in paths]
    if lost:
        raise UserError(
            f"{len(lost)} of {len(records)} finished runs have no evaluation any more, the first {lost[0]} "
            f"({option(records[lost[0]], 'artifact_uri', 'no folder recorded')}); put the files back, or `repose run` "
            "scores the saved weights again"
        )
    if not paths:
        failed = source.failed(run_ids)
        # A reason may go on with a traceback, which stands in the store.
        why = f"; {len(failed)} failed: {next(iter(failed.values())).partition(chr(10))[0]}" if failed else ""
        raise UserError(f"no finished run of '{spec.name}' ({len(run_ids)} planned{why}); start with `repose run`")
    missing = [run_id for run_id in run_ids if run_id not in paths]
    wanted = identity.conditions(spec.test)
    # What other specs had these runs tested on is no part of this one's means.
    files = _counted({run_id: paths[run_id] for run_id in run_ids if run_id in paths}, spec.test)
    summaries = dict(source.summaries(list(paths)))
    curve_files = dict(source.curves(list(paths)))
    curves = Curves(curve_files)
    arms = tuple(_with_records(arm, summaries, paths, curves) for arm in arms)
    scale = area.scale(tuple(spec.test.occlusion))
    known = Evidence(
        frame=pd.DataFrame(),
        arms=arms,
        axes=axes,
        levels=tuple(spec.test.occlusion),
        cameras=tuple(spec.test.cameras),
        protocol=spec.test.protocol,
        baseline=baseline,
        failed=dict(source.failed(missing)) if missing else {},
        records=records,
        summaries=summaries,
        unevaluated=_unevaluated({run_id: paths[run_id] for run_id in run_ids if run_id in paths}, wanted),
        curves=curves,
        scale=scale,
        files=files,
        curve_files=curve_files,
        started=_started(records, source),
        registered=_registered(spec, source),
        words=option(spec.report, "labels", {}),
        pilot=tuple(option(spec, "pilot", ())),
        stages=option(spec, "stages"),
        study=study.load(spec),
    )
    if before is not None:
        before(known)
    frame, subjects = scores.read_all(files)
    if frame.empty:
        raise UserError(f"the {len(paths)} finished runs of '{spec.name}' left no number at all in their evaluations")
    return replace(known, frame=labelled(frame, arms, scale), subjects=subjects)


def option(thing: Any, name: str, default: Any = None) -> Any:
    """``thing.name`` or ``thing[name]``, whichever there is; ``default`` where it's absent or None."""
    value = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
    return default if value is None else value


def _arms(spec: Any) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    # Lengths in passes differ from network to network; an axis or the network tells them.
    steps = {run.train.steps for run in spec.runs if run.train.passes is None and option(run, "checkpoint") is None}
    longer = len(steps) > 1
    grouped: dict[tuple[tuple[str, str], ...], Arm] = {}
    names = list(dict.fromkeys(axis for run in spec.runs for axis in run.labels if axis != "seed"))
    # The number of steps is printed as an axis of its own when arms differ in it.
    names = [name for name in names if name != STEPS] + [STEPS] * longer
    for run in spec.runs:
        labels = {name: run.labels.get(name, "-") for name in names}
        trained = option(run, "checkpoint") is None
        if longer:
            labels[STEPS] = run.train.length if trained else "-"
        arm = grouped.setdefault(tuple(labels.items()), Arm(labels, run.train.steps, {}, trained=trained))
        if arm.runs.setdefault(run.seed, run.run_id) != run.run_id:
            raise UserError(f"two runs of '{describe(labels)}' have seed {run.seed}; an axis between them has no label")
    arms = sorted(grouped.values(), key=lambda arm: (not arm.trained, arm.steps))
    # Of what a checkpoint lacks nothing varies.
    found = {name: {a.labels[name] for a in arms if a.trained or a.labels[name] != "-"} for name in names}
    varying = [name for name in names if len(found[name]) > 1]
    axes = [name for name in names if name in varying or name == "objective"] or names[:1]
    return tuple(arms), tuple(sorted(axes, key=lambda axis: axis != "objective"))


def _baseline(spec: Any, arms: Iterable[Arm], axes: tuple[str, ...]) -> dict[str, str]:
    given = option(spec.report, "baseline", {})
    baseline = {str(axis): str(value) for axis, value in dict(given).items()}
    for axis, value in baseline.items():
        values = dict.fromkeys(arm.labels.get(axis) for arm in arms)
        if value not in values:
            known = ", ".join(str(v) for v in values if v is not None) or "no such axis"
            raise UserError(f"the baseline {axis}: {value} isn't in the grid ({known})", key="report.baseline")
    return {axis: value for axis, value in baseline.items() if axis in axes}


def _started(records: Mapping[str, Any], source: Source) -> dict[str, str]:
    found = {run_id: option(record, "started") for run_id, record in records.items()}
    ask = getattr(source, "begun", None)
    found |= ask(list(records)) if ask is not None else {}
    return {run_id: datetime.fromtimestamp(at, UTC).isoformat() for run_id, at in found.items() if at is not None}


def _registered(spec: Any, source: Source) -> dict[str, Any]:
    """A source that knows of no claims needn't have the method `Store.registered`."""
    ask = getattr(source, "registered", None)
    return dict(ask(spec)) if ask is not None else {}


def _counted(
    paths: Mapping[str, Mapping[Path, Collection[str]]], test: Any
) -> dict[str, dict[Path, Collection[tuple[str, ...]]]]:
    """run_id → its files → what counts of each; found once for all runs whose files hold the same."""
    known: dict[Any, list[Collection[tuple[str, ...]]]] = {}
    found = {}
    for run_id, files in paths.items():
        held = tuple(map(tuple, files.values()))
        if held not in known:
            known[held] = list(identity.counted(files, test).values())
        found[run_id] = dict(zip(files, known[held], strict=True))
    return found


def _unevaluated(
    files: Mapping[str, Mapping[Path, Collection[str]]], wanted: Mapping[str, tuple[str, str]]
) -> dict[tuple[str, str], int]:
    held = [{key for keys in found.values() for key in keys} for found in files.values()]
    lacking = {pair: sum(key not in keys for keys in held) for key, pair in wanted.items()}
    return {pair: count for pair, count in lacking.items() if count}


def _with_records(
    arm: Arm, summaries: Mapping[str, Mapping[str, float]], paths: Mapping[str, Any], curves: Mapping[str, np.ndarray]
) -> Arm:
    done = {seed: summaries.get(run_id, {}) for seed, run_id in arm.runs.items() if run_id in paths}
    told = {seed: _convergence(s, curves, arm.runs[seed]) for seed, s in done.items()}
    gains = {seed: gain for seed, (gain, _) in told.items() if np.isfinite(gain)}
    falling = tuple(seed for seed, (_, still) in told.items() if still)
    return replace(arm, finished=tuple(done), gains=gains, falling=falling)


def _convergence(summary: Mapping[str, float], curves: Mapping[str, np.ndarray], run_id: str) -> tuple[float, bool]:
    """What the last fifth of a run's steps gained, mm, and whether it was still falling."""
    if "late_gain" in summary:
        return float(summary["late_gain"]), summary.get("falling", 0) >= 0.5
    # Left by a version that recorded a slope instead: the curve tells.
    curve = curves[run_id] if run_id in curves else np.empty((0, 2))
    gain = convergence.late_gain(curve)
    return gain, len(curve) > 0 and convergence.falling(gain, curve[:, 1].min())
