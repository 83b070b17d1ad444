"""Splits by subject: named or spelt out, and refused when one person stands on two sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from harness.data.dataset import SIDES, Split, itself
from harness.errors import UserError, unknown

SplitLike = str | Mapping[str, Sequence[str]] | Split


def resolve(
    split: SplitLike,
    named: Mapping[str, Split],
    performers: Callable[[str], tuple[str, ...]] = itself,
    **where: Any,
) -> Split:
    """The split that ``split`` names or spells out, checked for leaks. Needs no data.

    Args:
        split: a name in ``named``, or ``{train: [...], validation: [...], test: [...]}``.
        performers: who a subject may be, see `harness.data.dataset.Dataset`.
        where: file, line and key of the split in the spec, for messages.
    Raises:
        UserError: an unknown name or side, an empty or missing side, a leak.
    """
    if isinstance(split, str):
        if split not in named:
            raise unknown("split", split, named, **where)
        split = named[split]
    elif not isinstance(split, Split):
        split = _from_mapping(split, **where)
    check_split(split, performers, **where)
    for side in SIDES:
        if not split.side(side):
            raise UserError(f"the split needs at least one subject for '{side}'", **where)
    return split


def _from_mapping(split: Any, **where: Any) -> Split:
    if not isinstance(split, Mapping):
        raise UserError(f"a split is a name or lists of subjects for {', '.join(SIDES)}; got {split!r}", **where)
    for side in split:
        if side not in SIDES:
            raise unknown("side of a split", str(side), SIDES, **where)
    for side in SIDES:
        names = split.get(side, ())
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise UserError(f"the split needs a list of subjects for '{side}'; got {names!r}", **where)
        wrong = [name for name in names if not isinstance(name, str)]
        if wrong:
            raise UserError(f"subjects are names; '{side}' holds {wrong[0]!r}", **where)
    return Split(**{side: tuple(split.get(side, ())) for side in SIDES})


def check_split(split: Split, performers: Callable[[str], tuple[str, ...]] = itself, **where: Any) -> None:
    """Refuse a split in which one performer stands, or may stand, on two sides.

    A split may choose by the very subjects that it tests on: it says so plainly, and only a protocol that says so, too,
    takes its scores (`harness.spec.protocol_checks`).

    Raises:
        UserError: the leak, with the subjects and sides it joins.
    """
    for side in SIDES:
        names = split.side(side)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UserError(f"subject '{twice[0]}' is listed twice in '{side}'", **where)
        for name in names:
            if side != "train" and len(performers(name)) > 1:
                raise UserError(f"'{name}' is of unknown performers, so it can't be in '{side}'", **where)
    for one, other in combinations(SIDES, 2):
        if split.chosen_on_test and (one, other) == ("validation", "test"):
            continue
        for a in split.side(one):
            for b in split.side(other):
                shared = set(performers(a)) & set(performers(b))
                if shared:
                    raise UserError(_leak(a, one, b, other, sorted(shared)[0], performers), **where)


def _leak(a: str, one: str, b: str, other: str, person: str, performers: Callable[[str], tuple[str, ...]]) -> str:
    if a == b:
        return f"the split leaks: subject '{a}' is in both '{one}' and '{other}'"
    link = "may be" if len(performers(a)) + len(performers(b)) > 2 else "are"
    return f"the split leaks: '{a}' ({one}) and '{b}' ({other}) {link} one performer ({person})"


def canonical(split: Split) -> dict[str, list[str]]:
    """What is hashed into a run's identity: sorted subject names, however the split was written."""
    return {side: sorted(split.side(side)) for side in SIDES}
