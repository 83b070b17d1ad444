"""What a run says while it trains: kept in memory, written in batches by a thread that never holds training up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from harness.tracking import artifacts, tags
from harness.tracking.beat import BEATS
from harness.tracking.checkpoints import Checkpoints
from harness.tracking.claims import Claim, experiment, seal
from harness.tracking.direct import client, log_batch
from harness.tracking.owner import BEAT
from harness.tracking.patience import WINDOW, TrackingLost, full, passing, persist
from harness.tracking.run_log import RunLog
from harness.tracking.shape import params_of, shape_of
from harness.tracking.store import resolve
from harness.tracking.writing import Point

CURVES_KEPT, FIGURES_KEPT = 3, 7
"""Metrics of a record are few, as listing fat records is slow: these many curves (those whose name has no dot) and
final figures, first come first kept; ``curves.parquet`` and ``summary.json`` hold all of them."""
_BATCH = 1000


class TakenOver(Exception):
    """Another owner took this run over; what was done here doesn't count."""

    final = True


class Stopped(Exception):
    """Raised within a run to end it early on purpose. ``pruned``: by a study that has seen enough of it."""

    final = True

    def __init__(self, reason: str, *, pruned: bool) -> None:
        super().__init__(reason)
        self.pruned = pruned


@lru_cache(maxsize=64)
def _experiment(uri: str, name: str) -> str:
    return experiment(uri, name)


