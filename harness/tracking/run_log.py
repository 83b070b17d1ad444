"""What a run says in words: its lines, kept in memory and written into its record as ``log.txt``.

A record holds numbers; why a run was slow, warned or died stands in lines. Warnings, log messages and
whatever the code prints while a run is at work become lines of that run.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from typing import Any, TextIO

HEAD, TAIL = 200_000, 800_000
"""Characters kept of a log: its beginning and its end. A loop that prints mustn't fill the store."""
_LONGEST = 10_000
_KEPT_APART = ("torch", "ray", "mlflow")


class RunLog:
    """The lines of one run, each with the time in UTC. Any thread may add to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._in_head = self._in_tail = self._dropped = self._said = self._written = 0

    def say(self, text: str) -> None:
        """Add a line, or several. Never waits for the store."""
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        with self._lock:
            for line in text.rstrip().splitlines() or [""]:
                self._keep(f"{now}  {line[:_LONGEST]}\n")

    @property
    def changed(self) -> bool:
        """Whether there are lines that `written` doesn't know of."""
        return self._said != self._written

    def content(self) -> tuple[bytes, int]:
        """The log as it is now, and a mark for `written`."""
        with self._lock:
            left_out = [f"… {self._dropped} lines left out …\n"] if self._dropped else []
            return "".join([*self._head, *left_out, *self._tail]).encode(errors="replace"), self._said

    def written(self, mark: int) -> None:
        """Remember that the store has what `content` gave with this mark."""
        self._written = mark

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take down log messages and what is printed, warnings among it, by any thread of this process.

        What is printed still goes where it would have gone.
        """
        handler = _Handler(self)
        # Some, such as torch's, keep what they are told from the root once they are set up.
        loggers = [logging.getLogger(), *(logging.getLogger(name) for name in _KEPT_APART)]
        for logger in loggers:
            logger.addHandler(handler)
        try:
            with redirect_stdout(_Tee(sys.stdout, self)), redirect_stderr(_Tee(sys.stderr, self)):
                yield
        finally:
            for logger in loggers:
                logger.removeHandler(handler)

    def _keep(self, line: str) -> None:
        self._said += 1
        if self._in_head + len(line) <= HEAD and not self._tail:
            self._head.append(line)
            self._in_head += len(line)
            return
        self._tail.append(line)
        self._in_tail += len(line)
        while self._in_tail > TAIL:
            self._in_tail -= len(self._tail.popleft())
            self._dropped += 1


class _Handler(logging.Handler):
    """Log messages from WARNING up, and those of the harness from INFO up."""

    def __init__(self, log: RunLog) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "taken_down", None) is self:  # it came this way from its own logger already
            return
        record.taken_down = self
        if record.levelno >= logging.WARNING or record.name.startswith("harness"):
            self._log.say(f"{record.levelname.lower()}: {record.name}: {record.getMessage()}")


class _Tee:
    """A stream that also tells a log, line by line; what a progress bar overwrites isn't told."""

    def __init__(self, stream: TextIO, log: RunLog) -> None:
        self._stream, self._log, self._rest = stream, log, ""

    def write(self, text: str) -> int:
        *lines, rest = (self._rest + text).split("\n")
        self._rest = rest[-_LONGEST:]
        for line in lines:
            kept = line.rstrip("\r").rpartition("\r")[2]
            if kept.strip():
                self._log.say(kept)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
