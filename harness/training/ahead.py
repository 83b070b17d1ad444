"""What comes next, made by threads while the present is worked on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """``make(number)`` for rising numbers; the next ones are begun whenever one is asked for.

    Args:
        make: a function of the number alone, that several threads may call at once.
        threads: that make; 0: nothing is begun before it's asked for, and the caller's thread makes it.
    """

    def __init__(self, make: Callable[[int], T], threads: int) -> None:
        self._make, self._threads = make, threads
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[int, Future[T]] = {}

    def __getitem__(self, number: int) -> T:
        """What ``make`` gives, or the exception it raises."""
        if not self._threads:
            return self._make(number)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ahead")
        wanted = range(number, number + self._threads + 1)
        for skipped in self._begun.keys() - set(wanted):
            self._begun.pop(skipped).cancel()
        for one in wanted:
            if one not in self._begun:
                self._begun[one] = self._pool.submit(self._make, one)
        return self._begun.pop(number).result()
