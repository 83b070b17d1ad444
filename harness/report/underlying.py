"""What stands behind a report's tables and isn't in `runs.csv`: kept beside them, so that they can be computed anew."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

import pandas as pd

from harness.report.evidence import Evidence
from harness.report.selection import listed, metric
from harness.report.table import Table

OF_SUBJECTS = ("new_subjects", "variance")
"""Kinds of tables that are made from each subject's values."""


def subjects(evidence: Evidence, tables: Iterable[Table]) -> pd.DataFrame | None:
    """Each subject's values behind the tables of them; None where no table speaks of single subjects.

    Returns:
        columns run_id, weights, metric, group, test_occlusion, cameras, subject, value: not rounded, as those tables
        are made from.
    """
    wanted = {}
    for table in tables:
        if table.recipe is not None and table.recipe.kind in OF_SUBJECTS:
            for column in table.recipe.columns:
                choices = (column["metric"], column.get("group", "all"), column["weights"])
                wanted.update(dict.fromkeys(itertools.product(*map(listed, choices))))
    if not wanted:
        return None
    names = ["run_id", "weights", "metric", "group", "test_occlusion", "cameras", "subject", "value"]
    parts = [
        evidence.by_subject(name, group, weights=weights).assign(metric=name, group=group, weights=weights)[names]
        for name, group, weights in wanted
    ]
    return pd.concat(parts, ignore_index=True)


def tested(evidence: Evidence) -> dict[str, Any]:
    """What the numbers were taken on: levels with their places on the curve, cameras, and each metric's better way."""
    names = sorted(evidence.frame["metric"].unique())
    return {
        "levels": list(evidence.levels),
        "scale": None if evidence.scale is None else dict(evidence.scale.curves or evidence.scale.positions),
        "cameras": list(evidence.cameras),
        **({"pilot": list(evidence.pilot)} if evidence.pilot else {}),
        "better": {name: metric(name).better for name in names},
    }


def digest(content: str | bytes) -> str:
    """SHA-256 of a text or file, in hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
