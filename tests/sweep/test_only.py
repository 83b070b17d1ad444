from harness import tracking
from harness.sweep import run_sweep
from tests.sweep.bodies import spec_of


def test_a_sweep_that_is_given_some_runs_begins_no_others(store, ray_session):
    spec = spec_of(3)
    ids = [run.run_id for run in spec.runs]
    outcome = run_sweep(spec, uri=store, body="tests.sweep.bodies:trivial", workers=1, only=[ids[1]])
    assert (outcome.finished, outcome.left) == ([ids[1]], [ids[0], ids[2]])
    assert set(tracking.finished(store)) == {ids[1]}
    assert "step 4 of 4, validation MPJPE 26.00 mm" in tracking.lines(store, tracking.finished(store)[ids[1]])
