"""Verdicts on numbers chosen by hand: five differences −2, −1, 0, 1, 2 about a centre, t(0.975; 4) = 2.776445.

They are symmetric, so that nothing is widened for skew.
"""

import math

import pytest

from harness.report.decision import decide
from harness.report.statistics import interval

T95 = 2.776445105
BASE = (100.0, 103.0, 99.0, 105.0, 101.0)
HALF = T95 * math.sqrt(2.5 / 5)  # 1.9632


def sides(gain: float, direction: str = "lower", scale: float = 1.0):
    """Five pairs whose differences have the mean ``gain`` in the claimed direction, and sd √2.5 × ``scale``."""
    sign = -1 if direction == "lower" else 1
    versus = dict(enumerate(BASE))
    arm = {seed: value + sign * (gain + scale * (seed - 2)) for seed, value in versus.items()}
    return arm, versus


@pytest.mark.parametrize("direction", ["lower", "higher"])
@pytest.mark.parametrize(
    ("gain", "at_least", "verdict"),
    [
        (HALF, 0.0, "supported"),  # the interval begins where the claim does: at or beyond
        (HALF - 0.001, 0.0, "inconclusive"),
        (1 + HALF, 1.0, "supported"),
        (1 + HALF - 0.001, 1.0, "inconclusive"),
        (9.0, 1.0, "supported"),
        (1 - HALF, 1.0, "inconclusive"),  # its end touches what is claimed: not wholly short of it
        (1 - HALF - 0.001, 1.0, "refuted"),
        (-HALF - 0.001, 0.0, "refuted"),
        (-9.0, 1.0, "refuted"),
        (1.0, 1.0, "inconclusive"),
        (0.0, 0.0, "inconclusive"),
    ],
)
def test_the_whole_interval_must_lie_on_one_side(direction, gain, at_least, verdict):
    found = decide(*sides(gain, direction), direction=direction, at_least=at_least)
    assert found.verdict == verdict
    sign = -1 if direction == "lower" else 1
    assert found.paired.difference.mean == pytest.approx(sign * gain)
    assert found.paired.difference.half == pytest.approx(HALF, abs=1e-6)


def test_the_other_direction_is_refuted():
    assert decide(*sides(9.0, "lower"), direction="higher").verdict == "refuted"


@pytest.mark.parametrize(
    ("gain", "margin", "verdict"),
    [
        (0.0, HALF + 0.001, "equivalent"),  # the whole interval lies within
        (0.0, HALF - 0.001, "inconclusive"),
        (0.3, 0.3 + HALF + 0.001, "equivalent"),
        (-0.3, 0.3 + HALF - 0.001, "inconclusive"),
    ],
)
def test_equivalent_needs_two_one_sided_tests_within_the_margin(gain, margin, verdict):
    found = decide(*sides(gain), direction="lower", margin=margin)
    assert found.verdict == verdict
    assert found.equivalence is not None and found.equivalence.equivalent == (verdict == "equivalent")


def test_no_margin_no_equivalence():
    found = decide(*sides(0.0, scale=1e-3), direction="lower")
    assert found.verdict == "inconclusive" and found.equivalence is None


def test_short_of_what_is_claimed_is_refuted_also_where_it_is_equivalent():
    found = decide(*sides(0.0, scale=0.1), direction="lower", at_least=1.0, margin=1.0)
    assert found.verdict == "refuted" and found.equivalence is not None and found.equivalence.equivalent


def test_seeds_that_would_decide():
    """Half a standard deviation takes 34 pairs at 80 % power (Cohen 1988), and one more with room for skew."""
    found = decide(*sides(0.5 * math.sqrt(2.5)), direction="lower")
    assert (found.verdict, found.seeds) == ("inconclusive", 35)
    found = decide(*sides(1.0 + 0.5 * math.sqrt(2.5)), direction="lower", at_least=1.0)
    assert (found.verdict, found.seeds) == ("inconclusive", 35), "what counts is the distance to what is claimed"


def test_a_margin_can_be_the_nearer_decision():
    without = decide(*sides(0.01), direction="lower")
    with_margin = decide(*sides(0.01), direction="lower", margin=1.4)
    assert without.seeds is not None and without.seeds > 10_000
    # At a true difference of 0: (1.96 + 1.282)² sd² / margin² = 13.4 pairs by the normal, a few more by t.
    assert with_margin.verdict == "inconclusive" and 14 <= with_margin.seeds <= 17


def test_no_number_of_seeds_decides_a_difference_that_is_just_what_is_claimed():
    found = decide(*sides(1.0), direction="lower", at_least=1.0)
    assert (found.verdict, found.seeds) == ("inconclusive", None)


def test_decided_claims_need_no_seeds():
    assert decide(*sides(9.0), direction="lower").seeds is None


@pytest.mark.parametrize("pairs", [0, 1])
def test_one_pair_decides_nothing(pairs):
    arm = dict.fromkeys(range(pairs), 50.0)
    found = decide(arm, dict.fromkeys([0, 7], 100.0), direction="lower")
    assert found.verdict == "undecided" and "two are the least" in found.reasons[0]


def test_only_common_seeds_count():
    arm, versus = sides(9.0)
    found = decide({**arm, 9: 0.0}, {**versus, 8: 500.0}, direction="lower")
    assert found.paired.n == 5 and found.verdict == "supported" and set(found.paired.unpaired) == {8, 9}


def test_equal_differences_have_an_interval_of_no_length():
    """101.3 − 100.3 is not quite 1 in floating point; it is at 1 all the same."""
    versus = {0: 101.3, 1: 103.3, 2: 100.4}
    arm = {seed: value - 1.0 for seed, value in versus.items()}
    assert decide(arm, {**versus, 0: 101.3}, direction="lower", at_least=1.0).verdict == "supported"
    assert decide(arm, versus, direction="lower", at_least=1.001).verdict == "refuted"


def test_seeds_that_nothing_depends_on_are_one_measurement():
    found = decide(dict.fromkeys(range(5), 90.0), dict.fromkeys(range(5), 100.0), direction="lower")
    assert found.verdict == "undecided" and "one measurement" in found.reasons[0]
    varying = decide(dict.fromkeys(range(5), 90.0), dict(enumerate(BASE)), direction="lower")
    assert varying.verdict == "supported"


def test_from_fifteen_seeds_on_the_interval_is_the_one_that_reports_print():
    skewed = [0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6, 0.7, 0.9, 1.1, 1.5, 2.5, 3.0, 6.0]
    ends = interval(skewed)
    assert ends.method == "studentised"
    versus = {seed: 100.0 + seed for seed in range(15)}
    arm = {seed: versus[seed] - gain for seed, gain in enumerate(skewed)}
    for at_least, verdict in ((ends.low - 1e-6, "supported"), (ends.low + 1e-6, "inconclusive")):
        assert decide(arm, versus, direction="lower", at_least=at_least).verdict == verdict
    assert decide(arm, versus, direction="lower", at_least=ends.high + 1e-6).verdict == "refuted"
