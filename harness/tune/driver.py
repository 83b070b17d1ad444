"""A study: search each arm of a spec until its budget is spent, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from harness import tracking, training_code
from harness.errors import UserError
from harness.spec import sizes
from harness.spec.loading import Spec
from harness.spec.study import Budget
from harness.sweep import cluster, faults, fitness, limits, run_sweep
from harness.sweep.body import DEFAULT, load
from harness.sweep.worker import Settings
from harness.tune import results, reuse
from harness.tune.book import Book, close, count
from harness.tune.display import Display, Tally
from harness.tune.search import Search
from harness.tune.storage import answering, open_storage, place

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # a spec's relative paths are the driver's
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "5",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",  # Optuna's storage is what a study goes on from
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000",
    "TUNE_WARN_THRESHOLD_S": "1000",
}
_LIVES = 2
"""Workers that a trial may lose before it counts as failed."""


@dataclass
class StudyOutcome:
    """What became of a study.

    Attributes:
        content: of ``study.json``, see `results`.
        storage: where the history is.
        interrupted: stopped by a signal.
        seconds: wall-clock time.
    """

    content: dict[str, Any] = field(default_factory=dict)
    storage: str = ""
    interrupted: bool = False
    seconds: float = 0.0


def run_study(
    spec: Spec,
    *,
    uri: str | None = None,
    storage: str | None = None,
    trials: int | None = None,
    hours: float | None = None,
    workers: int | None = None,
    address: str | None = None,
    warm: bool = False,
    command: str | None = None,
    body: str | None = None,
) -> StudyOutcome:
    """Search the arms of a spec's study until their budgets are spent; what is finished is never done again.

    Args:
        spec: has a study.
        uri: the store of runs; before the spec's.
        storage: where Optuna keeps its history; see `storage.place`.
        trials, hours: in place of the budget's.
        workers: trials at once; before the spec's; as many as fit by default.
        address: a Ray cluster to join.
        warm: begin with the finished runs of the store that are points of the space (`--reuse`).
        command: what to type to go on, printed when the study is stopped.
        body: the work of a run, ``module:function``.

    Raises:
        UserError: the spec has no study; a store doesn't answer; the study was begun over another space; no node can
            hold a run; something the user gave is wrong in a way that only a run finds out.
    """
    began = time.monotonic()
    if spec.study is None:
        raise UserError(f"the spec '{spec.name}' has no study to tune: it needs a block `study:`", file=str(spec.path))
    uri = tracking.resolve(uri or spec.tracking.uri)
    if sizes.measured(spec.resources):
        message = "a study gives each trial the same share, which must be a number here, not auto"
        raise UserError(
            f"{message}; `repose plan {spec.name} --probe` says which would do", key=sizes.named(spec.resources)
        )
    budget = _budget(spec, trials, hours)
    where = place(spec.name, uri, storage)
    tracking.check(uri)
    if address is not None and address.startswith("ray://"):
        raise UserError("a study can't be driven through Ray's client; expected auto or host:port", key="--address")
    if body is not None:
        load(body)
    me, kept = tracking.myself(), open_storage(where)
    wanted = workers or spec.resources.workers or cluster.cores()
    outcome = StudyOutcome(storage=where)
    with answering(where):
        searches = [Search(spec, arm, kept, budget, me, wanted) for arm in spec.tuning.arms] if spec.tuning else []
        for search in searches:
            search.reap()
            search.retry()
            search.first()
    for search in searches:
        _bury(search, uri)
    if warm:
        for search in searches:
            reuse.add(search, uri)
    beside = [run.run_id for search in searches for run in _beside(search)]
    lacking = len(tracking.finished(uri, beside)) < len(beside)
    if lacking or any(_todo(search) for search in searches):
        outcome.interrupted = _Study(spec, uri, where, searches, me, body).go(workers, address, command)
    outcome.content = results.content(spec, uri, searches)
    outcome.seconds = time.monotonic() - began
    return outcome


def _budget(spec: Spec, trials: int | None, hours: float | None) -> Budget:
    assert spec.study is not None
    given = {name: value for name, value in (("trials", trials), ("hours", hours)) if value is not None}
    budget = spec.study.budget.model_copy(update=given)
    if budget.gpu_hours is not None and not spec.resources.gpu:
        message = "a budget of gpu_hours is never spent without a GPU: resources.gpu is 0"
        raise UserError(message, key="study.budget.gpu_hours")
    return budget


def _todo(search: Search) -> bool:
    trials = search.trials()
    return search.open(trials) or search.elsewhere(trials) > 0


def _beside(search: Search) -> list[Any]:
    """Runs of the spec's own values, where these are no point of the space: then no trial has them."""
    return search.runs({}) if search.default is None else []


def _bury(search: Search, uri: str) -> None:
    """Close the records that a driver, killed while it ended a trial, left RUNNING."""
    ended: dict[bool, list[str]] = {True: [], False: []}
    for trial in search.trials():
        ended[trial.state.name == "PRUNED"] += trial.user_attrs.get("runs", [])
    for pruned, run_ids in ended.items():
        tracking.reap(uri, run_ids, pruned=pruned)


