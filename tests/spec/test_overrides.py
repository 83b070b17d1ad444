from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.spec import load


def test_an_override_is_as_if_the_file_said_so(write, base):
    over = load(
        write(base), ["train.lr=1e-4", "data.cameras.train=3", "resources.workers=2", "report.baseline.objective=abs"]
    )
    text = base.replace("batch: 4", "batch: 4, lr: 1e-4").replace("window: 27", "window: 27, cameras: {train: 3}")
    said = load(write(text + "resources: {workers: 2}\nreport: {baseline: {objective: abs}}\n"))
    assert over.runs == said.runs
    assert over.resources == said.resources
    assert over.baseline == {"objective": "abs"}
    assert over.digest == said.digest


def test_a_value_is_yaml(write, base):
    spec = load(write(base), ["train.validate_on=[none, severe]", "train.flip=false", "data.frames_out=null"])
    assert spec.runs[0].train.validate_on == ["none", "severe"]
    assert spec.runs[0].train.flip is False


def test_an_override_of_an_axis_replaces_it(write, base):
    text = base + "  train.lr: [1e-3, 1e-4]\n"
    spec = load(write(text), ["train.lr=1e-2", "objective=abs", "grid.seed=[5]", "backbone=[ridge]"])
    assert [(r.train.lr, r.seed, r.labels["objective"], r.backbone.name) for r in spec.runs] == [
        (0.01, 5, "abs", "ridge")
    ]


def test_train_occlusion_and_dotted_axes(write, base):
    assert load(write(base), ["train_occlusion=severe"]).runs[0].train.occlusion == "severe"
    assert len(load(write(base), ["grid.train.lr=[1e-3, 1e-4]"]).runs) == 16


def test_term_and_backbone_options(write, base):
    spec = load(
        write(base + "include: [{backbone: ridge, objective: both}]\n"),
        ["backbone=videopose3d", "backbone.channels=32", "objectives.spatial.spatial_rdc.weight=0.7"],
    )
    options = {r.labels["backbone"]: r.backbone.options for r in spec.runs}
    assert options == {"videopose3d": {"channels": 32}, "ridge": {}}
    assert {r.objective["spatial_rdc"]["weight"] for r in spec.runs if "spatial_rdc" in r.objective} == {0.7}
    assert load(write(base), ["objectives.abs.mpjpe=2"]).runs[0].objective == {"mpjpe": {"weight": 2.0}}


def test_digests_tell_overrides_apart(write, base):
    path = write(base)
    digests = {
        load(path, given).digest for given in ([], ["train.lr=1"], ["objectives.spatial.spatial_rdc.weight=0.7"])
    }
    assert len(digests) == 3
    assert load(path).digest == load(write("# a comment\n" + base, "other.yaml")).digest


@pytest.mark.parametrize(
    ("override", "key", "parts"),
    [
        ("train.stps=3", "train.stps", ["did you mean 'steps'?"]),
        ("trian.steps=3", "trian", ["did you mean 'train'?"]),
        ("train.steps=many", "train.steps", ["valid integer", "got 'many'"]),
        ("grid.sed=3", "grid.sed", ["did you mean 'seed'?"]),
        ("objective=spatail", "grid.objective", ["did you mean 'spatial'?"]),
        ("backbone.chanels=3", None, ["did you mean 'channels'?"]),
        ("objectives.spatial.spatial_rcd.weight=3", None, ["did you mean 'objectives.spatial.spatial_rdc.weight'?"]),
        ("objectives.spatial.spatial_rdc.weight=-3", None, ["finite number from 0", "got -3"]),
        ("name.x=3", None, ["'name' is 'trial', which has no field 'x'"]),
        ("train.steps=[1", None, ["not YAML"]),
        ("train.lr=${NO_SUCH_VARIABLE}", None, ["NO_SUCH_VARIABLE isn't set"]),
        ("objectives.spatial.spatial_rdc.tau=0.1", "objectives.spatial.spatial_rdc.tau", ["belongs to form: logistic"]),
    ],
)
def test_a_wrong_override_is_named_instead_of_a_line(write, base, override, key, parts):
    with pytest.raises(UserError) as caught:
        load(write(base), ["backbone=videopose3d", override])
    assert caught.value.file == f"-o {override}"
    if key:
        assert caught.value.key == key
    for part in parts:
        assert part in caught.value.message


def test_overrides_need_an_equals_sign(write, base):
    with pytest.raises(UserError, match="an override is field=value"):
        load(write(base), ["train.steps"])


def test_a_tied_axis_is_overridden_as_a_whole(write, base):
    path = write(base + '  data.frames_out: 9\n  "data.window, train.batch": [[81, 64], [27, 32]]\n')
    with pytest.raises(UserError, match="tied in the axis"):
        load(path, ["train.batch=3"])
    assert len(load(path, ["grid.data.window, train.batch=[[81, 8]]"]).runs) == 8


def test_a_digest_is_the_same_wherever_data_and_store_lie(write, base, monkeypatch):
    plain = base.replace("dataset: synthetic", "dataset: mocap, fingerprint: 0123456789abcdef")
    said = plain.replace("window: 27", "path: '${PLACE:-here}/clips.npz', window: 27")
    digests = {load(write(plain)).digest, load(write(said)).digest}
    monkeypatch.setenv("PLACE", "there")
    digests |= {load(write(said)).digest, load(write(said), ["data.path=elsewhere.npz"]).digest}
    digests.add(load(write(said + "tracking: {uri: 'sqlite:///a.db'}\n")).digest)
    assert len(digests) == 1
    assert load(write(said.replace("0123456789abcdef", "fedcba9876543210"))).digest not in digests
