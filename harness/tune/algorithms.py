"""Ray Tune's sides of a study: the searcher that proposes trials, the scheduler that stops them, the stopper that ends.

All they know is in `book.Book`, which lives in the driver's process as they do.
"""

from __future__ import annotations

from typing import Any

from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from harness.sweep import freight
from harness.tune.actor import config
from harness.tune.book import Book
from harness.tune.places import Places


class BookSearcher(Searcher):
    """Proposes what Optuna asks for, and tells it what became of it: PRUNED where the scheduler stopped a trial."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def suggest(self, trial_id: str) -> Any:
        book = self._book
        book.upkeep()
        if book.ending:
            return Searcher.FINISHED
        proposed: Any = Searcher.FINISHED
        with book.asking():
            held = book.propose(trial_id)
            if held is not None:
                files = freight.read_by(held.given.runs) if book.elsewhere else {}
                proposed = config(held.label, held.given.runs, files)
            elif len(book.held) >= book.workers or not book.over:
                proposed = None
        return proposed

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        with self._book.asking():
            self._book.ended(trial_id, result, error=error)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Optuna's storage is the memory."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""


class BookScheduler(FIFOScheduler):
    """Keeps what trials report, and stops those that are hopeless by the rules of `stopping`."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        hopeless = False
        with self._book.asking():
            hopeless = self._book.reported(trial.trial_id, result)
        return TrialScheduler.STOP if hopeless else TrialScheduler.CONTINUE


class BookStopper(Stopper):
    """Ends all when the study is to end, and trials at work have kept checkpoints or had their time to."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its stopper down, to go on from; nothing here goes on from Tune's files."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._book.ending and self._book.settled


class Upkeep(Callback):
    """Has the book look after itself at each turn of Tune's loop, and tells trials at work that the study ends."""

    def __init__(self, book: Book, places: Places) -> None:
        self._book, self._places = book, places

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        book = self._book
        book.upkeep()
        if not book.ending:
            self._places.look(book.workers)
        elif not book.leaving:
            book.leave({trial.trial_id: trial.temporary_state.ray_actor for trial in trials if _at_work(trial)})


def _at_work(trial: Any) -> bool:
    return trial.status == Trial.RUNNING and trial.temporary_state.ray_actor is not None
