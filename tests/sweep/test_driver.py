import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import tracking
from harness.errors import UserError
from harness.sweep import driver, run_sweep, supplements
from harness.sweep.outcome import SweepOutcome
from tests.sweep.bodies import FakeRun, FakeSpec, Resources, spec_of

BODY = "tests.sweep.bodies:trivial"
pytestmark = pytest.mark.usefixtures("ray_session")


def statuses(store: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for record in tracking.records(store):
        found.setdefault(record.run_id, []).append(record.status)
    return found


def test_all_runs_are_done_once_and_an_extended_grid_does_only_what_is_new(store, tmp_path, capfd):
    counter = {"counter": str(tmp_path / "counter")}
    (tmp_path / "counter").mkdir()
    first = run_sweep(spec_of(4, **counter), uri=store, body=BODY)
    assert len(first.finished) == 4 and not first.failed and not first.interrupted and not first.left
    second = run_sweep(spec_of(6, **counter), uri=store, body=BODY)
    assert (len(second.finished), len(second.skipped)) == (2, 4)
    assert len(list((tmp_path / "counter").iterdir())) == 6
    assert all(found == ["FINISHED"] for found in statuses(store).values())
    out = capfd.readouterr()
    assert "2 of 6 runs to do, 4 finished before" in out.out and "6/6 finished" in out.out
    assert "raylet" not in out.out + out.err and "INFO" not in out.err


def test_the_limit_leaves_the_rest_for_the_next_time(store):
    outcome = run_sweep(spec_of(5), uri=store, limit=2, workers=1, body=BODY)
    assert (len(outcome.finished), len(outcome.left)) == (2, 3)
    run_id = FakeRun(0).run_id
    [file] = tracking.read_evaluations(store, [run_id])[run_id]
    assert file.read_bytes() == b"evaluation.parquet of 0"
    assert tracking.read_summaries(store, [run_id])[run_id]["val_mpjpe_best"] == 25.0


def test_a_failed_run_never_stops_the_others(store, capfd):
    """One fails each time, one for good, one kills its worker each time."""
    fail = {"0": "again", "1": "final", "2": "die"}
    outcome = run_sweep(spec_of(5, fail=fail), uri=store, body=BODY)
    again, final, die = (FakeRun(seed).run_id for seed in range(3))
    assert len(outcome.finished) == 2 and not outcome.left
    assert outcome.failed[again] == "RuntimeError: as asked" and outcome.failed[final] == "Final: as asked"
    assert "its worker died" in outcome.failed[die]
    found = statuses(store)
    assert (found[again], found[final], found[die]) == (["FAILED"] * 2, ["FAILED"], ["KILLED"] * 2)
    assert "bodies.py" in tracking.failed(store)[again]  # the traceback is kept
    out = capfd.readouterr()
    assert "failed: abs 0: RuntimeError: as asked" in out.out
    assert "(raylet)" not in out.out + out.err


def test_fail_fast_stops_at_the_first_failure(store):
    spec = spec_of(8, fail={"0": "final"}, seconds=0.1)
    outcome = run_sweep(spec, uri=store, fail_fast=True, workers=1, body=BODY)
    assert list(outcome.failed) == [FakeRun(0).run_id]
    assert outcome.left and not outcome.interrupted
    assert not tracking.running(store)


def test_a_run_that_is_at_work_elsewhere_is_waited_for_and_not_repeated(store):
    held = tracking.claim(store, FakeRun(1).run_id, 0, tracking.myself())
    assert held
    logger = tracking.RunLogger(store, FakeRun(1), "fake", held).start()

    threading.Timer(3.0, logger.finish).start()
    outcome = run_sweep(spec_of(2), uri=store, workers=1, body=BODY)
    assert outcome.finished == [FakeRun(0).run_id] and outcome.skipped == [FakeRun(1).run_id]
    assert statuses(store)[FakeRun(1).run_id] == ["FINISHED"]


def test_more_gpus_than_the_cluster_has_are_refused_before_anything_starts(store):
    spec = FakeSpec([FakeRun(0)], resources=Resources(gpu=9.0))
    with pytest.raises(UserError, match="needs 9 GPUs and no node of the cluster has more than"):
        run_sweep(spec, uri=store, body=BODY)
    assert not tracking.records(store)


def test_a_body_that_is_not_there_is_refused(store):
    with pytest.raises(UserError, match="no run body"):
        run_sweep(spec_of(1), uri=store, body="tests.sweep.bodies:nothing")


def test_workers_that_cannot_start_end_the_sweep_with_one_message(store, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def body(*_): return {}")
    monkeypatch.syspath_prepend(tmp_path)  # the driver can import it, the workers' session began without it
    with pytest.raises(UserError, match=r"a worker can't start.*only_here"):
        run_sweep(spec_of(4), uri=store, body="only_here:body")
    assert not tracking.running(store)


def test_an_import_that_fails_within_a_run_is_that_runs_failure_and_once_mended_the_same_command_goes_on(store):
    first = run_sweep(spec_of(3, fail={"1": "import"}), uri=store, body=BODY)
    broken = FakeRun(1).run_id
    assert first.failed == {broken: "ModuleNotFoundError: No module named 'harness.not_installed_there'"}
    assert len(first.finished) == 2 and statuses(store)[broken] == ["FAILED"] * 2
    second = run_sweep(spec_of(3), uri=store, body=BODY)
    assert second.finished == [broken] and not second.failed and not tracking.running(store)


def test_when_nothing_is_to_do_neither_ray_nor_mlflow_nor_torch_is_loaded(store):
    for run_id in (FakeRun(0).run_id, FakeRun(1).run_id):
        held = tracking.claim(store, run_id, 0, tracking.myself())
        assert held
        tracking.RunLogger(store, FakeRun(0 if run_id.endswith("0") else 1), "fake", held).start().finish()
    code = (
        "import sys; from tests.sweep.bodies import spec_of; from harness.sweep import run_sweep; "
        f"outcome = run_sweep(spec_of(2), uri='{store}'); assert len(outcome.skipped) == 2; "
        "sys.exit(any(name in sys.modules for name in ('ray', 'mlflow', 'torch', 'rich', 'pandas')))"
    )
    begin = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("lost", ["", "the tracking store didn't answer for 600 s"])
def test_a_sweep_that_is_stopped_while_the_server_is_gone_says_how_to_go_on(monkeypatch, lost):
    uri, spec, outcome, said, ended = "http://127.0.0.1:9", spec_of(1), SweepOutcome(lost=lost), [], []
    sweep = driver._Sweep(spec, uri, {}, supplements.Queue(uri, {}, {}), outcome)
    pool = SimpleNamespace(jobs=[SimpleNamespace(run=spec.runs[0])], kill=lambda: ended.append(True))
    display = SimpleNamespace(say=lambda line, *_: said.append(line), counts=SimpleNamespace(line=lambda: "0/1"))
    sweep.stop.set()
    begin = time.monotonic()
    sweep._end(pool, display, "repose run fake")
    assert ended and outcome.interrupted and said[-1] == "stopped; this goes on with it: repose run fake"
    assert lost in outcome.lost and said[-2] == f"stopped: {outcome.lost}" and time.monotonic() - begin < 10
