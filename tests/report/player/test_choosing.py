"""Which clips are played: those that tell the best arm most from its baseline, where most is hidden."""

import pytest

from harness.report.player import Unplayable, choose
from harness.report.records import load

BEST = dict(weights="best", test_occlusion="severe", joint="all", metric="mpjpe")


def moved(made, run_id, mm, **where):
    """Adds to recorded errors of a run, at the hardest level unless ``where`` says another."""
    frame = made.frames[run_id]
    rows = frame["value"].notna()
    for column, value in {**BEST, **where}.items():
        rows &= frame[column] == value
    assert rows.any()
    frame.loc[rows, "value"] += mm


def the_run(made, objective, seed):
    return next(r.run_id for r in made.spec.runs if r.labels["objective"] == objective and r.seed == seed)


def test_best_arm_hardest_level_first_common_seed(ablation):
    # Over all seeds spatial is best (100.0 against 100.2), at seed 0 temporal is.
    moved(ablation, the_run(ablation, "spatial", 0), 30, clip="B1", cameras="unseen")
    moved(ablation, the_run(ablation, "temporal", 0), 40)
    # What happens at an easier level doesn't count, nor do other weights.
    moved(ablation, the_run(ablation, "spatial", 0), 300, clip="A1", test_occlusion="none")
    moved(ablation, the_run(ablation, "spatial", 0), 300, clip="A1", weights="last")
    moved(ablation, the_run(ablation, "spatial", 1), -30)
    choice = choose(load(ablation.spec, ablation), 4)
    assert (choice.level, choice.seed, choice.names) == ("severe", 0, ("abs", "spatial"))
    assert choice.runs == (the_run(ablation, "abs", 0), the_run(ablation, "spatial", 0))
    first, second = choice.picks  # each clip once, by the camera that sees most of it
    assert (first.clip, first.subject, first.action, first.cameras, first.camera) == ("B1", "B", "run", "unseen", 0)
    assert first.errors == pytest.approx((100 + 10 + 1 - 5, 97.9 + 10 + 1 - 5 + 30))
    assert (second.clip, second.errors) == ("A1", pytest.approx((100 + 10 + 5, 97.9 + 10 + 5)))


def test_as_many_clips_as_asked_for(ablation):
    moved(ablation, the_run(ablation, "spatial", 0), -30, clip="B1")
    evidence = load(ablation.spec, ablation)
    assert [pick.clip for pick in choose(evidence, 1).picks] == ["B1"]
    assert len(choose(evidence, 9).picks) == 2


def test_an_arm_of_one_seed_is_shown_only_where_there_is_no_other(make):
    several = {("abs", 0): 100.0, ("abs", 1): 101.0, ("spatial", 0): 99.0, ("spatial", 1): 99.0}
    long = {("abs", 0, 9000): 60.0, ("spatial", 0, 9000): 50.0}
    both = make({**several, **long})
    choice = choose(load(both.spec, both), 1)
    assert choice.runs == ("b-abs-none-0-3000", "b-spatial-none-0-3000")
    assert (choice.names, choice.shared) == (("abs", "spatial"), "3000 steps")
    alone = make(long)
    assert choose(load(alone.spec, alone), 1).runs == ("b-abs-none-0-9000", "b-spatial-none-0-9000")


def test_a_seed_that_only_one_finished_is_not_shown(make):
    made = make({("abs", 0): None, ("abs", 1): 100.0, ("spatial", 0): 90.0, ("spatial", 1): 99.0})
    assert choose(load(made.spec, made), 1).seed == 1


@pytest.mark.parametrize(
    ("errors", "baseline", "reason"),
    [
        ({("abs", 0): 1.0, ("spatial", 0): 2.0}, {}, "names no baseline"),
        ({("abs", 0): 1.0, ("abs", 1): 2.0}, None, "no arm shares a seed"),
        ({("abs", 0): 1.0, ("spatial", 1): 2.0}, None, "no arm shares a seed"),
    ],
)
def test_without_two_arms_the_reason_is_said(make, errors, baseline, reason):
    made = make(errors, baseline=baseline)
    with pytest.raises(Unplayable, match=reason):
        choose(load(made.spec, made), 4)
