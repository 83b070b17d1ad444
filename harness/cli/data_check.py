"""`repose data check SPEC|FILE`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.cli import sources

if TYPE_CHECKING:
    from harness.data.checks.examined import Examined, Finding

WINDOW = 27
"""Frames of a window where no spec says otherwise, as in specs that don't."""

CHECKS = ("values", "units", "bones", "teleports", "sides", "cameras", "detections", "performers", "lengths")
"""Named here again, since help loads no data code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    sources.add_arguments(parser)
    parser.add_argument("--only", nargs="+", metavar="CHECK", help=f"some of {', '.join(CHECKS)} (default: all)")
    parser.add_argument(
        "--window", type=shared.positive, metavar="T", help="frames of a window, for a file (default: 27)"
    )
    parser.add_argument("--all", action="store_true", help="print every finding, not the first 20 of each check")
    parser.add_argument("--json", action="store_true", help="print JSON: all findings")


def execute(arguments: argparse.Namespace) -> int:
    """Print what is found; 0 if nothing is, 1 otherwise."""
    from harness.data import checks

    found: list[Finding] = []
    looked = []
    for data in _examined(arguments):
        own = checks.run(data, arguments.only)
        found += own
        looked.append(_summary(data, own))
        if not arguments.json:
            print("\n".join([*_lines(own, arguments.all), looked[-1]["said"]]))
    if arguments.json:
        print(json.dumps({"data": looked, "findings": [asdict(one) for one in found]}, indent=1, ensure_ascii=False))
    return 1 if found else 0


def _examined(arguments: argparse.Namespace) -> list[Examined]:
    from harness.data.checks import opening

    if sources.is_file(arguments):
        name = opening.dataset_of(arguments.target)
        return [opening.examined(name, arguments.target, window=arguments.window or WINDOW)]
    from harness.data import resolve_split

    found = []
    for data, group in sources.different(sources.spec(arguments)):
        splits = {
            one.split if isinstance(one.split, str) else "of the spec": resolve_split(
                one.dataset, one.split, one.options, one.path
            )
            for one in group
        }
        window = arguments.window or max(one.window for one in group)
        found.append(opening.examined(data.dataset, data.path, data.options, window=window, splits=splits))
    return found


_FIRST = 20


def _lines(found: list[Finding], every: bool) -> list[str]:
    counts: dict[str, int] = {}
    lines = []
    for one in found:
        counts[one.check] = counts.get(one.check, 0) + 1
        if every or counts[one.check] <= _FIRST:
            lines.append(str(one))
    lines += [
        f"{count - _FIRST} more of {name} (--all)" for name, count in counts.items() if count > _FIRST and not every
    ]
    return lines


def _summary(data: Examined, found: list[Finding]) -> dict:
    frames, clips = sum(map(len, data.clips)), {one.clip for one in found if one.clip}
    said = f"{data.file}: {len(data.clips)} clips, {frames:,} frames: "
    said += f"{len(found)} findings, about {len(clips)} clips" if found else "nothing found"
    return {"file": data.file, "clips": len(data.clips), "frames": frames, "findings": len(found), "said": said}
