"""Tuned values against the spec's own on the test subjects: what tuning bought there."""

from __future__ import annotations

from dataclasses import replace

from harness.report.differences import difference_tables
from harness.report.evidence import Evidence
from harness.report.selection import Column, endpoints, metric
from harness.report.table import Table
from harness.spec.from_study import AXIS, DEFAULT, TUNED

NAME = "tuned_difference"


def tables(evidence: Evidence) -> list[Table]:
    """Paired differences tuned − own at each test level; none where no arm has both, or the main table tells them."""
    baseline = {AXIS: DEFAULT}
    sides = {arm.labels.get(AXIS) for arm in evidence.arms}
    if not {DEFAULT, TUNED} <= sides or AXIS not in evidence.axes or evidence.baseline == baseline:
        return []
    columns = [
        Column({"metric": "mpjpe", "test_occlusion": level}, ("test occlusion", head))
        for level, head in endpoints(evidence).items()
    ]
    title = f"What tuning bought on test subjects, tuned − own values: {metric('mpjpe').head}"
    return difference_tables(
        replace(evidence, baseline=baseline), NAME, title, evidence.rows, columns, (), {AXIS: [TUNED]}
    )
