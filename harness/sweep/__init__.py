"""Runs of a spec on Ray: those that aren't done, each once; nothing else in the harness imports ray."""

from harness.sweep.driver import SweepOutcome, run_sweep

__all__ = ["SweepOutcome", "run_sweep"]
