"""Tables of a study: what every arm was given and found, and what is left on fresh seeds."""

from __future__ import annotations

from harness import report


def collected(made):
    return report.collect(made.spec, source=made)


def named(found, name):
    return next(table for table in found.tuning if table.name == name)


def texts(table):
    return [[*row.keys, *(cell.text for cell in row.cells)] for row in table.rows]


def test_every_arms_budget_is_told_controls_included(tuned):
    table = named(collected(tuned()), "tuning")
    assert [label for _, label in table.columns] == [
        *("trials", "ended", "stopped early", "failed", "from earlier runs", "runs", "hours")
    ]
    assert texts(table) == [
        ["abs", "12", "1", "0", "0", "0", "1", "0.01"],
        ["spatial", "12", "9", "3", "0", "0", "12", "0.12"],
        ["both", "12", "9", "3", "0", "0", "12", "0.12"],
    ]
