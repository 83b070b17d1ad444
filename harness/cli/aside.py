"""Work that goes on in a process of its own, beside this one: what a report needs late is begun early.

The other process takes one job after the other: a function of the harness, by name, with what it is given, and what
it yields comes back as it is made. Nothing depends on it: a job that fails there, can't be sent or is lost with its
process has no answers, and whoever asked does the work here, where errors are said.
"""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, cast

import harness
from harness.cli.collecting import rarely

_HEAVY = ("torch", "matplotlib")
"""What another process is worth starting for: loading them takes a second each, which nothing need wait for."""
_PIPE = 1 << 20
"""Bytes: what comes in small pieces waits for the turn of the reading thread before each."""


class Answers:
    """What a job has yielded so far, or several jobs."""

    def __init__(self) -> None:
        self._come: list[Any] = []
        self._jobs = 0
        self._news = threading.Condition()

    def come(self) -> list[Any]:
        """All that have come, in their order; more may."""
        with self._news:
            return list(self._come)

    def wait(self, beyond: int) -> bool:
        """Wait until more than so many have come; False if no more will."""
        with self._news:
            self._news.wait_for(lambda: self._jobs <= 0 or len(self._come) > beyond)
            return len(self._come) > beyond

    def put(self, one: Any) -> None:
        """One more has come."""
        with self._news:
            self._come.append(one)
            self._news.notify_all()

    def begin(self) -> None:
        """A job may yield more."""
        with self._news:
            self._jobs += 1

    def end(self) -> None:
        """No more will come of one job."""
        with self._news:
            self._jobs -= 1
            self._news.notify_all()


class Aside:
    """A process beside this one, see `beside`."""

    def __init__(self) -> None:
        home = str(Path(harness.__file__).parents[1])
        path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli.aside"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=_PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._jobs: list[Answers] = []
        self._lost = False
        self._letters: SimpleQueue[bytes] = SimpleQueue()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._read)]
        for thread in self._threads:
            thread.start()

    def ask(self, function: str, *given: Any, among: Answers | None = None) -> Answers:
        """Have ``package.module:function`` called with what is given, after what was asked before.

        ``among``: what comes is added to the answers of an earlier job.
        """
        job = Answers() if among is None else among
        job.begin()
        self._jobs.append(job)
        try:
            self._letters.put(pickle.dumps((len(self._jobs) - 1, function, given), protocol=5))
        except (pickle.PicklingError, TypeError, AttributeError):  # what can't be sent is done here
            job.end()
        if self._lost:
            job.end()
        return job

    def close(self) -> None:
        """Nobody waits for the other process any more."""
        self._process.kill()
        self._process.wait()
        self._letters.put(b"")
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        with suppress(OSError), cast(BinaryIO, self._process.stdin) as stream:  # gone, as the reader finds out too
            while letter := self._letters.get():
                stream.write(letter)
                stream.flush()

    def _read(self) -> None:
        try:
            with suppress(EOFError, OSError, pickle.UnpicklingError), cast(BinaryIO, self._process.stdout) as stream:
                while True:
                    number, more, one = pickle.load(stream)
                    self._jobs[number].put(one) if more else self._jobs[number].end()
        finally:
            self._lost = True
            for job in self._jobs:
                job.end()


@contextmanager
def beside() -> Iterator[Aside | None]:
    """A process beside this one; None where no processor is free for it, or what takes time is loaded here anyway."""
    if not _free() or any(name in sys.modules for name in _HEAVY):
        yield None
        return
    other = Aside()
    try:
        yield other
    finally:
        other.close()


def _free() -> bool:
    """Whether a second processor has had little to do of late: sharing one, two processes only take longer."""
    return os.getloadavg()[0] < len(os.sched_getaffinity(0)) - 0.5 and len(os.sched_getaffinity(0)) > 1


def main() -> None:
    """Take jobs from the standard input until it ends."""
    with rarely(), os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
        while True:
            try:
                number, function, given = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            module, _, name = function.partition(":")
            with suppress(Exception):  # whoever asked does the work itself then, and says what is wrong
                for one in getattr(importlib.import_module(module), name)(*given):
                    pickle.dump((number, True, one), answers, protocol=5)
                    answers.flush()
            pickle.dump((number, False, None), answers, protocol=5)
            answers.flush()


if __name__ == "__main__":
    main()
