import gc
import http.server
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness import tracking
from harness.errors import UserError
from harness.tracking import sql, store


def test_the_argument_comes_before_the_environment_and_that_before_the_default(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(store.VARIABLE, raising=False)
    assert tracking.resolve() == f"sqlite:///{tmp_path}/runs/mlflow.db"
    monkeypatch.setenv(store.VARIABLE, "http://there:5000/")
    assert tracking.resolve() == "http://there:5000"
    assert tracking.resolve("sqlite:///x/y.db") == f"sqlite:///{tmp_path}/x/y.db"


@pytest.mark.parametrize("uri", ["./mlruns", "file:/somewhere/mlruns", "ftp://there", "sqlite://"])
def test_an_address_without_a_store_is_refused(uri):
    with pytest.raises(UserError, match=r"sqlite:///path/to/file\.db"):
        tracking.resolve(uri)


def test_prepare_makes_the_schema_the_fast_reader_knows_and_write_ahead_logging(template):
    with sqlite3.connect(template) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(sql.REVISION,)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


@pytest.mark.parametrize("uri", [None, "postgresql://there/store", "http://there:5000"])
def test_what_a_store_needs_is_imported_without_looking_for_garbage(monkeypatch, uri):
    asked = []
    wanted = "mlflow" if uri == "http://there:5000" else "mlflow.store.tracking.sqlalchemy_store"

    def imported(name):
        asked.append((name, gc.isenabled()))
        raise ImportError(name)

    monkeypatch.setattr(store.importlib, "import_module", imported)
    monkeypatch.delitem(sys.modules, wanted, raising=False)
    with pytest.raises(ImportError):
        store.preload(uri)
    assert asked == [(wanted, False)] and gc.isenabled()


def test_the_store_in_use_does_not_wait_for_the_disk_and_other_databases_do(template):
    import sqlalchemy
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    uri = f"sqlite:///{template}"
    store.client(uri)
    other = sqlalchemy.create_engine(f"sqlite:///{template.with_name('other.db')}")
    for engine, level in ((SqlAlchemyStore._engine_map[uri], 1), (other, 2)):
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level


def test_a_schema_of_another_version_is_said_in_one_sentence(store):
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    with pytest.raises(UserError, match="mlflow db upgrade sqlite:"):
        tracking.finished(store)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="can't write to the folder"):
        tracking.check(f"sqlite:///{tmp_path}/file/mlflow.db")


def test_what_is_no_store_is_told_and_nothing_is_made(tmp_path):
    (tmp_path / "notes").write_text("not a database")
    for name, said in (("notes", "not a database"), (".", "is a folder; expected a file")):
        with pytest.raises(UserError, match=said):
            tracking.finished(f"sqlite:///{tmp_path}/{name}")
    tracking.check(f"sqlite:///{tmp_path}/new/runs/mlflow.db")
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


@pytest.mark.parametrize("uri", ["http://[::1", "http://127.0.0.1:port"])
def test_an_address_that_is_none_is_told(uri):
    with pytest.raises(UserError, match="nobody answers at the tracking URI"):
        tracking.finished(uri)


def test_a_server_of_something_else_is_told():
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(UserError, match="is no MLflow server"):
            tracking.finished(f"http://127.0.0.1:{other.server_port}")
        other.shutdown()


def test_a_server_nobody_runs_is_told_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError, match="nobody answers at the tracking URI"):
        tracking.prepare(f"http://127.0.0.1:{port}")
    with pytest.raises(UserError, match="nobody answers"):
        tracking.prepare(f"postgresql://u:secret@127.0.0.1:{port}/db")


def test_a_server_that_never_answers_is_given_the_limit(monkeypatch):
    assert store.LIMIT <= 5
    monkeypatch.setattr(store, "LIMIT", 0.3)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        begin = time.monotonic()
        with pytest.raises(UserError, match="nobody answers"):
            tracking.finished(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        assert time.monotonic() - begin < 2


def test_a_password_is_not_shown():
    with pytest.raises(UserError) as caught:
        tracking.probe("postgresql://user:secret@127.0.0.1:1/db")
    assert "secret" not in str(caught.value)


def test_importing_tracking_is_cheap_and_reading_a_store_needs_no_mlflow(store):
    code = (
        "import sys; from harness import tracking; "
        f"assert tracking.finished('{store}') == {{}}; assert tracking.survey('{store}', ['a']).free == {{'a': 0}}; "
        "sys.exit(any(name in sys.modules for name in ('mlflow', 'torch', 'ray', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0


def test_ui_command_serves_the_store_in_use(store, tmp_path):
    command = tracking.ui_command(store, port=5055)
    assert store in command and command[-1] == "5055"
    with pytest.raises(UserError, match="no store at"):
        tracking.ui_command(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(UserError, match="is a server"):
        tracking.ui_command("http://there:5000")
