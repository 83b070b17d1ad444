from __future__ import annotations

import os
import pickle

import pytest
import torch

import backbones
from backbones.checkpoint import CheckpointError, read
from backbones.simple_baseline import SimpleBaseline


def small():
    return SimpleBaseline(linear_size=8, num_stage=1, input=6, output=9)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"model_pos": weights, "model_traj": None, "epoch": 80, "lr": 1e-3},
        lambda weights: {"state_dict": weights, "step": 3, "err": 45.5},
        lambda weights: {"model": weights, "min_mpjpe": 40.0},
        lambda weights: {"checkpoint": {"model_pos": weights}, "config": {"channels": 8}},
    ],
)
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("as_file", [False, True])
def test_known_layouts_load(tmp_path, wrap, prefix, as_file):
    source, target = small(), small()
    assert not same(source, target)
    given = wrap({prefix + name: value for name, value in source.state_dict().items()})
    if as_file:
        torch.save(given, tmp_path / "weights.bin")
        given = tmp_path / "weights.bin"
    assert backbones.load_checkpoint(target, given) is target
    assert same(source, target)


def test_a_file_as_the_authors_write_it_loads(data, reference):
    ref = reference("videopose3d_small")
    module = backbones.build("videopose3d", **ref["config"]).eval()
    with pytest.raises(pickle.UnpicklingError):  # what the loader is for: numpy's random state is in it
        torch.load(data / "videopose3d_small.ckpt.bin", weights_only=True)
    allowed_before = torch.serialization.get_safe_globals()
    backbones.load_checkpoint(module, str(data / "videopose3d_small.ckpt.bin"))
    torch.testing.assert_close(module(ref["input"]), ref["output"], atol=1e-5, rtol=0)
    # What was allowed for this file is not left allowed for others.
    assert set(torch.serialization.get_safe_globals()) == set(allowed_before)


def test_a_random_state_is_never_rebuilt(data):
    content = read(data / "videopose3d_small.ckpt.bin")
    states = [value for key, value in content.items() if key.startswith("random_state") and value is not None]
    assert states and all(type(state).__name__ == "_Inert" for state in states)


def test_a_named_part_loads():
    position, trajectory = small(), small()
    given = {"model_pos": position.state_dict(), "model_traj": trajectory.state_dict()}
    target = small()
    assert same(backbones.load_checkpoint(target, given, part="model_traj"), trajectory)
    assert same(backbones.load_checkpoint(target, given), position)
    with pytest.raises(CheckpointError, match=r"no weights under 'model_semi'.*model_pos, model_traj"):
        backbones.load_checkpoint(target, given, part="model_semi")


def test_counters_of_old_files_may_be_missing():
    source, target = small(), small()
    weights = {k: v for k, v in source.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert same(backbones.load_checkpoint(target, weights), source)


def test_a_mismatch_names_key_shapes_and_nearest_name():
    target = small()
    before = {name: value.clone() for name, value in target.state_dict().items()}

    def message(**changes):
        weights = {**small().state_dict(), **changes}
        with pytest.raises(ValueError) as caught:
            backbones.load_checkpoint(target, {k: v for k, v in weights.items() if v is not None})
        return str(caught.value)

    assert "'w1.weight': expected shape (8, 6), found (8, 4)" in message(**{"w1.weight": torch.zeros(8, 4)})
    renamed = message(**{"w2.bias": None, "w2_bias": torch.zeros(9)})
    assert "'w2.bias': expected shape (9,), found no such key; the nearest name is 'w2_bias' of shape (9,)" in renamed
    assert "(and 1 more)" in renamed
    extra = message(**{"linear_stages.1.w1.bias": torch.zeros(8)})
    assert "'linear_stages.1.w1.bias': expected no such key, found shape (8,)" in extra
    assert "'linear_stages.0.w1.bias' of shape (8,)" in extra
    assert "holds 'w1.bias' twice" in message(**{"module.w1.bias": torch.zeros(8)})
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())


def refused(module, weights):
    with pytest.raises(CheckpointError) as caught:
        backbones.load_checkpoint(module, weights)
    return str(caught.value).split(": ", 1)[1]


def test_a_mismatch_says_which_preset_or_options_would_fit():
    lite = backbones.build("dstformer-lite").state_dict()
    assert refused(backbones.build("dstformer"), {"model_pos": lite}).endswith("it would fit dstformer-lite")
    # Another network's, saved by a wrapper: the network is found too.
    wrapped = {f"module.{name}": value for name, value in backbones.build("mixste-s", num_frame=9).state_dict().items()}
    assert refused(small(), wrapped).endswith("it would fit mixste-s with num_frame: 9")
    options = {"channel": 64, "d_hid": 128, "frames": 9, "n_joints": 16, "out_joints": 16}
    weights = backbones.build("pstmo", layers=2, **options).state_dict()
    assert refused(backbones.build("pstmo-tiny"), weights).endswith(
        "it would fit pstmo-tiny with n_joints: 16, out_joints: 16"
    )
    widths = backbones.build("videopose3d", filter_widths=(3, 5), channels=8).state_dict()
    assert "fit videopose3d with filter_widths: [3, 5], channels: 8" in refused(backbones.build("videopose3d"), widths)


def test_a_mismatch_with_everything_says_so():
    assert refused(small(), {"encoder.weight": torch.zeros(2, 3)}).endswith("no known backbone would fit it")
    # The names of one, but shapes that don't go together.
    weights = {**small().state_dict(), "w1.weight": torch.zeros(8, 4)}
    assert refused(small(), weights).endswith("no known backbone would fit it")


def test_old_files_without_counters_are_found_too():
    weights = backbones.build("videopose3d-s").state_dict()
    old = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    assert refused(small(), old).endswith("it would fit videopose3d-s")


@pytest.mark.parametrize("given", [{}, {"epoch": 3}, {"model_pos": None}, {"model_pos": {}}, {"model_pos": {"a": 1}}])
def test_without_weights_it_says_what_it_looked_for(given):
    with pytest.raises(CheckpointError, match="no weights found: expected a state dict"):
        backbones.load_checkpoint(small(), given)


class Malicious:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize(
    "save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content, protocol=2))]
)
def test_a_malicious_file_is_refused_and_not_run(tmp_path, save):
    mark, path = tmp_path / "was_run", tmp_path / "evil.bin"
    save({"model_pos": small().state_dict(), "random_state": Malicious(mark)}, path)
    with pytest.raises(CheckpointError, match=r"evil\.bin: can't be read") as caught:
        backbones.load_checkpoint(small(), path)
    assert not mark.exists()
    assert "weights_only=False" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_gives_one_clear_error(data, tmp_path, share):
    whole = (data / "videopose3d_small.ckpt.bin").read_bytes()
    path = tmp_path / "cut.bin"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"cut\.bin: can't be read: truncated, corrupt"):
        backbones.load_checkpoint(small(), path)


def test_other_files_give_one_clear_error(tmp_path):
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="a checkpoint is a dictionary; found list"):
        backbones.load_checkpoint(small(), tmp_path / "list.pt")
    (tmp_path / "text.bin").write_text("not a checkpoint at all\n" * 50)
    with pytest.raises(CheckpointError, match="can't be read"):
        backbones.load_checkpoint(small(), tmp_path / "text.bin")
    with pytest.raises(FileNotFoundError):
        backbones.load_checkpoint(small(), tmp_path / "nowhere.bin")
