"""How often the statistics hold what they say: coverage and false positives by simulation.

    python benchmarks/simulated_coverage.py                  # the tables of docs/statistics.md, about 15 minutes
    python benchmarks/simulated_coverage.py --draws 1000     # a glance

Every table is Markdown. One draw is one imagined study; every distribution has mean 0 and sd 1, so that a "true"
difference of 1 is one sd. With 40,000 draws a coverage of 95 % is known to ± 0.2 points, with 4,000 (bootstraps)
to ± 0.7, with 2,000 (paired ones) to ± 1. What is computed of many studies at once is tested to be what one report
computes (tests/report/statistics/test_coverage.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.report.statistics import (
    MIN_PAIRS,
    MIN_SEEDS,
    STUDENTISED_FROM,
    Interval,
    fixed_order,
    holm,
    interval,
    lopsided,
    seeds_needed,
    sign_flip,
    studentised_interval,
    widening,
)
from harness.report.statistics.resampling import bootstrap_t
from harness.report.statistics.sign_flip import EXACT_UP_TO
from harness.report.statistics.subjects import half_widths

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where this runs as a script
from benchmarks import simulated_pilots as pilots
from benchmarks.simulated_draws import COMPONENTS, DISTRIBUTIONS, arm_values, crossed, differences, generator

ALPHA = 0.05
LAYOUTS = ((5, 6), (5, 10), (10, 8), (5, 20), (5, 40), (20, 6))
REFUSED = ((2, 6), (2, 20), (3, 6), (3, 30), (4, 50))  # too few seeds for an interval of new subjects
SIZES = (2, 3, 5, 6, 7, 10, 14, 15, 20, 30)
TESTED = tuple(n for n in SIZES if n >= MIN_PAIRS)
LEVELS = 5  # the area under the curve and four levels, in the order of testing


def percentile_interval(values: np.ndarray, resamples: int = 1_000) -> Interval:
    """The percentile bootstrap, which reports do not use."""
    n = values.size
    counts = generator("percentile", n).multinomial(n, np.full(n, 1 / n), size=resamples)
    low, high = np.quantile(counts @ np.sort(values) / n, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high), n, "percentile")


def equal_tails_interval(values: np.ndarray) -> Interval:
    """The bootstrap-t with equal tails, which reports do not use."""
    t, error = np.sort(bootstrap_t(values)), values.std(ddof=1) / np.sqrt(values.size)
    tail = round((t.size + 1) * ALPHA / 2)
    mean = float(values.mean())
    return Interval(mean, mean - float(t[-tail]) * error, mean - float(t[tail - 1]) * error, values.size, "equal tails")


def student_half(x: np.ndarray) -> np.ndarray:
    """(…,) half-widths of Student's 95 % interval, along the last axis."""
    n = x.shape[-1]
    return stdtrit(n - 1, 1 - ALPHA / 2) * x.std(-1, ddof=1) / np.sqrt(n)


def widened_half(x: np.ndarray) -> np.ndarray:
    """(…,) half-widths of the interval that reports print of few values."""
    return student_half(x) * widening(x)


def within(x: np.ndarray, half: np.ndarray) -> float:
    """Share of studies, (draws, …) values about 0, whose interval holds 0."""
    return float(np.mean(np.abs(x.reshape(len(x), -1).mean(1)) <= half))


def covered(samples: Iterable[np.ndarray], method: Callable[[np.ndarray], Interval], truth: float = 0.0) -> float:
    """Share of samples whose interval holds the truth."""
    found = [method(one) for one in samples]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


def student_p(d: np.ndarray, room: np.ndarray | float = 1.0) -> np.ndarray:
    """p-values of paired t-tests along the last axis, without room for skew unless it is given."""
    n = d.shape[-1]
    t = d.mean(-1) / (d.std(-1, ddof=1) / np.sqrt(n))
    return 2 * stdtr(n - 1, -np.abs(t) / room)


