import sqlite3
import time

from harness import tracking
from harness.tracking import RunLogger, record, sql, tags
from tests.tracking.runs import Run, begun


def test_a_missing_or_empty_store_has_no_runs(tmp_path):
    assert tracking.finished(f"sqlite:///{tmp_path}/none.db") == {}
    (tmp_path / "empty.db").touch()
    assert tracking.finished(f"sqlite:///{tmp_path}/empty.db") == {}
    assert record.newest(f"sqlite:///{tmp_path}/empty.db") is None
    assert not (tmp_path / "none.db").exists()


def test_sql_and_mlflows_client_tell_the_same(store, monkeypatch):
    first = begun(store, "a")
    first.evaluation(b"rows", ["none@1/seen"])
    first.finish({"val_mpjpe_best": 1.0})
    begun(store, "b").fail("it broke")
    logger = begun(store, "c")
    by_sql = tracking.records(store), tracking.records(store, ["b"]), tracking.latest(store), record.newest(store)
    monkeypatch.setattr(sql, "REVISION", "another")
    by_client = tracking.records(store), tracking.records(store, ["b"]), tracking.latest(store), record.newest(store)
    assert by_client == by_sql and by_sql[3] == by_sql[0][-1].started
    assert [one.status for one in by_sql[0]] == ["FINISHED", "FAILED", "RUNNING"]
    monkeypatch.setattr(record, "_FEW", 0)
    assert tracking.records(store, ["b"]) == by_sql[1]
    logger.fail("enough")


def test_details_are_told_to_those_who_ask(store, monkeypatch):
    held = tracking.claim(store, "a", 0, tracking.myself())
    assert held
    code = {tags.COMMIT: "c0ffee", tags.DIRTY: "true", tags.VERSIONS: '{"torch": "2"}'}
    RunLogger(store, Run("a"), "spec", held, extra=code).start().finish()
    plain, told = tracking.finished(store)["a"], tracking.finished(store, details=True)["a"]
    assert (plain.commit, plain.versions, plain.hardware) == (None, None, None)
    assert (told.commit, told.dirty, told.versions) == ("c0ffee", True, {"torch": "2"})
    assert told.hardware and "CPU" in told.hardware
    monkeypatch.setattr(sql, "REVISION", "another")
    assert tracking.finished(store, ["a"], details=True)["a"] == told


def test_ten_thousand_finished_runs_are_read_in_under_a_second(store):
    path = store.removeprefix("sqlite:///")
    ids = [f"{n:016x}" for n in range(10_000)]
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO runs (run_uuid, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id)"
            " VALUES (?, 'FINISHED', 1000, 61000, 'active', '/nowhere', 0)",
            [(f"m{n}",) for n in ids],
        )
        keys = {tags.SPEC: "s", tags.SHAPE: "x" * 200, tags.CLAIM: "0:t", tags.OWNER: "{}", tags.HOST: "h"}
        rows = [(key, value, f"m{n}") for n in ids for key, value in keys.items()]
        rows += [(tags.RUN_ID, n, f"m{n}") for n in ids]
        connection.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", rows)
    begin = time.process_time()
    found = tracking.finished(store, ids)
    taken = time.process_time() - begin
    assert len(found) == 10_000 and found[ids[5]].seconds == 60.0
    assert taken < 1.0


def test_a_shape_tells_what_decides_a_runs_time_and_not_its_seed():
    assert tracking.shape_of(Run(seed=0)) == tracking.shape_of(Run("r1", seed=1))
    assert "videopose3d" in tracking.shape_of(Run())


def test_lengths_in_passes_and_a_stage_in_front_are_part_of_the_shape():
    from harness.spec import run as real

    def made(**train):
        return real.Run(
            backbone=real.Choice(name="pstmo"), objective={"mpjpe": {"weight": 1}}, train=real.Train(**train)
        )

    trains = [{}, {"passes": 2}, {"passes": 3}, {"pretrain": {}}, {"pretrain": {"steps": 5}}]
    assert len({tracking.shape_of(made(**train)) for train in trains}) == len(trains)
    assert "passes" not in tracking.shape_of(made()), "records that know of none go on predicting"
    assert tracking.params_of(made(passes=2))["steps"] == "passes: 2"
