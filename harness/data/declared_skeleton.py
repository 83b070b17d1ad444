"""The skeleton that an imported clip file names or declares, checked. No numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from harness.data.description import META
from harness.errors import UserError, unknown
from harness.skeleton import SKELETONS, Skeleton


def declared(given: str | Mapping[str, Any], path: str) -> Skeleton:
    """The skeleton that a file names or declares.

    Raises:
        UserError: an unknown name, or a declaration that isn't one.
    """
    if isinstance(given, str):
        if given not in SKELETONS:
            raise unknown("skeleton", given, SKELETONS, file=path, key="skeleton")
        return SKELETONS[given]
    try:
        values = {field.name: given[field.name] for field in fields(Skeleton) if field.name in given}
        found = Skeleton(**{name: _frozen(value) for name, value in values.items()})
    except TypeError:
        names = ", ".join(field.name for field in fields(Skeleton))
        message = f"no declaration of a skeleton; expected {names}"
        raise UserError(message, file=path, key=f"{META}: skeleton") from None
    for key, fits, expected in _expected(found):
        if not fits():
            raise UserError(f"'{key}' isn't {expected}", file=path, key=f"{META}: skeleton")
    return found


def _expected(skeleton: Skeleton) -> list[tuple[str, Any, str]]:
    """Key, whether it is as it should be, and how that is; each may rely on those before it."""
    joints = skeleton.joints

    def index(value: Any, least: int = 0) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value < len(joints)

    def groups(value: Any) -> bool:
        return isinstance(value, dict) and all(
            isinstance(group, tuple) and all(map(index, group)) and len(set(group)) == len(group)
            for group in value.values()
        )

    def tree() -> bool:
        parents = skeleton.parents
        whole = isinstance(parents, tuple) and len(parents) == len(joints) and all(index(p, -1) for p in parents)
        return whole and parents[0] == -1 and all(map(_rooted(parents), parents))

    def pairs() -> bool:
        mirror = skeleton.mirror
        whole = isinstance(mirror, tuple) and len(mirror) == len(joints) and all(map(index, mirror))
        return whole and all(mirror[mirror[j]] == j for j in range(len(joints)))

    def radii() -> bool:
        found = skeleton.radii
        numbers = isinstance(found, tuple) and all(
            isinstance(r, int | float) and not isinstance(r, bool) and 0 <= r < 1 for r in found
        )
        return numbers and len(found) in (0, len(joints))

    return [
        ("name", lambda: isinstance(skeleton.name, str) and skeleton.name, "a text"),
        (
            "joints",
            lambda: (
                isinstance(joints, tuple)
                and len(joints) > 1
                and all(isinstance(joint, str) for joint in joints)
                and len(set(joints)) == len(joints)
            ),
            "a list of two names or more, all different",
        ),
        (
            "parents",
            tree,
            "a parent's number for each joint: a tree whose root comes first; -1 for the root and for loose joints",
        ),
        ("mirror", pairs, "the number of its mirror image for each joint, its own on the midline"),
        ("limbs", lambda: groups(skeleton.limbs), "named groups of joints, by number"),
        ("halves", lambda: groups(skeleton.halves), "named groups of joints, by number"),
        ("radii", radii, "empty, or a radius in metres, below 1, for each joint"),
    ]


def _rooted(parents: Sequence[int]) -> Any:
    def rooted(joint: int) -> bool:
        steps = 0
        while joint >= 0 and steps <= len(parents):
            joint, steps = parents[joint], steps + 1
        return joint < 0

    return rooted


def _frozen(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_frozen(item) for item in value)
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, Mapping) else value
