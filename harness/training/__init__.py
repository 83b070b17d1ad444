"""One run: data → backbone → objective → weights, and the evaluation of those weights."""

from harness.training.evaluate import check_protocol, evaluate
from harness.training.material import licence
from harness.training.published import published
from harness.training.result import Result
from harness.training.train import EpochInfo, StepInfo, train
from harness.training.validation_scores import validation_scores

__all__ = [
    "EpochInfo",
    "Result",
    "StepInfo",
    "check_protocol",
    "evaluate",
    "licence",
    "published",
    "train",
    "validation_scores",
]
