"""The discriminator's turn in a run: repeatable, resumable, logged, apart from the lifter, and off when it is off."""

import math

import pytest
import torch

from harness.errors import UserError
from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Choice
from harness.training import train
from harness.training.adversarial import Opponent
from harness.training.errors import Diverged
from harness.training.material import open_material
from harness.training.observation import Observer
from harness.training.stage import supervised_state
from harness.training.train import build_lifter
from tests.training.conftest import same_weights
from tests.training.test_companions import resumed

DROPPING = Choice(name="videopose3d", options={"filter_widths": [3], "channels": 16, "dropout": 0.25})


@pytest.fixture
def against(make_run):
    def make(weight=0.01, *, data=None, steps=6, **options):
        objective = {"mpjpe": {"weight": 1.0}, "adversarial": {"weight": weight, "channels": 8, **options}}
        return make_run(objective, backbone=DROPPING, data=data, steps=steps)

    return make


@pytest.fixture
def game(against):
    """The opponent of a run, its state, an output and a batch."""
    run = against(lr=0.01, noise=0.0)
    material = open_material(run.data)
    observer = Observer(run.data.noise, run.data.confidence, material.skeleton)
    lifter = build_lifter(run, material, observer)
    opponent = Opponent(run, {"adversarial": run.terms["adversarial"]}, material, observer, lifter)
    state = supervised_state(run, lifter)
    opponent.enter(state, torch.device("cpu"))
    g = torch.Generator().manual_seed(0)
    target = (torch.randn(8, 1, 17, 3, generator=g) * 0.3).expand(-1, 9, -1, -1)
    pose = (target + 0.1 * torch.randn(8, 9, 17, 3, generator=g)).requires_grad_()
    valid = torch.ones(8, 9, dtype=torch.bool)
    valid[0, 5:] = False
    batch = Batch(pose[..., :2], target, torch.ones(8, 9, 17, dtype=torch.bool), valid, torch.arange(8))
    return opponent, state, Output(pose), batch


def turn(opponent, state, output, batch, step):
    context = Context(step=step, modules=state.modules)
    return opponent.step(state, opponent.extend(state, output, batch, context), batch, context)


@pytest.mark.parametrize("every", [1, 2])
def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(against, every):
    run = against(every=every)
    kept = []
    whole = train(run, on_epoch=lambda info: kept.append(info.snapshot()))
    for stop_after in (1, 2):
        again = resumed(run, stop_after)
        assert same_weights(whole.last_weights, again.last_weights) and whole.curves == again.curves
    first, last = (snapshot["modules"]["discriminator"] for snapshot in (kept[0], kept[-1]))
    assert first.keys() == last.keys() and not any(torch.equal(first[n], last[n]) for n in first if "original" in n)


def test_the_game_is_logged(against):
    curves = train(against()).curves
    at = {name: [value for other, _, value in curves if other == name] for name, _, _ in curves}
    for name in ("real", "fake", "accuracy"):
        assert len(at[f"discriminator.{name}"]) == 3 and all(0 <= value <= 1 for value in at[f"discriminator.{name}"])
    assert all(value > 0 for value in at["discriminator.loss"] + at["term.adversarial"])
    assert all(0 < value < 1 for value in at["share.adversarial"])


def test_off_it_changes_no_bit_and_on_it_does(against, make_run):
    alone = train(make_run(backbone=DROPPING, steps=6))
    off, on = train(against(0.0)), train(against())
    assert same_weights(alone.last_weights, off.last_weights)
    assert not any("adversarial" in name or "discriminator" in name for name, _, _ in off.curves)
    assert not same_weights(alone.last_weights, on.last_weights)


def test_the_discriminators_seed_is_the_runs(against):
    def weights(run):
        kept = []
        train(run, on_epoch=lambda info: kept.append(info.snapshot()["modules"]["discriminator"]))
        return kept[0]["score.parametrizations.weight.original"]

    run = against()
    assert torch.equal(weights(run), weights(run))
    assert not torch.equal(weights(run), weights(run.model_copy(update={"seed": 1})))


def test_its_turn_teaches_it_and_leaves_the_lifter_alone(game):
    opponent, state, output, batch = game
    before = {name: value.clone() for name, value in state.lifter.state_dict().items()}
    told = [turn(opponent, state, output, batch, step) for step in range(40)]
    assert told[-1]["discriminator.loss"] < 0.5 * told[0]["discriminator.loss"]
    assert told[-1]["discriminator.accuracy"] > 0.95
    assert told[-1]["discriminator.real"] > 0.7 > 0.3 > told[-1]["discriminator.fake"]
    assert output.pose.grad is None and same_weights(before, state.lifter.state_dict())


def test_the_lifters_turn_leaves_it_alone_and_pulls_the_prediction(game):
    opponent, state, output, batch = game
    for step in range(40):
        turn(opponent, state, output, batch, step)
    judge, context = state.modules["discriminator"], Context(step=40, modules=state.modules)
    before = {name: value.clone() for name, value in judge.state_dict().items()}
    opponent.term(output, batch, context).backward()
    assert all(parameter.grad is None for parameter in judge.parameters())
    assert same_weights(before, judge.state_dict()), "spectral norms stand still too"
    assert not output.pose.grad[~batch.valid].any()
    with torch.no_grad():
        fooled = Output(output.pose - 2e-3 * output.pose.grad / output.pose.grad.norm(dim=-1).mean())
        assert opponent.term(fooled, batch, context) < opponent.term(output, batch, context)


def test_padding_of_any_content_and_batches_of_nothing_else_are_borne(game):
    opponent, state, output, batch = game
    hole = ~batch.valid[..., None, None]
    junk = Batch(batch.inputs, batch.target.masked_fill(hole, math.nan), batch.visible, batch.valid, batch.keys)
    pose = Output(output.pose.detach().masked_fill(hole, math.inf))
    told = turn(opponent, state, pose, junk, 0)
    assert all(torch.isfinite(value) for value in told.values())
    empty = Batch(junk.inputs, junk.target, junk.visible, torch.zeros_like(junk.valid), junk.keys)
    assert turn(opponent, state, pose, empty, 1)["discriminator.loss"] == 0
    assert all(torch.isfinite(value).all() for value in state.modules["discriminator"].state_dict().values())


def test_it_rests_between_its_turns(game):
    opponent, state, output, batch = game
    opponent.term.every = 3
    assert [bool(turn(opponent, state, output, batch, step)) for step in range(5)] == [True, False, False, True, False]


def test_a_loss_that_is_no_number_ends_the_run(game):
    opponent, state, output, batch = game
    with pytest.raises(Diverged, match=r"'discriminator\.loss' became nan at step 7"):
        turn(opponent, state, Output(output.pose.detach() * math.nan), batch, 7)


def test_fewer_frames_out_than_in_will_do(against):
    assert train(against(data={"frames_out": 2})).summary["val_mpjpe_best"] > 0


def test_a_wrong_option_is_told(against):
    with pytest.raises(UserError, match="greater than or equal to 1"):
        train(against(every=0))
