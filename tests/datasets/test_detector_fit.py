"""Errors of a detector fitted to what it reported: known ones come back."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness import data
from harness.cli.main import main
from harness.data import detector_fit, imported_file
from harness.data.camera import image_coordinates, project, world_to_camera
from harness.data.dataset import RecordedCamera
from harness.data.detector_errors import Errors, person_size
from harness.data.detector_file import Detector, JointError, read
from harness.data.importers.imported import Imported
from harness.errors import UserError
from harness.skeleton import H36M17, Skeleton

TRUE = (
    JointError(0.05, 4.0, 0.1, 0.0),
    JointError(0.02, 8.0, 0.05, 0.3),
    JointError(0.08, None, 0.0, 0.0),
    JointError(0.03, 3.0, 0.3, 0.2),
)
FOUR = Skeleton("four", ("a", "b", "c", "d"), (-1, 0, 1, 2), (0, 1, 2, 3), {}, {})


def drawn(views, frames, fps=50.0):
    """Errors (views, frames, 4) of the detector above."""
    made = Errors.of(Detector("x", tuple(zip(FOUR.joints, TRUE, strict=True))), FOUR)
    pairs = made.draw(torch.arange(views), torch.arange(frames).expand(views, frames), torch.full((views,), fps))
    return torch.view_as_complex(pairs).numpy().astype(complex)


@pytest.fixture(scope="module")
def fitted():
    return detector_fit.fit([detector_fit.View(one, 50.0, 0) for one in drawn(120, 500)])


def test_known_errors_come_back(fitted):
    for found, true in zip(fitted.values, TRUE, strict=True):
        spread, tail, memory, lasting = found
        assert spread == pytest.approx(true.spread, rel=0.05)
        assert tail == pytest.approx(true.tail, rel=0.2) if true.tail else tail > 30
        assert memory == pytest.approx(true.memory, rel=0.15, abs=0.003)
        assert lasting == pytest.approx(true.lasting, abs=0.08)
    assert fitted.counts.tolist() == [60_000] * 4 and fitted.views == 120


def test_standard_errors_cover_the_truth(fitted):
    far = []
    for found, errors, true in zip(fitted.values, fitted.errors, TRUE, strict=True):
        wanted = (true.spread, true.tail or np.inf, true.memory, true.lasting)
        told = [
            (abs(x - t), e) for x, t, e in zip(found, wanted, errors, strict=True) if np.isfinite(e) and 0 < t < 1e9
        ]
        far += [off / error for off, error in told]
    assert len(far) >= 11 and max(far) < 4 and 0.3 < np.median(far) < 1.6


def test_other_rates_and_gaps_are_put_together():
    slow = [detector_fit.View(one, 25.0, 0) for one in drawn(60, 250, 25.0)]
    fast = [detector_fit.View(one, 100.0, 0) for one in drawn(60, 1000, 100.0)]
    for view in (*slow, *fast):
        view.error[40:70, 1] = np.nan
    found = detector_fit.fit([*slow, *fast])
    assert found.values[0, 2] == pytest.approx(0.1, rel=0.2)
    assert found.values[1] == pytest.approx([0.02, 8, 0.05, 0.3], rel=0.3)
    assert found.counts[1] == found.counts[0] - 120 * 30


def test_a_few_wild_keypoints_change_little():
    clean = drawn(30, 400)
    wild = clean.copy()
    wild[:, ::50] = 1.5  # the same wrong place, 2 % of the frames
    one, other = (detector_fit.fit([detector_fit.View(e, 50.0, 0) for e in errors]) for errors in (clean, wild))
    assert other.values[2, 0] == pytest.approx(one.values[2, 0], rel=0.25)
    naive = np.sqrt((np.abs(wild[..., 2]) ** 2).mean() / 2)
    assert naive > 2 * other.values[2, 0], "the mean square would have doubled"


def test_too_little_is_refused():
    with pytest.raises(UserError, match=r"joint 0 was reported 40 times; 100 are needed"):
        detector_fit.fit([detector_fit.View(drawn(1, 40)[0], 50.0, 0)])
    with pytest.raises(UserError, match=r"a.npz: joint 'Hip' was reported 40 times"):
        detector_fit.fit([detector_fit.View(drawn(1, 40)[0], 50.0, 0)], H36M17.joints, "a.npz")
    few = detector_fit.fit([detector_fit.View(one, 50.0, 0) for one in drawn(3, 200)])
    assert np.isnan(few.errors).all()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Clips in two cameras, with detections that err as the shipped detector does, some lost."""
    errors = Errors.of(read("plausible"), H36M17, 2.0)
    lens, size = (2.29, 2.29, 0.02, 0.01, -0.2, 0.24, -0.002, -0.0005, -0.0016), (1000.0, 1002.0)
    clips = []
    for number, clip in enumerate(data.open_dataset("synthetic", subjects=5, clips=2, seconds=6).clips):
        cameras = []
        for name, place in (("one", (-5.0, 0.5, 1.5)), ("two", (-4.0, -0.5, 1.0))):
            camera = RecordedCamera(name, (0.5, -0.5, 0.5, -0.5), place, lens, size)
            pose = world_to_camera(torch.tensor(clip.positions), torch.tensor(camera.orientation), torch.tensor(place))
            truth = image_coordinates(project(pose, torch.tensor(lens)), torch.tensor(size))
            key = torch.tensor([2 * number + (name == "one")])
            off = errors.draw(key, torch.arange(len(clip))[None], torch.tensor([float(clip.fps)]))[0]
            pixels = (truth + off * person_size(truth)[:, None, None]).numpy()
            score = np.ones(pixels.shape[:2], np.float32)
            pixels[3], score[3] = 0, 0
            cameras.append(replace(camera, pixels=pixels, score=score))
        clips.append(replace(clip, cameras=tuple(cameras)))
    path = tmp_path_factory.mktemp("fit") / "clips.npz"
    found = Imported(name="x", skeleton=H36M17, licence="free", splits={}, clips=tuple(clips), detector="ours")
    imported_file.write(path, found, kind="test", files=[])
    return path


