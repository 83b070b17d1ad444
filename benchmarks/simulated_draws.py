"""What benchmarks/simulated_coverage.py draws: values of arms, paired differences, seeds crossed with subjects."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
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
    "seeds, none of subjects": (1.0, 0.0, 1.0),
    "subjects, none of seeds": (0.0, 1.0, 1.0),
    "nothing but rest": (0.0, 0.0, 1.0),
}


def generator(*key: object) -> np.random.Generator:
    """A stream for each table's row, so that rows can be run alone."""
    return np.random.default_rng(list(repr(key).encode()))


def arm_values(distribution: str, n: int, draws: int) -> np.ndarray:
    """(draws, n) values of one arm."""
    return DISTRIBUTIONS[distribution](generator("arm", distribution, n), (draws, n))


def differences(distribution: str, n: int, draws: int) -> np.ndarray:
    """(draws, n) paired differences of two arms that are drawn alike."""
    a, b = DISTRIBUTIONS[distribution](generator("pair", distribution, n), (2, draws, n)) / np.sqrt(2)
    return a - b


def crossed(distribution: str, components: str, seeds: int, subjects: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """(draws, seeds, subjects) values about 0, and (draws,) what these subjects' true mean is."""
    draw, rng = DISTRIBUTIONS[distribution], generator("crossed", distribution, components, seeds, subjects)
    of_seeds, of_subjects, of_rest = COMPONENTS[components]
    between = of_subjects * draw(rng, (draws, 1, subjects))
    y = of_seeds * draw(rng, (draws, seeds, 1)) + between + of_rest * draw(rng, (draws, seeds, subjects))
    return y, between.mean((1, 2))