class RunLogger:
    """One record in the store, from RUNNING to FINISHED, FAILED or KILLED.

    Args:
        uri: the store.
        run: the run (``run_id``, ``labels``, ``model_dump``).
        spec: name of the spec; MLflow's experiment.
        held: the claim under which the run is done.
        extra: tags to add, such as `tags.provenance`.
        checkpoint_minutes: between two checkpoints; None: only when the run is told to stop.
        since: the record is dated no earlier, in seconds since 1970: when claims were registered, which this run may
            decide. This machine's clock may be behind that.

    Attributes:
        lines: what the run says in words.
        checkpoints: how it is gone on with elsewhere; there once the record is.
        on_resume: told of the seconds that earlier parts of the run took, if there were any.
    """

    checkpoints: Checkpoints

    def __init__(
        self,
        uri: str | None,
        run: Any,
        spec: str,
        held: Claim,
        *,
        extra: Mapping[str, str] | None = None,
        checkpoint_minutes: float | None = None,
        since: float = 0.0,
    ) -> None:
        self.uri, self.run, self.spec, self.held = resolve(uri), run, spec, held
        self._extra, self._minutes = dict(extra or {}), checkpoint_minutes
        self._points: list[tuple[str, int, float]] = []
        self._times: list[int] = []
        self._written = 0
        self._known: set[tuple[str, int]] = set()
        self._kept: list[str] = []
        self._params_written = False
        self._evaluated: dict[str, list[str]] = {}
        self._told: dict[str, str] = {}
        self.lines = RunLog()
        self._at: str | None = None
        self._since, self._behind = round(since * 1000), 0
        self.on_resume: Callable[[float], None] = lambda seconds: None
        self._lost: Exception | None = None
        self._last_beat = time.monotonic()
        self._gone_since: float | None = None
        # One guards what is held in memory, for moments; the other what is being written, however long that takes.
        self._lock, self._writing, self._ended = threading.Lock(), threading.Lock(), False
        self.mlflow_id, self._artifact_uri = "", ""

    def start(self) -> RunLogger:
        """Make the record; waits for a store that is gone."""
        run, held = self.run, self.held
        tag = {
            tags.RUN_ID: run.run_id,
            tags.SPEC: self.spec,
            tags.SHAPE: shape_of(run),
            tags.LABELS: json.dumps(dict(run.labels)),
            tags.CLAIM: held.tag,
            tags.HOST: tags.host(),
            tags.HEARTBEAT: f"{time.time():.0f}",
            **({tags.OWNER: held.owner.dumps()} if held.owner else {}),
            **self._extra,
        }
        name = " ".join(str(value) for value in dict(run.labels).values()) or run.run_id
        number = persist(lambda: _experiment(self.uri, self.spec))
        attempts = 0

        def create() -> Any:
            nonlocal attempts
            attempts += 1
            now = int(time.time() * 1000)
            self._behind = max(0, self._since - now)
            # An answer that was lost may have left a record behind: look before making another.
            return (self._existing(number) if attempts > 1 else None) or client(self.uri).create_run(
                number, now + self._behind, tag, name[:240]
            )

        info = persist(create).info
        self.mlflow_id, self._artifact_uri = info.run_id, info.artifact_uri
        by = f" by process {held.owner.pid} of {held.owner.host}" if held.owner else ""
        self.lines.say(f"run {run.run_id} ({name}) of {self.spec}: begun{by}, claim {held.generation}")
        here = (self.mlflow_id, self._artifact_uri)
        self.checkpoints = Checkpoints(
            self.uri, run.run_id, held.generation, here, self._minutes, lambda line: self.lines.say(line)
        )
        BEATS.add(self, self._tick)
        return self

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Points of curves at one step. Never waits for the store.

        Raises:
            TrackingLost: the store has been gone for ten minutes.
        """
        self.log_points([(name, step, value) for name, value in values.items()])

    def log_points(self, points: Sequence[tuple[str, int, float]]) -> None:
        """Points of curves: name, step, value; one that is known already isn't kept again. See `log`."""
        if self._lost is not None:
            raise TrackingLost(f"the tracking store is gone: {self._lost}") from self._lost
        now = int(time.time() * 1000)
        with self._lock:
            for name, step, value in points:
                if (name, step) in self._known:
                    continue
                self._known.add((name, step))
                if name not in self._kept and "." not in name and len(self._kept) < CURVES_KEPT:
                    self._kept.append(name)
                self._points.append((name, int(step), float(value)))
                self._times.append(now)

    def at(self, step: int, steps: int) -> None:
        """How far the run is, told to the store with the next heartbeat."""
        self._at = f"{step}/{steps}"

    def resumed(self, step: int, steps: int, seconds: float) -> None:
        """Keep that this record is the rest of a run: its time is that of the steps after ``step``.

        Args:
            step, steps: where it goes on.
            seconds: that the earlier parts took.
        """
        self._told[tags.RESUMED] = f"{step}/{steps}"
        self.on_resume(seconds)
        self.at(step, steps)

    def artifact(self, name: str, content: bytes) -> None:
        """Keep one file. Waits for a store that is gone, or has no room.

        Raises:
            TrackingLost: for ten minutes.
        """

        def write() -> None:
            artifacts.write(self.uri, self.mlflow_id, self._artifact_uri, name, content)

        try:
            write()
        except OSError as error:
            if not full(error):
                raise
            self.lines.say(f"no room to keep {name} ({error}): tried again for {WINDOW / 60:.0f} min")
            persist(write)

    def evaluation(self, content: bytes, conditions: Collection[str]) -> None:
        """Keep the rows of ``evaluation.parquet`` and the keys of the test conditions in it; see `evaluations`."""
        self.artifact(artifacts.EVALUATION, content)
        self._evaluated[artifacts.EVALUATION] = list(conditions)

    def limited(self, name: str, value: float) -> None:
        """Keep that the run went beyond this limit, before it `fail`s; see `beyond`."""
        self._told[tags.LIMIT] = json.dumps({name: value})

    def licence(self, text: str) -> None:
        """Keep the licence of the run's data, as the dataset states it."""
        self._told[tags.LICENCE] = text[:4000]

    def finish(
        self,
        summary: Mapping[str, float] | None = None,
        *,
        before_seal: Callable[[], None] | None = None,
        after_seal: Callable[[], None] | None = None,
    ) -> None:
        """Write what is left, then say FINISHED. The run's own artifacts must be there already.

        Args:
            summary: the run's final figures.
            before_seal: called when everything but the end is written.
            after_seal: called when nobody else can finish the run any more.

        Raises:
            TakenOver: another owner has the run; the record says KILLED.
            TrackingLost: the store has been gone for ten minutes.
        """
        figures = dict(summary or {})
        self.artifact(artifacts.CONFIG, json.dumps(self.run.model_dump(mode="json"), indent=1).encode())
        self.artifact(artifacts.SUMMARY, json.dumps(figures, indent=1).encode())
        self.artifact(artifacts.CURVES, artifacts.curves_bytes(self._points))
        self._stop()
        self.lines.say("finished")
        self._keep_lines()
        persist(lambda: self._flush(figures, self._final_tags()))
        if before_seal is not None:
            before_seal()
        if not seal(self.uri, self.held, self.mlflow_id):
            self._close("KILLED", "taken over by another owner")
            raise TakenOver(f"run {self.run.run_id} was taken over by another owner")
        if after_seal is not None:
            after_seal()
        self._terminate("FINISHED")

    def fail(self, reason: str, *, status: str = "FAILED") -> None:
        """Close the record with a reason. Waits for a store that is gone."""
        self._stop()
        self.lines.say(f"{status.lower()}: {reason}")
        with suppress(OSError):  # a full disk may be why it failed, and the reason stands in the record, too
            self._keep_lines()
        persist(lambda: self._flush(tag=self._final_tags()))
        self._close(status, reason)

    def stop(self, stopped: Stopped) -> None:
        """Close the record as KILLED: neither finished nor failed, so a grid that holds the run does it anew."""
        if stopped.pruned:
            persist(lambda: client(self.uri).set_tag(self.mlflow_id, tags.PRUNED, "true"))
        self.fail(str(stopped), status="KILLED")

    def _close(self, status: str, reason: str) -> None:
        persist(lambda: client(self.uri).set_tag(self.mlflow_id, tags.REASON, reason[:5000]))
        self._terminate(status)

    def _terminate(self, status: str) -> None:
        """Say how it ended; its end is as far from its start as it took, also where that was dated later."""
        end = int(time.time() * 1000) + self._behind
        persist(lambda: client(self.uri).set_terminated(self.mlflow_id, status, end))

    def _keep_lines(self, *, patient: bool = True) -> None:
        content, mark = self.lines.content()
        artifacts.write(self.uri, self.mlflow_id, self._artifact_uri, artifacts.LOG, content, patient=patient)
        self.lines.written(mark)

    def _existing(self, number: str) -> Any | None:
        query = f"tags.`{tags.CLAIM}` = '{self.held.tag}'"
        found = client(self.uri).search_runs([number], query, max_results=1)
        return found[0] if found else None

    def _stop(self) -> None:
        BEATS.remove(self)
        with self._writing:
            self._ended = True

    def _final_tags(self) -> dict[str, str]:
        """What is known at the end only: torch is loaded by then, if it ever is."""
        told = {tags.HARDWARE: tags.hardware(), **self._told}
        return {**told, tags.EVALUATED: json.dumps(self._evaluated)} if self._evaluated else told

    def _flush(self, figures: Mapping[str, float] | None = None, tag: Mapping[str, str] | None = None) -> None:
        """Write the points that aren't written yet, in as few calls as MLflow allows. May be repeated."""
        with self._lock:
            upto, kept = len(self._points), list(self._kept)
            points = zip(self._points[self._written : upto], self._times[self._written : upto], strict=True)
            metrics = [Point(name, value, at, step) for (name, step, value), at in points if name in kept]
        last = max((step for _, step, _ in self._points), default=0)
        now = int(time.time() * 1000)
        for name, value in list((figures or {}).items())[:FIGURES_KEPT]:
            metrics.append(Point(name, float(value), now, last))
        params = {} if self._params_written else params_of(self.run)
        final = dict(tag or {})
        room = _BATCH - len(params) - len(final)
        for begin in range(0, max(len(metrics), 1), room):
            batch = metrics[begin : begin + room]
            if batch or params or final:
                log_batch(client(self.uri), self.mlflow_id, batch, params, final)
                params, final = {}, {}
        self._params_written, self._written = True, upto

    def _tick(self) -> None:
        """On `BEATS`: flush, then beat. While the store is gone it goes on trying, for `WINDOW` seconds."""
        near = artifacts.is_near(self._artifact_uri)
        due = time.monotonic() - self._last_beat >= BEAT and self._lost is None
        if not due and not (near and self.lines.changed):
            return
        with self._writing:
            if self._ended:
                return
            if near:
                self._tell_lines()
            if not due:
                return
            try:
                self._flush(tag={tags.HEARTBEAT: f"{time.time():.0f}", **({tags.AT: self._at} if self._at else {})})
                self._last_beat, self._gone_since = time.monotonic(), None
            except Exception as error:
                # Kept, not raised: this is no thread of the run's. `log_points` tells the run.
                self._gone_since = self._gone_since or time.monotonic()
                if not passing(error) or time.monotonic() - self._gone_since > WINDOW:
                    self._lost = error
                return
            if not near:
                self._tell_lines()

    def _tell_lines(self) -> None:
        """Write the lines of a run at work. They are no result: where that fails the next beat tries again."""
        if self.lines.changed:
            with suppress(Exception):
                self._keep_lines(patient=False)
