"""Every shipped spec validates, plans and trains for a step an epoch on data of its layout.

Those on imported data sets are tested in `tests.end_to_end.test_paper_scale`.
"""

import numpy as np
import pytest

from harness.data import open_dataset
from harness.data.mocap import splits
from harness.spec import load, shipped
from harness.training import evaluate, train

# Of two epochs: terms that wait for one begin in the second.
ONE_STEP_AN_EPOCH = {"steps": 2, "epochs": 2, "batch": 2, "warmup": 0}
OF_CLIP_FILES = [name for name, path in shipped.names().items() if "dataset: clips" not in path.read_text("utf-8")]


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory):
    """A clip file with the subjects of ``cmu-a``, one short generated clip each."""
    split = splits()["cmu-a"]
    names = [*split.train, *split.validation, *split.test]
    clips = open_dataset("synthetic", subjects=len(names), clips=1, seconds=2).clips
    folder = tmp_path_factory.mktemp("data")
    np.savez(folder / "cmu_h36m17.npz", **{f"{n}/1": clip.positions for n, clip in zip(names, clips, strict=True)})
    return folder


@pytest.mark.parametrize("name", OF_CLIP_FILES)
def test_shipped_spec_trains_and_evaluates_each_arm_for_a_step(name, clip_file, monkeypatch):
    monkeypatch.setenv("REPOSE_DATA", str(clip_file))
    if load(name).runs[0].data.dataset == "mocap":
        overrides = ["data.fingerprint=null", "include=[]", "claims=[]", "report={}"]
    else:
        overrides = ["data.options.subjects=4", "data.options.clips=1", "data.options.seconds=1"]
    spec = load(name, overrides, data="need")
    arms = {run.backbone.name + str(sorted(run.objective)): run for run in spec.runs}
    assert arms
    for arm in arms.values():
        # Not by overrides: a grid may tie lengths to networks.
        run = arm.model_copy(update={"train": arm.train.model_copy(update=ONE_STEP_AN_EPOCH)})
        frame = evaluate(run, spec.test, train(run))
        assert set(frame["test_occlusion"]) == set(spec.test.occlusion)
        assert frame.loc[frame["metric"] == "mpjpe", "value"].notna().all()


@pytest.mark.parametrize("name", shipped.names())
def test_shipped_spec_opens_with_its_schema_and_its_manual(name):
    lines = shipped.find(name).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=spec.schema.json"
    assert lines[1].startswith("# ")
    assert any(f"repose run {name}" in line for line in lines[:15])
