"""What stands beside the lifter: built once and only where named, trained, resumed, and without a trace elsewhere."""

import pickle

import pytest
import torch

from harness import keyed, registry, registry_lines
from harness.spec.run import Choice
from harness.training import train
from harness.training.companion import companions_of, needs_of
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.optimisation import learning_rate, make_optimiser
from harness.training.train import build_lifter, training_batches
from tests.training import companions
from tests.training.conftest import same_weights

TINY = Choice(name="videopose3d", options={"filter_widths": [3], "channels": 16, "dropout": 0.25})
STAGED = Choice(name="pstmo", options={"layers": 2, "channel": 16, "d_hid": 16, "frames": 9})


@pytest.fixture(autouse=True)
def _terms(monkeypatch):
    for name, cls in (("noisy", "Noisy"), ("noisy_too", "NoisyToo"), ("guided", "Guided")):
        monkeypatch.setitem(registry_lines.LOSSES, name, (f"tests.training.companions:{cls}", 1, "of these tests"))
    registry.entries.cache_clear()
    yield
    monkeypatch.undo()
    registry.entries.cache_clear()


def resumed(run, stop_after):
    """The result of ``run`` stopped after so many validation points and taken up again from its snapshot."""
    kept = []

    def stop(info):
        kept.append(pickle.dumps(info.snapshot()))
        if len(kept) == stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run, on_epoch=stop)
    return train(run, resume=pickle.loads(kept[-1]))


def test_without_companions_training_is_the_plain_loop(make_run):
    run = make_run(backbone=TINY)
    material, cpu = open_material(run.data), torch.device("cpu")
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter = build_lifter(run, material, observer).train()
    batches = training_batches(run, material, observer, lifter, cpu)
    optimiser = make_optimiser(run.train, lifter.parameters())
    for step in range(run.train.steps):
        torch.manual_seed(keyed.key("step", run.seed, step) & ((1 << 63) - 1))
        optimiser.param_groups[0]["lr"] = learning_rate(run.train, step)
        batch = batches[step]
        error = (lifter(batch.inputs) - batch.target).masked_fill(~batch.valid[..., None, None], 0.0)
        loss = torch.linalg.vector_norm(error, dim=-1).sum() / (batch.valid.sum() * error.shape[2])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(lifter.parameters(), run.train.clip_norm)
        optimiser.step()
    assert same_weights(train(run).last_weights, lifter.backbone.state_dict())


def test_a_companion_that_draws_changes_no_bit_of_the_lifter(make_run):
    alone = train(make_run(backbone=TINY))
    beside = train(make_run({"mpjpe": {"weight": 1.0}, "noisy": {"weight": 1.0}}, backbone=TINY))
    assert same_weights(alone.last_weights, beside.last_weights)
    assert [p for p in beside.curves if p[0] == "val_mpjpe"] == [p for p in alone.curves if p[0] == "val_mpjpe"]
    drawn = [value for name, _, value in beside.curves if name == "drawing.first"]
    assert len(set(drawn)) == 3 and all(0 < value < 1 for value in drawn)


def test_terms_share_a_companion_and_those_of_weight_zero_bring_none(make_run):
    run = make_run(
        {"mpjpe": {"weight": 1}, "noisy": {"weight": 1}, "noisy_too": {"weight": 2}, "guided": {"weight": 0}}
    )
    companions.Drawing.built = 0
    curves = train(run).curves
    assert companions.Drawing.built == 1
    assert {value for name, _, value in curves if name == "drawing.terms"} == {2}
    assert not any("guided" in name or "shift" in name for name, _, _ in curves)
    material = open_material(run.data)
    nothing = make_run({"mpjpe": {"weight": 1}, "noisy": {"weight": 0}})
    assert companions_of(nothing, material, None, None) == ()


def test_a_joint_companion_learns_by_the_lifters_schedule(make_run):
    run = make_run({"mpjpe": {"weight": 1.0}, "guided": {"weight": 1.0}}, lr=0.01)
    curves = train(run).curves
    sizes = [value for name, _, value in curves if name == "shift.size"]
    rates = [value for name, _, value in curves if name == "shift.lr"]
    assert len(set(sizes)) == 3
    expected = [sum(learning_rate(run.train, 4 * n + s) for s in range(4)) / 4 for n in range(3)]
    assert rates == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_what_companions_learned_is_taken_up_again(make_run, stop_after):
    run = make_run({"mpjpe": {"weight": 1.0}, "guided": {"weight": 1.0}, "noisy": {"weight": 1.0}}, backbone=TINY)
    whole, again = train(run), resumed(run, stop_after)
    assert same_weights(whole.last_weights, again.last_weights) and whole.curves == again.curves


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_they_enter_with_the_second_stage_and_are_resumed_in_both(make_run, stop_after):
    objective = {"mpjpe": {"weight": 1.0}, "guided": {"weight": 1.0}}
    stage = {"steps": 4, "joints_hidden": 3}
    run = make_run(objective, backbone=STAGED, data={"frames_out": 1}, pretrain=stage, steps=4, epochs=2)
    told = []
    whole = train(run, on_epoch=lambda info: told.append(set(info.snapshot()["modules"])))
    assert told == [{"lifter", "masked"}] * 2 + [{"lifter", "shift"}] * 2
    again = resumed(run, stop_after)
    assert same_weights(whole.last_weights, again.last_weights) and whole.curves == again.curves


def flat(value, path=""):
    """All leaves of a snapshot by their path, tensors as their bytes."""
    if isinstance(value, torch.Tensor):
        return {path: (value.dtype, tuple(value.shape), value.numpy().tobytes())}
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {at: leaf for key, part in items for at, leaf in flat(part, f"{path}/{key}").items()}
    return {path: repr(value)}


def test_a_run_with_every_companion_there_is_is_resumed_to_the_last_bit_of_its_state(make_run):
    entries = registry.entries("losses").values()
    named = [entry.name for entry in entries if registry.attribute(entry, "companion", None)]
    assert {"adversarial", "guided", "noisy"} <= set(named)
    objective = {"mpjpe": {"weight": 1.0}, **{name: {"weight": 0.01} for name in named}}
    objective["adversarial"] |= {"scale": "gradient", "warmup": 1}
    run = make_run(objective, backbone=TINY, data={"label_fraction": 0.5}, steps=6)

    def states(**how):
        kept = []
        train(run, on_epoch=lambda info: kept.append(pickle.dumps(info.snapshot())), **how)
        return kept

    whole = states()
    assert len(pickle.loads(whole[0])["modules"]) >= 4
    for stopped in (0, 1):
        again = states(resume=pickle.loads(whole[stopped]))
        expected, found = (flat(pickle.loads(kept[-1])) for kept in (whole, again))
        assert {path for path in expected | found if expected.get(path) != found.get(path)} <= {"/seconds"}


def test_what_a_batch_must_hold_is_what_terms_of_positive_weight_read(make_run):
    assert needs_of(make_run()) == set()
    terms = {"mpjpe": {"weight": 1.0}, "reprojection": {"weight": 0.1}}
    assert needs_of(make_run(terms)) >= {"camera", "trajectory"}
    assert needs_of(make_run({**terms, "reprojection": {"weight": 0.0}})) == set()
