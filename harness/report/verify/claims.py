"""What became of each claim, decided a second time from the runs' values and how they converged."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from harness.report.verify import arithmetic as own
from harness.report.verify.cells import Expected, compare
from harness.report.verify.ledger import Ledger, numbers
from harness.report.verify.selecting import behind, listed

KIND = "claims"
POWER, MANY = 0.8, 1_000_000
SEEDS_SLACK = 0.002
"""Seeds needed are found here with scipy's noncentral t: the report's integral may differ by this share, or by one."""
_SAID = ("metric", "direction", "at_least", "margin")
_TRAINED = ("no longer falling", "nothing to train")


def check(
    ledger: Ledger,
    file: str,
    table: Mapping[str, Any],
    frame: pd.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    pilot: Sequence[int] = (),
) -> None:
    """Compare every row of the table of claims.

    Args:
        ledger: takes what is found.
        file: where the table stands.
        table: as ``report.json`` has it.
        frame: `runs.csv`, names and keys as text.
        runs: ``runs`` of ``report.json``.
        pilot: the seeds of the pilot that fixed how many there are, if one did.
    """
    for i, (row, stated) in enumerate(zip(table["rows"], table["recipe"]["columns"], strict=True)):
        name, (verdict, difference, claimed, _) = f"claim {i + 1}", row["cells"]
        sides = _sides(frame, stated)
        common = [seed for seed in sides[0] if seed in sides[1]]
        values, first = own.leading({seed: sides[0][seed] - sides[1][seed] for seed in common}, pilot)
        expected = _verdict(values, first, sides, stated, _trouble(stated, runs, common))
        ledger.same(KIND, file, f"{name}, verdict", expected, verdict["text"])
        ledger.same(KIND, file, f"{name}, verdict kept apart", expected, verdict["numbers"].get("verdict"))
        compare(ledger, file, f"{name}, difference", difference, _difference(values, stated["margin"], first))
        amounts = [stated["at_least"]] if stated["at_least"] else []
        amounts += [stated["margin"]] if stated["margin"] is not None else []
        ledger.same(KIND, file, f"{name}, claimed", amounts, [float(token) for token in numbers(claimed["text"])])
        if expected == "inconclusive":
            _seeds(ledger, file, name, table["notes"][i], verdict["numbers"].get("seeds_needed"), values, stated)


def stated(
    ledger: Ledger, file: str, table: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], spec: Any, source: Any
) -> None:
    """Compare when each claim was stated with the store: before the first start of its runs, or post hoc."""
    ask = getattr(source, "registered", None)  # a source needn't know of claims
    known = ask(spec) if ask is not None else {}
    records = source.finished([run["run_id"] for run in runs])
    starts = {run_id: record.started for run_id, record in records.items()} if known else {}
    first = getattr(source, "begun", None)  # an attempt that was stopped is a start too
    starts |= first(list(records)) if first is not None else {}
    for i, (row, of, claim) in enumerate(zip(table["rows"], table["recipe"]["columns"], spec.claims, strict=True)):
        sides = _planned(of, runs)
        mine = [side[seed]["run_id"] for side in sides for seed in set(sides[0]) & set(sides[1])]
        at = known.get(claim.digest(spec.name))
        begun = [starts[run_id] for run_id in mine if run_id in starts]
        before = at is not None and all(round(1000 * at.at) <= round(1000 * start) for start in begun)
        expected = "before the runs" if before else "post hoc"
        ledger.same(KIND, file, f"claim {i + 1}, stated", expected, row["cells"][3]["text"])
        where = {name: listed(wanted) for name, wanted in claim.where.items() if name not in of["arm"]}
        told = {**where, **{name: getattr(claim, name) for name in _SAID}}
        found = {name: listed(of[name]) if name in where else of.get(name) for name in told}
        ledger.same(KIND, file, f"claim {i + 1}, as the spec has it", told, found)


def _sides(frame: pd.DataFrame, stated: Mapping[str, Any]) -> list[dict[Any, float]]:
    """Seed → value of both arms."""
    axes = [axis for axis in stated["arm"] if axis in frame]
    if stated["metric"] not in set(frame["metric"]):
        return [{}, {}]
    found = behind(frame, axes, {name: value for name, value in stated.items() if name not in ("arm", "versus")})
    return [found.get(tuple(stated[side][axis] for axis in axes), {}) for side in ("arm", "versus")]


def _trouble(stated: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], common: Sequence[str]) -> bool:
    """Whether runs may not decide: one of a seed that both arms plan lacks its value or hadn't converged."""
    of = _planned(stated, runs)
    planned = set(of[0]) & set(of[1])
    settled = all(side[seed]["convergence"] in _TRAINED for side in of for seed in planned)
    return not settled or planned != set(common)


