"""`repose ui --study`: optuna-dashboard on the history of a study, or one line about why there is none."""

from __future__ import annotations

import optuna
import pytest
import yaml

from harness.cli.main import main
from harness.errors import UserError
from harness.spec import shipped
from harness.tune.dashboard import dashboard_command
from harness.tune.storage import open_storage


@pytest.fixture
def history(tmp_path):
    """A store's address, beside which the study of ``mine`` lies."""
    file = tmp_path / "studies" / "mine.log"
    optuna.create_study(storage=open_storage(str(file)), study_name="mine: both")
    return f"sqlite:///{tmp_path}/mlflow.db", file


def test_the_pages_are_served_from_the_history_on_this_machine_alone(history):
    uri, file = history
    _, script, *rest = dashboard_command("mine", uri, port=8081)
    assert script.endswith("optuna-dashboard")
    assert rest == [
        str(file),
        "--storage-class",
        "JournalFileStorage",
        "--host",
        "127.0.0.1",
        "--port",
        "8081",
        "--quiet",
    ]


def test_a_database_is_named_by_its_url(tmp_path):
    url = f"sqlite:///{tmp_path}/history.db"
    optuna.create_study(storage=url, study_name="mine: abs")
    assert dashboard_command("mine", "sqlite:///x.db", url)[2:4] == [url, "--host"]


def test_a_study_that_isnt_there_is_told(history, tmp_path):
    uri, file = history
    with pytest.raises(UserError, match=r"there is no study at .*other\.log yet"):
        dashboard_command("other", uri)
    with pytest.raises(UserError, match=r"no study of 'other' at .* \(it holds mine\)"):
        dashboard_command("other", uri, str(file))


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load(shipped.find("smoke").read_text())
    content |= {"name": "mine", "study": {"space": {"train.lr": {"log": [1e-3, 1e-2]}}, "budget": {"trials": 2}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump({k: v for k, v in content.items() if k != "study"}))


def test_the_command_becomes_the_server_and_says_where(spec, history, monkeypatch, capsys):
    started = []
    monkeypatch.setattr("os.execv", lambda program, command: started.append(command))
    main(["ui", "--study", "mine.yaml", "--tracking-uri", history[0]])
    assert capsys.readouterr().out == "http://127.0.0.1:8080\n" and str(history[1]) in started[0]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--study", "plain.yaml"], "the spec 'mine' has no study"),
        (["--study", "mine.yaml", "--tracking-uri", "sqlite:///none.db"], "there is no study at"),
        (["--storage", "x.log"], "only a study has a storage of its own"),
    ],
)
def test_what_has_no_pages_is_told_in_a_line(spec, capsys, flags, said):
    assert main(["ui", *flags]) == 2
    assert said in capsys.readouterr().err