def paired_p(d: np.ndarray) -> np.ndarray:
    """p-values as reports print them, from three pairs on."""
    return student_p(d, widening(d))


def kept_sign_flips(d: np.ndarray) -> np.ndarray:
    """(draws,) p-values of sign-flip tests as reports keep them: NaN where (draws, n) differences look skewed."""
    return not_lopsided(d, sign_flips(d))


def not_lopsided(d: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The p-values without those of differences that look skewed."""
    return np.where(lopsided(d[: len(p)]), np.nan, p)


def sign_flips(d: np.ndarray) -> np.ndarray:
    """(draws,) p-values of sign-flip tests of (draws, n) differences."""
    n = d.shape[1]
    if n > 10:
        return np.array([sign_flip(one) for one in d[: len(d) // (1 if n <= EXACT_UP_TO else 2)]])
    signs = 1.0 - 2 * ((np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1)
    found = []
    for some in np.array_split(d, max(1, len(d) // 4_000)):
        seen = np.abs(some.sum(1)) - 1e-12 * np.abs(some).sum(1)
        found.append(np.mean(np.abs(some @ signs.T) >= seen[:, None], axis=1))
    return np.concatenate(found)


def called_equal(d: np.ndarray, margin: float) -> np.ndarray:
    """(draws,) whether (draws, n) differences are equivalent within ±margin."""
    return np.abs(d.mean(-1)) + widened_half(d) < margin


def family(distribution: str, truth: np.ndarray, n: int, draws: int) -> np.ndarray:
    """(draws, arms, levels) p-values: arms share a baseline, levels of a run correlate at 0.9.

    Args:
        truth: (arms, levels) true differences, in sd of a difference.
    """
    draw, (arms, levels) = DISTRIBUTIONS[distribution], truth.shape
    rng = generator("family", distribution, truth.tolist(), n)
    runs = np.sqrt(0.9) * draw(rng, (draws, arms + 1, 1, n)) + np.sqrt(0.1) * draw(rng, (draws, arms + 1, levels, n))
    return paired_p((runs[:, 1:] - runs[:, :1]) / np.sqrt(2) + truth[..., None])


def by_fixed_order(p: np.ndarray) -> np.ndarray:
    """(arms, levels) p-values, corrected."""
    return np.stack(list(fixed_order(dict(enumerate(p))).values()))


def by_holm(p: np.ndarray) -> np.ndarray:
    """(arms, levels) p-values, corrected over the table."""
    return holm(p.ravel()).reshape(p.shape)


def familywise(p: np.ndarray, null: np.ndarray, correct: Callable[[np.ndarray], np.ndarray]) -> float:
    """Share of draws in which any true null is rejected."""
    return float(np.mean([(correct(one)[null] < ALPHA).any() for one in p]))


def one_sided(n: int) -> float:
    """Quantile of the one-sided 5 % over that of the two-sided."""
    return float(stdtrit(n - 1, 1 - ALPHA) / stdtrit(n - 1, 1 - ALPHA / 2))


def truths(arms: int = 4) -> dict[str, np.ndarray]:
    """Scenario → (arms, levels) true differences."""
    none = np.zeros((arms, LEVELS))
    some, half, last = none.copy(), none.copy(), none.copy()
    some[:, :2] = 3.0
    half[: arms // 2] = 3.0
    last[:, :-1] = 3.0
    last[0] = 0.0
    return {
        "no arm differs": none,
        "all differ in area and severe only": some,
        "half of the arms differ everywhere": half,
        "one arm nowhere, the others but at the last level": last,
    }


def one_arm(draws: int) -> Iterable[list[object]]:
    """Method × n against distributions."""
    for name, half in (("t with room for skew", widened_half), ("Student's t", student_half)):
        for n in SIZES:
            samples = [arm_values(kind, n, draws) for kind in DISTRIBUTIONS]
            used = name.startswith("t ") and n < STUDENTISED_FROM
            yield [name, n, "yes" if used else "", *(within(x, half(x)) for x in samples)]
    for method in (studentised_interval, equal_tails_interval, percentile_interval):
        for n in SIZES:
            if n < STUDENTISED_FROM and method is equal_tails_interval:
                continue
            shares = [covered(arm_values(kind, n, bootstrapped(draws)), method) for kind in DISTRIBUTIONS]
            used = method is studentised_interval and n >= STUDENTISED_FROM
            yield [method.__name__.removesuffix("_interval").replace("_", " "), n, "yes" if used else "", *shares]


def paired(draws: int) -> Iterable[list[object]]:
    """Distribution × n against what a comparison prints."""
    for name in DISTRIBUTIONS:
        for n in SIZES:
            yield [name, n, *compared(differences(name, n, draws // 2))]


def skewed_differences(draws: int) -> Iterable[list[object]]:
    """The same where the differences themselves are so distributed: one arm has the outliers, the other none."""
    for name in DISTRIBUTIONS:
        for n in SIZES:
            yield [name, n, *compared(arm_values(name, n, draws // 2))]


def compared(d: np.ndarray) -> list[object]:
    """Of (draws, n) differences about 0: coverage, its worse tail, and false positives of four tests.

    What a report leaves out finds nothing, so that it counts as no false positive; beside it the share left out.
    """
    if d.shape[1] < STUDENTISED_FROM:
        low, high = d.mean(1) - widened_half(d), d.mean(1) + widened_half(d)
    else:
        found = [interval(one) for one in d[: bootstrapped(len(d))]]
        low, high = np.array([one.low for one in found]), np.array([one.high for one in found])
    held, tail = float(np.mean((low <= 0) & (high >= 0))), float(max(np.mean(low > 0), np.mean(high < 0)))
    few = d[: 2 * bootstrapped(len(d))]
    flips = sign_flips(few)
    kept = not_lopsided(few, flips)
    false = [float(np.mean(p < ALPHA)) for p in (paired_p(d), kept, student_p(d), flips)]
    if d.shape[1] < MIN_PAIRS:
        return [held, tail, "–", "–", *false[2:], "–"]
    return [held, tail, *false, float(np.mean(np.isnan(kept)))]


def people(draws: int) -> Iterable[list[object]]:
    """Coverage of `new_subjects`: where the spread lies × seeds × subjects against distributions."""
    for parts in COMPONENTS:
        for seeds, subjects in (*LAYOUTS, *REFUSED):
            shares = []
            for name in DISTRIBUTIONS:
                y = crossed(name, parts, seeds, subjects, draws)[0]
                shares.append(within(y, half_widths(y)))
            used = "yes" if seeds >= MIN_SEEDS else ""
            yield [parts, f"{seeds} × {subjects}", used, *shares]


def whom(draws: int) -> Iterable[list[object]]:
    """What simpler intervals cover, of new subjects and of these; 5 seeds × 10 subjects, normal."""
    for parts in COMPONENTS:
        y, these = crossed("normal", parts, 5, 10, draws)
        over_seeds = y.mean(2)
        fixed = over_seeds - these[:, None]
        others = [within(one, student_half(one)) for one in (over_seeds, y.mean(1), y.reshape(len(y), -1))]
        yield [parts, within(fixed, widened_half(fixed)), within(y, half_widths(y)), *others]


def families(draws: int) -> Iterable[list[object]]:
    """Distribution × n × truth against corrections."""
    for name in ("normal", "t4", "skewed"):
        for n in (5, 10):
            for scenario, truth in truths().items():
                p, null = family(name, truth, n, draws // 4), truth == 0
                yield [name, n, scenario, *(familywise(p, null, how) for how in (np.asarray, by_holm, by_fixed_order))]


def margins(draws: int) -> Iterable[list[object]]:
    """Distribution × n against how the differences come to it."""
    for name in DISTRIBUTIONS:
        for n in TESTED:
            itself = arm_values(name, n, draws)
            samples = (differences(name, n, draws), itself, -itself)
            usual = float(np.mean(1.5 + itself.mean(1) + one_sided(n) * student_half(itself) < 1.5))
            yield [name, n, *(float(np.mean(called_equal(1.5 + d, 1.5))) for d in samples), usual]


def piloted(draws: int) -> Iterable[list[object]]:
    """Distribution × pilot × half-width against what holds of seeds that a pilot fixes."""
    for pilot, most in pilots.SIZES:
        for name in DISTRIBUTIONS:
            drawn = (
                ("of arms alike", differences(name, most, draws)),
                ("so themselves", arm_values(name, most, draws)),
            )
            yield from pilots.rows([(name, kind, x) for kind, x in drawn], pilot, most)


def planned(draws: int) -> Iterable[list[object]]:
    """Size against the seeds that `seeds_needed` names and the power they had."""
    for size in (0.5, 1.0, 1.5, 2.0):
        n, m = seeds_needed(1.0, effect=size), seeds_needed(1.0, margin=size)
        found = float(np.mean(paired_p(differences("normal", n, draws) + size) < ALPHA))
        equal = float(np.mean(called_equal(differences("normal", m, draws), size)))
        yield [f"{size:g}", n, found, m, equal]


COMPARED = (
    "coverage",
    "worse tail",
    "false positives, t with room",
    "sign-flip where not skewed",
    "Student's t",
    "sign-flip everywhere",
    "sign-flips left out",
)
TABLES = {
    "Coverage of a 95 % interval of one arm's mean, %": (["method", "n", "in reports", *DISTRIBUTIONS], one_arm),
    "Paired differences of two arms that are drawn alike, %": (
        ["both arms", "n", *COMPARED],
        paired,
    ),
    "Differences that are themselves so distributed, %": (["differences", "n", *COMPARED], skewed_differences),
    "New subjects: coverage of the 95 % interval with both random, %": (
        ["most spread between", "seeds × subjects", "in reports", *DISTRIBUTIONS],
        people,
    ),
    "Whom a 95 % interval speaks of: coverage with 5 seeds × 10 subjects, normal, %": (
        [
            "most spread between",
            "these subjects: t over seeds",
            "new subjects: both random",
            "new subjects: t over seeds",
            "new subjects: t over subjects",
            "new subjects: t over all cells",
        ],
        whom,
    ),
    "Any false positive among 4 arms × 5 endpoints, %": (
        ["values", "n", "truth", "uncorrected", "Holm over the table", "Holm and fixed order"],
        families,
    ),
    "False equivalence where the true difference is the margin (1.5 sd), %": (
        [
            "values",
            "n",
            "arms drawn alike",
            "differences themselves so",
            "mirrored",
            "themselves so, Student's t at 5 %",
        ],
        margins,
    ),
    "Seeds that a pilot fixes, %": (list(pilots.HEADS), piloted),
    "Seeds for a power of 80 %: what was reached, %": (
        ["difference or margin, sd", "seeds to find it", "found", "seeds for equivalence", "equivalent at 0"],
        planned,
    ),
}


def bootstrapped(draws: int) -> int:
    """Draws of a row that bootstraps: they take thirty times as long."""
    return max(1, draws // 10)


def main() -> None:
    """Print the tables, shares as percentages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=40_000, help="of a row; a tenth where a row bootstraps")
    draws = parser.parse_args().draws
    for title, (head, rows) in TABLES.items():
        print(f"\n**{title}**\n\n| {' | '.join(head)} |\n|{' :--- |' * len(head)}")
        for row in rows(draws):
            print(
                "| " + " | ".join(f"{100 * x:.1f}" if isinstance(x, float) else str(x) for x in row) + " |", flush=True
            )


if __name__ == "__main__":
    main()
