"""The dataset `clips`: imported files as they were written, their cameras and detections as views see them."""

import errno
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness import data, occlusion
from harness.data import clips as clips_module
from harness.data import imported_file
from harness.data.dataset import RecordedCamera, Split
from harness.data.importers.imported import Imported
from harness.data.views import views
from harness.errors import UserError
from harness.skeleton import H36M17, Skeleton
from harness.spec.run import Data
from harness.training.material import open_material
from harness.training.observation import Observer

LENS = (2.29, 2.29, 0.02, 0.01, -0.2, 0.24, -0.002, -0.0005, -0.0016)


def camera(clip, name="cam", seed=0, **changed):
    random = np.random.default_rng(seed)
    found = RecordedCamera(
        name,
        (0.5, -0.5, 0.5, -0.5),
        (-5.0, 0.5, 1.5),
        LENS,
        (1000.0, 1002.0),
        random.uniform(0, 1000, (len(clip), len(clip.positions[0]), 2)).astype(np.float32),
        random.random((len(clip), len(clip.positions[0]))).astype(np.float32),
    )
    return replace(found, **changed)


@pytest.fixture(scope="module")
def clips():
    made = data.open_dataset("synthetic", subjects=3, clips=2, seconds=0.5).clips
    made = sorted(made, key=lambda clip: clip.name)
    return tuple(replace(clip, cameras=(camera(clip), camera(clip, "two", 1))) for clip in made)


@pytest.fixture
def write(tmp_path, clips):
    def write(given=clips, name="clips.npz", **more):
        splits = {"std": Split(("P01",), ("P02",), ("P03",))}
        found = Imported(
            **{"name": "x", "skeleton": H36M17, "licence": "free", "splits": splits, **more, "clips": given}
        )
        imported_file.write(tmp_path / name, found, kind="test", files=[{"name": "a", "sha256": "0"}])
        return str(tmp_path / name)

    return write


def changed(clips, **camera):
    return (replace(clips[0], cameras=(replace(clips[0].cameras[0], **camera), clips[0].cameras[1])), *clips[1:])


def test_clips_come_out_as_they_went_in(write, clips):
    opened = data.open_dataset("clips", write(detector="cpn"))
    assert (opened.name, opened.licence, opened.skeleton) == ("x", "free", H36M17)
    for one, other in zip(opened.clips, clips, strict=True):
        assert (one.name, one.subject, one.performer, one.action) == (
            other.name,
            other.subject,
            other.subject,
            other.action,
        )
        np.testing.assert_array_equal(one.positions, other.positions)
        for got, put in zip(one.cameras, other.cameras, strict=True):
            assert (got.name, got.orientation, got.intrinsic) == (put.name, put.orientation, put.intrinsic)
            np.testing.assert_array_equal(got.pixels, put.pixels)
            np.testing.assert_array_equal(got.score, put.score)


def test_the_same_content_gives_the_same_file_and_fingerprint(write, clips, tmp_path):
    path = write()
    again = write(clips[::-1], "again.npz")
    with open(path, "rb") as one, open(again, "rb") as other:
        assert one.read() == other.read()
    assert data.fingerprint("clips", path) == data.fingerprint("clips", again)
    other = write(changed(clips, translation=(-5.0, 0.5, 1.6)), "other.npz")
    assert data.fingerprint("clips", path) != data.fingerprint("clips", other)
    assert data.fingerprint("clips", path) == data.fingerprint("clips", write(name="prose.npz", licence="other words"))


def test_members_begin_where_they_can_be_mapped(write):
    opened = data.open_dataset("clips", write())
    assert all(clip.positions.ctypes.data % 64 == 0 and not clip.positions.flags.owndata for clip in opened.clips)


def test_another_skeleton_is_declared_in_the_file(write, clips):
    joints = ("root", "left", "right")
    small = Skeleton("three", joints, (-1, 0, 0), (0, 2, 1), {"arm": (1,)}, {"left": (1,), "right": (2,)})
    cut = tuple(replace(clip, positions=clip.positions[:, [0, 11, 14]].copy(), cameras=()) for clip in clips)
    opened = data.open_dataset("clips", write(cut, skeleton=small))
    assert opened.skeleton == small and opened.skeleton.halves == small.halves
    assert len(views(opened.clips, purpose="train", count=3, seed=0)) == 18  # none recorded: virtual ones are drawn


