"""MLflow as the one record of runs; nothing else in the harness imports mlflow, and here only functions do."""

from harness.tracking.artifacts import is_near, lines, parquet_bytes, path, read_curves, read_summaries
from harness.tracking.beyond import beyond
from harness.tracking.checkpoints import (
    Checkpoint,
    Checkpoints,
    NoCheckpoint,
    checkpoints,
    drop_checkpoints,
    read_checkpoint,
)
from harness.tracking.claims import Claim, claim, latest, warm_up
from harness.tracking.direct import preload
from harness.tracking.evaluations import add_evaluation, current, read_evaluations, unevaluated
from harness.tracking.find import find
from harness.tracking.logger import RunLogger, Stopped, TakenOver
from harness.tracking.owner import Owner, is_alive, myself, process_alive
from harness.tracking.patience import WINDOW, TrackingLost, full, hurried, passing, persist
from harness.tracking.record import Record, begun, failed, finished, records, running
from harness.tracking.record_files import size
from harness.tracking.registration import Registration, register, registered
from harness.tracking.removal import Removed, remove
from harness.tracking.shape import params_of, shape_of
from harness.tracking.standing import Standing, standing
from harness.tracking.state import Survey, reap, survey
from harness.tracking.store import check, prepare, probe, quiet, resolve
from harness.tracking.tags import hardware, provenance
from harness.tracking.ui import ui_command
from harness.tracking.watch import WATCH, Watch

__all__ = [
    "WATCH",
    "WINDOW",
    "Checkpoint",
    "Checkpoints",
    "Claim",
    "NoCheckpoint",
    "Owner",
    "Record",
    "Registration",
    "Removed",
    "RunLogger",
    "Standing",
    "Stopped",
    "Survey",
    "TakenOver",
    "TrackingLost",
    "Watch",
    "add_evaluation",
    "begun",
    "beyond",
    "check",
    "checkpoints",
    "claim",
    "current",
    "drop_checkpoints",
    "failed",
    "find",
    "finished",
    "full",
    "hardware",
    "hurried",
    "is_alive",
    "is_near",
    "latest",
    "lines",
    "myself",
    "params_of",
    "parquet_bytes",
    "passing",
    "path",
    "persist",
    "preload",
    "prepare",
    "probe",
    "process_alive",
    "provenance",
    "quiet",
    "read_checkpoint",
    "read_curves",
    "read_evaluations",
    "read_summaries",
    "reap",
    "records",
    "register",
    "registered",
    "remove",
    "resolve",
    "running",
    "shape_of",
    "size",
    "standing",
    "survey",
    "ui_command",
    "unevaluated",
    "warm_up",
]
