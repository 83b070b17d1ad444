"""`repose power SPEC`."""

from __future__ import annotations

import argparse
import math

from harness.cli import arguments as shared
from harness.cli import staged

EFFECTS = (0.5, 1.0, 2.0, 5.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument(
        "--effect",
        type=size,
        action="append",
        metavar="MM",
        help="true difference to find, in the metric's unit; may be repeated (default: 0.5, 1, 2 and 5)",
    )
    parser.add_argument("--halfwidth", type=size, action="append", metavar="MM", help="half of the interval to reach")
    parser.add_argument("--margin", type=size, action="append", metavar="MM", help="margin to find equality within")
    parser.add_argument("--metric", default="mpjpe", metavar="NAME", help="whose differences (default: mpjpe)")
    shared.where(
        parser, "only these arms, test levels or cameras; VALUE,VALUE averages (default: the area under the curve)"
    )
    parser.add_argument("--power", type=share, default=0.8, metavar="P", help="chance of finding it (default: 0.8)")


def execute(arguments: argparse.Namespace) -> int:
    """Print how many seeds the spec's arms need."""
    from harness.report import power, records
    from harness.spec import load

    spec = load(arguments.spec, arguments.overrides, arguments.seeds)
    asked = [(what, one) for what in power.QUESTIONS for one in getattr(arguments, what) or ()]
    questions = asked or [("effect", one) for one in EFFECTS]
    with shared.located(spec, arguments):
        uri = arguments.tracking_uri or spec.tracking.uri
        spec = staged.narrowed(spec, uri)
        evidence = records.load(spec, records.Store(uri))
        where = {axis: value.split(",") for axis, value in arguments.where}
        found = power.pilot(evidence, questions, metric=arguments.metric, where=where, power=arguments.power)
    print("\n".join([f"{spec.name}: {power.lines(found)[0]}", *power.lines(found)[1:]]))
    return 0


def size(text: str) -> float:
    """A positive number, for argparse."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"a positive number is needed; got '{text}'")
    return value


def share(text: str) -> float:
    """A number between 0 and 1, for argparse."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"a number between 0 and 1 is needed; got '{text}'")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
