"""Opening datasets by name, and what must stay cheap."""

import subprocess
import sys

import pytest

from harness import data
from harness.errors import UserError


def test_unknown_dataset():
    with pytest.raises(UserError, match="did you mean 'mocap'"):
        data.open_dataset("mocab")


def test_unknown_option():
    with pytest.raises(UserError, match="did you mean 'subjects'"):
        data.fingerprint("synthetic", subject=3)


def test_fingerprints_of_defaults_are_those_of_no_options():
    assert data.fingerprint("synthetic", subjects=16, seed=0) == data.fingerprint("synthetic")
    assert data.fingerprint("synthetic", seed=1) != data.fingerprint("synthetic")


def test_fingerprints_and_splits_need_neither_torch_nor_numpy():
    code = (
        "import sys; from harness import data; data.fingerprint('synthetic');"
        "data.canonical_split('mocap', 'cmu-a'); print([m for m in ('torch', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_longest():
    clips = data.open_dataset("synthetic", subjects=3, clips=2, seconds=0.5).clips
    assert data.longest(clips) == max(map(len, clips))
    assert data.longest(()) == 0
    assert data.longest(clips) <= data.longest_clip("synthetic", {"seconds": 0.5})
    assert data.longest_clip("mocap") is None


def test_training_clips():
    options = {"subjects": 4, "clips": 3, "seconds": 0.3}
    found = data.partition(data.open_dataset("synthetic", **options), "default")["train"]
    assert data.training_clips("synthetic", "default", options) == len(found)
    assert data.training_clips("mocap", "cmu-a") is None
