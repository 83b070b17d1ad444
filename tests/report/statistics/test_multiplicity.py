import math

import numpy as np
import pytest

from harness.report.statistics import fixed_order, holm


def test_holm_by_hand():
    # sorted 0.01·4, 0.02·3, 0.03·2, 0.04·1, never falling
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_holm_leaves_undefined_tests_out_of_the_count():
    found = holm([0.02, math.nan, 0.03])
    assert found[[0, 2]] == pytest.approx([0.04, 0.04]) and np.isnan(found[1])
    assert holm([]).size == 0


def test_fixed_order_by_hand():
    # Each arm holds half of α: a's area 2 · 0.01, then its severe 2 · 0.02; b's area 2 · 0.03. a has nothing left after
    # 2 · 0.2, so b's severe costs 1 · 0.3 and no longer 2 · 0.3; it may not fall below what came before.
    found = fixed_order({"a": [0.01, 0.02, 0.2], "b": [0.03, 0.3]})
    assert found["a"] == pytest.approx([0.02, 0.04, 0.4])
    assert found["b"] == pytest.approx([0.06, 0.4])


def test_an_arm_with_nothing_left_hands_its_share_on():
    found = fixed_order({"a": [0.001, 0.002], "b": [0.04, 0.045]})
    assert found["a"] == pytest.approx([0.002, 0.004])
    assert found["b"] == pytest.approx([0.04, 0.045])  # not 0.08, 0.09


def test_nothing_counts_behind_the_first_failure():
    assert fixed_order({"a": [0.3, 1e-9]})["a"] == pytest.approx([0.3, 0.3])


def test_one_test_an_arm_is_holm():
    p = [0.04, 0.01, 0.03, 0.02]
    found = fixed_order({i: [one] for i, one in enumerate(p)})
    assert [float(one[0]) for one in found.values()] == pytest.approx(list(holm(p)))


def test_an_undefined_test_ends_its_chain_and_is_no_test():
    found = fixed_order({"a": [0.01, math.nan, 0.001], "b": [math.nan, 0.2], "c": [0.02], "d": []})
    assert found["a"][0] == pytest.approx(0.02) and np.isnan(found["a"][1:]).all()
    assert np.isnan(found["b"]).all()
    assert found["c"] == pytest.approx([0.02]) and found["d"].size == 0


@pytest.mark.parametrize("seed", range(5))
def test_no_corrected_p_is_below_its_own_or_falls_along_an_arm(seed):
    p = dict(enumerate(np.random.default_rng(seed).uniform(0, 0.2, (4, 5))))
    for arm, corrected in fixed_order(p).items():
        assert (corrected >= p[arm]).all() and (np.diff(corrected) >= 0).all() and (corrected <= 1).all()
