"""`repose rm`: records and files go, the run is free again, and what somebody is doing stays."""

import io
import sys
from pathlib import Path

import pytest

from harness import tracking
from harness.tracking.artifacts import folder
from harness.tracking.claims import latest
from tests.cli.test_status import job, made
from tests.sweep.conftest import template

__all__ = ["job", "made", "template"]


def states(spec):
    return [one.state for one in tracking.standing(None, [run.run_id for run in spec.runs]).values()]


def test_a_run_is_taken_back_and_can_be_done_again(repose, job):
    spec, begin = job
    begin(0).finish()
    begin(1).finish()
    uri, run_id = tracking.resolve(), spec.runs[0].run_id
    before = tracking.finished(uri)[run_id]
    assert (folder(uri, before) / "config.json").exists()
    answer = repose("rm", run_id[:8], "--yes")
    assert answer.code == 0 and "removed 1 record of 1 runs, which are to do again" in answer.out
    assert not folder(uri, before).parent.exists()
    assert states(spec)[:2] == ["to do", "finished"]
    generation = tracking.survey(uri, [run_id]).free[run_id]
    assert generation == latest(uri, [run_id])[run_id].generation + 1
    begin(0, generation).finish()
    assert states(spec)[:2] == ["finished", "finished"]


def test_of_a_spec_everything_goes_but_what_is_at_work(repose, made):
    live = tracking.running()[made.runs[2].run_id]
    answer = repose("rm", "trial.yaml", "--yes")
    assert answer.code == 0
    assert f"left alone: {made.runs[2].run_id}, which process {tracking.myself().pid} of" in answer.out
    assert "to be removed of the spec 'trial': 6 runs (" in answer.out
    assert states(made) == ["to do"] * 2 + ["running"] + ["to do"] * 5
    assert [record.mlflow_id for record in tracking.records()] == [live.mlflow_id]
    assert repose("rm", "trial.yaml", "--yes").out.endswith("nothing to remove of the spec 'trial'\n")


def test_only_what_failed_goes_when_that_is_asked(repose, made):
    assert repose("rm", "trial.yaml", "--failed", "--yes").code == 0
    assert sorted(states(made)) == sorted(["finished"] * 2 + ["running", "lost"] + ["to do"] * 4)


def test_without_a_yes_nothing_goes(repose, made, monkeypatch):
    before = len(tracking.records())
    answer = repose("rm", "trial.yaml")
    assert answer.code == 2 and "say --yes" in answer.err
    monkeypatch.setattr(sys, "stdin", Typed("n\n"))
    answer = repose("rm", "trial.yaml")
    assert answer.code == 1 and "nothing was removed" in answer.out
    assert len(tracking.records()) == before
    monkeypatch.setattr(sys, "stdin", Typed("yes\n"))
    assert repose("rm", "trial.yaml").code == 0
    assert len(tracking.records()) == 1


class Typed(io.StringIO):
    """A terminal at which something was typed."""

    def isatty(self):
        return True


def test_who_begins_a_run_at_that_moment_keeps_it(repose, job, monkeypatch):
    from harness.tracking import removal

    spec, begin = job
    begin(0).fail("no")
    real, begun = removal.release, []

    def late(uri, run_id, generation):
        begun.append(begin(0, generation))
        return real(uri, run_id, generation)

    monkeypatch.setattr(removal, "release", late)
    answer = repose("rm", spec.runs[0].run_id, "--yes")
    assert f"left alone: {spec.runs[0].run_id}: somebody has just begun it" in answer.out
    begun[0].finish()
    assert states(spec)[0] == "finished"


def test_files_in_a_place_of_no_record_are_not_touched(repose, job, tmp_path):
    import sqlite3

    spec, begin = job
    begin(0).finish()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as connection:
        connection.execute("UPDATE runs SET artifact_uri = ?", (str(precious),))
    answer = repose("rm", spec.runs[0].run_id, "--yes")
    assert answer.code == 1 and "isn't a folder that MLflow makes" in answer.out
    assert (precious / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nothing.yaml"], "nothing.yaml: no such spec file"), (["nobody"], "no run of the store is called 'nobody'")],
)
def test_what_is_not_there_is_said_in_a_line(repose, job, words, said):
    answer = repose("rm", *words, "--yes")
    assert answer.code == 2 and said in answer.err and not Path("results").exists()
