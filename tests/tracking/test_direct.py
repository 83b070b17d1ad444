"""Records written by SQL: the rows that MLflow's client writes, and what isn't plain is left to it."""

import math
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from harness import tracking
from harness.tracking import direct, patience, sql
from harness.tracking.direct import Direct
from harness.tracking.writing import Point
from tests.tracking.runs import begun

_TABLES = ("experiments", "experiment_tags", "runs", "tags", "params", "metrics", "latest_metrics")


def rows(uri: str, *known: str) -> dict[str, list]:
    """All that the store holds, with ids and places replaced; without the experiment that MLflow makes for itself."""
    places = {str(Path(uri.removeprefix("sqlite:///")).parent): "here"} | {one: f"id{n}" for n, one in enumerate(known)}

    def plain(value):
        for old, new in places.items():
            value = value.replace(old, new) if isinstance(value, str) else value
        return value

    found = {}
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as connection:
        for table in _TABLES:
            cursor = connection.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            found[table] = sorted(
                [
                    tuple(
                        plain(value)
                        for name, value in zip(names, row, strict=True)
                        if name not in ("creation_time", "last_update_time")
                    )
                    for row in cursor
                    if "Default" not in row
                ],
                key=repr,
            )
    return found


def write(writer, uri: str) -> tuple[str, ...]:
    """One of everything that a record may need; the ids of the records."""
    ledger = writer.create_experiment("ledger", f"{_folder(uri)}/ledger", tags={"one": "1", "two": "é"})
    number = writer.create_experiment("spec", f"{_folder(uri)}/spec")
    assert writer.get_experiment_by_name("none") is None
    found = writer.get_experiment_by_name("ledger")
    assert (found.experiment_id, found.lifecycle_stage, found.tags) == (ledger, "active", {"one": "1", "two": "é"})
    made = writer.create_run(number, 1_700_000_000_000, {"repose.run_id": "r0", "mlflow.user": "me"}, "abs 0")
    one, two = made.info.run_id, writer.create_run(number, 5, {}, "other").info.run_id
    assert made.info.artifact_uri == f"{_folder(uri)}/spec/{one}/artifacts"
    curve = [Point("loss", value, 7, step) for step, value in enumerate([3.0, math.nan, math.inf, -math.inf, 0.1])]
    direct.log_batch(
        writer, one, [*curve, *curve[:2], Point("loss.part/two", 2.0, 3, 9)], {"a": "1", "b": ""}, {"k": "v"}
    )
    # Again, partly: what is there stays, the newest of each name is the last by step, then time, then value.
    direct.log_batch(
        writer, one, [curve[0], Point("loss", 9.0, 8, 4), Point("loss", 8.0, 8, 4)], {"a": "1"}, {"k": "w"}
    )
    direct.log_batch(writer, one, [Point("loss", 50.0, 99, 3), Point("loss.part/two", math.nan, 3, 9)], {}, {})
    writer.log_param(one, "claim", "mine", synchronous=True)
    writer.log_param(one, "claim", "mine", synchronous=True)
    writer.set_tag(one, "gone", "soon")
    writer.set_tag(one, "k", "x" * 8000)
    writer.delete_tag(one, "gone")
    writer.set_terminated(one, "KILLED", 1_700_000_001_000)
    writer.set_terminated(two, None, 6)
    return one, two


def _folder(uri: str) -> str:
    return str(Path(uri.removeprefix("sqlite:///")).parent)


