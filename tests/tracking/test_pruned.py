"""A run that a study ended early: closed, neither finished nor failed, and free for whoever wants all of it."""

from harness import tracking
from tests.tracking.runs import begun


def _stopped(store: str, *, pruned: bool) -> None:
    logger = begun(store)
    logger.log(1, {"val_mpjpe": 90.0})
    logger.stop(tracking.Stopped("others did better", pruned=pruned))


def test_a_pruned_run_is_killed_and_says_so_and_counts_neither_as_finished_nor_as_failed(store):
    _stopped(store, pruned=True)
    (record,) = tracking.records(store, ["r0"])
    assert (record.status, record.pruned, record.reason) == ("KILLED", True, "others did better")
    assert tracking.failed(store, ["r0"]) == {} and tracking.finished(store, ["r0"]) == {}
    assert tracking.survey(store, ["r0"]).free == {"r0": 1}


def test_a_run_stopped_for_another_reason_is_not_pruned(store):
    _stopped(store, pruned=False)
    assert not tracking.records(store, ["r0"])[0].pruned
    assert tracking.failed(store, ["r0"]) == {"r0": "others did better"}
