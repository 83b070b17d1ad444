"""`repose check backbone NAME`."""

from __future__ import annotations

import argparse

from harness.cli import arguments as shared
from harness.skeleton import H36M17

KINDS = ("backbone",)
_MARKS = {True: "ok", False: "FAILED", None: "-"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", help="registered, of an installed package, or path/to/file.py:Class")
    parser.add_argument(
        "-o",
        dest="options",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help="an option of the backbone, e.g. -o channels=16; may be repeated",
    )
    parser.add_argument(
        "--joints", type=shared.positive, default=len(H36M17), metavar="N", help="keypoints (default: %(default)s)"
    )
    parser.add_argument(
        "--features", type=int, choices=(2, 3), metavar="N", help="numbers a keypoint: 2, or 3 with confidence"
    )
    parser.add_argument(
        "--window", type=shared.positive, metavar="T", help="frames of a window (default: a few more than it reads)"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a check; 1 if one failed."""
    from pathlib import Path

    from harness.own_backbones import absolute
    from harness.training.contract import check

    name = absolute(arguments.name, Path())
    findings = check(
        name,
        _options(arguments.options),
        joints=arguments.joints,
        features=arguments.features,
        window=arguments.window,
    )
    failed = 0
    for found in findings:
        failed += found.holds is False
        print(f"{_MARKS[found.holds]:<6}  {found.check:<20}  {found.said}", flush=True)
    print(f"{arguments.name}: {f'{failed} of the checks failed' if failed else 'keeps the contract'}")
    return 1 if failed else 0


def _options(given: list[str]) -> dict[str, object]:
    """``OPTION=VALUE`` each, the value in YAML."""
    from harness.errors import UserError
    from harness.spec.yaml_lines import parse

    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UserError(f"an option is name=value, e.g. -o channels=16; got '{text}'", key="-o")
        found[name.strip()] = parse(value, f"-o {text}").data
    return found