def test_views_are_those_of_the_recorded_cameras(write, clips):
    path = write()
    seen = views(data.open_dataset("clips", path).clips, purpose="train", count=1, seed=0)
    assert len(seen) == 12 and seen.camera.tolist() == [0, 1] * 6
    np.testing.assert_array_equal(
        seen.pixels.numpy(), np.concatenate([camera.pixels for clip in clips for camera in clip.cameras])
    )
    some = seen.of_clips([2])
    torch.testing.assert_close(some.score, torch.cat([torch.from_numpy(c.score) for c in clips[2].cameras]))
    truth = views(data.open_dataset("clips", path, detections="truth").clips, purpose="train", count=1, seed=0)
    assert truth.score is None and not torch.equal(truth.pixels, seen.pixels)
    assert torch.equal(truth.poses, seen.poses) and torch.equal(truth.key, seen.key)


def test_thinning_keeps_whole_steps(write, clips):
    path = write()
    thin = data.open_dataset("clips", path, fps=25).clips[0]
    np.testing.assert_array_equal(thin.positions, clips[0].positions[::2])
    np.testing.assert_array_equal(thin.cameras[1].score, clips[0].cameras[1].score[::2])
    with pytest.raises(UserError, match="50 frames a second can't be thinned to 30"):
        data.open_dataset("clips", path, fps=30)


def test_splits_and_performers_are_the_files(write):
    path = write(performers={"P01": "ann", "P03": "ann"})
    with pytest.raises(UserError, match=r"'P01' \(train\) and 'P03' \(test\) are one performer \(ann\)"):
        data.resolve_split("clips", "std", path=path)
    spelt = {"train": ["P01"], "validation": ["P02"], "test": ["P03"]}
    assert data.canonical_split("clips", spelt) == spelt  # a stored run is named without the file
    with pytest.raises(UserError, match="one performer"):
        data.partition(data.open_dataset("clips", path), spelt)
    assert data.canonical_split("clips", "default", path=write(name="b.npz")) == spelt


def test_a_split_whose_test_subjects_choose_is_no_default(write):
    apart, chosen = Split(("P01",), ("P02",), ("P03",)), Split(("P01", "P02"), ("P03",), ("P03",))
    assert clips_module.splits_in(write(splits={"a-on-test": chosen, "b": apart}))["default"] == apart
    assert clips_module.splits_in(write(name="c.npz", splits={"a-on-test": chosen}))["default"] == chosen


def test_the_detectors_scores_are_the_third_channel(write):
    given = Data(dataset="clips", path=write(), noise=0, confidence="detector", window=9, split="std")
    material = open_material(given)
    view, frames = material.train, torch.arange(9)[None]
    arguments = view.pixels[None, :9], view.resolution[:1, None, None], view.key[:1], frames
    inputs, visible = Observer(0, "detector", H36M17)(*arguments, occlusion.level("none"), scores=view.score[None, :9])
    assert visible.all() and torch.equal(inputs[0, :, :, 2], view.score[:9])
    with pytest.raises(UserError, match="no 'unseen' ones"):
        material.tests["unseen"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"noise": 4}, r"data.noise: noise of 4 pixels would be added to what a detector really reported"),
        ({"noise": 0, "cameras": {"train": 1}}, "data.cameras: 'cameras' has no effect"),
        ({"options": {"detections": "truth"}, "confidence": "detector"}, "no scores of a detector"),
    ],
)
def test_what_recorded_data_leave_without_sense(write, more, message):
    with pytest.raises(UserError, match=message):
        open_material(Data.model_validate({"dataset": "clips", "path": write(), "window": 9, "split": "std", **more}))


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        ({"pixels": np.zeros((3, 17, 2), np.float32)}, "P01/.*@cam/pixels: 3 frames of 2D keypoints beside"),
        ({"score": np.zeros((3, 17), np.float32)}, "@cam/score: 3 frames"),
        ({"translation": (1841.0, 4955.0, 1563.0)}, "stands 4955 m from the origin: in millimetres"),
        ({"orientation": (1.0, 1.0, 0.0, 0.0)}, "unit quaternion"),
        ({"intrinsic": (1.0, 1.0)}, "intrinsic of the camera must be 9 finite numbers"),
        ({"pixels": None}, "scores without keypoints"),
    ],
)
def test_cameras_that_can_not_be(write, clips, camera, message):
    with pytest.raises(UserError, match=message):
        write(changed(clips, **camera))


