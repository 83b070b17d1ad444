"""`repose ls [KIND]`."""

from __future__ import annotations

import argparse

KINDS = ("backbones", "losses", "datasets", "occlusions", "metrics", "specs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("kind", nargs="?", choices=KINDS, metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("-v", dest="verbose", action="store_true", help="also the options, with their defaults")


def execute(arguments: argparse.Namespace) -> int:
    """Print one line for each name."""
    from harness.spec.catalogue import lines

    kinds = [arguments.kind] if arguments.kind else list(KINDS)
    for number, kind in enumerate(kinds):
        if len(kinds) > 1:
            print(f"{'' if number == 0 else chr(10)}{kind}:")
        print("\n".join(lines(kind, options=arguments.verbose)))
    return 0
