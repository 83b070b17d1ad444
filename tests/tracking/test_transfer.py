"""Records from one store to another: what a report reads arrives, once, and nobody's work is disturbed."""

import copy
import json
import shutil

import pytest

from harness import tracking
from harness.tracking import tags, transfer
from harness.tracking.artifacts import LOG
from harness.tracking.claims import latest
from harness.tracking.store import client
from tests.tracking.runs import begun

DONE, BROKEN, BUSY = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def other(template, tmp_path):
    """Another empty store."""
    (tmp_path / "other").mkdir()
    shutil.copy(template, tmp_path / "other" / "mlflow.db")
    return f"sqlite:///{tmp_path / 'other' / 'mlflow.db'}"


@pytest.fixture
def filled(store):
    """A store with a run that failed and was finished, one that failed, one at work, and a registered claim."""
    begun(store, DONE).fail("it broke")
    logger = begun(store, DONE, 1)
    logger.log_points([("val_mpjpe", step, 90.0 - step) for step in (1, 2)])
    logger.licence("free")
    logger.artifact("best.pt", b"best")
    logger.artifact("last.pt", b"last")
    logger.evaluation(b"rows", ["none@1/seen"])
    logger.finish({"test_mpjpe": 50.0})
    tracking.add_evaluation(store, tracking.finished(store)[DONE], b"more", ["minor@1/seen"])
    begun(store, BROKEN).fail("it diverged")
    busy = begun(store, BUSY)
    tracking.register(store, ["d" * 16], "spec")
    yield store
    busy.fail("over")


def taken(uri, folder, *, weights=True):
    """What was taken out, its files laid into a folder."""
    found = transfer.take_out(uri, [DONE, BROKEN, BUSY], ["d" * 16, "e" * 16], weights=weights)
    for name, content in found.files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return found


def told(uri):
    """What a report reads of a store."""
    ids = [DONE, BROKEN]
    done = tracking.finished(uri, ids, details=True)
    return {
        "records": {
            r: (one.started, one.seconds, one.shape, one.spec, one.host, one.evaluated, one.licence, one.versions)
            for r, one in done.items()
        },
        "evaluations": {
            r: {p.name: (p.read_bytes(), c) for p, c in files.items()}
            for r, files in tracking.read_evaluations(uri, ids).items()
        },
        "summaries": tracking.read_summaries(uri, ids),
        "curves": {r: path.read_bytes() for r, path in tracking.read_curves(uri, ids).items()},
        "begun": tracking.begun(uri, ids),
        "failed": tracking.failed(uri, ids),
        "registered": tracking.registered(uri),
        "lines": [tracking.lines(uri, record) for record in tracking.records(uri, ids)],
    }


def test_all_that_a_report_reads_arrives_and_arrives_once(filled, other, tmp_path):
    found = taken(filled, tmp_path)
    assert found.at_work == [BUSY]
    plain = json.loads(json.dumps({"records": found.records, "registered": found.registered}))
    given, claims = transfer.checked(plain)
    first = transfer.bring_in(other, given, tmp_path, claims)
    assert (first.finished, first.known, first.others, first.registered) == ([DONE], [], 2, 1)
    assert told(other) == told(filled)
    record = tracking.finished(other)[DONE]
    assert tracking.path(other, record, "best.pt").read_bytes() == b"best"
    run = client(other).get_run(record.mlflow_id)
    assert run.data.metrics["test_mpjpe"] == 50.0 and run.data.params["backbone"] == "videopose3d"
    second = transfer.bring_in(other, given, tmp_path, claims)
    assert (second.finished, second.known, second.others) == ([], [DONE], 0)
    assert (second.registered, second.registered_before) == (0, 1)
    assert told(other) == told(filled)
    # It is finished like one done here: sealed, so nobody does it again.
    assert latest(other, [DONE])[DONE].sealed == record.mlflow_id
    assert set(tracking.survey(other, [DONE]).finished) == {DONE}


