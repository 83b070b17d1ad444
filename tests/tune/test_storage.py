import socket
import time

import optuna
import pytest

from harness.errors import UserError
from harness.tune.storage import open_storage, place


def test_a_journal_lies_beside_the_store_unless_told_otherwise(tmp_path):
    assert place("mine", f"sqlite:///{tmp_path}/mlflow.db") == str(tmp_path / "studies" / "mine.log")
    assert place("mine", "http://host:5000").endswith("runs/studies/mine.log")
    assert place("mine", "http://host:5000", "postgresql://host/db") == "postgresql://host/db"


def test_a_journal_whose_last_line_lost_its_end_is_mended(tmp_path):
    file = tmp_path / "s.log"
    study = optuna.create_study(storage=open_storage(str(file)), study_name="s")
    study.add_trial(optuna.trial.create_trial(value=1.0))
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"op_code": 4, "wor')
    study = optuna.load_study(storage=open_storage(str(file)), study_name="s")
    study.add_trial(optuna.trial.create_trial(value=2.0))
    kept = optuna.load_study(storage=open_storage(str(file)), study_name="s")
    assert [trial.value for trial in kept.trials] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("redis://localhost", "expected a file, postgresql://"),
        ("sqlite:////nowhere/at/all/x.db", "can't be used"),
        ("postgresql://localhost:{port}/x", "nobody answers at the study's storage"),
        ("postgresql://localhost:{mute}/x", "can't be used"),
        ("postgresql://me:secret@localhost:{port}/x", r"me:\*\*\*@localhost"),
        ("/proc/nothing/s.log", "can't write the study's file"),
    ],
)
def test_a_storage_that_is_not_there_is_told_in_seconds(where, said, monkeypatch):
    if "{mute}" in where:
        pytest.importorskip("psycopg", reason="without its driver no database is asked; tests/services has it")
    monkeypatch.setattr("harness.tune.storage.LIMIT", 2.0)
    with socket.socket() as held:
        held.bind(("localhost", 0))
        port = held.getsockname()[1]
    began = time.monotonic()
    with socket.create_server(("localhost", 0)) as mute, pytest.raises(UserError, match=said):
        open_storage(where.format(port=port, mute=mute.getsockname()[1]))
    assert time.monotonic() - began < 10


def test_another_file_is_no_study_and_reading_makes_none(tmp_path):
    (tmp_path / "notes.log").write_text("no study\n")
    with pytest.raises(UserError, match="isn't a study's file"):
        open_storage(str(tmp_path / "notes.log"))
    with pytest.raises(UserError, match="there is no study at"):
        open_storage(str(tmp_path / "s.log"), read_only=True)
    assert not (tmp_path / "s.log").exists()


def test_a_database_by_url_holds_a_study(tmp_path):
    study = optuna.create_study(storage=open_storage(f"sqlite:///{tmp_path}/s.db"), study_name="s")
    study.add_trial(optuna.trial.create_trial(value=1.0))
    assert len(optuna.load_study(storage=open_storage(f"sqlite:///{tmp_path}/s.db"), study_name="s").trials) == 1
