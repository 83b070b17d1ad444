"""Checkpoints beside the arms: scored without training, shown as arms of one run, refused in one line."""

import pickle

import pytest
import torch

import backbones
from harness import report, tracking
from harness.cli.main import main
from harness.errors import UserError
from harness.spec import load
from harness.sweep import body

NETWORK = {"filter_widths": [3], "channels": 8}
SPEC = """\
name: small
data: {options: {subjects: 4, clips: 1, seconds: 0.6}, window: 27, cameras: {train: 1, test: 1}}
backbone: {name: videopose3d, filter_widths: [3], channels: 8}
train: {steps: 3, batch: 4, epochs: 2, validate_on: [none]}
test: {occlusion: [none, severe], cameras: [seen]}
objectives: {abs: {mpjpe: 1}, both: {mpjpe: 1, mpjve: 1}}
grid: {objective: [abs, both], train_occlusion: [none], seed: 2}
report: {baseline: {objective: abs}}
"""
BLOCK = "checkpoints: {theirs: {path: theirs.bin, backbone: {name: videopose3d, filter_widths: [3], channels: 8}}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A spec without and one with a checkpoint of the published layout."""
    torch.manual_seed(1)
    network = backbones.build("videopose3d", **NETWORK)
    weights = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 3, "model_pos": weights}, tmp_path / "theirs.bin")
    (tmp_path / "small.yaml").write_text(SPEC)
    (tmp_path / "with.yaml").write_text(SPEC + BLOCK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def do(store, spec, run):
    logger = tracking.RunLogger(store, run, spec.name, tracking.claim(store, run.run_id, 0, tracking.myself()))
    logger.start().finish(body.execute(run, spec.test, logger, lambda info: logger.log_points(info.curves)))


def test_a_checkpoint_is_a_run_of_its_own_named_by_its_content(folder):
    plain, spec = load("small.yaml"), load("with.yaml")
    assert [run.run_id for run in spec.runs[:4]] == [run.run_id for run in plain.runs]
    [theirs] = spec.runs[4:]
    assert theirs.labels["objective"] == "theirs" and theirs.labels["train_occlusion"] == "-"
    assert spec.axes["train_occlusion"] == ["none"] and len(theirs.run_id) == 16
    (folder / "moved").mkdir()
    (folder / "theirs.bin").rename(folder / "moved" / "same.bin")
    moved = load("with.yaml", ["checkpoints.theirs.path=moved/same.bin"]).runs[4]
    assert moved.run_id == theirs.run_id
    for change in ("checkpoints.theirs.flip_test=false", "data.noise=2", "checkpoints.theirs.window=7"):
        assert load("with.yaml", ["checkpoints.theirs.path=moved/same.bin", change]).runs[4].run_id != theirs.run_id
    gone = f"checkpoints.theirs.digest={theirs.checkpoint.digest}"
    assert load("with.yaml", [gone]).runs[4].run_id == theirs.run_id, "declared, the file needn't be there"


def test_a_report_shows_it_beside_the_arms_never_best_never_paired(folder, store):
    spec = load("with.yaml")
    for run in spec.runs:
        do(store, spec, run)
    tables = {table.name: table for table in report.collect(spec, store).tables}
    rows = {row.keys[0]: row for row in tables["ablation"].rows}
    assert list(rows) == ["abs", "both", "theirs"] and tables["ablation"].keys == ("objective",)
    assert all(cell.numbers["n"] == "1" and not cell.bold for cell in rows["theirs"].cells)
    assert [row.keys[0] for row in tables["difference"].rows] == ["both"]
    weights = torch.load(tracking.path(store, tracking.finished(store)[spec.runs[4].run_id], "best.pt"))
    given = torch.load("theirs.bin", weights_only=True)["model_pos"]
    assert all(torch.equal(value, given[f"module.{name}"]) for name, value in weights.items())


@pytest.mark.usefixtures("ray_session", "folder")
def test_the_command_scores_it_and_enters_the_report_of_the_spec(store, capsys):
    command = ["evaluate", "theirs.bin", "--backbone", "videopose3d", "-o", "filter_widths=[3]", "-o", "channels=8"]
    assert main([*command, "--data", "small.yaml", "--tracking-uri", store]) == 0
    out = capsys.readouterr().out
    assert "theirs" in out and "checkpoints:" in out
    assert set(tracking.finished(store)) == {load("with.yaml").runs[4].run_id}


class Evil:
    def __reduce__(self):
        return (print, ("owned",))


def not_finite(path):
    given = torch.load(path, weights_only=True)
    given["model_pos"]["module.shrink.bias"][0] = float("inf")
    torch.save(given, path)


@pytest.mark.parametrize(
    ("make", "flags", "said"),
    [
        (None, ["--backbone", "videopose3d"], "it would fit videopose3d with filter_widths: [3], channels: 8"),
        (
            None,
            ["--backbone", "videopose"],
            "error: --backbone: unknown backbone 'videopose'; did you mean 'videopose3d'?",
        ),
        (None, ["--backbone", "videopose3d", "-o", "chanels=8"], "did you mean 'channels'?"),
        (None, ["--backbone", "videopose3d", "-o", "channels=two"], "error: -o channels: "),
        (None, ["--backbone", "videopose3d", "-o", "channels"], "an option is name=value"),
        (None, ["--backbone", "videopose3d", "--part", "epoch"], "no weights under 'epoch' (int is there)"),
        (None, ["--backbone", "videopose3d", "--name", "a.b"], "a name holds letters, digits, '_' and '-'; got 'a.b'"),
        (None, ["--backbone", "videopose3d", "--name", "abs"], "'abs' is an objective already"),
        (lambda path: path.write_bytes(path.read_bytes()[:900]), ["--backbone", "videopose3d"], "truncated, corrupt"),
        (lambda path: path.write_bytes(pickle.dumps(Evil())), ["--backbone", "videopose3d"], "can't be read"),
        (not_finite, ["--backbone", "videopose3d", "-o", "filter_widths=[3]", "-o", "channels=8"], "isn't finite"),
        (lambda path: path.unlink(), ["--backbone", "videopose3d"], "no such checkpoint"),
    ],
)
def test_bad_checkpoints_are_told_in_one_line_and_leave_no_record(folder, store, capsys, make, flags, said):
    if make is not None:
        make(folder / "theirs.bin")
    assert main(["evaluate", "theirs.bin", *flags, "--data", "small.yaml", "--tracking-uri", store]) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and "owned" not in told.out
    assert not tracking.records(store) and not (folder / "results").exists()


def test_data_can_be_given_without_a_spec_and_a_changed_file_is_refused(folder):
    from harness.cli import evaluate

    class Given:
        data = ("options={subjects: 4, clips: 1, seconds: 0.6}", "window=5")
        test_occlusion = ("severe",)

    entry = {"path": str(folder / "theirs.bin"), "backbone": {"name": "videopose3d", **NETWORK}}
    spec = evaluate._spec(Given, "x", entry)
    assert spec.runs[-1].data.window == 5 and spec.test.occlusion == ["severe"] and spec.runs[-1].checkpoint
    with pytest.raises(UserError, match="is another one: declared is 0000"):
        load("with.yaml", ["checkpoints.theirs.digest='0000'"])
