import sqlite3
from collections.abc import Iterable

from harness import tracking
from harness.tracking import schema, sql
from harness.tracking.store import client
from tests.tracking.runs import begun


def sorted_lines(statements: Iterable[str]) -> list[list[str]]:
    """MLflow's migrations put constraints in an order that differs from one making to the next."""
    return sorted(sorted(line.strip(" \t,") for line in one.splitlines()) for one in statements)


def test_the_tables_are_those_that_mlflow_makes_and_holds_to_be_new(tmp_path):
    theirs, ours = tmp_path / "theirs.db", tmp_path / "ours.db"
    client(f"sqlite:///{theirs}")
    assert schema.make(ours)
    made = sorted_lines(schema.written_down(theirs))
    assert sorted_lines(schema.written_down(ours)) == made, "written anew by: python -m harness.tracking.schema"
    assert len(made) > 100
    for pragma in ("encoding", "page_size", "auto_vacuum", "user_version"):
        found = []
        for file in (theirs, ours):
            with sqlite3.connect(file) as connection:
                found.append(connection.execute(f"PRAGMA {pragma}").fetchall())
        assert found[0] == found[1]
    begun(f"sqlite:///{ours}").finish({"test_mpjpe": 50.0})
    assert set(tracking.finished(f"sqlite:///{ours}")) == {"r0"}


def test_a_store_that_is_there_is_left_alone_and_no_half_of_one_stays(tmp_path, monkeypatch):
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"")
    assert not schema.make(file) and file.read_bytes() == b""
    file.unlink()
    with monkeypatch.context() as broken:
        (tmp_path / "half.sql").write_text("CREATE TABLE runs (run_uuid); CREATE TABLE runs (run_uuid);")
        broken.setattr(schema, "FILE", tmp_path / "half.sql")
        assert not schema.make(file)
    assert [one.name for one in tmp_path.iterdir()] == ["half.sql"]
    assert schema.make(file)
    assert {one.name for one in tmp_path.iterdir()} == {"mlflow.db", "half.sql"}


def test_another_mlflow_makes_its_own_store(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "REVISION", "another")
    assert not schema.make(tmp_path / "mlflow.db")
    monkeypatch.setattr(schema, "REVISION", "f5a4f2784254")  # one that has a later one
    assert not schema.make(tmp_path / "mlflow.db") and not list(tmp_path.iterdir())
    assert sql.REVISION != schema.REVISION