def test_detections_that_can_not_be(write, clips):
    pixels = clips[0].cameras[0].pixels
    with pytest.raises(UserError, match="in normalised units"):
        write(changed(clips, pixels=pixels / 1000))
    with pytest.raises(UserError, match="NaN or infinity, first in frame 2"):
        write(changed(clips, pixels=np.where(np.arange(len(pixels))[:, None, None] == 2, np.nan, pixels)))
    with pytest.raises(UserError, match="no camera is recorded for this clip"):
        write((replace(clips[0], cameras=()), *clips[1:]))
    with pytest.raises(UserError, match="need the one camera"):
        write(world="camera")
    none = tuple(replace(c, cameras=tuple(replace(x, pixels=None, score=None) for x in c.cameras)) for c in clips)
    with pytest.raises(UserError, match="holds no detections"):
        data.open_dataset("clips", write(none), detections="file")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_half_written_is_left(write, clips, tmp_path, monkeypatch, error):
    written = []

    def full(self, entry, content):
        written.append(entry.filename)
        if len(written) == 4:
            raise error

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(UserError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        write()
    assert len(written) == 4 and not list(tmp_path.iterdir())
    assert isinstance(error, KeyboardInterrupt) or "clips.npz: can't be written: No space left" in str(caught.value)


def rewritten(path, change):
    """The file with one member's bytes, or its description, changed."""
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    start = members["__meta__.npy"].index(b'{"')
    meta = json.loads(members["__meta__.npy"][start:])
    change(meta, members)
    content = io.BytesIO()
    np.save(content, np.frombuffer(json.dumps(meta).encode(), np.uint8))
    members["__meta__.npy"] = content.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in members.items():
            archive.writestr(name, value)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda meta, members: meta.pop("licence"), "__meta__: 'licence' is missing"),
        (lambda meta, members: meta.update(format=3), "format 3; this version reads format 2"),
        (lambda meta, members: meta.update(units="millimetres"), "units are 'millimetres'"),
        (lambda meta, members: meta.update(skeleton="h36m71"), "did you mean 'h36m17'"),
        (lambda meta, members: meta["cameras"]["P01"].pop("two"), "the camera 'two' isn't described"),
        (lambda meta, members: meta["cameras"]["P01"]["two"].pop("resolution"), "P01: two: 'resolution' is missing"),
        (lambda meta, members: meta["cameras"]["P01"]["two"].update(translation=[1]), r"\[1\]; expected 3 numbers"),
        (lambda meta, members: meta.update(cameras=[]), r"'cameras' is \[\]; expected a mapping"),
        (lambda meta, members: next(iter(meta["clips"].values())).update(fps="x"), "'fps' is 'x'; expected frames"),
        (lambda meta, members: meta["splits"]["std"].pop("test"), "splits: std: 'test' is missing; expected a list"),
        (lambda meta, members: meta["provenance"].update(files=3), "provenance: 'files' is 3; expected a list"),
        (
            lambda meta, members: members.pop(next(n for n in members if n.startswith("P02") and "@" not in n)),
            "aren't there",
        ),
    ],
)
def test_files_with_wrong_keys(write, change, message):
    with pytest.raises(UserError, match=message) as caught:
        data.open_dataset("clips", rewritten(write(), change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints": ["Hip"]}, "'joints' isn't a list of two names or more"),
        ({"joints": ["Hip"] * 17}, "'joints' isn't a list of two names or more, all different"),
        ({"parents": [-1, 0, 1]}, "'parents' isn't a parent's number for each joint"),
        ({"parents": [-1, 2, 1, *[0] * 14]}, "'parents' isn't .* a tree whose root comes first"),
        ({"parents": [1, -1, *[0] * 15]}, "'parents' isn't .* a tree whose root comes first"),
        ({"mirror": [1, *range(1, 17)]}, "'mirror' isn't"),
        ({"limbs": {"arm": [16, 17]}}, "'limbs' isn't named groups of joints"),
        ({"halves": None}, "'halves' isn't named groups of joints"),
        ({"radii": [0.1] * 3}, "'radii' isn't empty, or a radius in metres"),
        ({"radii": [100] * 17}, "'radii' isn't empty, or a radius in metres, below 1"),
    ],
)
def test_skeletons_that_are_none(write, change, message):
    path = write(skeleton=replace(H36M17, name="ours"))
    assert data.open_dataset("clips", path).skeleton == replace(H36M17, name="ours")
    with pytest.raises(UserError, match=f"__meta__: skeleton: {message}"):
        data.open_dataset("clips", rewritten(path, lambda meta, members: meta["skeleton"].update(change)))


def test_truncated_damaged_and_plain_files(write, tmp_path, clips):
    path = write()
    with open(path, "rb") as file:
        whole = file.read()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="truncated"):
        data.open_dataset("clips", str(tmp_path / "half.npz"))
    middle = len(whole) // 2
    (tmp_path / "flipped.npz").write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(UserError, match="damaged: its checksum is another"):
        data.fingerprint("clips", str(tmp_path / "flipped.npz"))
    np.savez_compressed(tmp_path / "plain.npz", **{clip.name: clip.positions for clip in clips})
    with pytest.raises(UserError, match="a plain clip file is for the dataset 'mocap'"):
        data.open_dataset("clips", str(tmp_path / "plain.npz"))
    with pytest.raises(UserError, match="no such file"):
        data.open_dataset("clips", str(tmp_path / "nothing.npz"))
