"""Runs of a store by what people call them: the beginning of a run_id, or words of a label."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.errors import UserError, nearest
from harness.tracking import sql, tags
from harness.tracking.listing import entities
from harness.tracking.store import resolve, sqlite_path

_SHORTEST, _LISTED = 4, 10
_ID = re.compile(r"[0-9a-f]+")
_SAFE = re.compile(r"[\w.=+-]+")


def find(uri: str | None, text: str) -> tuple[str, str]:
    """The run_id and the label of the one run that is called so.

    Args:
        uri: the store.
        text: the beginning of its run_id, at least four digits; or its label, or some words of it.

    Raises:
        UserError: none is, or several are.
    """
    uri, words = resolve(uri), text.split()
    known = _labels(uri, words)
    matched = {r: label for r, label in known.items() if len(text) >= _SHORTEST and r.startswith(text)}
    matched = matched or {r: label for r, label in known.items() if label == " ".join(words)}
    matched = matched or {r: label for r, label in known.items() if words and set(words) <= set(label.split())}
    if len(matched) == 1:
        return next(iter(matched.items()))
    if matched:
        listed = [f"{label} [{run_id}]" for run_id, label in list(matched.items())[:_LISTED]]
        more = f", … {len(matched) - _LISTED} more" if len(matched) > _LISTED else ""
        raise UserError(f"'{text}' could be any of {len(matched)} runs: {', '.join(listed)}{more}")
    guess = nearest(text, [*known, *known.values()])
    raise UserError(f"no run of the store is called '{text}'" + (f"; did you mean '{guess}'?" if guess else ""))


def _labels(uri: str, words: list[str]) -> Mapping[str, str]:
    """run_id → label: of all runs of a file, of those that a server finds by the words."""
    file = sqlite_path(uri)
    if file is not None:
        if not file.exists() or file.stat().st_size == 0:
            return {}
        with sql.reading(file) as connection:
            if connection is not None:
                return sql.labels(connection)
    asked = []
    if len(words) == 1 and _ID.fullmatch(words[0]):
        asked.append(f"tags.`{tags.RUN_ID}` LIKE '{words[0]}%'")
    # One word is enough of a filter; the others are compared here.
    safe = max((word for word in words if _SAFE.fullmatch(word)), key=len, default="")
    asked.append(f"attributes.run_name ILIKE '%{safe}%'" if safe else "")
    for query in asked:
        found = {run.data.tags[tags.RUN_ID]: run.info.run_name or "" for run in entities(uri, query)}
        if found:
            return found
    return {}
