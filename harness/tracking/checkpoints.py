"""Checkpoints of a run at work: the last one is kept, where any node can reach it, until the run is finished.

A checkpoint is a file of the run's record, and the record's tag `tags.CHECKPOINT` points to it. The file is written
first, then pointed to, and only then is the one before removed, so there is a whole one at every moment. Two names take
turns: where a store can't remove files, two at most are left. Whoever takes the run over looks through its records.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.tracking import artifacts, sql, tags
from harness.tracking.direct import client
from harness.tracking.patience import persist, refusal
from harness.tracking.record import ALL, Record, records
from harness.tracking.store import resolve, sqlite_path

_NAMES = ("checkpoint-a.pt", "checkpoint-b.pt")


class NoCheckpoint(Exception):
    """A checkpoint that is pointed to and can't be had; the message says why."""


@dataclass(frozen=True)
class Checkpoint:
    """How far a run came, kept in one of its records.

    Attributes:
        record: the record it is a file of.
        name: the file's.
        digest: SHA-256 of its content.
        step, steps: done, and in all.
        at: when it was kept, seconds since 1970.
        hardware: where: on another processor the rest of a training has other bits.
    """

    record: Record
    name: str
    digest: str
    step: int
    steps: int
    at: float
    hardware: str


def checkpoints(uri: str | None, run_id: str) -> list[Checkpoint]:
    """The checkpoints of a run, the last one's first: one, but for moments in which another is being written."""
    uri = resolve(uri)
    found = {record.mlflow_id: record for record in records(uri, [run_id], ALL)}
    pointers = {mlflow_id: json.loads(text) for mlflow_id, text in _pointers(uri, list(found)).items()}
    kept = [Checkpoint(found[mlflow_id], **pointer) for mlflow_id, pointer in pointers.items()]
    return sorted(kept, key=lambda one: (_generation(one.record), one.at), reverse=True)


def read_checkpoint(uri: str | None, checkpoint: Checkpoint) -> bytes:
    """The content of a checkpoint.

    Raises:
        NoCheckpoint: the file is gone, out of this node's reach, or isn't whole.
    """
    try:
        content = artifacts.read(resolve(uri), checkpoint.record, checkpoint.name)
    except Exception as error:  # whatever an artifact store has for this: it costs steps, never the run
        raise NoCheckpoint(f"its file can't be had ({type(error).__name__}: {error})") from None
    if hashlib.sha256(content).hexdigest() != checkpoint.digest:
        raise NoCheckpoint("its file isn't whole")
    return content


def drop_checkpoints(uri: str | None, run_id: str, *, keep: str | None = None) -> None:
    """Remove the checkpoints of a run, whole ones and those of killed writers, but for those of the record ``keep``."""
    uri = resolve(uri)
    for record in records(uri, [run_id], ALL):
        for name in _NAMES if record.mlflow_id != keep else ():
            artifacts.remove_parts(uri, record, name)
    for one in checkpoints(uri, run_id):
        if one.record.mlflow_id != keep:
            _unpoint(uri, one.record.mlflow_id)
            for name in _NAMES:
                artifacts.remove(uri, one.record, name)


