"""Which test conditions a record holds, and how more are added."""

import json
import threading

import pandas as pd
import pytest

from harness import tracking
from harness.errors import UserError
from harness.tracking import artifacts, evaluations, sql, tags
from harness.tracking.evaluations import add_evaluation
from harness.tracking.store import client
from tests.tracking.runs import begun

SEEN, UNSEEN, SEVERE = "none@1/seen", "none@1/unseen", "severe@1/seen"


def lacking(store, *wanted, run_id="r0"):
    return tracking.unevaluated(store, tracking.finished(store, [run_id]), wanted).get(run_id, ())


def names(store, run_id="r0"):
    return {file.name: keys for file, keys in tracking.read_evaluations(store, [run_id])[run_id].items()}


@pytest.fixture
def record(store):
    """A finished record that was tested on one condition."""
    logger = begun(store)
    logger.evaluation(b"rows", [SEEN])
    logger.finish()
    return tracking.finished(store)["r0"]


def test_what_is_wanted_and_not_there_is_told_in_order(store, record):
    assert lacking(store, SEVERE, SEEN, UNSEEN) == (SEVERE, UNSEEN)
    assert lacking(store, SEEN) == lacking(store) == ()
    assert lacking(store, "none@2/seen") == ("none@2/seen",), "a corrected level is another one"


def test_added_conditions_are_there_afterwards_and_the_first_file_is_as_it_was(store, record):
    add_evaluation(store, record, b"more", [SEVERE])
    assert lacking(store, SEVERE, SEEN) == ()
    first, second = tracking.read_evaluations(store, ["r0"])["r0"]
    assert (first.read_bytes(), second.read_bytes()) == (b"rows", b"more")
    assert first.parent == second.parent
    assert tracking.finished(store)["r0"].status == "FINISHED"


def test_a_crash_before_the_tag_costs_only_doing_it_again(store, record, monkeypatch):
    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(client(store)), "set_tag", crash)
        add_evaluation(store, record, b"more", [SEVERE])
    assert lacking(store, SEVERE) == (SEVERE,) and list(names(store)) == ["evaluation.parquet"]
    add_evaluation(store, record, b"more", [SEVERE])
    folder = next(iter(tracking.read_evaluations(store, ["r0"])["r0"])).parent
    assert len(list(folder.glob("evaluation*"))) == 2 and lacking(store, SEVERE) == ()


def test_what_another_driver_added_meanwhile_is_kept_and_no_condition_counts_twice(store, record):
    add_evaluation(store, record, b"theirs", [SEVERE, UNSEEN])
    add_evaluation(store, record, b"ours", ["minor@1/seen", SEVERE])  # the record is what was read before theirs
    counted = [key for keys in names(store).values() for key in keys]
    assert sorted(counted) == sorted([SEEN, SEVERE, UNSEEN, "minor@1/seen"])
    add_evaluation(store, record, b"theirs", [UNSEEN, SEVERE])
    assert sorted(key for keys in names(store).values() for key in keys) == sorted(counted)


def test_two_that_add_at_the_same_moment_lose_nothing_and_nothing_counts_twice(store, record, monkeypatch):
    both, read = threading.Barrier(2), evaluations.current

    def looked(uri, one):
        found = read(uri, one)
        both.wait(30)  # neither has written when the other reads
        return found

    monkeypatch.setattr(evaluations, "current", looked)
    given = [(b"ours", [SEVERE, UNSEEN]), (b"theirs", [SEVERE, "minor@1/seen"])]
    adding = [threading.Thread(target=add_evaluation, args=(store, record, *one)) for one in given]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()
    counted = [key for keys in names(store).values() for key in keys]
    assert sorted(counted) == sorted([SEEN, SEVERE, UNSEEN, "minor@1/seen"]) and len(names(store)) == 3
    by_sql = tracking.finished(store)["r0"].evaluated
    assert list(tracking.finished(store, ["r0"])["r0"].evaluated.items()) == list(by_sql.items())
    monkeypatch.setattr(sql, "REVISION", "another")
    assert list(tracking.finished(store)["r0"].evaluated.items()) == list(by_sql.items()), "MLflow's client tells alike"


def test_a_record_to_which_an_earlier_version_added_is_added_to(store, record):
    """It wrote every file into the one tag."""
    artifacts.add(store, record, "evaluation-0.parquet", b"theirs")
    told = {"evaluation.parquet": [SEEN], "evaluation-0.parquet": [SEVERE]}
    client(store).set_tag(record.mlflow_id, tags.EVALUATED, json.dumps(told))
    add_evaluation(store, record, b"more", [SEVERE, UNSEEN])
    found = names(store)
    assert [found.pop(name) for name in told] == [(SEEN,), (SEVERE,)]
    assert list(found.values()) == [(UNSEEN,)]


def test_a_record_without_the_tag_holds_what_stands_in_its_file(store):
    """The first records were made before there was the tag."""
    logger = begun(store)
    frame = pd.DataFrame({"test_occlusion": ["none", "none", "severe"], "cameras": ["seen"] * 3, "value": 1.0})
    logger.artifact(artifacts.EVALUATION, tracking.parquet_bytes(frame))
    logger.finish()
    record = tracking.finished(store)["r0"]
    assert record.evaluated is None
    assert lacking(store, SEEN, SEVERE, UNSEEN) == (UNSEEN,)
    assert set(names(store)["evaluation.parquet"]) == {SEEN, SEVERE}
    add_evaluation(store, record, b"more", [UNSEEN])
    assert lacking(store, SEEN, SEVERE, UNSEEN) == ()
    told = client(store).get_run(record.mlflow_id).data.tags[tags.EVALUATED]
    assert "evaluation.parquet" in told and SEVERE in told


def test_a_record_without_tag_and_file_holds_nothing_and_a_broken_file_is_named(store):
    begun(store).finish()
    assert lacking(store, SEEN) == (SEEN,)
    logger = begun(store, "r1")
    logger.artifact(artifacts.EVALUATION, b"not parquet")
    logger.finish()
    with pytest.raises(UserError, match="can't read an evaluation"):
        lacking(store, SEEN, run_id="r1")


def test_an_evaluation_is_added_beside_the_others_after_the_store_was_moved(store, record, tmp_path, tmp_path_factory):
    moved = tmp_path_factory.mktemp("moved") / "here"
    tmp_path.rename(moved)
    there = f"sqlite:///{moved}/mlflow.db"
    add_evaluation(there, tracking.finished(there)["r0"], b"more", [SEVERE])
    assert all(file.is_relative_to(moved) for file in tracking.read_evaluations(there, ["r0"])["r0"])
    assert lacking(there, SEVERE) == () and not tmp_path.exists()
