from harness.spec.study import Pruner
from harness.tune.stopping import at, hopeless, rungs

HALVES = Pruner(name="asha", grace=2, reduction=2)


def _course(value, upto):
    return {step: float(value) for step in range(1, upto + 1)}


def test_rungs_are_each_so_many_times_further_and_none_is_the_end():
    assert list(rungs(HALVES, 16)) == [2, 4, 8]
    assert list(rungs(Pruner(name="asha", grace=1, reduction=1.5), 6)) == [1, 2, 3, 5]


def test_halving_keeps_the_best_half_of_those_that_reached_a_rung():
    others = [_course(value, 2) for value in (1, 2, 3)]
    assert not hopeless(HALVES, _course(1.5, 2), others, [], 16, maximize=False)
    assert hopeless(HALVES, _course(2.5, 2), others, [], 16, maximize=False)
    assert not hopeless(HALVES, _course(2.5, 2), others, [], 16, maximize=True)
    assert not hopeless(HALVES, _course(9, 1), others, [], 16, maximize=False)  # within its grace
    assert not hopeless(HALVES, _course(9, 3), others, [], 16, maximize=False)  # judged at the rung it passed
    assert not hopeless(HALVES, _course(9, 4), others, [], 16, maximize=False)  # nobody else got so far
    assert not hopeless(HALVES, _course(9, 16), [_course(1, 16)] * 4, [], 16, maximize=False)  # it is over


def test_a_report_that_jumps_over_rungs_is_judged_by_the_furthest_at_what_others_had_there():
    others = [_course(1, 8), {9: 1.0}, _course(5, 2)]
    assert at(others[1], 8) == 1.0 and at(others[2], 8) is None
    assert hopeless(HALVES, {9: 3.0}, others, [], 16, maximize=False)
    assert not hopeless(HALVES, {9: 3.0}, others[2:], [], 16, maximize=False)


def test_the_median_rule_waits_for_enough_that_ended_and_for_its_grace():
    median = Pruner(name="median", grace=3, startup=3)
    ended = [_course(value, 9) for value in (1, 2, 3)]
    assert hopeless(median, _course(2.5, 3), [], ended, 9, maximize=False)
    assert not hopeless(median, _course(1.5, 3), [], ended, 9, maximize=False)
    assert hopeless(median, _course(1.5, 3), [], ended, 9, maximize=True)
    assert not hopeless(median, _course(9, 2), [], ended, 9, maximize=False)
    assert not hopeless(median, _course(9, 3), [], ended[:2], 9, maximize=False)
    assert not hopeless(Pruner(name="none"), _course(9, 3), ended, ended, 9, maximize=False)