def test_the_command_fits_prints_and_writes(file, tmp_path, capsys):
    out = tmp_path / "ours.json"
    assert main(["data", "fit-detector", str(file), "--to", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "RWrist" in printed and "ours: 20 views, 34" in printed and "±" in printed
    found, wanted = read(str(out)).of(H36M17), read("plausible").of(H36M17)
    ratio = np.array([one.spread / (2 * other.spread) for one, other in zip(found, wanted, strict=True)])
    assert np.median(ratio) == pytest.approx(1, abs=0.05) and np.abs(ratio - 1).max() < 0.35
    content = json.loads(out.read_text())
    assert content["provenance"]["kind"] == "fitted" and content["provenance"]["fingerprint"]
    assert content["joints"]["Hip"]["fit"]["standard_errors"]["spread"] > 0
    assert main(["data", "fit-detector", str(file), "--subjects", "P01", "--name", "mine"]) == 0
    assert "mine: 4 views" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subjects", "P99"], "unknown subject 'P99'"),
        (["--to", "out.txt"], "expected a name that ends in .json"),
        (["--to", "nowhere/out.json"], "in a folder that is there"),
    ],
)
def test_what_the_command_refuses(file, arguments, message, capsys):
    assert main(["data", "fit-detector", str(file), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_damaged_file_is_not_fitted(file, tmp_path, capsys):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "flipped.npz").write_bytes(content)
    assert main(["data", "fit-detector", str(tmp_path / "flipped.npz")]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "damaged: its checksum is another" in shown.err


def test_a_file_without_detections(file, tmp_path, capsys):
    bare = tmp_path / "bare.npz"
    whole = imported_file.read(file)
    clips = tuple(
        replace(c, cameras=tuple(replace(one, pixels=None, score=None) for one in c.cameras)) for c in whole.clips
    )
    found = Imported(name="x", skeleton=H36M17, licence="free", splits={}, clips=clips)
    imported_file.write(bare, found, kind="test", files=[])
    assert main(["data", "fit-detector", str(bare)]) == 2
    assert "holds no detections beside the truth" in capsys.readouterr().err
