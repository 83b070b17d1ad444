"""How often the statistics hold what they say: coverage and false positives by simulation.

    python benchmarks/coverage.py                  # the tables of docs/statistics.md, about 5 minutes
    python benchmarks/coverage.py --draws 500      # a glance

Every table is Markdown. One draw is one imagined study; every distribution has mean 0 and sd 1, so that a "true"
difference of 1 is one sd. With 10,000 draws a coverage of 95 % is known to ± 0.4 points, with 4,000 (bootstraps)
to ± 0.7.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

import numpy as np
from scipy.special import stdtr

from harness.report.statistics import (
    STUDENTISED_FROM,
    Interval,
    equivalence,
    fixed_order,
    holm,
    interval,
    new_subjects,
    seeds_needed,
    sign_flip,
    studentised_interval,
    t_interval,
)
from harness.report.statistics.intervals import bootstrap_t

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
ALPHA = 0.05
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t4": lambda rng, shape: rng.standard_t(4, size=shape) / np.sqrt(2),
    "skewed": lambda rng, shape: (rng.gamma(4, size=shape) - 4) / 2,  # skewness 1
    "very skewed": lambda rng, shape: rng.exponential(size=shape) - 1,  # skewness 2
}
# sd of seeds, of subjects and of the rest.
COMPONENTS = {
    "subjects": (0.3, 1.0, 0.5),
    "alike": (1.0, 1.0, 1.0),
    "seeds": (1.0, 0.3, 0.5),
    "neither": (0.3, 0.3, 1.0),
    "nothing but rest": (0.0, 0.0, 1.0),
}
LEVELS = 5  # the area under the curve and four levels, in the order of testing


def generator(*key: object) -> np.random.Generator:
    """A stream for each table's row, so that rows can be run alone."""
    return np.random.default_rng(list(repr(key).encode()))


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


def covered(samples: Iterable[np.ndarray], method: Callable[[np.ndarray], Interval], truth: float = 0.0) -> float:
    """Share of samples whose interval holds the truth."""
    found = [method(one) for one in samples]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


def arm_values(distribution: str, n: int, draws: int) -> np.ndarray:
    """(draws, n) values of one arm."""
    return DISTRIBUTIONS[distribution](generator("arm", distribution, n), (draws, n))


def differences(distribution: str, n: int, draws: int) -> np.ndarray:
    """(draws, n) paired differences of two arms that are drawn alike."""
    a, b = DISTRIBUTIONS[distribution](generator("pair", distribution, n), (2, draws, n)) / np.sqrt(2)
    return a - b


def paired_p(d: np.ndarray) -> np.ndarray:
    """p-values of paired t-tests along the last axis."""
    n = d.shape[-1]
    t = d.mean(-1) / (d.std(-1, ddof=1) / np.sqrt(n))
    return 2 * stdtr(n - 1, -np.abs(t))


