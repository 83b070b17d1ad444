"""`repose export` and `repose import`: the same report elsewhere, byte for byte but for the marked block."""

import re
import shutil
from pathlib import Path

import pytest

from harness import tracking
from harness.cli.main import main
from harness.report.page import MACHINE
from harness.spec import load
from harness.sweep import body
from tests.sweep.conftest import template
from tests.tracking.test_bundle import forged

__all__ = ["template"]

SPEC = """\
name: trial
data: {dataset: synthetic, options: {subjects: 5, clips: 1, seconds: 1.0}, window: 9}
train: {steps: 4, batch: 4, epochs: 2}
test: {occlusion: [none, severe], cameras: [seen]}
objectives: {abs: {mpjpe: 1}}
grid: {backbone: [ridge, constant_pose], seed: 2}
report: {baseline: {backbone: constant_pose}, tables: [{rows: backbone, columns: test_occlusion, metric: mpjpe}]}
claims:
  - text: ridge knows more than the mean pose
    arm: {backbone: ridge}
    versus: {backbone: constant_pose}
    metric: mpjpe
    direction: lower
"""


def place(folder, template):
    (folder / "runs").mkdir(parents=True)
    shutil.copy(template, folder / "runs" / "mlflow.db")
    return f"sqlite:///{folder / 'runs' / 'mlflow.db'}"


@pytest.fixture(scope="module")
def job(tmp_path_factory, template):
    """A folder with a spec, the records of its runs, one failed attempt among them, and its report."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("job")
    uri = place(folder, template)
    patch.chdir(folder)
    patch.delenv("REPOSE_TRACKING_URI", raising=False)
    Path("trial.yaml").write_text(SPEC)
    spec = load("trial.yaml")
    tracking.register(uri, [claim.digest(spec.name) for claim in spec.claims], spec.digest)
    for number, run in enumerate(spec.runs):
        if number == 0:
            held = tracking.claim(uri, run.run_id, 0, tracking.myself())
            tracking.RunLogger(uri, run, spec.name, held).start().fail("it broke")
        held = tracking.claim(uri, run.run_id, number == 0, tracking.myself())
        logger = tracking.RunLogger(uri, run, spec.name, held, extra=tracking.provenance()).start()
        logger.finish(body.execute(run, spec.test, logger, lambda info, kept=logger: kept.log_points(info.curves)))
    assert main(["export", "trial.yaml", "trial.tar.gz", "--weights"]) == 0
    assert main(["report", "trial.yaml"]) == 0
    yield folder
    patch.undo()


@pytest.fixture
def elsewhere(tmp_path, template, monkeypatch, job):
    """Another folder with an empty store of its own."""
    place(tmp_path / "elsewhere", template)
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def told(folder):
    """Every file of a report; of the page what isn't of the machine."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        text = path.read_bytes()
        if path.name == "report.html":
            text = re.sub(f"{MACHINE[0]}.*{MACHINE[1]}".encode(), b"", text, flags=re.DOTALL)
        found[str(path.relative_to(folder))] = text
    return found


def run(capsys, *arguments):
    code = main(list(arguments))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_imported_store_gives_the_same_report(job, elsewhere, capsys):
    code, out, err = run(capsys, "import", str(job / "trial.tar.gz"))
    assert code == 0, err
    assert "imported trial: 4 finished runs, 1 attempts that failed or were stopped, 1 registered claims" in out
    assert out.endswith("its report: repose report trial.yaml\n")
    assert run(capsys, "report", "trial.yaml")[0] == 0
    mine, theirs = told(elsewhere / "results" / "trial"), told(job / "results" / "trial")
    assert mine.keys() == theirs.keys() and "figures/clips.svg" in mine and "report.html" in mine
    assert [name for name in mine if mine[name] != theirs[name]] == []
    code, out, _ = run(capsys, "report", "trial.yaml", "--verify")
    assert code == 0 and "from 4 runs' records and its files" in out
    assert run(capsys, "status", "trial.yaml")[1].endswith("time: none, all is finished\n")
    code, out, _ = run(capsys, "import", str(job / "trial.tar.gz"))
    assert code == 0 and "0 finished runs, 4 runs were here already" in out


def test_the_study_travels_with_the_report_that_speaks_of_it(job, elsewhere, capsys, monkeypatch):
    from harness.report.tuning import study

    history = job / "runs" / "studies" / "searched.log"
    history.parent.mkdir(exist_ok=True)
    history.write_text('{"op_code": 0}\n')
    (job / "study.json").write_text('{"spec": "searched"}')
    with monkeypatch.context() as patch:
        patch.setattr(study, "path", lambda spec: job / "study.json")
        patch.chdir(job)
        assert run(capsys, "export", "trial.yaml", str(elsewhere / "s.tar.gz"))[0] == 0
    assert run(capsys, "import", "s.tar.gz")[0] == 0
    assert Path("results/searched/study.json").read_text() == '{"spec": "searched"}'
    assert Path("runs/studies/searched.log").read_text() == history.read_text()
    Path("runs/studies/searched.log").write_text("of another search")
    assert "kept: " in run(capsys, "import", "s.tar.gz")[1]
    assert Path("runs/studies/searched.log").read_text() == "of another search"


def test_a_file_of_another_content_stops_the_import_before_anything_is_written(job, elsewhere, capsys):
    Path("trial.yaml").write_text("name: mine\n")
    code, _, err = run(capsys, "import", str(job / "trial.tar.gz"))
    assert code == 2 and err.startswith("repose: error: trial.yaml: exists with other content")
    assert Path("trial.yaml").read_text() == "name: mine\n" and not tracking.records()
    assert run(capsys, "import", str(job / "trial.tar.gz"), "--out", "there")[0] == 0
    assert Path("there/trial.yaml").read_text() == SPEC


def test_what_is_no_archive_of_ours_changes_nothing(elsewhere, capsys, tmp_path):
    good = {"schema": 1, "file": "a.yaml", "spec": "a"}
    cases = {
        "no such file": tmp_path / "none.tar.gz",
        "is of another layout (2)": _archive(tmp_path / "1", {**good, "schema": 2}, {"spec/a.yaml": b""}),
        "was tampered with: it holds no spec": _archive(tmp_path / "2", good, {}),
        "it holds no spec": _archive(tmp_path / "3", {**good, "file": "../a.yaml"}, {"spec/a.yaml": b""}),
        "records.json": _archive(tmp_path / "4", good, {"spec/a.yaml": b"", "records.json": b'{"records": [1]}'}),
        "tampered with": forged(tmp_path / "5", [("../outside", b"x")]),
    }
    for said, file in cases.items():
        code, out, err = run(capsys, "import", str(file))
        assert (code, out) == (2, "") and said in err and err.count("\n") == 1, err
    assert not tracking.records() and {path.name for path in elsewhere.iterdir()} == {"runs"}


def _archive(file, about, files):
    from harness.tracking import bundle

    bundle.write(file, about, files)
    return file


def test_an_export_needs_something_finished_and_a_new_file(job, elsewhere, capsys):
    Path("trial.yaml").write_text(SPEC)
    code, _, err = run(capsys, "export", "trial.yaml", "out.tar.gz")
    assert code == 2 and "no run of 'trial' is finished" in err
    Path("out.tar.gz").touch()
    code, _, err = run(capsys, "export", "trial.yaml", "out.tar.gz")
    assert code == 2 and err == "repose: error: out.tar.gz: exists already\n"
