"""Empty stores: MLflow makes the first one of a node, the next ones are copies of it."""

import sqlite3
from contextlib import closing

import pytest

from harness import tracking
from harness.tracking import schema, store
from tests.tracking.runs import begun


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A node's cache of the test's own."""
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "stores"


def tables(file):
    with closing(sqlite3.connect(file)) as opened:
        return sorted(opened.execute("SELECT type, name, sql FROM sqlite_master").fetchall(), key=str)


@pytest.fixture
def made(cache, tmp_path):
    """The first store of the node, and how often MLflow was asked to make one."""
    file = tmp_path / "first.db"
    tracking.prepare(f"sqlite:///{file}")
    return file


def test_the_second_store_is_made_without_mlflow_and_is_the_same(made, cache, tmp_path, monkeypatch):
    assert [one.suffix for one in cache.iterdir()] == [".db"], "nothing half-made"
    asked = []
    client = store.client
    monkeypatch.setattr(store, "client", lambda *given: asked.append(given) or client(*given))
    uri = f"sqlite:///{tmp_path / 'second.db'}"
    tracking.prepare(uri)
    assert not asked and tables(tmp_path / "second.db") == tables(made)
    begun(uri).finish({"test_mpjpe": 50.0})
    assert set(tracking.finished(uri)) == {"r0"} and not tracking.finished(f"sqlite:///{made}")
    # MLflow's first experiment names a folder of the store: none is kept.
    with closing(sqlite3.connect(*cache.iterdir())) as opened:
        assert opened.execute("SELECT count(*) FROM experiments").fetchone() == (0,)


def test_a_store_that_is_there_is_left_alone(made, tmp_path):
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"")
    assert not schema.copied(file) and file.read_bytes() == b""


@pytest.mark.parametrize("spoilt", ["cut short", "of another schema", "absent", "of another version"])
def test_a_copy_that_is_not_fit_is_not_used(made, cache, tmp_path, monkeypatch, spoilt):
    (kept,) = cache.iterdir()
    if spoilt == "cut short":
        kept.write_bytes(kept.read_bytes()[:5000])
    elif spoilt == "of another schema":
        with closing(sqlite3.connect(kept)) as opened, opened:
            opened.execute("UPDATE alembic_version SET version_num = 'another'")
    elif spoilt == "absent":
        kept.unlink()
    else:
        monkeypatch.setattr(schema, "version", lambda _: "99.0")
    file = tmp_path / "folder" / "mlflow.db"
    file.parent.mkdir()
    assert not schema.copied(file) and not list(file.parent.iterdir())
    monkeypatch.undo()


def test_a_cache_that_cannot_be_written_costs_no_store(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "file"))
    tracking.prepare(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert schema.ready(tmp_path / "mlflow.db") and (tmp_path / "file").read_text() == ""
