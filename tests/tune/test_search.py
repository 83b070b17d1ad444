"""Several drivers on one study: budget, signs of life, what becomes of a dead one's trials."""

from dataclasses import replace

import pytest
from optuna.trial import TrialState

from harness import tracking
from harness.spec.study import Budget
from harness.tune.sampling import held, key
from harness.tune.search import Search, spending, standing
from harness.tune.storage import open_storage, place

DEAD = replace(tracking.myself(), pid=1, started="never")


@pytest.fixture
def two(spec_of, store):
    """The same arm as two drivers see it; the second one is dead."""
    spec = spec_of(study={"budget": {"trials": 3}, "pruner": "none"})
    kept = open_storage(place(spec.name, store))
    (arm,) = spec.tuning.arms
    return tuple(Search(spec, arm, kept, spec.study.budget, me) for me in (tracking.myself(), DEAD))


def _states(search):
    return [trial.state for trial in search.trials()]


def test_drivers_share_the_budget(two):
    mine, theirs = two
    assert mine.next() and theirs.next() and mine.next()
    assert mine.next() is None and theirs.next() is None
    assert mine.elsewhere(mine.trials()) == 1


def test_a_dead_drivers_trial_fails_and_is_tried_again_with_the_same_values_by_whoever_comes(two):
    mine, theirs = two
    lost = theirs.next()
    alive = mine.next()
    assert mine.reap() == 1 and mine.reap() == 0
    assert _states(mine) == [TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING]
    again = mine.next()
    assert again.params == lost.params != alive.params and [r.run_id for r in again.runs] == [
        r.run_id for r in lost.runs
    ]
    # It takes nothing of the budget twice.
    assert len(spending(mine.trials())) == 2 and [t.number for t in standing(mine.trials())] == [1, 2]
    mine.end(again.trial.number, [1.0])
    assert mine.reap(mine=True, reason="stopped") == 1


@pytest.fixture
def clock(monkeypatch):
    """Drivers are watched anew, on a clock set by hand: ``clock[0]``."""
    now = [0.0]
    watch = tracking.Watch(lambda: now[0])
    monkeypatch.setattr("harness.tracking.owner.WATCH", watch)
    monkeypatch.setattr("harness.tracking.WATCH", watch)
    return now


def test_an_owner_on_another_host_lives_as_long_as_its_heart_beats_whatever_its_clock_says(two, clock):
    mine, theirs = two
    theirs._me = replace(DEAD, host="elsewhere")
    trial = theirs.next().trial
    for beat in range(20):
        theirs.study._storage.set_trial_user_attr(trial._trial_id, "heartbeat", 1000 - beat)
        clock[0] += 12
        assert mine.reap() == 0
    reaped = 0
    while not reaped:
        clock[0] += 12
        reaped = mine.reap()
    assert reaped == 1 and clock[0] - 240 >= 120


def test_a_trial_that_nobody_signed_is_lost_after_a_while(two, clock):
    mine, _ = two
    mine.study.ask()
    assert mine.reap() == 0
    clock[0] += 11
    assert mine.reap() == 1


def test_two_that_ask_at_the_same_moment_do_not_overspend(two, monkeypatch):
    mine, theirs = two
    mine.next(), mine.next()
    before = mine.trials()
    assert mine.next()
    monkeypatch.setattr(type(theirs), "open", lambda self, trials: len(before) < 3)  # it looked a moment earlier
    assert theirs.next() is None
    assert [trial.number for trial in spending(mine.trials())] == [0, 1, 2]


def test_what_two_put_in_line_at_the_same_moment_is_tried_once(two, monkeypatch):
    mine, theirs = two
    with monkeypatch.context() as patch:  # neither sees that the other one does it too
        patch.setattr(Search, "trials", lambda self: [])
        mine.first(), theirs.first()
    assert _states(mine) == [TrialState.WAITING] * 2 and len(standing(mine.trials())) == 1
    first, second = mine.next(), theirs.next()
    assert first.params == mine.default != second.params and first.trial.number == 0
    before = mine.trials()
    assert mine.reap() == 1  # the second one's driver is dead
    lost = next(t for t in before if t.number == second.trial.number)
    mine.study.enqueue_trial(lost.params, user_attrs={"again": lost.number})  # another driver found it, too
    again, other = mine.next(), mine.next()
    assert again.params == second.params and other.params not in (first.params, second.params)
    assert len(spending(mine.trials())) == 3 and mine.next() is None


def test_budgets_of_time_count_what_trials_took_and_survive_a_restart(two):
    mine, _ = two
    mine.budget = Budget(hours=1)
    mine.set_workers(2)
    mine.end(mine.next().trial.number, [1.0], seconds=7100)
    assert mine.open(mine.trials())
    mine.end(mine.next().trial.number, [1.0], seconds=110)
    assert not mine.open(mine.trials())


def test_values_that_are_no_numbers_make_a_failed_trial(two):
    mine, _ = two
    assert mine.end(mine.next().trial.number, [float("nan")]) == TrialState.FAIL


def test_the_specs_own_values_are_a_point_of_the_space_or_not(two, spec_of):
    space = two[0].arm.space
    assert held(space, {"train.lr": 0.001, "objectives.both.spatial_rdc.weight": 0.1})
    assert held(space, {"train.lr": 5, "objectives.both.spatial_rdc.weight": 0.1}) is None
    assert held(space, {"train.lr": 0.001}) is None
    assert key({"a": 1.0, "b": "x"}) == key({"b": "x", "a": 1})
