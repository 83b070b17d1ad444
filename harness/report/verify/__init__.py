"""Every number of a written report computed again, by code that shares no aggregation with the report.

What is read: the files of a results folder, and where a store has them the runs' `evaluation.parquet`. From the
records follows `runs.csv` (`records`), from `runs.csv` every cell of every table (`cells`, `claims`, `marks`), and each
format must say what ``report.json`` says (`formats`, `html_page`). The statistics are written a second time, from
the published procedures (`arithmetic`, `adjusting`). An import contract keeps this package apart from the code it
checks.

Rounding. A run's value is compared at the four decimals of `runs.csv`, everything printed at the decimals it is
printed with: it must lie within half a unit of its last digit (and 1e-6 of that unit, for the last bits of
floating point) of what is computed here.
"""

from harness.report.verify.check import verify
from harness.report.verify.ledger import Ledger, Mismatch

__all__ = ["Ledger", "Mismatch", "verify"]
