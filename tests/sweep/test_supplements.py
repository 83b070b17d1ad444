"""Test conditions added to a spec after its runs were done: evaluated from the saved weights, never trained again."""

from collections.abc import Callable
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from harness import report, tracking, training
from harness.spec.run import Cameras, Choice, Data, Run, Test, Train
from harness.sweep import body, run_sweep, supplements
from harness.sweep.supplements import of_test
from harness.tracking import tags
from harness.tracking.store import client
from tests.sweep.bodies import FakeSpec

FIRST = Test(occlusion=["none"], cameras=["seen"])
MORE = Test(occlusion=["none", "severe"], cameras=["unseen", "seen"])
"""A level and a camera set more: what is missing is no full product of levels and cameras."""


def tiny(seed: int) -> Run:
    return Run(
        data=Data(options={"subjects": 4, "clips": 1, "seconds": 0.6}, window=5, cameras=Cameras(train=1, test=1)),
        backbone=Choice(name="videopose3d", options={"filter_widths": [3], "channels": 8}),
        objective={"mpjpe": {"weight": 1.0}},
        train=Train(steps=3, batch=4, epochs=2, validate_on=["none"]),
        seed=seed,
        labels={"objective": "abs", "seed": str(seed)},
    )


RUN = tiny(0)


@pytest.fixture
def finish(store) -> Callable[..., tracking.Record]:
    """Does a run, tested on `FIRST`; ``tagged=False`` leaves a record as they were before there was the tag."""

    def finish(run: Run = RUN, *, tagged: bool = True) -> tracking.Record:
        held = tracking.claim(store, run.run_id, 0, tracking.myself())
        assert held
        logger = tracking.RunLogger(store, run, "made", held).start()
        logger.finish(body.execute(run, FIRST, logger, lambda info: logger.log_points(info.curves)))
        if not tagged:
            client(store).delete_tag(logger.mlflow_id, tags.EVALUATED)
        return tracking.finished(store)[run.run_id]

    return finish


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns.drop("value"))).reset_index(drop=True)


def kept(store: str, run: Run = RUN) -> pd.DataFrame:
    """All rows in the store."""
    files = tracking.read_evaluations(store, [run.run_id])[run.run_id]
    return ordered(pd.concat([pd.read_parquet(file) for file in files]))


def at_once(store: str, test: Test, run: Run = RUN) -> pd.DataFrame:
    """The rows a run leaves that is tested on everything when it is done."""
    best, last = (torch.load(file, weights_only=True) for file in weights(store, run))
    return ordered(training.evaluate(run, test, training.Result(best, last, [], {}, 0.0)))


def weights(store: str, run: Run = RUN) -> list:
    record = tracking.finished(store)[run.run_id]
    return [tracking.path(store, record, name) for name in ("best.pt", "last.pt")]


@pytest.mark.usefixtures("ray_session")
def test_a_sweep_evaluates_what_was_added_and_trains_nothing(store, finish, capfd):
    other = tiny(1)
    records = [finish(), finish(other)]
    weights(store, other)[0].unlink()
    before = [(file.stat().st_mtime_ns, file.read_bytes()) for file in weights(store)]

    outcome = run_sweep(FakeSpec([RUN, other], test=MORE), uri=store, workers=1)
    assert outcome.evaluated == [RUN.run_id] and outcome.skipped == [RUN.run_id, other.run_id]
    assert not outcome.finished and not outcome.left
    assert "has no best.pt" in outcome.failed[other.run_id]
    assert [(file.stat().st_mtime_ns, file.read_bytes()) for file in weights(store)] == before
    pd.testing.assert_frame_equal(kept(store), at_once(store, MORE))
    assert {(record.mlflow_id, record.status) for record in tracking.records(store)} == {
        (record.mlflow_id, "FINISHED") for record in records
    }
    out = capfd.readouterr().out
    assert "0 of 2 runs to do, 2 finished before, 2 to evaluate, 1 worker" in out
    assert "again: evaluation of abs 1" in out and "failed: evaluation of abs 1" in out
    assert "2/2 finished, 1/2 evaluated, 1 evaluation failed" in out

    outcome = run_sweep(FakeSpec([RUN], test=MORE), uri=store)
    assert outcome.skipped == [RUN.run_id] and not outcome.evaluated
    assert not capfd.readouterr().out, "no pool, no display"