def _planned(stated: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Mapping[str, Any]]]:
    """Seed → run of both arms."""
    return [
        {str(run["seed"]): run for run in runs if all(str(run[axis]) == value for axis, value in stated[side].items())}
        for side in ("arm", "versus")
    ]


def _verdict(
    values: list[float],
    pilot: int | None,
    sides: list[dict[Any, float]],
    stated: Mapping[str, Any],
    trouble: bool,
) -> str:
    common = [seed for seed in sides[0] if seed in sides[1]]
    constant = all(len({side[seed] for seed in common}) == 1 for side in sides)
    half = own.half_width(values, pilot)
    if trouble or half is None or constant:
        return "undecided"
    sign = -1 if stated["direction"] == "lower" else 1
    low, high = (round(sign * own.mean(values) + way * half[0], 9) for way in (-1, 1))
    if low >= stated["at_least"]:
        return "supported"
    if high < stated["at_least"]:
        return "refuted"
    margin = stated["margin"]
    if margin is not None:
        telling = values[:pilot]
        flat = own.flat(telling)
        within = abs(own.mean(values)) < margin if flat else own.equivalence_p(values, margin, pilot) < 0.025
        if within and len(telling) >= own.FEWEST_PAIRS:
            return "equivalent"
    return "inconclusive"


def _difference(values: list[float], margin: float | None, pilot: int | None) -> Expected | None:
    if not values:
        return None
    centre, half = own.mean(values), own.half_width(values, pilot)
    printed = [("difference", centre)]
    if half is not None:
        printed += [("low", centre - half[0]), ("high", centre + half[0])]
    p = math.nan if margin is None else own.equivalence_p(values, margin, pilot)
    return Expected([*printed, ("n", len(values))], {} if math.isnan(p) else {"p_equivalence": p})


def _seeds(
    ledger: Ledger, file: str, name: str, note: str, found: Any, values: list[float], stated: Mapping[str, Any]
) -> None:
    """Seeds that would decide an inconclusive claim, within `SEEDS_SLACK`."""
    sd, n, centre = own.deviation(values), len(values), own.mean(values)
    sign = -1 if stated["direction"] == "lower" else 1
    needed = [_least(lambda m: _power(m, abs(sign * centre - stated["at_least"]) / sd, 0.95))]
    margin = stated["margin"]
    if margin is not None and abs(centre) < margin:
        near = _least(lambda m: _power(m, (margin - abs(centre)) / sd, 0.95))
        needed.append(max(near, _least(lambda m: _both_reject(m, margin / sd))))
    expected = max(min(needed), n + 1)
    if expected >= MANY:
        ledger.same(KIND, file, f"{name}, seeds needed", None, found)
        return
    slack = max(1.0, SEEDS_SLACK * expected)
    told = isinstance(found, int | float | str) and abs(float(found) - expected) <= slack
    ledger.same(KIND, file, f"{name}, seeds needed", expected, expected if told else found)
    ledger.same(KIND, file, f"{name}, seeds needed as said", True, f"{int(float(found or 0)):,} seeds" in note)


def _least(power: Callable[[int], float]) -> int:
    """The smallest number of pairs, two or more, at which the power is enough."""
    high = 2
    while power(high) < POWER:
        if high >= MANY:
            return MANY
        high = min(2 * high, MANY)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return max(high, 2)


def _power(n: int, ratio: float, level: float) -> float:
    """Of the two-sided t-test of ``n`` pairs, with room for skew, at a true difference of ``ratio`` sds; 0 of two."""
    if n < own.FEWEST_PAIRS:
        return 0.0
    critical = float(stats.t.ppf((1 + level) / 2, n - 1)) * _room(n)
    if n > 10_000:  # where the noncentral t is normal, and scipy's slow
        return float(stats.norm.sf(critical - ratio * math.sqrt(n)) + stats.norm.cdf(-critical - ratio * math.sqrt(n)))
    shift = ratio * math.sqrt(n)
    return float(np.nansum([stats.nct.sf(critical, n - 1, shift), stats.nct.cdf(-critical, n - 1, shift)]))


def _room(n: int) -> float:
    """What the room for skew is on average, of normal values."""
    of_skewness = math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
    return 1 + own.ROOM * math.sqrt(2 / math.pi) * of_skewness / math.sqrt(n - 1)


def _both_reject(n: int, ratio: float) -> float:
    """Chance that two one-sided tests at 2.5 % find equivalence at a true difference of 0; none of two pairs."""
    if n < own.FEWEST_PAIRS:
        return 0.0
    share = (np.arange(20_000) + 0.5) / 20_000
    spread = np.sqrt(stats.chi2.ppf(share, n - 1) / (n - 1))
    room = ratio * math.sqrt(n) - float(stats.t.ppf(0.975, n - 1)) * _room(n) * spread
    return float(np.clip(2 * stats.norm.cdf(room) - 1, 0, None).mean())