@pytest.fixture
def other(template, tmp_path) -> str:
    """A second empty store."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mlflow.db").write_bytes(template.read_bytes())
    return f"sqlite:///{tmp_path}/other/mlflow.db"


def test_each_row_is_the_one_that_mlflows_client_writes(store, other):
    ours, theirs = direct.client(store), tracking.store.client(other)
    assert isinstance(ours, Direct) and not isinstance(theirs, Direct)
    by_sql, by_mlflow = rows(store, *write(ours, store)), rows(other, *write(theirs, other))
    assert by_sql == by_mlflow
    assert all(len(by_sql[table]) for table in _TABLES)


@pytest.mark.parametrize(
    "write",
    [
        lambda to, run: direct.log_batch(to, run, [Point("loss", 1.0, 1, 1)], {"claim": "another"}, {"k": "v"}),
        lambda to, run: direct.log_batch(to, run, [Point("bad/../name", 1.0, 1, 1)], {}, {}),
        lambda to, run: direct.log_batch(to, run, [Point("loss", 1.0, 1, 1)], {}, {"k" * 251: "v"}),
        lambda to, run: to.set_tag("0" * 32, "k", "v"),
        lambda to, run: to.delete_tag(run, "none"),
        lambda to, run: to.create_run("99", 1, {}, "name"),
    ],
    ids=["params", "name", "key", "no record", "no tag", "no experiment"],
)
def test_what_is_refused_is_refused_by_mlflow_and_leaves_nothing(store, write):
    from mlflow.exceptions import MlflowException

    to = direct.client(store)
    run = to.create_run(to.create_experiment("spec", "/place"), 1, {}, "one").info.run_id
    to.log_param(run, "claim", "mine")
    before = rows(store)
    with pytest.raises(MlflowException):
        write(to, run)
    after = rows(store)
    after["metrics"] = after["latest_metrics"] = []  # MLflow writes these in transactions of their own
    after["tags"] = [one for one in after["tags"] if one[0] != "k"]
    assert after == before


def test_what_is_contested_is_refused_with_mlflows_code(store, other):
    from mlflow.exceptions import MlflowException

    for uri, kind in ((store, patience.Refused), (other, MlflowException)):
        to = direct.client(uri) if kind is patience.Refused else tracking.store.client(uri)
        run = to.create_run(to.create_experiment("spec", "/place"), 1, {}, "one").info.run_id
        to.log_param(run, "claim", "mine")
        before = rows(uri)
        for action, code in (
            (lambda to=to, run=run: to.log_param(run, "claim", "another"), "INVALID_PARAMETER_VALUE"),
            (lambda to=to: to.create_experiment("spec", "/elsewhere"), "RESOURCE_ALREADY_EXISTS"),
        ):
            with pytest.raises(kind, match="already") as found:
                action()
            assert patience.refusal(found.value) == code and not tracking.passing(found.value)
        assert rows(uri) == before


def test_a_deleted_record_is_not_written_to(store):
    from mlflow.exceptions import MlflowException

    to = direct.client(store)
    run = to.create_run(to.create_experiment("spec", "/place"), 1, {}, "one").info.run_id
    to.delete_run(run)
    found = tracking.store.client(store).get_run(run)
    assert found.info.lifecycle_stage == "deleted"
    for action in (lambda: to.set_tag(run, "k", "v"), lambda: to.set_terminated(run)):
        with pytest.raises(MlflowException, match="active"):
            action()


def test_what_mlflow_cuts_or_names_itself_is_left_to_it(store):
    to = direct.client(store)
    run = to.create_run(to.create_experiment("spec", "/place"), 1, {}, "one").info.run_id
    to.set_tag(run, "long", "x" * 9000)
    to.set_tag(run, "mlflow.runName", "two")
    found = to.get_run(run)
    assert len(found.data.tags["long"]) == 8000 and found.info.run_name == "two"


def test_a_file_of_another_schema_is_left_to_mlflow(store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sql, "REVISION", "another")
        assert not isinstance(direct.client(store), Direct)
    assert isinstance(direct.client(store), Direct)


def test_a_file_in_place_of_the_one_that_was_opened_is_the_one_that_is_written(store, template):
    file = Path(store.removeprefix("sqlite:///"))
    begun(store).finish()
    for one in file.parent.glob(f"{file.name}*"):
        one.unlink()
    file.write_bytes(template.read_bytes())
    assert direct.client(store).get_experiment_by_name("spec") is None
    direct.client(store).create_experiment("spec", "/place")
    assert [one[1] for one in rows(store)["experiments"]] == ["spec"]


def test_a_file_that_is_away_for_a_while_is_waited_for_and_not_made_anew(store, monkeypatch):
    monkeypatch.setattr(patience, "_FIRST", 0.05)
    to, file = direct.client(store), Path(store.removeprefix("sqlite:///"))
    file.rename(away := file.with_name("away"))
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        direct.client(store)
    assert not file.exists()
    threading.Timer(0.2, lambda: away.rename(file)).start()
    tracking.persist(lambda: direct.client(store).create_experiment("late", "/place"))
    assert to.get_experiment_by_name("late") is not None


def test_a_locked_file_is_waited_for_and_nothing_is_lost(store, monkeypatch):
    monkeypatch.setattr(direct, "_PATIENCE", 0.05)
    monkeypatch.setattr(patience, "_FIRST", 0.05)
    direct._writer.cache_clear()
    to = direct.client(store)
    with closing(
        sqlite3.connect(store.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    ) as one:
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked") as found:
            to.create_experiment("early", "/place")
        assert tracking.passing(found.value)
        threading.Timer(0.3, lambda: one.execute("ROLLBACK")).start()
        tracking.persist(lambda: to.create_experiment("late", "/place"))
    assert to.get_experiment_by_name("late") is not None and to.get_experiment_by_name("early") is None


def test_of_many_threads_one_wins_a_parameter_and_none_of_their_tags_is_lost(store):
    to = direct.client(store)
    run = to.create_run(to.create_experiment("spec", "/place"), 1, {}, "one").info.run_id
    won, barrier = [], threading.Barrier(4)

    def contest(number: int) -> None:
        barrier.wait()
        for turn in range(5):
            to.set_tag(run, f"{number}.{turn}", "v")
        won.extend([number] if tracking.claims.write_once(store, "key", str(number)) else [])

    threads = [threading.Thread(target=contest, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and len(to.get_run(run).data.tags) == 21


def test_a_whole_record_is_kept_without_importing_mlflow_and_without_waiting_for_the_disk(store):
    code = (
        "import sys; from harness import tracking; from harness.tracking import direct\n"
        "from tests.tracking.runs import begun\n"
        f"uri = {store!r}; logger = begun(uri); logger.log(1, {{'loss': 1.0}}); logger.artifact('best.pt', b'w')\n"
        "logger.finish({'val_mpjpe_best': 1.0}); begun(uri, 'r1').fail('why')\n"
        "tracking.reap(uri, ['r1']); tracking.survey(uri, ['r0', 'r1'])\n"
        "assert direct.client(uri)._open.execute('PRAGMA synchronous').fetchone() == (1,)\n"
        "assert not {'mlflow', 'sqlalchemy', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    assert set(tracking.finished(store)) == {"r0"} and set(tracking.failed(store)) == {"r1"}
    assert tracking.store.client(store).get_run(tracking.finished(store)["r0"].mlflow_id).data.metrics["loss"] == 1.0
