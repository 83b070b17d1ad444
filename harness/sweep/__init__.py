"""Runs of a spec on Ray: those that aren't done, each once; nothing else in the harness imports ray."""

from harness.sweep.driver import rescore, run_sweep
from harness.sweep.outcome import SweepOutcome
from harness.sweep.probing import probe_spec

__all__ = ["SweepOutcome", "probe_spec", "rescore", "run_sweep"]
