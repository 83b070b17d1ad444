"""Arguments that several subcommands share."""

from __future__ import annotations

import argparse
import os


def spec(parser: argparse.ArgumentParser) -> None:
    """SPEC, -o and --seeds."""
    parser.add_argument("spec", metavar="SPEC", help="a spec file, or the name of a shipped spec (`repose ls specs`)")
    parser.add_argument(
        "-o",
        dest="overrides",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="override a field, e.g. -o train.steps=100; may be repeated",
    )
    parser.add_argument("--seeds", type=positive, metavar="N", help="replace the seed axis by 0 … N-1")


def store(parser: argparse.ArgumentParser) -> None:
    """--tracking-uri."""
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow tracking URI (default: the spec's or local)")


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is needed; got {text}")
    return value


def words(arguments: argparse.Namespace, *flags: str) -> list[str]:
    """SPEC, -o, --seeds and the named flags as they were given, to print a command that goes on."""
    given = [arguments.spec]
    for override in arguments.overrides:
        given += ["-o", override]
    for flag in ("seeds", *flags):
        value = getattr(arguments, flag)
        if value:
            given += [f"--{flag.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return given


def processors(share: float) -> int:
    """How many runs of ``share`` processors fit on this machine."""
    return max(1, int((os.cpu_count() or 1) / share))