class Checkpoints:
    """Those of one run, as its owner keeps them. A failure to keep one is told and costs no run.

    Args:
        uri: the store.
        run_id: the run.
        generation: of the owner's claim: of the first one there is nothing earlier to look for.
        record: MLflow's id of the owner's record, and where its artifacts are.
        minutes: between two of them; None: only when the run is told to stop.
        tell: takes a line about them.

    Attributes:
        asked: why the run is to stop, if it is: it then keeps a checkpoint between two steps and raises `Stopped`.
    """

    def __init__(
        self,
        uri: str,
        run_id: str,
        generation: int,
        record: tuple[str, str],
        minutes: float | None,
        tell: Callable[[str], None],
    ) -> None:
        self._uri, self._run_id, self._generation, self._tell = uri, run_id, generation, tell
        self._mlflow_id, self._artifact_uri = record
        self._every = None if minutes is None else 60.0 * minutes
        self._last = time.monotonic()
        self._earlier = generation > 0
        self._turn: int | None = None
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self._at_rest: Callable[[], Any] | None = None
        self.asked: str | None = None

    def earlier(self) -> list[Checkpoint]:
        """What earlier owners of the run left, the last one's first."""
        return persist(lambda: checkpoints(self._uri, self._run_id)) if self._generation else []

    @property
    def due(self) -> bool:
        """Whether it's time for one."""
        return self._every is not None and time.monotonic() - self._last >= self._every

    def keep(self, content: bytes, step: int, steps: int, *, wait: bool = False) -> bool:
        """Keep one in place of the last; False if that failed, or is left out as the last is being written still.

        Args:
            wait: until it is kept. Else a thread does it, and the run goes on.
        """
        self._last = time.monotonic()
        if wait:
            return self._write(content, step, steps)
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=self._write, args=(content, step, steps), daemon=True)
        self._thread.start()
        return True

    def ask(self, reason: str) -> None:
        """Have the run stop at its next step, with a checkpoint. May be called by any thread, or a signal's handler."""
        self.asked = self.asked or reason
        if self._at_rest is not None:
            threading.Thread(target=self._at_rest, daemon=True).start()

    def rest(self, action: Callable[[], Any]) -> None:
        """``action`` keeps a checkpoint if the run is asked to stop from now on: there's no next step any more."""
        self._at_rest = action

    def drop(self) -> None:
        """Remove them all: the run is finished, or can't be."""
        with self._writing:
            if self._turn is not None or self._earlier:
                persist(lambda: drop_checkpoints(self._uri, self._run_id))
            self._turn, self._earlier = None, False

    def _write(self, content: bytes, step: int, steps: int) -> bool:
        with self._writing:
            try:
                self._replace(content, step, steps)
            except Exception as error:
                self._tell(f"no checkpoint could be kept at step {step} of {steps}: {type(error).__name__}: {error}")
                return False
        self._tell(f"checkpoint at step {step} of {steps} ({len(content) / 1e6:.1f} MB)")
        return True

    def _replace(self, content: bytes, step: int, steps: int) -> None:
        before, turn = self._turn, 1 - (self._turn or 0)
        fields = {"name": _NAMES[turn], "digest": hashlib.sha256(content).hexdigest(), "step": step, "steps": steps}
        pointer = json.dumps({**fields, "at": round(time.time(), 3), "hardware": tags.hardware()})
        artifacts.write(self._uri, self._mlflow_id, self._artifact_uri, _NAMES[turn], content, durable=True)
        set_pointer = client(self._uri).set_tag
        persist(lambda: set_pointer(self._mlflow_id, tags.CHECKPOINT, pointer), room=False)
        self._turn = turn
        if before is not None:
            artifacts.remove_at(self._uri, self._artifact_uri, _NAMES[before])
        if self._earlier:
            drop_checkpoints(self._uri, self._run_id, keep=self._mlflow_id)
            self._earlier = False


def _unpoint(uri: str, mlflow_id: str) -> None:
    try:
        persist(lambda: client(uri).delete_tag(mlflow_id, tags.CHECKPOINT))
    except Exception as error:
        if refusal(error) != "RESOURCE_DOES_NOT_EXIST":  # somebody else was quicker
            raise


def _generation(record: Record) -> int:
    return int((record.claim or "-1:").partition(":")[0])


def _pointers(uri: str, mlflow_ids: list[str]) -> dict[str, str]:
    """MLflow's id → the pointer, of the records that have one."""
    file = sqlite_path(uri)
    if file is not None and mlflow_ids:
        with sql.reading(file) as connection:
            if connection is not None:
                found = sql.tags_of(connection, mlflow_ids, (tags.CHECKPOINT,))
                return {mlflow_id: tag[tags.CHECKPOINT] for mlflow_id, tag in found.items()}
    each = {i: persist(lambda i=i: client(uri).get_run(i)).data.tags for i in mlflow_ids}  # type: ignore[misc]
    return {mlflow_id: tag[tags.CHECKPOINT] for mlflow_id, tag in each.items() if tags.CHECKPOINT in tag}
