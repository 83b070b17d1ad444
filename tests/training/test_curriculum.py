"""Schedules of training occlusion: what each window hides, and when."""

import pickle

import pytest
import torch

from harness import keyed, occlusion
from harness.errors import UserError
from harness.spec.run import Train
from harness.training import train
from harness.training.curriculum import Curriculum
from tests.training.conftest import same_weights
from tests.training.test_batches import assert_equal, batches_of

LADDER = ("none", "minor", "moderate", "severe")


def severities(steps=100, count=4000, **fields):
    """Each of ``count`` windows' severity, and the steps they are shown at."""
    keys = keyed.combine(torch.arange(count), 7)
    step = torch.arange(count) * steps // count
    return Curriculum(Train(steps=steps, **fields), steps).severity(keys, step), step


def hidden(run, steps):
    batches = batches_of(run)
    return torch.cat([~batches[step].visible for step in range(steps)])


def test_fixed_is_what_was(make_run):
    assert severities(occlusion="severe")[0] is None
    plain, said = batches_of(make_run()), batches_of(make_run(occlusion_schedule="fixed"))
    for step in range(6):
        assert_equal(plain[step], said[step])


@pytest.mark.parametrize("named", ["minor", "severe"])
def test_mixed_draws_each_level_of_the_ladder_equally_often(named):
    found, _ = severities(occlusion=named, occlusion_schedule="mixed")
    levels, counts = found.unique(return_counts=True)
    below = [occlusion.level(name).severity for name in LADDER[: LADDER.index(named) + 1]]
    assert levels.tolist() == below
    share = 1 / len(below)
    assert ((counts / len(found) - share).abs() < 4 * (share * (1 - share) / len(found)) ** 0.5).all()


def test_a_window_of_a_mixture_is_that_of_the_level_it_drew(make_run):
    mixed = batches_of(make_run(occlusion="severe", occlusion_schedule="mixed"))
    fixed = {name: batches_of(make_run(occlusion=name)) for name in LADDER}
    met = set()
    for step in range(12):
        batch = mixed[step]
        own = mixed.curriculum.severity(batch.keys, torch.full_like(batch.keys, step))
        for row, severity in enumerate(own.tolist()):
            (name,) = [name for name in LADDER if occlusion.level(name).severity == severity]
            met.add(name)
            assert torch.equal(batch.inputs[row], fixed[name][step].inputs[row])
            assert torch.equal(batch.visible[row], fixed[name][step].visible[row])
    assert met == set(LADDER)


def test_rising_goes_from_minor_to_the_named_level_epoch_by_epoch():
    found, step = severities(occlusion="severe", occlusion_schedule="rising", epochs=4, steps=10)
    by_step = [found[step == number].unique().tolist() for number in range(10)]
    ends = [round(10 * (n + 1) / 4) for n in range(4)]  # 2, 5, 8, 10: where training validates
    expected = [0.25 + 0.15 * sum(number >= end for end in ends) for number in range(10)]
    assert [pytest.approx([severity]) for severity in expected] == by_step
    assert by_step[0] == [0.25] and by_step[-1] == [0.7]


def test_rising_hides_ever_more_and_ends_as_the_named_level(make_run):
    fields = {"occlusion": "severe", "epochs": 3, "steps": 60}
    rising = hidden(make_run(occlusion_schedule="rising", **fields), 60)
    severe, minor = (hidden(make_run(**{**fields, "occlusion": name}), 60) for name in ("severe", "minor"))
    third = len(rising) // 3
    shares = [part.float().mean() for part in rising.split(third)]
    assert shares[0] < shares[1] < shares[2]
    assert torch.equal(rising[:third], minor[:third]) and torch.equal(rising[2 * third :], severe[2 * third :])


def test_lengths_in_passes_rise_over_the_steps_they_come_to(make_run):
    fields = {"occlusion": "severe", "occlusion_schedule": "rising", "epochs": 2}
    batches = batches_of(make_run(passes=1, **fields))
    steps = -(-len(batches.windows) // 9 // 4)  # far fewer than Train.steps, which doesn't count here
    keys = torch.zeros(2, dtype=torch.int64)
    assert batches.curriculum.severity(keys, torch.tensor([0, 10 * steps])).tolist() == [0.25, 0.7]


@pytest.mark.parametrize("schedule", ["mixed", "rising"])
def test_a_scheduled_run_resumes_to_the_same_bits(make_run, schedule):
    run, kept = make_run(occlusion="severe", occlusion_schedule=schedule), []

    def stop(info):
        kept.append(pickle.dumps(info.snapshot()))
        raise KeyboardInterrupt

    whole = train(run)
    with pytest.raises(KeyboardInterrupt):
        train(run, on_epoch=stop)
    resumed = train(run, resume=pickle.loads(kept[-1]))
    assert same_weights(whole.last_weights, resumed.last_weights) and whole.curves == resumed.curves
    assert not same_weights(whole.last_weights, train(make_run(occlusion="severe")).last_weights)


def test_what_hides_nothing_has_no_schedule(make_run):
    with pytest.raises(UserError, match=r"occlusion_schedule: mixed has no effect on 'none'"):
        train(make_run(occlusion="none", occlusion_schedule="mixed"))


def test_teachers_see_nothing_hidden_whatever_the_schedule(make_run):
    from tests.training.test_batch_needs import batches_of as with_needs

    run = make_run(occlusion="severe", occlusion_schedule="mixed")
    unhidden = batches_of(make_run(occlusion="none"))
    assert torch.equal(with_needs(run, "clean")[2].clean, unhidden[2].inputs)