class _Study:
    """A study at work."""

    def __init__(
        self, spec: Spec, uri: str, where: str, searches: list[Search], me: tracking.Owner, body: str | None
    ) -> None:
        self.spec, self.uri, self.where, self.searches, self.me, self.body = spec, uri, where, searches, me, body
        self.book: Book | None = None

    def go(self, workers: int | None, address: str | None, command: str | None) -> bool:
        """Search; True if it was stopped by a signal."""
        os.environ.update(_QUIET)
        spec, resources = self.spec, self.spec.resources
        threads = max(run.train.threads for search in self.searches for run in search.runs({}))
        limit = sum(s.budget.trials or 10**6 for s in self.searches)
        wanted = workers or resources.workers
        held = cluster.start(resources, workers=wanted, address=address, at_most=limit, threads=threads)
        try:
            tracking.prepare(self.uri)
            claims = [claim.digest(spec.name) for claim in (*spec.claims, *spec.awaited)]
            self.since = tracking.register(self.uri, claims, spec.digest)
            beside = [run for search in self.searches for run in _beside(search)]
            if beside:
                sweep = replace(spec, runs=beside)
                done = run_sweep(
                    sweep,
                    uri=self.uri,
                    workers=held.workers,
                    address=address,
                    retries=spec.retries,
                    command=command,
                    body=self.body,
                )
                if done.interrupted:
                    return True
            return self._tune(held, address is not None, threads, command)
        finally:
            held.stop()

    def _tune(self, held: cluster.Cluster, elsewhere: bool, threads: int, command: str | None) -> bool:
        spec, workers = self.spec, held.workers
        tallies = [Tally(search.arm.label, search.budget.trials) for search in self.searches]
        settings = Settings(
            self.uri,
            spec.name,
            self.me,
            tracking.provenance(),
            threads,
            self.body or DEFAULT,
            faults.planned(),
            spec.resources.checkpoint_minutes,
            training_code.digest() if elsewhere else "",
            limits=limits.of(spec.resources),
            since=self.since,
            packages=fitness.brought(run for search in self.searches for run in search.runs({})) if elsewhere else {},
        )
        with Display(tallies, workers) as display:
            grace = float(spec.resources.grace_seconds)
            self.book = book = Book(
                self.searches, workers, display, faults.planned(), self.where, grace=grace, elsewhere=elsewhere
            )
            for search in self.searches:
                search.set_workers(workers)
                count(display.tally(search.arm.label), search)
                display.say(display.tally(search.arm.label).line())
            try:
                with self._signals():
                    self._run(book, settings, held)
            finally:
                self._end(book)
            if book.fatal is not None:
                raise book.fatal
            for search in self.searches:
                tally = display.tally(search.arm.label)
                tally.elsewhere = 0
                count(tally, search)
                display.say(tally.line())
            if book.halted and command:
                display.say(f"stopped; this goes on with it: {command}")
        return book.halted

    def _run(self, book: Book, settings: Settings, held: cluster.Cluster) -> None:
        from ray import tune

        from harness.tune.actor import made_with
        from harness.tune.algorithms import BookScheduler, BookSearcher, BookStopper, Upkeep
        from harness.tune.places import Places, share
        from harness.tune.sending import sender

        spec, study = self.spec, self.spec.study
        assert study is not None
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(held.workers)
        parts = {"settings": settings, "metrics": study.metric, "retries": spec.retries, "test": spec.test}
        if book.elsewhere:
            parts["sender"] = sender()
        with tempfile.TemporaryDirectory(prefix="repose-tune-") as folder:
            tune.run(
                made_with(**parts),
                name="study",
                storage_path=folder,
                stop=BookStopper(book),
                resources_per_trial=share(held.size),
                num_samples=-1,
                search_alg=BookSearcher(book),
                scheduler=BookScheduler(book),
                callbacks=[Upkeep(book, Places(held, book.display.say))],
                max_failures=_LIVES,
                reuse_actors=True,
                raise_on_failed_trial=False,
                trial_dirname_creator=lambda trial: trial.trial_id,
                verbose=0,
            )

    def _end(self, book: Book) -> None:
        """Leave both stores consistent: wait until the workers are gone, then close what they left."""
        runs = [run.run_id for held in book.held.values() for run in held.given.runs] + book.stopped
        end = time.monotonic() + 5
        while time.monotonic() < end:
            owners = [record.owner for record in tracking.running(self.uri, runs).values()]
            mine = [owner for owner in owners if owner is not None and owner.driver == self.me]
            if not any(tracking.process_alive(owner) for owner in mine):
                break
            time.sleep(0.05)
        close(book, self.uri, self.me, "the study was stopped")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM stops the study in order, the second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, _: object) -> None:
            assert self.book is not None
            if self.book.halted:
                raise KeyboardInterrupt
            self.book.halted = True

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
