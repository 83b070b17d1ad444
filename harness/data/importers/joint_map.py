"""Which joints of another layout make a skeleton's: declared, not guessed.

A map gives each joint of the skeleton a source joint, a list of some (their mean), or shares that add up to 1::

    Hip: hips
    Thorax: [LeftArm, RightArm]
    Spine: {hips: 0.6, neck: 0.4}

Layouts of keypoints that are widely used are declared in ``joint_maps.json`` beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError, unknown
from harness.skeleton import Skeleton

_SHIPPED = Path(__file__).with_name("joint_maps.json")


@dataclass(frozen=True, eq=False)
class JointMap:
    """``shares`` (J, S): how much of each source joint is in each joint; every row adds up to 1."""

    sources: tuple[str, ...]
    shares: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """``values`` (…, S, C) of the source joints as (…, J, C); a joint is NaN where one of its sources is."""
        used = self.shares > 0
        joints = [
            np.einsum("s,...sc->...c", row[own], values[..., own, :])
            for row, own in zip(self.shares, used, strict=True)
        ]
        return np.stack(joints, axis=-2)

    def scores(self, values: np.ndarray) -> np.ndarray:
        """The least score among each joint's sources: (…, S) → (…, J)."""
        return np.stack([values[..., row > 0].min(axis=-1) for row in self.shares], axis=-1)


def declared(given: Any, sources: Sequence[str], skeleton: Skeleton, path: str) -> JointMap:
    """The map that ``given`` declares.

    Args:
        given: joint → source joint, list of them, or shares. sources: the source's joints, in order.
        path: the file that declares it, for messages.
    Raises:
        UserError: a joint that is missing or isn't the skeleton's; a source that isn't there; shares that don't add up.
    """
    if not isinstance(given, Mapping):
        raise UserError(f"expected joints of {skeleton.name}, each with its source", file=path)
    for joint in given:
        if joint not in skeleton.joints:
            raise unknown(f"joint of {skeleton.name}", str(joint), skeleton.joints, file=path, key=str(joint))
    shares = np.zeros((len(skeleton), len(sources)))
    for place, joint in enumerate(skeleton.joints):
        if joint not in given:
            raise UserError(f"this joint of {skeleton.name} has no source", file=path, key=joint)
        for source, share in _shares(given[joint], path, joint).items():
            if source not in sources:
                raise unknown("source joint", source, sources, file=path, key=joint)
            shares[place, sources.index(source)] += share
    return JointMap(tuple(sources), shares)


def _shares(value: Any, path: str, joint: str) -> dict[str, float]:
    if isinstance(value, list) and value:
        return {str(source): value.count(source) / len(value) for source in value}
    if not isinstance(value, Mapping):
        return {str(value): 1.0}
    numbers = all(isinstance(share, int | float) and not isinstance(share, bool) for share in value.values())
    if not numbers or min(value.values(), default=0) <= 0 or abs(sum(value.values()) - 1) > 1e-6:
        raise UserError("expected shares above 0 that add up to 1", file=path, key=joint)
    return {str(source): float(share) for source, share in value.items()}


def of_file(path: str, sources: Sequence[str], skeleton: Skeleton) -> JointMap:
    """The map in a YAML or JSON file, of the source joints that a file of motion has."""
    found = _content(path)
    return declared(found.get("map", found), sources, skeleton, path)


def of_layout(given: str | None, count: int, skeleton: Skeleton, path: str) -> JointMap:
    """The map of a layout of keypoints.

    Args:
        given: the name of a shipped layout; a YAML or JSON file with ``joints``, the layout's names in order, and
            ``map``; or None: the shipped layout with ``count`` keypoints.
        path: the file of keypoints, for messages.
    Raises:
        UserError: no such layout or file; one with another number of keypoints.
    """
    shipped = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    if given is None:
        fitting = [name for name, layout in shipped.items() if count in layout["counts"]]
        if not fitting:
            message = f"{count} keypoints, of no layout that is known; name one or declare it: -o joints="
            raise UserError(f"{message} ({', '.join(shipped)})", file=path)
        given = fitting[0]
    if given in shipped:
        layout, where = shipped[given], str(_SHIPPED)
        counts = layout["counts"]
        if layout["map"].keys() != set(skeleton.joints):
            message = f"{given} is declared for the joints of h36m17, these clips have {skeleton.name}'s"
            raise UserError(f"{message}: declare a map of your own, -o joints=FILE", file=path, key="joints")
    elif not Path(given).suffix:
        raise unknown("layout of keypoints", given, shipped, key="joints")
    else:
        layout, where = _content(given), given
        if not isinstance(layout.get("joints"), list):
            raise UserError("expected 'joints', a list of the layout's names, and 'map'", file=given, key="joints")
        counts = [len(layout["joints"])]
    if count not in counts:
        message = f"{count} keypoints; {given} has {' or '.join(map(str, counts))}"
        raise UserError(message, file=path, key="joints")
    return declared(layout.get("map"), [str(name) for name in layout["joints"]], skeleton, where)


def _content(path: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("no such file; expected a map of joints (YAML or JSON)", file=path, key="joints") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"can't be read as YAML ({reason})", file=path, key="joints") from None
    if not isinstance(found, dict):
        raise UserError("expected a map of joints", file=path, key="joints")
    return found
