"""Runs of a spec on Ray: those that aren't done, each once; nothing else in the harness imports ray."""

from harness.sweep.driver import SweepOutcome, rescore, run_sweep

__all__ = ["SweepOutcome", "rescore", "run_sweep"]
