"""Clip files: read as written, and refused with one clear message when they can't be used."""

import json
import pickle
import zipfile

import numpy as np
import pytest

from harness import data
from harness.data.mocap import action, fingerprint
from harness.errors import UserError


@pytest.fixture(scope="module")
def motion():
    clips = data.open_dataset("synthetic", subjects=3, clips=1, seconds=0.4).clips
    return {f"S0{i}/a_{i}": clip.positions for i, clip in enumerate(clips, start=1)}


@pytest.fixture
def write(tmp_path):
    def to(clips, side=None, save=np.savez_compressed):
        path = tmp_path / "clips.npz"
        save(path, **clips)
        if side is not None:
            (tmp_path / "clips.json").write_text(side if isinstance(side, str) else json.dumps(side))
        return str(path)

    return to


def refused(path, message, **options):
    with pytest.raises(UserError, match=message) as caught:
        data.open_dataset("mocap", path, **options)
    assert "\n" not in str(caught.value)
    return caught.value


def test_clips_are_read_as_written(write, motion):
    loaded = data.open_dataset("mocap", write(motion))
    assert [c.name for c in loaded.clips] == sorted(motion)
    for clip in loaded.clips:
        np.testing.assert_array_equal(clip.positions, motion[clip.name])
        assert clip.positions.dtype == np.float32
        assert (clip.fps, clip.subject, clip.performer) == (50.0, clip.name[:3], clip.name[:3])


def test_side_file_gives_rate_licence_actions_and_repeats(write, motion):
    notes = {
        "S01/a_1": {"desc": "slow walk Subject #7 (dance)"},
        "S02/a_2": {"desc": "run/jog", "same_recording_as": ["S01/a_1"]},
    }
    loaded = data.open_dataset("mocap", write(motion, {"fps": 25, "licence": "free", "clips": notes}))
    first, second, third = loaded.clips
    assert (first.fps, loaded.licence) == (25.0, "free")
    assert (first.action, second.action, third.action) == ("walk", "run", "other")
    assert (first.repeats, second.repeats) == ((), ("S01/a_1",))


def test_rate_without_a_side_file_is_an_option(write, motion):
    assert data.open_dataset("mocap", write(motion), fps=100).clips[0].fps == 100.0


def test_aliases_share_a_performer_and_strangers_have_none(write, motion):
    one = next(iter(motion.values()))
    loaded = data.open_dataset("mocap", write({"S07/a": one, "S07r/a": one, "mix-train/walking_1": one}))
    assert [c.performer for c in loaded.clips] == ["S07", "S07", None]
    assert loaded.clips[2].repeats == ("S02/02_01",)  # known even without the side file


@pytest.mark.parametrize(
    ("description", "label"),
    [
        ("walk, veer left Subject #16 (run, jump, walk)", "walk"),
        ("playground - climb, jump down Subject #1 (climb, swing)", "climb"),
        ("walking_13x", "walk"),
        ("forward jump", "jump"),
        ("", "other"),
    ],
)
def test_action_labels(description, label):
    assert action(description) == label


def test_fingerprint_is_of_content_not_of_the_archive(write, motion):
    one = fingerprint(write(motion))
    assert len(one) == 16 and int(one, 16) >= 0
    assert fingerprint(write(dict(reversed(motion.items())), save=np.savez)) == one
    assert data.open_dataset("mocap", write(motion)).fingerprint == one
    assert fingerprint(write(motion, {"fps": 50, "clips": {}})) == one


@pytest.mark.parametrize("change", ["value", "name", "missing", "rate"])
def test_fingerprint_tells_other_data(write, motion, change):
    one, other = fingerprint(write(motion)), dict(motion)
    name, array = next(iter(motion.items()))
    if change == "value":
        other[name] = array + np.float32(1e-6)
    if change in ("name", "missing"):
        del other[name]
    if change == "name":
        other[name + "x"] = array
    assert fingerprint(write(other), fps=60.0 if change == "rate" else None) != one


def test_declared_fingerprint():
    data.check_fingerprint(None, "a" * 16)
    data.check_fingerprint("a" * 16, "a" * 16)
    with pytest.raises(UserError, match=r"clips\.npz.*fingerprint is b+, but the spec declares a+"):
        data.check_fingerprint("a" * 16, "b" * 16, "clips.npz")


def test_missing_file(tmp_path):
    assert refused(str(tmp_path / "no.npz"), "no such file").file == str(tmp_path / "no.npz")


