"""What verification computes is what the report computes: two implementations of each written procedure."""

import math

import numpy as np
import pytest

from harness.report import statistics
from harness.report.verify import adjusting, arithmetic, claims


def samples():
    draw = np.random.default_rng(11)
    for n in (2, 3, 5, 10, 14, 15, 17, 20):
        yield pytest.param((draw.normal(size=n) + 0.4).tolist(), id=f"normal-{n}")
        yield pytest.param(draw.exponential(size=n).round(1).tolist(), id=f"ties-{n}")
    yield pytest.param([1.0] * 12 + [2.0] * 4, id="two-values")
    yield pytest.param([0.25] * 16, id="equal")


@pytest.mark.parametrize("values", list(samples()))
def test_paired_statistics_agree(values):
    expected = statistics.paired_difference(dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0))
    half = arithmetic.half_width(values)
    assert half is not None
    assert half[0] == pytest.approx(expected.difference.half, rel=1e-9, abs=1e-12)
    assert half[1] == (expected.difference.method == "studentised")
    assert arithmetic.paired_p(values) == pytest.approx(expected.p, rel=1e-7, nan_ok=True)
    assert arithmetic.sign_flip_p(values) == pytest.approx(expected.p_sign_flip, rel=1e-12, nan_ok=True)
    assert arithmetic.left_out(values) == expected.left_out
    assert arithmetic.effect_size(values) == pytest.approx(expected.effect, rel=1e-9, nan_ok=True)
    assert arithmetic.share_better(values, "lower") == expected.improvement
    same = statistics.equivalence(values, 0.7)
    assert arithmetic.equivalence_p(values, 0.7) == pytest.approx(same.p, rel=1e-7, nan_ok=True)


@pytest.mark.parametrize(
    "spread", [(1.0, 1.0, 1.0), (3.0, 0.0, 0.1), (0.0, 2.0, 0.1), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)]
)
def test_intervals_for_new_subjects_agree(spread):
    draw, (seeds, subjects, rest) = np.random.default_rng(5), spread
    table = draw.normal(scale=seeds or 1e-300, size=(5, 1)) + draw.normal(scale=subjects or 1e-300, size=(1, 7))
    table = table + rest * draw.normal(size=(5, 7))
    expected = statistics.new_subjects(table)
    centre, ends = arithmetic.new_subjects(table)
    assert centre == pytest.approx(expected.mean) and ends == pytest.approx((expected.low, expected.high))
    for fewer in (table[:, :5], table[:4], table[:1]):
        assert arithmetic.new_subjects(fewer)[1] is None and math.isnan(statistics.new_subjects(fewer).low)


def test_corrections_agree():
    draw = np.random.default_rng(8)
    for _ in range(60):
        chains = [draw.beta(0.3, 1, size=draw.integers(1, 5)).round(4).tolist() for _ in range(draw.integers(1, 6))]
        if draw.random() < 0.3:
            chains[0][-1] = math.nan
        expected = statistics.fixed_order(dict(enumerate(chains)))
        for i, found in enumerate(adjusting.along_chains(chains)):
            assert found == pytest.approx(expected[i].tolist(), rel=1e-9, nan_ok=True)
        flat = [p for chain in chains for p in chain]
        assert adjusting.holm(flat) == pytest.approx(statistics.holm(flat).tolist(), nan_ok=True)


def test_graph_by_hand():
    # Two arms, each area then severe: 0.01·2, then its arm keeps the share: 0.02·2, then the other arm alone
    found = adjusting.along_chains([[0.01, 0.02], [0.03, 0.5]])
    assert found == [pytest.approx([0.02, 0.04]), pytest.approx([0.04, 0.5])]


def test_area_agrees():
    assert arithmetic.area([0.0, 0.25, 0.4, 0.7], [1.0, 2.0, 4.0, 8.0]) == pytest.approx(
        statistics.curve_area([0.0, 0.25, 0.4, 0.7], [1.0, 2.0, 4.0, 8.0])
    )


@pytest.mark.parametrize("ratio", [0.02, 0.15, 0.6, 1.3, 4.0])
def test_seeds_needed_agree(ratio):
    for found, expected in (
        (claims._least(lambda n: claims._power(n, ratio, 0.95)), statistics.seeds_needed(1.0, effect=ratio)),
        (claims._least(lambda n: claims._both_reject(n, ratio)), statistics.seeds_needed(1.0, margin=ratio)),
    ):
        assert abs(found - expected) <= max(1, claims.SEEDS_SLACK * expected)