def test_what_was_imported_can_be_exported_again(filled, other, tmp_path):
    found = taken(filled, tmp_path / "1")
    transfer.bring_in(other, found.records, tmp_path / "1", found.registered)
    again = taken(other, tmp_path / "2")
    assert again.records == found.records and again.registered == found.registered
    assert {n: (tmp_path / "2" / n).read_bytes() for n in again.files} == {
        n: (tmp_path / "1" / n).read_bytes() for n in found.files
    }


def test_weights_stay_behind_unless_asked_for(filled, tmp_path):
    light = {name.rpartition("/")[2] for name in taken(filled, tmp_path, weights=False).files}
    whole = {name.rpartition("/")[2] for name in taken(filled, tmp_path).files}
    assert whole - light == {"best.pt", "last.pt"} and {LOG, "evaluation.parquet", "config.json"} <= light


def test_a_run_that_somebody_is_doing_is_left_to_them(filled, other, tmp_path):
    found = taken(filled, tmp_path)
    mine = begun(other, DONE)
    outcome = transfer.bring_in(other, found.records, tmp_path, {})
    assert outcome.finished == [] and "is doing it" in outcome.left[DONE]
    mine.finish()
    assert transfer.bring_in(other, found.records, tmp_path, {}).known == [DONE]


def test_an_import_that_was_killed_goes_on(filled, other, tmp_path, monkeypatch):
    found = taken(filled, tmp_path)

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "seal", killed)
        with pytest.raises(KeyboardInterrupt):
            transfer.bring_in(other, found.records, tmp_path, {})
    assert not tracking.finished(other, [DONE])
    # The owner of what it left is this very process: as if it had died.
    monkeypatch.setattr("harness.tracking.state.process_alive", lambda owner: False)
    monkeypatch.setattr("harness.tracking.state.is_alive", lambda *_: False)
    assert transfer.bring_in(other, found.records, tmp_path, {}).finished == [DONE]
    assert not tracking.running(other)


def test_a_registration_keeps_its_own_time(filled, other, tmp_path):
    tracking.register(other, ["d" * 16], "spec")
    before = tracking.registered(other)
    found = taken(filled, tmp_path)
    outcome = transfer.bring_in(other, [], tmp_path, found.registered)
    assert (outcome.registered, outcome.registered_before) == (0, 1) and tracking.registered(other) == before


def wrong(change):
    """The records of a good archive with something changed."""
    good = {
        "run_id": DONE,
        "mlflow_id": "0" * 32,
        "status": "FINISHED",
        "start": 1,
        "end": 2,
        "name": "both 0",
        "experiment": "spec",
        "tags": {tags.RUN_ID: DONE, tags.EVALUATED: '{"evaluation.parquet": []}'},
        "params": {"seed": "0"},
        "metrics": {"loss": [1.0, 3]},
    }
    assert transfer.checked({"records": [copy.deepcopy(good)], "registered": {}})
    change(good)
    return {"records": [good], "registered": {}}


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.update(experiment="../../outside"),
        lambda one: one.update(experiment="repose-claims"),
        lambda one: one.update(mlflow_id="../" + "0" * 29),
        lambda one: one.update(run_id="'; DROP"),
        lambda one: one.update(status="RUNNING"),
        lambda one: one.update(start=5),
        lambda one: one.update(start="1"),
        lambda one: one["tags"].update({"mlflow.user": "root"}),
        lambda one: one["tags"].update({tags.OWNER: "{}"}),
        lambda one: one["tags"].update({tags.EVALUATED: '{"../../secret.parquet": []}'}),
        lambda one: one["tags"].update({tags.EVALUATED: "no json"}),
        lambda one: one["tags"].update({tags.ADDED + "../../secret.parquet": "[]"}),
        lambda one: one["tags"].update({tags.ADDED + "evaluation-1.parquet": '{"none@1/seen": 1}'}),
        lambda one: one["tags"].update({tags.ADDED + "evaluation-1.parquet": "no json"}),
        lambda one: one["tags"].update({tags.RUN_ID: BROKEN}),
        lambda one: one["params"].update(a=5),
        lambda one: one["metrics"].update(a=["1", 2]),
        lambda one: one.pop("end"),
        lambda one: one.update(tags=[]),
    ],
)
def test_records_that_no_export_makes_are_refused(change):
    with pytest.raises(ValueError):
        transfer.checked(wrong(change))