def crossed(distribution: str, components: str, seeds: int, subjects: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """(draws, seeds, subjects) values about 0, and (draws,) what these subjects' true mean is."""
    draw, rng = DISTRIBUTIONS[distribution], generator("crossed", distribution, components, seeds, subjects)
    of_seeds, of_subjects, of_rest = COMPONENTS[components]
    between = of_subjects * draw(rng, (draws, 1, subjects))
    y = of_seeds * draw(rng, (draws, seeds, 1)) + between + of_rest * draw(rng, (draws, seeds, subjects))
    return y, between.mean((1, 2))


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
    for method in (t_interval, studentised_interval, equal_tails_interval, percentile_interval):
        for n in (3, 5, 7, 10, 15, 20, 30):
            if method is equal_tails_interval and n < STUDENTISED_FROM:
                continue
            kept = draws if method is t_interval else bootstrapped(draws)
            used = method is t_interval if n < STUDENTISED_FROM else method is studentised_interval
            shares = [covered(arm_values(name, n, kept), method) for name in DISTRIBUTIONS]
            yield [method.__name__.removesuffix("_interval").replace("_", " "), n, "yes" if used else "", *shares]


def paired(draws: int) -> Iterable[list[object]]:
    """Distribution × n against what a comparison prints."""
    for name in DISTRIBUTIONS:
        for n in (3, 5, 7, 10, 15, 20, 30):
            kept = draws if n < STUDENTISED_FROM else bootstrapped(draws)
            d = differences(name, n, draws)
            flips = np.array([sign_flip(one) for one in d[:kept]])
            false = float(np.mean(paired_p(d) < ALPHA)), float(np.mean(flips < ALPHA))
            yield [name, n, covered(d[:kept], interval), *false]


def people(draws: int) -> Iterable[list[object]]:
    """Coverage of `new_subjects`: where the spread lies × seeds × subjects against distributions."""
    for parts in COMPONENTS:
        for seeds, subjects in ((3, 6), (5, 6), (5, 10), (10, 8), (5, 20)):
            shares = [
                covered(crossed(name, parts, seeds, subjects, draws // 2)[0], new_subjects) for name in DISTRIBUTIONS
            ]
            yield [parts, f"{seeds} × {subjects}", *shares]


def whom(draws: int) -> Iterable[list[object]]:
    """What simpler intervals cover, of new subjects and of these; 5 seeds × 10 subjects, normal."""
    for parts in COMPONENTS:
        y, these = crossed("normal", parts, 5, 10, draws // 2)
        over_seeds = y.mean(2)
        fixed = covered(over_seeds - these[:, None], t_interval)
        others = [covered(one, t_interval) for one in (over_seeds, y.mean(1), y.reshape(len(y), -1))]
        yield [parts, fixed, covered(y, new_subjects), *others]


def families(draws: int) -> Iterable[list[object]]:
    """Distribution × n × truth against corrections."""
    for name in ("normal", "t4", "skewed"):
        for n in (5, 10):
            for scenario, truth in truths().items():
                p, null = family(name, truth, n, draws), truth == 0
                yield [name, n, scenario, *(familywise(p, null, how) for how in (np.asarray, by_holm, by_fixed_order))]


def margins(draws: int) -> Iterable[list[object]]:
    """Distribution × n against how the differences come to it."""
    for name in DISTRIBUTIONS:
        for n in (3, 5, 10, 20):
            itself = arm_values(name, n, draws)
            samples = (differences(name, n, draws), itself, -itself)
            yield [name, n, *(float(np.mean([equivalence(1.5 + d, 1.5).equivalent for d in s])) for s in samples)]


def planned(draws: int) -> Iterable[list[object]]:
    """Size against the seeds that `seeds_needed` names and the power they had."""
    for size in (0.5, 1.0, 1.5, 2.0):
        n, m = seeds_needed(1.0, effect=size), seeds_needed(1.0, margin=size)
        found = float(np.mean(paired_p(differences("normal", n, draws) + size) < ALPHA))
        equal = float(np.mean([equivalence(d, size).equivalent for d in differences("normal", m, draws)]))
        yield [f"{size:g}", n, found, m, equal]


TABLES = {
    "Coverage of a 95 % interval of one arm's mean, %": (["method", "n", "in reports", *DISTRIBUTIONS], one_arm),
    "Paired differences of two arms that are drawn alike, %": (
        ["both arms", "n", "coverage of the interval", "false positives, t", "false positives, sign-flip"],
        paired,
    ),
    "New subjects: coverage of the 95 % interval with both random, %": (
        ["most spread between", "seeds × subjects", *DISTRIBUTIONS],
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
        ["values", "n", "arms drawn alike", "differences themselves so", "differences, mirrored"],
        margins,
    ),
    "Seeds for a power of 80 %: what was reached, %": (
        ["difference or margin, sd", "seeds to find it", "found", "seeds for equivalence", "equivalent at 0"],
        planned,
    ),
}


def bootstrapped(draws: int) -> int:
    """Draws of a row that bootstraps or flips signs at random: they take thirty times as long."""
    return max(1, draws * 2 // 5)


def main() -> None:
    """Print the tables, shares as percentages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10_000, help="of a row; fewer where a row bootstraps")
    draws = parser.parse_args().draws
    for title, (head, rows) in TABLES.items():
        print(f"\n**{title}**\n\n| {' | '.join(head)} |\n|{' :--- |' * len(head)}")
        for row in rows(draws):
            print(
                "| " + " | ".join(f"{100 * x:.1f}" if isinstance(x, float) else str(x) for x in row) + " |", flush=True
            )


if __name__ == "__main__":
    main()
