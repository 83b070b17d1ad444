"""Studies: fields of a spec tuned with Optuna on the runs of its grid; nothing else in the harness imports optuna."""

from harness.tune.driver import StudyOutcome, run_study
from harness.tune.results import read, write

__all__ = ["StudyOutcome", "read", "run_study", "write"]