def test_an_evaluation_whose_worker_dies_is_tried_again_and_then_fails(store, finish, capfd):
    from harness.sweep.answers import Answers
    from harness.sweep.display import Counts, Display
    from harness.sweep.outcome import SweepOutcome
    from harness.sweep.pool import Died, Job
    from harness.sweep.queue import Queue

    found = supplements.find(store, {RUN.run_id: finish()}, of_test(MORE))
    outcome, queue = SweepOutcome(skipped=[RUN.run_id]), supplements.Queue(store, of_test(MORE), found)
    display = Display(Counts(total=1, skipped=1, todo=0, workers=1, evaluations=1))
    answers = Answers(Queue(store, tracking.myself(), queue, outcome), outcome, display, retries=1)
    for left in (1, 0):
        job = Job(RUN, None, queue.next()[1])
        answers.take(job, Died("its worker died"))
        assert len(queue) == left
    assert outcome.failed == {RUN.run_id: "its worker died"} and outcome.skipped == [RUN.run_id]
    assert display.counts.unevaluated == 1 and not display.counts.failed
    assert "again: evaluation of abs 0: its worker died" in capfd.readouterr().out


def test_the_limit_takes_runs_before_evaluations(store, finish, monkeypatch):
    from harness.sweep import driver

    finish()
    handed = []
    monkeypatch.setattr(driver._Sweep, "go", lambda sweep, chosen, *_: handed.append((chosen, len(sweep.queue.added))))
    for limit in (1, 2):
        run_sweep(FakeSpec([RUN, tiny(1)], test=MORE), uri=store, limit=limit)
    assert handed == [([tiny(1).run_id], 0), ([tiny(1).run_id], 1)]


@pytest.mark.parametrize("tagged", [True, False])
def test_what_is_lacking_is_found_with_and_without_the_tag(store, finish, tagged):
    record = finish(tagged=tagged)
    assert (record.evaluated is not None) == tagged
    found = supplements.find(store, {RUN.run_id: record}, of_test(MORE))
    assert set(found[RUN.run_id].lacking) == {"severe@1/seen", "severe@1/unseen", "none@1/unseen"}
    assert not supplements.find(store, {RUN.run_id: record}, of_test(FIRST))
    supplements.evaluate(store, RUN, found[RUN.run_id])
    pd.testing.assert_frame_equal(kept(store), at_once(store, MORE))
    assert not supplements.find(store, tracking.finished(store), of_test(MORE))


def test_a_crash_between_file_and_tag_and_two_drivers_at_once_leave_each_row_once(store, finish):
    record = finish()
    found = supplements.find(store, {RUN.run_id: record}, of_test(MORE))[RUN.run_id]
    supplements.evaluate(store, RUN, found)
    [_, file] = tracking.read_evaluations(store, [RUN.run_id])[RUN.run_id]
    content = file.read_bytes()
    # As if it had died before the tag was written.
    client(store).set_tag(record.mlflow_id, tags.EVALUATED, '{"evaluation.parquet": ["none@1/seen"]}')
    supplements.evaluate(store, RUN, found)
    assert file.read_bytes() == content and len(list(file.parent.glob("evaluation*"))) == 2
    stamp = file.stat().st_mtime_ns
    supplements.evaluate(store, RUN, found)  # another driver that found the same before
    assert file.stat().st_mtime_ns == stamp
    pd.testing.assert_frame_equal(kept(store), at_once(store, MORE))


def test_the_report_shows_an_added_level(store, finish):
    record = finish()
    spec = FakeSpec([RUN], test=Test(occlusion=["none", "severe"], cameras=["seen"]))
    spec.report = SimpleNamespace(baseline={}, tables=[], title=None)
    before = report.collect(spec, store)
    assert any("severe with seen cameras (1)" in said for said in before.warnings)
    assert set(before.evidence.frame["test_occlusion"]) == {"none"}
    supplements.evaluate(store, RUN, supplements.find(store, {RUN.run_id: record}, of_test(spec.test))[RUN.run_id])
    after = report.collect(spec, store)
    assert not any("not tested yet" in said for said in after.warnings)
    shown = after.tables[0]
    texts = {label: cell.text for (_, label), cell in zip(shown.columns, shown.rows[0].cells, strict=True)}
    assert float(texts["severe"].split()[0]) != float(texts["none"].split()[0])


def test_a_run_shows_its_test_error_in_mlflows_page(store, finish):
    shown = client(store).get_run(finish().mlflow_id).data.metrics
    rows = kept(store).query("weights == 'best' and metric == 'mpjpe' and joint == 'all' and group == 'all'")
    assert shown["test_mpjpe"] == pytest.approx(rows.groupby("subject")["value"].mean().mean(), rel=1e-6)
    figures = ["test_mpjpe", "val_mpjpe_best", "val_mpjpe_last", "best_step", "late_gain", "falling", "parameters"]
    summary = tracking.read_summaries(store, [RUN.run_id])[RUN.run_id]
    assert list(summary)[:7] == figures and set(figures) <= set(shown) and "train_seconds" in summary
