"""Fast answers from a sqlite store, by read-only SQL: opening MLflow's own store takes seconds, this a few ms.

MLflow may change its tables with a version, so the schema's revision is compared first and any other one is
left to MLflow's client. `REVISION` belongs to the MLflow version in constraints.txt, which a test checks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.tracking import tags

REVISION = "dc11669786a5"
"""The schema's alembic revision in MLflow 3.17."""
_MANY = 500


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection | None]:
    """A read-only connection, or None when the store's schema isn't the one known here."""
    with closing(_opened(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall() if tables else []
        yield connection if found == [(REVISION,)] else None


def _opened(file: Path) -> sqlite3.Connection:
    if file.is_dir():
        raise UserError(f"the store {file} is a folder; expected a file", key="tracking.uri")
    try:
        connection = sqlite3.connect(f"file:{_quoted(file)}?mode=ro", uri=True, timeout=20)
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.DatabaseError as error:
        raise UserError(f"can't read the store {file}: {error}", key="tracking.uri") from None
    return connection


def records(
    connection: sqlite3.Connection, run_ids: Collection[str] | None, statuses: Collection[str]
) -> list[dict[str, Any]]:
    """Rows of the records that carry a run_id, oldest first, as the keywords of `record.Record` want them."""
    some = None if run_ids is None or len(run_ids) > _MANY else sorted(run_ids)
    running = "RUNNING" in statuses  # others have no owner any more and get no further
    query = f"""
        SELECT id.value AS run_id, r.run_uuid AS mlflow_id, r.status, r.start_time, r.end_time, r.artifact_uri,
               spec.value AS spec, shape.value AS shape, claim.value AS claim,
               {"owner.value" if running else "NULL"} AS owner, {"at.value" if running else "NULL"} AS at,
               beat.value AS heartbeat, reason.value AS reason, host.value AS host, evaluated.value AS evaluated,
               pruned.value AS pruned
        FROM tags id JOIN runs r ON r.run_uuid = id.run_uuid
        {_tag("spec", tags.SPEC)} {_tag("shape", tags.SHAPE)} {_tag("claim", tags.CLAIM)}
        {_tag("owner", tags.OWNER) + _tag("at", tags.AT) if running else ""}
        {_tag("beat", tags.HEARTBEAT)} {_tag("reason", tags.REASON)}
        {_tag("host", tags.HOST)} {_tag("evaluated", tags.EVALUATED)}
        {_tag("pruned", tags.PRUNED)}
        WHERE id.key = '{tags.RUN_ID}' AND r.lifecycle_stage = 'active' AND r.status IN ({_marks(statuses)})
        {"" if some is None else f"AND id.value IN ({_marks(some)})"}
        ORDER BY r.start_time
    """
    cursor = connection.execute(query, [*statuses, *(some or [])])
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    wanted = None if run_ids is None or some is not None else set(run_ids)
    kept = rows if wanted is None else [row for row in rows if row["run_id"] in wanted]
    added = _added(connection, [row["mlflow_id"] for row in kept]) if kept else {}
    return [row | {"added": added.get(row["mlflow_id"], {})} for row in kept]


def begun(connection: sqlite3.Connection, run_ids: Collection[str] | None) -> dict[str, int]:
    """run_id → when its first record was begun, in milliseconds since 1970."""
    some = None if run_ids is None or len(run_ids) > _MANY else sorted(run_ids)
    query = f"""
        SELECT id.value, MIN(r.start_time) FROM tags id JOIN runs r ON r.run_uuid = id.run_uuid
        WHERE id.key = '{tags.RUN_ID}' AND r.lifecycle_stage = 'active'
        {"" if some is None else f"AND id.value IN ({_marks(some)})"}
        GROUP BY id.value
    """
    wanted = None if run_ids is None else set(run_ids)
    found = connection.execute(query, some or [])
    return {run_id: started for run_id, started in found if wanted is None or run_id in wanted}


def newest(connection: sqlite3.Connection) -> int | None:
    """When the last record that carries a run_id was begun, in milliseconds since 1970."""
    query = f"""
        SELECT MAX(r.start_time) FROM tags id JOIN runs r ON r.run_uuid = id.run_uuid
        WHERE id.key = '{tags.RUN_ID}' AND r.lifecycle_stage = 'active'
    """
    return connection.execute(query).fetchone()[0]


def labels(connection: sqlite3.Connection) -> dict[str, str]:
    """run_id → name of its newest record, of all runs."""
    query = f"""
        SELECT id.value, r.name FROM tags id JOIN runs r ON r.run_uuid = id.run_uuid
        WHERE id.key = '{tags.RUN_ID}' AND r.lifecycle_stage = 'active' ORDER BY r.start_time
    """
    return {run_id: name or "" for run_id, name in connection.execute(query)}


def tags_of(
    connection: sqlite3.Connection, mlflow_ids: Collection[str], keys: Collection[str]
) -> dict[str, dict[str, str]]:
    """MLflow's id → key → value, of these tags of these records."""
    some = [] if len(mlflow_ids) > _MANY else list(mlflow_ids)
    query = f"SELECT run_uuid, key, value FROM tags WHERE key IN ({_marks(keys)})"
    query += f" AND run_uuid IN ({_marks(some)})" if some else ""
    found: dict[str, dict[str, str]] = {}
    for mlflow_id, key, value in connection.execute(query, [*keys, *some]):
        found.setdefault(mlflow_id, {})[key] = value
    return found


def _added(connection: sqlite3.Connection, mlflow_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """MLflow's id → the tags that name an evaluation file each; perhaps of other records too."""
    # A range, as in `params`; / is what follows the dot that the prefix ends in.
    some = [] if len(mlflow_ids) > _MANY else list(mlflow_ids)
    query = "SELECT run_uuid, key, value FROM tags WHERE key > ? AND key < ?"
    query += f" AND run_uuid IN ({_marks(some)})" if some else ""
    found: dict[str, dict[str, str]] = {}
    for mlflow_id, key, value in connection.execute(query, [tags.ADDED, tags.ADDED[:-1] + "/", *some]):
        found.setdefault(mlflow_id, {})[key] = value
    return found


def ledger(connection: sqlite3.Connection) -> str | None:
    """MLflow's id of the ledger, if there is one."""
    row = connection.execute(
        """SELECT t.value FROM experiment_tags t JOIN experiments e USING (experiment_id)
           WHERE e.name = ? AND t.key = ?""",
        (tags.LEDGER, tags.LEDGER_RUN),
    ).fetchone()
    return row[0] if row else None


def params(connection: sqlite3.Connection, mlflow_id: str, prefixes: Collection[str] | None) -> dict[str, str]:
    """Parameters of one record; of those that begin with a prefix, if prefixes are given and are few."""
    if prefixes is None or len(prefixes) > _MANY:
        return dict(connection.execute("SELECT key, value FROM params WHERE run_uuid = ?", (mlflow_id,)))
    found: dict[str, str] = {}
    for prefix in prefixes:
        # A range rather than LIKE, so that the primary key's index serves it; ~ sorts after all we write.
        query = "SELECT key, value FROM params WHERE key >= ? AND key < ? AND run_uuid = ?"
        found.update(connection.execute(query, (prefix, prefix + "~", mlflow_id)))
    return found


def _tag(alias: str, key: str) -> str:
    return f" LEFT JOIN tags {alias} ON {alias}.key = '{key}' AND {alias}.run_uuid = r.run_uuid"


def _marks(values: Collection[str]) -> str:
    return ",".join("?" * len(values))


def _quoted(file: Path) -> str:
    return str(file).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
