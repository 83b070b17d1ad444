"""`repose data import` and `ls`, and a spec on what they give: validated, planned, trained for one step."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from harness.data.importers import h36m
from tests.datasets import h36m_files as files

SPEC = """\
name: recorded
data: {dataset: clips, path: clips.npz, window: 9, frames_out: 9, noise: 0, confidence: detector}
train: {steps: 1, batch: 4, epochs: 1, validate_on: [none]}
test: {cameras: [seen], occlusion: [none]}
objectives: {abs: {mpjpe: 1}}
grid: {backbone: ridge, seed: 1}
"""


@pytest.fixture
def layout(tmp_path):
    """The two files of the VideoPose3D layout, keypoints with scores."""
    cameras = json.loads(Path(h36m.__file__).with_name("h36m_cameras.json").read_text())
    world = files.motion()
    seen = {
        subject: {
            action: [
                np.concatenate([files.pixels(files.in_camera(poses, place), cameras["cameras"][name]),
                                np.full((len(poses), 17, 1), 0.75)], -1)
                for name, place in cameras["subjects"][subject].items()
            ]
            for action, poses in actions.items()
        }
        for subject, actions in world.items()
    }  # fmt: skip
    poses = {s: {a: files.padded(p) for a, p in actions.items()} for s, actions in world.items()}
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=poses)
    np.savez(tmp_path / "data_2d_h36m_cpn.npz", positions_2d=seen, metadata=files.symmetric())
    return "data_3d_h36m.npz", "data_2d_h36m_cpn.npz"


def test_import_ls_and_one_step(repose, layout, tmp_path):
    done = repose("data", "import", "h36m-videopose3d", *layout, "--out", "clips.npz", "-o", "detector=cpn-ft")
    assert done.code == 0 and "4 clips of 4 subjects, 48 frames" in done.out and "detections: cpn-ft" in done.out
    shown = repose("data", "ls", "-v", "clips.npz").out
    assert "54138969, 55011271, 58860488, 60457274" in shown and "splits       h36m-chosen-on-test, h36m-s8" in shown
    assert "  with         detector: cpn-ft\n" in shown
    assert "data_2d_h36m_cpn.npz  sha256 " in shown and "free of charge for academic use" in shown
    assert "h36m-motionbert" in repose("data", "ls").out
    # The split of the file names subjects that these few files lack.
    split = "split: {train: [S1, S5], validation: [S8], test: [S9]}"
    (tmp_path / "spec.yaml").write_text(SPEC.replace("window: 9", f"{split}, window: 9"))
    assert repose("validate", "spec.yaml").code == 0
    assert repose("plan", "spec.yaml").code == 0
    from harness.spec import load
    from harness.training.evaluate import evaluate
    from harness.training.train import train

    (run,) = load(tmp_path / "spec.yaml").runs
    rows = evaluate(run, load(tmp_path / "spec.yaml").test, train(run))
    assert set(rows["camera"]) == {0, 1, 2, 3} and set(rows["cameras"]) == {"seen"}
    (tmp_path / "clips.npz").unlink()
    assert run.run_id == type(run).model_validate_json(run.model_dump_json()).run_id  # without the file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("cameras: [seen], ", ""), "spec.yaml:4: test.cameras: the data have cameras of their own"),
        (("noise: 0, ", ""), "spec.yaml:2: data.noise: noise of 4 pixels would be added"),
        (("steps: 1,", "steps: 1, body_shape: 0.1,"), "spec.yaml:3: train.body_shape: other bodies"),
        (("noise: 0,", "noise: 0, cameras: {train: 4},"), "spec.yaml:2: data.cameras: 'cameras' has no effect"),
        (("window: 9", "split: h36m, window: 9"), "did you mean 'h36m-s8'?"),
    ],
)
def test_specs_that_recorded_data_can_not_answer(repose, layout, tmp_path, change, message):
    assert repose("data", "import", "h36m-videopose3d", *layout, "--out", "clips.npz").code == 0
    split = "split: {train: [S1, S5], validation: [S8], test: [S9]}"
    text = SPEC if "split" in change[1] else SPEC.replace("window: 9", f"{split}, window: 9")
    (tmp_path / "spec.yaml").write_text(text.replace(*change))
    answer = repose("validate", "spec.yaml")
    assert (answer.code, answer.out) == (2, "") and message in answer.err


def test_files_may_be_named_in_either_order(repose, layout):
    for number, paths in enumerate((layout, layout[::-1])):
        assert repose("data", "import", "h36m-videopose3d", *paths, "--out", f"{number}.npz").code == 0
    prints = [repose("data", "ls", f"{number}.npz").out.splitlines()[1] for number in range(2)]
    assert prints[0] == prints[1]


def test_what_is_wrong_is_told_of_the_file_that_was_read(repose, layout, tmp_path):
    poses = np.load(layout[0], allow_pickle=True)["positions_3d"].item()
    poses = {s: {a: p * 1000 for a, p in actions.items()} for s, actions in poses.items()}
    np.savez(tmp_path / "mm.npz", positions_3d=poses)
    answer = repose("data", "import", "h36m-videopose3d", "mm.npz", "--out", "clips.npz")
    assert answer.code == 2 and answer.err.startswith("repose: error: mm.npz: S1/Walking 1: the longest bone measures")
    assert not (tmp_path / "clips.npz").exists()


def test_where_data_come_from_is_kept_through_a_second_import(repose, layout, tmp_path):
    cameras = tmp_path / "ours" / "cameras.json"
    cameras.parent.mkdir()
    cameras.write_text(Path(h36m.__file__).with_name("h36m_cameras.json").read_text())
    poses = ("data", "import", "h36m-videopose3d", layout[0], "--out", "poses.npz", "-o", f"cameras={cameras}")
    assert repose(*poses).code == 0
    (person,) = [{"keypoints": [50.0, 60.0, 0.9] * 17, "image_id": n, "score": 0.9} for n in (0,)]
    (tmp_path / "film.json").write_text(json.dumps([{**person, "image_id": n, "category_id": 1} for n in range(12)]))
    film = ("-o", "clip=S1/Walking 1", "-o", "camera=54138969", "-o", "joints=coco17")
    assert repose("data", "import", "coco-json", "poses.npz", "film.json", "--out", "seen.npz", *film).code == 0
    lines = [" ".join(line.split()[:3]) for line in repose("data", "ls", "-v", "seen.npz").out.splitlines()]
    origin = [line for line in lines if line.startswith(("read", "with"))]
    assert origin[:2] == ["read from poses.npz", "read from film.json"]
    assert origin[2:] == [
        *("with camera: 54138969", "with clip: S1/Walking", "with joints: coco17"),
        *("read from data_3d_h36m.npz", "with cameras: cameras.json"),
    ]


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("run",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("h36m-videopose", "a.npz", "--out", "o.npz"), "unknown layout 'h36m-videopose'; did you mean"),
        (("h36m-motionbert", "evil.pkl", "--out", "o.npz"), "evil.pkl: the pickle asks for"),
        (("h36m-motionbert", "evil.pkl", "--out", "o.npy"), "ends in .npz"),
        (("h36m-motionbert", "evil.pkl", "--out", "no/o.npz"), "there is no folder no"),
        (("h36m-videopose3d", "o.npz", "--out", "o.npz"), "would overwrite what is read"),
        (("h36m-motionbert", "evil.pkl", "--out", "o.npz", "-o", "detectr=x"), "did you mean 'detector'?"),
        (("h36m-motionbert", "evil.pkl", "--out", "o.npz", "-o", "detector"), "OPTION=VALUE is needed"),
        (("h36m-motionbert", "evil.pkl", "--out", "o.npz", *("-o", "detector=a") * 2), "-o detector: given twice"),
        (("h36m-videopose3d", ".", "--out", "o.npz"), ".: a folder; expected an .npz file"),
        (("h36m-motionbert", "nothing.pkl", "--out", "o.npz"), "nothing.pkl: no such file"),
    ],
)
def test_imports_that_go_wrong_leave_nothing(repose, tmp_path, arguments, message):
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"train": Malicious(), "test": 1}))
    answer = repose("data", "import", *arguments)
    assert (answer.code, answer.out) == (2, "") and message in answer.err and answer.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["evil.pkl"]
