"""Splits: no performer on two sides, whether named or spelt out."""

import numpy as np
import pytest

from harness import data
from harness.data import Clip, Dataset, Split
from harness.data.mocap import performers, splits
from harness.errors import UserError
from harness.skeleton import H36M17


def dataset(*names, repeats=()):
    pose = np.zeros((2, 17, 3), np.float32)
    clips = tuple(Clip(n, n.split("/")[0], None, "walk", 50.0, pose, ("S01/a",) if n in repeats else ()) for n in names)
    return Dataset("mocap", H36M17, clips, "0" * 16, "", splits(), performers)


SOME = dataset(
    "S01/a", "S01/b", "S02/a", "S03/a", "S07/a", "S07r/b", "mix-train/c", "mix-train/d", repeats=("mix-train/d",)
)


def test_partition_takes_whole_subjects_and_leaves_the_rest_out():
    parts = data.partition(SOME, {"train": ["S01", "S07r"], "validation": ["S03"], "test": ["S02"]})
    assert {side: [c.name for c in clips] for side, clips in parts.items()} == {
        "train": ["S01/a", "S01/b", "S07r/b"],
        "validation": ["S03/a"],
        "test": ["S02/a"],
    }


def test_clips_that_repeat_a_recording_are_dropped():
    parts = data.partition(SOME, {"train": ["mix-train"], "validation": ["S03"], "test": ["S01"]})
    assert [c.name for c in parts["train"]] == ["mix-train/c"]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"train": ["S07"], "test": ["S07r"]}, r"'S07' \(train\) and 'S07r' \(test\) are one performer"),
        ({"train": ["S01"], "validation": ["S07r"], "test": ["S07"]}, "are one performer"),
        (
            {"train": ["S01", "S03"], "validation": ["S03"], "test": ["S02"]},
            "'S03' is in both 'train' and 'validation'",
        ),
        ({"train": ["S01", "mix-train"], "validation": ["S03"], "test": ["S02"]}, "may be one performer"),
        ({"train": ["mix-train"], "validation": ["S35"], "test": ["S01"]}, "may be one performer"),
        ({"train": ["S01"], "validation": ["S03"], "test": ["mix-test"]}, "unknown performers"),
        ({"train": ["S01"], "validation": ["mix-test"], "test": ["S03"]}, "unknown performers"),
        ({"train": ["S01", "S01"], "validation": ["S03"], "test": ["S02"]}, "listed twice"),
    ],
)
def test_leaks_are_refused_with_or_without_the_data(split, message):
    with pytest.raises(UserError, match=message):
        data.partition(SOME, split)
    with pytest.raises(UserError, match=message) as caught:
        data.resolve_split("mocap", split, file="spec.yaml", line=7, key="data.split")
    assert str(caught.value).startswith("spec.yaml:7: data.split: ")


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("cmu-b", "unknown split 'cmu-b'; did you mean 'cmu-a'"),
        ({"train": ["S01"], "test": ["S02"]}, "at least one subject for 'validation'"),
        ({"train": ["S01"], "validation": [], "test": ["S02"]}, "at least one subject for 'validation'"),
        ({"train": ["S01"], "validation": ["S03"], "tset": ["S02"]}, "unknown side of a split 'tset'.*'test'"),
        ({"train": "S01", "validation": ["S03"], "test": ["S02"]}, "list of subjects for 'train'"),
        ({"train": [1], "validation": ["S03"], "test": ["S02"]}, "subjects are names"),
        (["S01"], "a split is a name or lists"),
        ({"train": ["S01", "S99"], "validation": ["S03"], "test": ["S02"]}, "'S99' .* not in the data, which hold S01"),
    ],
)
def test_malformed_splits(split, message):
    with pytest.raises(UserError, match=message):
        data.partition(SOME, split)


def test_a_side_of_repeats_only_is_refused():
    only = dataset("S01/a", "S02/a", "S03/a", repeats=("S03/a",))
    with pytest.raises(UserError, match="no clips for 'test'"):
        data.partition(only, Split(("S01",), ("S02",), ("S03",)))


def test_canonical_form_is_the_same_however_the_split_is_written():
    named = data.canonical_split("mocap", "cmu-a")
    spelt = {side: list(reversed(names)) for side, names in reversed(named.items())}
    assert data.canonical_split("mocap", spelt) == named == data.canonical_split("mocap", "default")
    assert list(named) == ["train", "validation", "test"]


def test_cmu_a_is_the_published_split():
    split = data.resolve_split("mocap", "cmu-a")
    assert split.train == ("S01", "S05r", "S06r", "S07", "S07r", "S35")
    assert split.validation == ("S03", "S09", "S11")
    assert split.test == ("S02", "S12", "S16", "S49", "S131", "S135")


@pytest.mark.parametrize("subjects", [3, 4, 8, 16])
def test_synthetic_default_covers_every_subject_once(subjects):
    split = data.resolve_split("synthetic", "default", {"subjects": subjects})
    names = split.train + split.validation + split.test
    assert len(set(names)) == len(names) == subjects
    assert min(len(split.train), len(split.validation), len(split.test)) >= 1
    if subjects == 16:
        assert len(split.test) == 6
