"""What a study found, in the report of its spec or of one that uses it: read from ``study.json`` and the fresh runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.report.table import Table

if TYPE_CHECKING:
    from harness.report.evidence import Evidence
    from harness.report.tuning.study import Study


def tables(evidence: Evidence) -> list[Table]:
    """The tables of a study; none without one."""
    from harness.report.tuning import fresh, searches

    study = evidence.study
    if study is None:
        return []
    found = [searches.budgets(study), searches.found(study), fresh.table(evidence), searches.importance(study)]
    return [table for table in found if table is not None]


def differences(evidence: Evidence) -> list[Table]:
    """Tuned less own values on test subjects: tables of paired differences like any other."""
    from harness.report.tuning import on_test

    return on_test.tables(evidence)


def told(spec: Any, study: Study | None) -> list[str]:
    """What the top of a report says of a study; nothing where the spec has nothing to do with one."""
    if study is None:
        if getattr(spec, "study", None) is None:
            return []
        return [f"Nothing is tuned yet: `repose tune` writes results/{spec.name}/study.json."]
    return [f"Tuned by the study of {study.content.spec}."]


def identity(study: Study | None) -> Mapping[str, Any] | None:
    """What names a study in ``report.json``."""
    if study is None:
        return None
    return {"spec": study.content.spec, "digest": study.digest, "pick": study.pick}
