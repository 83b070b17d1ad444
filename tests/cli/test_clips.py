"""What the command line does so that clips play: the right runs, clips and cameras; and what it says otherwise."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from harness import data, tracking
from harness.cli.clips import with_clips
from harness.errors import UserError
from harness.report import player
from harness.report.player import Choice, Pick
from harness.skeleton import H36M17
from harness.spec.run import Test
from harness.training import replay


@dataclass(frozen=True)
class Reported:
    """As much of a report as clips need."""

    spec: SimpleNamespace
    evidence: SimpleNamespace
    uri: str = "sqlite:///store.db"
    player: str | None = None
    still: object = None


@pytest.fixture
def reported(monkeypatch, tmp_path):
    """A report of two runs whose best clips are known; the clip's number is its error."""
    picks = [("a", "unseen", 0), ("b", "seen", 1), ("c", "unseen", 1)]
    made = tuple(Pick(clip, "S", "walk", cameras, camera, (16.0, 16.0)) for clip, cameras, camera in picks)
    choice = Choice("severe", 0, ("abs", "both"), "", ("#000", "#111"), ("run-abs", "run-both"), made)
    given = SimpleNamespace(dataset="mocap", path=str(tmp_path / "clips.npz"), options={}, fingerprint="f00d")
    runs = [SimpleNamespace(run_id=run, data=given) for run in choice.runs]
    monkeypatch.setattr(player, "choose", lambda evidence, clips: choice)
    monkeypatch.setattr(data, "fingerprint", lambda name, path, **options: "f00d")
    monkeypatch.setattr(tracking, "path", lambda uri, record, name: tmp_path / record / name)
    return Reported(SimpleNamespace(runs=runs, test=Test()), SimpleNamespace(records={run: run for run in choice.runs}))


def test_each_clip_is_predicted_by_both_runs(reported, monkeypatch, tmp_path):
    asked, shown = [], {}

    def predict(run, weights, clips, *, level, cameras, protocol):
        assert weights == tmp_path / run.run_id / "best.pt" and (level, protocol) == ("severe", Test().protocol)
        asked.append((run.run_id, cameras, list(clips)))
        return [(run.run_id, cameras, clip) for clip in clips]

    def show(choice, played):
        shown["played"] = played
        return SimpleNamespace(fragment="<p>plays</p>", still="still")

    monkeypatch.setattr(replay, "replay", predict)
    monkeypatch.setattr(player, "show", show)
    found = with_clips(reported, 3)
    assert (found.player, found.still) == ("<p>plays</p>", "still")
    assert shown["played"] == [
        [(run, cameras, clip) for run in ("run-abs", "run-both")]
        for cameras, clip in (("unseen", ("a", 0)), ("seen", ("b", 1)), ("unseen", ("c", 1)))
    ]
    assert len(asked) == 4  # once per run and set of cameras


def lost(uri, record, name):
    raise FileNotFoundError(f"/somewhere/on/this/machine/{name}")


def absent(name, path, **options):
    raise UserError("no such file; expected a clip file (.npz)", file=path)


@pytest.mark.parametrize(
    ("module", "name", "value", "reason"),
    [
        (tracking, "path", lost, "the record of run run-abs has no weights"),
        (data, "fingerprint", absent, "no such file; expected a clip file (.npz)"),
        (data, "fingerprint", lambda *_, **__: "beef", "the data's fingerprint is beef, but the spec declares f00d"),
        (player, "choose", None, "the report names no baseline"),
    ],
)
def test_why_nothing_plays_is_said_in_place_of_it(reported, monkeypatch, capsys, tmp_path, module, name, value, reason):
    def refuse(evidence, clips):
        raise player.Unplayable("the report names no baseline to compare an arm with")

    monkeypatch.setattr(module, name, value or refuse)
    monkeypatch.setattr(replay, "replay", lambda *_, **__: pytest.fail("predicted for nothing"))
    found = with_clips(reported, 3)
    assert f"No clip is shown: {reason}".replace("'", "&#x27;") in found.player and found.still is None
    assert str(tmp_path) not in found.player and "/somewhere" not in found.player
    assert reason in capsys.readouterr().out


def test_a_wrong_prediction_is_not_shown(reported, monkeypatch):
    still = np.zeros((30, 17, 3), np.float32)
    poses = still + np.linspace(0, 1, 17, dtype=np.float32)[:, None]
    every = np.ones(30, dtype=bool)
    one = SimpleNamespace(
        inputs=still[..., :2],
        visible=still[..., 0] == 0,
        truth=still,
        poses=poses,
        fps=25.0,
        skeleton=H36M17,
        scored=every,
    )
    monkeypatch.setattr(replay, "replay", lambda run, weights, clips, **_: [one for _ in clips])
    assert "where 16.0 mm were recorded" in with_clips(reported, 3).player
