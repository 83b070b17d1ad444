"""Ray Tune's sides of a study: the searcher that proposes trials, the scheduler that stops them, the stopper that ends.

All they know is in `book.Book`, which lives in the driver's process as they do.
"""

from __future__ import annotations

from typing import Any

from ray.tune import Callback, Stopper
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from harness.tune.actor import config
from harness.tune.book import Book


class BookSearcher(Searcher):
    """Proposes what Optuna asks for, and tells it what became of it: PRUNED where the scheduler stopped a trial."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def suggest(self, trial_id: str) -> Any:
        self._book.upkeep()
        if self._book.halted or self._book.fatal is not None:
            return Searcher.FINISHED
        held = self._book.propose(trial_id)
        if held is not None:
            return config(held.label, held.given.runs)
        return Searcher.FINISHED if len(self._book.held) < self._book.workers and self._book.over else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
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
        hopeless = self._book.reported(trial.trial_id, result)
        return TrialScheduler.STOP if hopeless else TrialScheduler.CONTINUE


class BookStopper(Stopper):
    """Ends all when the study was told to."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its stopper down, to go on from; nothing here goes on from Tune's files."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._book.halted or self._book.fatal is not None


class Upkeep(Callback):
    """Has the book look after itself at each turn of Tune's loop."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._book.upkeep()
