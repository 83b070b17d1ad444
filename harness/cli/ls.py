"""`repose ls [KIND]`, `repose ls backbones [NAME …] --cost`."""

from __future__ import annotations

import argparse

from harness.cli import arguments as shared
from harness.errors import UserError

KINDS = ("backbones", "losses", "datasets", "occlusions", "processes", "metrics", "protocols", "specs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("kind", nargs="?", choices=KINDS, metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="with --cost: only these backbones")
    parser.add_argument(
        "-v",
        dest="verbose",
        action="store_true",
        help="also options with their defaults; sources of protocols and of processes",
    )
    cost = parser.add_argument_group("costs of backbones, measured here (docs/backbones.md)")
    cost.add_argument("--cost", action="store_true", help="parameters, MACs of an output frame, speed, peak memory")
    cost.add_argument("--window", type=shared.positive, default=27, metavar="W", help="frames in (default: 27)")
    cost.add_argument("--frames-out", type=shared.positive, metavar="N", help="frames out (default: what each gives)")
    cost.add_argument("--batch", type=shared.positive, default=8, metavar="B", help="windows of a pass (default: 8)")
    cost.add_argument("--device", metavar="D", help="cpu, cuda (default: what a run would take)")


def execute(arguments: argparse.Namespace) -> int:
    """Print one line for each name."""
    if arguments.cost:
        return _costs(arguments)
    if arguments.names:
        raise UserError("names belong to `repose ls backbones NAME … --cost`", key=arguments.names[0])
    from harness.spec.catalogue import lines

    kinds = [arguments.kind] if arguments.kind else list(KINDS)
    for number, kind in enumerate(kinds):
        if len(kinds) > 1:
            print(f"{'' if number == 0 else chr(10)}{kind}:")
        print("\n".join(lines(kind, options=arguments.verbose)))
    return 0


def _costs(arguments: argparse.Namespace) -> int:
    if arguments.kind != "backbones":
        raise UserError("only backbones have costs: `repose ls backbones --cost`", key="--cost")
    from harness.cli import cost

    asked = {name: getattr(arguments, name) for name in ("window", "frames_out", "batch", "device")}
    for line in cost.lines(arguments.names, **asked):
        print(line, flush=True)
    return 0
