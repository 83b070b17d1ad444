"""Where the spread of an arm's numbers comes from, computed again: mean squares from sums of least squares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from harness.report.verify.selecting import behind

Numbers = list[tuple[str, float]]
Line = tuple[str, str, str, float]  # draw, seed, subject, value


def numbers(table: Mapping[str, Any], subjects: pd.DataFrame) -> list[list[Numbers | None]]:
    """The numbers of every cell; None where it holds none.

    Args:
        table: as ``report.json`` has it.
        subjects: of `subjects.parquet`, names and keys as text.
    """
    recipe = table["recipe"]
    stated = recipe["columns"][0]
    over = [stated[name] for name in ("folds", "draws") if name in stated]
    read = {of: behind(subjects, [*recipe["rows"], *over], {**stated, "weights": of}, ("seed", "subject"))
            for of in stated["weights"]}  # fmt: skip
    grid = []
    for row in table["rows"]:
        folds: dict[str, list[Line]] = {}
        ends: dict[tuple[str, ...], float] = {}
        for of, found in read.items():
            for key, values in found.items():
                if list(key[: len(recipe["rows"])]) != list(row["raw"]):
                    continue
                place = dict(zip(over, key[len(recipe["rows"]) :], strict=True))
                fold, draw = (place.get(stated.get(name, ""), "") for name in ("folds", "draws"))
                for (seed, subject), value in values.items():
                    if of == "best":
                        folds.setdefault(fold, []).append((draw, seed, subject, value))
                    else:
                        ends[fold, draw, seed, subject] = value
        kept = {fold: lines for fold, given in folds.items() if (lines := _balanced(given))}
        grid.append([_cell(column["part"], kept, ends) for column in recipe["columns"]])
    return grid


def _cell(part: str, folds: Mapping[str, list[Line]], ends: Mapping[tuple[str, ...], float]) -> Numbers | None:
    if not folds:
        return None
    if part == "mean":
        runs = sum(len({line[:2] for line in lines}) for lines in folds.values())
        return [("mean", float(np.mean([_mean(lines) for lines in folds.values()]))), ("n", runs)]
    if part == "epoch":
        value = _epoch(folds, ends)
    else:
        found = [_moments(lines) for lines in folds.values()]
        seed = _pooled([one["seed"] for one in found])
        if part == "fold":
            inside = float(np.mean([one["inside"] for one in found]))
            means = [_mean(lines) for lines in folds.values()]
            value = math.sqrt(max(float(np.var(means, ddof=1)) - inside, 0.0)) if len(means) > 1 else math.nan
        elif part.startswith("n"):
            n = int(part[1:])
            value = float(t.ppf(0.975, n - 1)) * math.sqrt(2 * max(seed, 0.0) / n)
        else:
            variance = _pooled([one[part] for one in found])
            value = math.sqrt(variance) if variance > 0 else 0.0 * variance
    return None if math.isnan(value) else [("value", value)]


def _balanced(lines: Sequence[Line]) -> list[Line]:
    """Lines of the seeds that all draws have, on the subjects that all of those have."""
    draws = {draw for draw, *_ in lines}
    seeds = set.intersection(*({s for d, s, *_ in lines if d == draw} for draw in draws))
    kept = [line for line in lines if line[1] in seeds]
    runs = {line[:2] for line in kept}
    subjects = set.intersection(*({line[2] for line in kept if line[:2] == run} for run in runs)) if runs else set()
    return [line for line in kept if line[2] in subjects]


def _moments(lines: Sequence[Line]) -> dict[str, float]:
    """Components of one fold, from mean squares and what these are expected to be."""
    names: list[list[Any]] = [[line[0] for line in lines], [line[:2] for line in lines], [line[2] for line in lines]]
    d, r, u = (len(set(one)) for one in names)  # draws, runs, subjects
    s, y = r // d, np.array([line[3] for line in lines])
    draw, run, subject = (np.array([[value == name for name in sorted(set(one))] for value in one], float)
                          for one in names)  # fmt: skip
    ones = np.ones((len(y), 1))
    both = np.einsum("ni,nj->nij", draw, subject).reshape(len(y), -1)
    of_rest = _over(_left(y, run, both), d * (s - 1) * (u - 1))
    of_seed = _over(_left(y, draw) - _left(y, run), d * (s - 1))
    of_draw = _over(_left(y, ones) - _left(y, draw), d - 1)
    of_subject = _over(_left(y, ones) - _left(y, subject), u - 1)
    of_both = _over(_left(y, draw, subject) - _left(y, both), (d - 1) * (u - 1))
    noise = of_both if d > 1 else of_rest
    crossed = 0.0 if u == 1 else of_both - of_rest
    found = {
        "seed": of_seed / u,
        "draw": (of_draw - of_seed - crossed) / (s * u),
        "subject": (of_subject - noise) / (d * s),
        "subject_draw": (of_both - of_rest) / s,
    }
    shares = {"seed": d * s, "draw": d, "subject": u, "subject_draw": d * u}
    return {**found, "inside": sum(found[name] / n for name, n in shares.items() if not math.isnan(found[name]))}


def _left(y: np.ndarray, *designs: np.ndarray) -> float:
    """What least squares leave of the values."""
    design = np.hstack(designs)
    return float(np.square(y - design @ np.linalg.lstsq(design, y, rcond=None)[0]).sum())


def _over(total: float, freedom: int) -> float:
    return total / freedom if freedom else math.nan


def _pooled(values: Sequence[float]) -> float:
    told = [value for value in values if not math.isnan(value)]
    return sum(told) / len(told) if told else math.nan


def _mean(lines: Sequence[Line]) -> float:
    return float(np.mean([value for *_, value in lines]))


def _epoch(folds: Mapping[str, list[Line]], ends: Mapping[tuple[str, ...], float]) -> float:
    changes: dict[tuple[str, ...], list[float]] = {}
    for fold, lines in folds.items():
        for draw, seed, subject, value in lines:
            changes.setdefault((fold, draw, seed), []).append(value - ends.get((fold, draw, seed, subject), math.nan))
    return float(np.sqrt(np.mean([np.mean(of_run) ** 2 for of_run in changes.values()])))
