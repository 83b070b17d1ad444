"""Ray Tune's loop in a few lines, in one process: what a driver and its worker do, without starting Ray."""

from __future__ import annotations

import pickle
from typing import Any

from rich.console import Console

from harness import tracking
from harness.spec import Spec
from harness.sweep import faults
from harness.sweep.worker import Settings
from harness.tune import results
from harness.tune.actor import PRUNED
from harness.tune.book import Book, close, count
from harness.tune.display import Display, Tally
from harness.tune.driver import _bury
from harness.tune.search import Search
from harness.tune.storage import open_storage, place
from harness.tune.work import RUNNING, TrialWorker

BODY = "tests.tune.bodies:formula"


def searches_of(spec: Spec, store: str) -> list[Search]:
    """The searches of a spec, begun as a driver begins them."""
    assert spec.study is not None and spec.tuning is not None
    kept, me = open_storage(place(spec.name, store)), tracking.myself()
    found = [Search(spec, arm, kept, spec.study.budget, me) for arm in spec.tuning.arms]
    for search in found:
        search.reap()
        search.retry()
        search.first()
        _bury(search, store)
    return found


def drive(spec: Spec, store: str, most: int | None = None, body: str = BODY) -> dict[str, Any]:
    """Do a study, or ``most`` trials of it; what study.json would hold."""
    assert spec.study is not None
    searches, me = searches_of(spec, store), tracking.myself()
    settings = Settings(store, spec.name, me, {}, 1, body, faults.planned())
    display = Display([Tally(search.arm.label, None) for search in searches], 1, Console(quiet=True))
    book = Book(searches, 1, display, faults.planned())
    for search in searches:
        count(display.tally(search.arm.label), search)
    worker, number = TrialWorker(settings, spec.study.metric, spec.retries), 0
    while number != most:
        number += 1
        held = book.propose(str(number))
        if held is None:
            break
        worker.begin(held.given.runs, spec.test)
        while True:
            told = worker.next()
            result = {"told": pickle.dumps(told), "done": told.state != RUNNING}
            if result["done"]:
                break
            if book.reported(str(number), result):
                result["done"] = True
                worker.stop(PRUNED, pruned=True)
                break
        book.ended(str(number), result, error=False)
    close(book, store, me, "over")
    return results.content(spec, store, searches)
