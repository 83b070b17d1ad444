"""The rows of a record in MLflow's tables, and what of them is plain enough to be written without MLflow."""

from __future__ import annotations

import math
import posixpath
import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

NAME = "mlflow.runName"
"""The tag that repeats a record's name."""
_LARGEST = 1.7976931348623157e308
"""What stands for infinity."""
_KEY = re.compile(r"[\w.\- :][/\w.\- :]{0,249}", re.ASCII)
_ROOM = {"param": 6000, "tag": 8000}


class NotPlain(Exception):
    """This is for MLflow's client."""


class Point(NamedTuple):
    """A point of a curve, or a final figure; ``timestamp`` in milliseconds since 1970."""

    key: str
    value: float
    timestamp: int
    step: int


def plain(holds: bool) -> None:
    """Raises `NotPlain` if it doesn't hold."""
    if not holds:
        raise NotPlain


def plain_pairs(pairs: Mapping[str, str], kind: str) -> None:
    """Raises `NotPlain` where MLflow might refuse or change a parameter or tag (``kind``)."""
    for key, value in pairs.items():
        plain(_is_key(key) and isinstance(value, str) and len(value) <= _ROOM[kind] and key != NAME)


def _is_key(key: str) -> bool:
    return _KEY.fullmatch(key) is not None and posixpath.normpath(key) == key and not key.startswith(".")


def set_tags(connection: sqlite3.Connection, run_id: str, tags: Mapping[str, str]) -> None:
    """Write tags, in place of those that have their names."""
    plain_pairs(tags, "tag")
    connection.executemany(
        "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)"
        " ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value",
        [(key, value, run_id) for key, value in tags.items()],
    )


def set_params(connection: sqlite3.Connection, run_id: str, params: Mapping[str, str]) -> list[str]:
    """Add parameters; which of them are there with another value."""
    plain_pairs(params, "param")
    differing = []
    for key, value in params.items():
        made = connection.execute(
            "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?) ON CONFLICT (key, run_uuid) DO NOTHING",
            (key, value, run_id),
        )
        if made.rowcount == 0:  # it's there: with the same value that's fine
            found = connection.execute("SELECT value FROM params WHERE key = ? AND run_uuid = ?", (key, run_id))
            differing += [key] if found.fetchone() != (value,) else []
    return differing


def add_points(connection: sqlite3.Connection, run_id: str, points: Sequence[Point]) -> None:
    """Add points that aren't there; of each name the last by step, then time, then value is its newest."""
    rows = []
    last: dict[str, tuple[int, int, float, bool]] = {}
    for key, value, timestamp, step in points:
        plain(_is_key(key) and timestamp >= 0)
        undefined = math.isnan(value)
        kept = 0.0 if undefined else max(-_LARGEST, min(_LARGEST, value))
        rows.append((key, kept, timestamp, run_id, step, undefined))
        if key not in last or (step, timestamp, kept) > last[key][:3]:
            last[key] = (step, timestamp, kept, undefined)
    connection.executemany(
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        rows,
    )
    connection.executemany(
        "INSERT INTO latest_metrics (key, step, timestamp, value, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key, run_uuid) DO UPDATE"
        " SET step = excluded.step, timestamp = excluded.timestamp, value = excluded.value, is_nan = excluded.is_nan"
        " WHERE (excluded.step, excluded.timestamp, excluded.value)"
        " > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)",
        [(key, *newest, run_id) for key, newest in last.items()],
    )
