"""Evaluations of finished runs: which test conditions their files hold, and how one is added later.

A record's tag `tags.EVALUATED` names the files that count, with the conditions (see
`harness.spec.identity.condition`) in each. A file that is added later has a tag of its own, after `tags.ADDED`, so that
of two that add at the same moment neither overwrites the other's; earlier versions wrote all into the one tag. A file
is written before a tag names it, so a crash between the two costs no more than doing it again. Records without the tag
are older than it: they hold what stands in their ``evaluation.parquet``, and every level was at version 1 then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.tracking import artifacts, tags
from harness.tracking.patience import persist
from harness.tracking.record import Record, evaluated, finished
from harness.tracking.store import client, resolve

FIRST_VERSION = 1
"""Of every level, before records said which they held."""


def unevaluated(uri: str | None, records: Mapping[str, Record], wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The conditions that finished runs lack, in the order of ``wanted``; only runs that lack some.

    Args:
        records: run_id → its finished record.
        wanted: keys of conditions.
    """
    lacking = {}
    for run_id, record in records.items() if wanted else ():
        held = _held(uri, record)
        missing = tuple(key for key in wanted if key not in held)
        if missing:
            lacking[run_id] = missing
    return lacking


def add_evaluation(uri: str | None, record: Record, content: bytes, conditions: Collection[str]) -> None:
    """Add the rows of some conditions to a finished record. Waits for a store that is gone.

    Two that do the same write the same file. What the record has come to hold meanwhile is kept.
    """
    uri = resolve(uri)
    name = f"evaluation-{hashlib.sha256(' '.join(sorted(conditions)).encode()).hexdigest()[:8]}.parquet"
    artifacts.add(uri, record, name, content)
    now = current(uri, record)
    files = _files(uri, now)
    if now.evaluated is None:  # what its file holds must be told, too, once anything is
        _tell(uri, record, tags.EVALUATED, {held: list(keys) for held, keys in files.items()})
    elsewhere = {key for other, keys in files.items() if other != name for key in keys}
    added = [key for key in conditions if key not in elsewhere]
    if set(added) - set(files.get(name, ())):
        _tell(uri, record, tags.ADDED + name, added)


def current(uri: str | None, record: Record) -> Record:
    """The record with what it is known to hold now."""
    uri = resolve(uri)
    found = persist(lambda: client(uri).get_run(record.mlflow_id)).data.tags
    return Record(**{**record.__dict__, "evaluated": evaluated(found.get(tags.EVALUATED), found)})


def read_evaluations(
    uri: str | None, run_ids: Collection[str], known: Mapping[str, Record] | None = None
) -> dict[str, dict[Path, tuple[str, ...]]]:
    """Local paths of all evaluation files of those of ``run_ids`` that are finished, with the conditions in each.

    Rows of another condition than those don't count: another file has them. ``known``: the records of those that are
    finished, if they have been read.
    """
    uri = resolve(uri)
    found, find = {}, artifacts.finder(uri)
    for run_id, record in (finished(uri, run_ids) if known is None else known).items():
        files = {find(record, name): keys for name, keys in _files(uri, record).items()}
        if files:
            found[run_id] = files
    return found


def _tell(uri: str, record: Record, tag: str, value: Any) -> None:
    persist(lambda: client(uri).set_tag(record.mlflow_id, tag, json.dumps(value)))


def _held(uri: str | None, record: Record) -> set[str]:
    return {key for keys in _files(uri, record).values() for key in keys}


def _files(uri: str | None, record: Record) -> Mapping[str, tuple[str, ...]]:
    if record.evaluated is not None:
        return record.evaluated
    try:
        return {artifacts.EVALUATION: tuple(_read(artifacts.path(uri, record, artifacts.EVALUATION)))}
    except FileNotFoundError:
        return {}


def _read(file: Path) -> Iterable[str]:
    """The conditions that stand in a file."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = ["test_occlusion", "cameras"]
    try:
        table = parquet.read_table(file, columns=columns, read_dictionary=columns, use_threads=False)
    except pa.ArrowException as error:
        raise UserError(f"can't read an evaluation: {error}", file=str(file)) from None
    pairs = table.group_by(columns, use_threads=False).aggregate([]).to_pylist()
    return [f"{row['test_occlusion']}@{FIRST_VERSION}/{row['cameras']}" for row in pairs]