def test_no_path():
    assert refused(None, "needs the path of a clip file").key == "data.path"


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_not_an_archive(tmp_path, motion, content):
    path = tmp_path / "clips.npz"
    if content is None:
        np.save(path.with_suffix(".npy"), next(iter(motion.values())))
        path.write_bytes(path.with_suffix(".npy").read_bytes())
    else:
        path.write_bytes(content)
    refused(str(path), r"clips\.npz: not a clip file, or a truncated one")


def test_folder_instead_of_a_file(tmp_path):
    refused(str(tmp_path), "can't be read")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_file(write, motion, share):
    path = write(motion)
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(content[: int(share * len(content))])
    refused(path, "truncated")
    with pytest.raises(UserError, match="truncated"):
        fingerprint(path)


def test_damaged_bytes(write, motion):
    path = write(motion, save=np.savez)
    with open(path, "r+b") as file:
        file.seek(600)
        file.write(b"\xff" * 40)
    refused(path, "truncated")


@pytest.mark.parametrize("shape", [(5, 16, 3), (5, 17, 2), (17, 3), (0, 17, 3)])
def test_wrong_shape(write, shape):
    caught = refused(
        write({"S01/a": np.zeros(shape, np.float32)}), r"shape \(.*expected a float array \(frames, 17, 3\)"
    )
    assert caught.key == "S01/a"


def test_wrong_type(write):
    refused(write({"S01/a": np.zeros((5, 17, 3), np.int32)}), "type int32; expected a float array")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity(write, motion, bad):
    name, array = next(iter(motion.items()))
    array = array.copy()
    array[3, 2, 1] = bad
    refused(write({**motion, name: array}), r"S01/a_1: NaN or infinity in 1 of \d+ frames, first in frame 3")


def test_all_nan(write):
    refused(write({"S01/a": np.full((5, 17, 3), np.nan, np.float32)}), "NaN or infinity in 5 of 5 frames")


@pytest.mark.parametrize(("scale", "unit"), [(1000, "millimetres"), (100, "centimetres")])
def test_other_units(write, motion, scale, unit):
    refused(write({n: a * scale for n, a in motion.items()}), rf"no body in metres \(in {unit}\?\)")


def test_no_body_at_all(write):
    refused(write({"S01/a": np.zeros((5, 17, 3), np.float32)}), "longest bone measures 0")


def test_pickled_objects_are_never_loaded(write, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    array = np.empty(1, object)
    array[0] = Trap()
    path = write({"S01/a": array})
    (tmp_path / "sprung").unlink(missing_ok=True)
    refused(path, "holds pickled objects")
    fingerprint(path)
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_instead_of_an_archive(tmp_path):
    path = tmp_path / "clips.npz"
    path.write_bytes(pickle.dumps({"S01/a": 1}))
    refused(str(path), "not a clip file")


@pytest.mark.parametrize("name", ["walk", "/walk", "S01/"])
def test_names_are_subject_and_clip(write, motion, name):
    refused(write({name: next(iter(motion.values()))}), "array names are 'subject/clip'")


def test_member_that_is_no_array(tmp_path):
    path = tmp_path / "clips.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("S01/a.npy", "hello, this is text")
    refused(str(path), "S01/a: is no numpy array")


def test_empty_archive(write):
    refused(write({}), "holds no clip")


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("{not json", r"clips\.json: can't be read as JSON"),
        ([1], "expected an object with 'clips'"),
        ({"clips": {"S01/a_1": "walk"}}, "expected an object with 'clips'"),
        ({"units": "mm"}, "units are 'mm'; expected 'metres'"),
        ({"joints": ["Hip"]}, "other joints than expected"),
        ({"fps": -1}, "expected a positive number"),
        ({"fps": "fast"}, "expected a positive number"),
    ],
)
def test_bad_side_file(write, motion, side, message):
    refused(write(motion, side), message)


def test_rate_given_twice_and_differently(write, motion):
    refused(write(motion, {"fps": 50}), "says 50 frames per second, the option fps 60", fps=60)


def test_options_are_checked(write, motion):
    refused(write(motion), "did you mean 'fps'", fpz=50)
    refused(write(motion), "greater than 0", fps=0)


def test_licence_of_known_data_is_told_without_them():
    assert "mocap.cs.cmu.edu" in data.licence("mocap", "4fb7f2b104eb2f22")
    assert data.licence("mocap", "another") is None
    assert data.licence("synthetic", "any") == data.open_dataset("synthetic", subjects=8, clips=1).licence
