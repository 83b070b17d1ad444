"""`repose cp NAME FILE`."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="a shipped spec (`repose ls specs`)")
    parser.add_argument("file", metavar="FILE", help="the new file, or a folder")


def execute(arguments: argparse.Namespace) -> int:
    """Copy a shipped spec and print the new file."""
    from harness.spec import shipped

    print(shipped.copy(arguments.name, arguments.file))
    return 0
