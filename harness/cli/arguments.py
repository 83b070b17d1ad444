"""Arguments that several subcommands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import UserError, nearest

if TYPE_CHECKING:
    from harness.report.compare import Comparison
    from harness.spec import Spec


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with the nearest valid word, as all errors of this command do."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: error: {message}; see `{self.prog} --help`", file=sys.stderr)
        raise SystemExit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            guess = nearest(str(value), known)
            hint = f"; did you mean '{guess}'?" if guess else ""
            raise argparse.ArgumentError(action, f"unknown: '{value}'{hint} (known: {', '.join(known)})")


SPEC_HELP = "a spec file, or the name of a shipped spec (`repose ls specs`)"


def spec(parser: argparse.ArgumentParser) -> None:
    """SPEC, -o and --seeds."""
    parser.add_argument("spec", metavar="SPEC", help=SPEC_HELP)
    overriding(parser)


def specs(parser: argparse.ArgumentParser) -> None:
    """SPEC once or more, -o and --seeds, which apply to each."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help=SPEC_HELP)
    overriding(parser)


def run(parser: argparse.ArgumentParser) -> None:
    """RUN."""
    parser.add_argument(
        "run", nargs="+", metavar="RUN", help="the first digits of a run_id, four or more, or words of its label"
    )


def overriding(parser: argparse.ArgumentParser) -> None:
    """-o and --seeds."""
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


def where(parser: argparse.ArgumentParser, what: str) -> None:
    """--where, which may be repeated: (axis, text) pairs; ``what`` is its help."""
    parser.add_argument("--where", type=condition, action="append", default=[], metavar="AXIS=VALUE", help=what)


def condition(text: str) -> tuple[str, str]:
    """AXIS=VALUE, for argparse."""
    axis, equals, value = text.partition("=")
    if not (axis and equals and value):
        raise argparse.ArgumentTypeError(f"AXIS=VALUE is needed, e.g. objective=spatial; got '{text}'")
    return axis, value


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is needed; got '{text}'")
    return value


@contextmanager
def located(spec: Spec | Comparison, arguments: argparse.Namespace) -> Iterator[None]:
    """Errors about a value of the spec that only show once it is used say where the value was given."""
    try:
        yield
    except UserError as error:
        if error.file is not None or error.key is None:
            raise
        if error.key == "tracking.uri" and arguments.tracking_uri:
            raise UserError(error.message, key="--tracking-uri") from None
        where = spec.where(error.key)
        if where is None:
            raise
        raise UserError(error.message, **where) from None


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
