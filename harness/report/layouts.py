"""Which tables a report holds: those its spec declares, else the ablation table and its companions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness import protocols, registry
from harness.report.arranging import arranged
from harness.report.declared import DEFAULT, common_notes, declared_tables
from harness.report.differences import difference_tables
from harness.report.evidence import Evidence
from harness.report.records import option
from harness.report.selection import Column, endpoints, listed, metric
from harness.report.table import Table
from harness.report.tables import gap_table, mean_table
from harness.report.words import Labels

DEPTH = ("order_spatial", "order_temporal")
SECONDARY = ("p_mpjpe", "n_mpjpe", "mpjve", "pck150", "auc", "mpjpe_occluded", "mpjpe_fixed", *DEPTH, "depth_spread")
OCCLUDED = "occluded"
CHOSEN_ON_TEST = (
    "CHOSEN ON TEST DATA: each run's epoch is the one with the lowest error on the very clips that are scored here, so "
    "these numbers are too good for clips nobody has seen. No claim may rest on them."
)
AVERAGES = {"value": "subjects", "per_action": "actions", "per_frame": "frames"}


def tables(evidence: Evidence, declared: list[Any] | None = None, labels: Labels | None = None) -> list[Table]:
    """All tables of a report, the main one first.

    Args:
        evidence: what the runs left.
        declared: the tables a spec asks for; without any, the ablation table.
        labels: other words for values, in every table; see `harness.report.arranging`.
    Raises:
        UserError: a declared table names an axis that isn't there or a metric nobody logged.
    """
    labels = labels or {}
    if declared and not _is_default(declared):
        main = [t for i, layout in enumerate(declared, 1) for t in declared_tables(evidence, layout, i, labels)]
    else:
        main = [arranged(table, labels=labels) for table in _ablation(evidence)]
    rows = evidence.rows
    rest = [
        gap_table(evidence, "gap", evidence.printed, list(evidence.cameras)),
        _secondary(evidence, rows),
        *(_depth_order(evidence, rows, name) for name in DEPTH),
        _averaging(evidence, rows),
    ]
    made = [*main, *(arranged(table, labels=labels) for table in rest if table is not None)]
    if protocols.of(evidence.protocol).chosen_on_test:
        # Each table may be read alone.
        made = [replace(table, notes=(CHOSEN_ON_TEST, *table.notes)) for table in made]
    return made


def _ablation(evidence: Evidence) -> list[Table]:
    kind = metric("mpjpe")
    # The area under the curve is the primary endpoint: it stands first.
    levels = endpoints(evidence)
    columns = [
        Column(
            {"metric": "mpjpe", "test_occlusion": level, "cameras": cameras},
            (f"{cameras} cameras, test occlusion", head),
        )
        for cameras in evidence.cameras
        for level, head in levels.items()
    ]
    notes = common_notes(evidence)
    main = mean_table(evidence, "ablation", f"{kind.head}, by test occlusion", evidence.printed, columns, notes)
    by_level = [Column({"metric": "mpjpe", "test_occlusion": x}, ("test occlusion", h)) for x, h in levels.items()]
    title = f"Paired difference to the baseline: {kind.head}"
    return [main, *difference_tables(evidence, "difference", title, evidence.rows, by_level)]


def _is_default(declared: list[Any]) -> bool:
    """Whether the spec asks for no more than the default layout shows: objectives by test level."""
    (only, *others) = declared
    names = [listed(option(only, name, default)) for name, default in DEFAULT.items()]
    unasked = all(
        option(only, name) in (None, {}) for name in ("title", "baseline", "where", "group", "order", "labels")
    )
    plain = unasked and option(only, "differences", True)
    return not others and plain and names == [[default] for default in DEFAULT.values()]


def _secondary(evidence: Evidence, rows: tuple[str, ...]) -> Table | None:
    logged = set(evidence.frame["metric"].unique())
    columns = [Column({"metric": "mpjpe"}, ("", "MPJPE, mm"))]
    columns.append(Column({"metric": "mpjpe", "weights": "last"}, ("", "MPJPE of the last epoch, mm")))
    others = [name for name in registry.entries("metrics") if name not in ("mpjpe", *SECONDARY)]
    columns += [Column({"metric": name}, ("", metric(name).head)) for name in (*SECONDARY, *others) if name in logged]
    if (evidence.frame["weights"] == "last").sum() == 0:
        columns.pop(1)
    note = (
        f"Averaged over the test levels ({', '.join(evidence.levels)}) at which a metric is defined. Fixed "
        "joints: those hidden at the severe level, scored at every level. Depth spread: 1 is that of the truth, 0 that "
        "of a flat pose; without it a low relational loss says nothing."
    )
    return mean_table(evidence, "metrics", "Other measures", rows, columns, (note,))


def _depth_order(evidence: Evidence, rows: tuple[str, ...], name: str) -> Table | None:
    """Depth order by true gap, all pairs and those with an occluded keypoint apart; None if it wasn't logged."""
    groups = list(evidence.frame.loc[(evidence.frame["metric"] == name).to_numpy(), "group"].unique())
    if not groups:
        return None
    columns = []
    for hidden in (False, True):
        for group in (g for g in groups if g.startswith(OCCLUDED) == hidden):
            gap = group.removeprefix(OCCLUDED).strip()
            head = "pairs with an occluded keypoint" if hidden else "all pairs"
            columns.append(Column({"metric": name, "group": group}, (head, "any gap" if gap in ("", "all") else gap)))
    note = (
        f"Averaged over the test levels ({', '.join(evidence.levels)}) at which a column is defined. Pairs by their "
        "true difference in depth; a predicted tie counts one half, so that chance is 50 %."
    )
    kind = metric(name)
    return mean_table(evidence, name, f"{kind.head[:1].upper()}{kind.head[1:]}, by true gap", rows, columns, (note,))


def _averaging(evidence: Evidence, rows: tuple[str, ...]) -> Table:
    """The same errors averaged in the three customary ways: a number without its way isn't comparable."""
    title = f"{metric('mpjpe').head}, by how clips are averaged"
    columns = [Column({"metric": "mpjpe"}, ("averaged over", over)) for over in AVERAGES.values()]
    note = f"Averaged over the test levels ({', '.join(evidence.levels)})."
    return mean_table(evidence, "averaging", title, rows, columns, (note,), mean=list(AVERAGES))
