"""What a study sees of a run that is gone on with from a checkpoint: its best epoch may lie before."""

import math
from types import SimpleNamespace

from harness.spec.study import Metric
from harness.tune.measures import Measures


def test_the_best_epoch_before_a_checkpoint_counts():
    run = SimpleNamespace(train=SimpleNamespace(validate_on=["none"]))
    measures = Measures([Metric(name="val_mpjpe", direction="minimize")])
    measures.begin()
    before = SimpleNamespace(val_mpjpe=None, best_mpjpe=math.inf, best_weights=dict)
    assert measures.of_epoch(run, before) is None
    after = SimpleNamespace(val_mpjpe=50.0, best_mpjpe=40.0, best_weights=dict)  # 40 came before it was interrupted
    assert measures.of_epoch(run, after) == [40.0]
