"""`repose rescore SPEC`."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import registry
from harness.cli import arguments as shared
from harness.cli import staged
from harness.cli.main import INTERRUPTED
from harness.cli.report import publish
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.spec import Spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument(
        "--metric",
        dest="metrics",
        action="extend",
        nargs="+",
        metavar="NAME",
        help="metrics that came later than the records (default: all that they lack)",
    )
    parser.add_argument(
        "--test-occlusion",
        action="extend",
        nargs="+",
        default=[],
        metavar="LEVEL",
        help="test levels beside the spec's",
    )
    parser.add_argument(
        "--cameras", action="extend", nargs="+", default=[], metavar="SET", help="test cameras beside the spec's"
    )
    parser.add_argument(
        "--protocol",
        metavar="NAME",
        help="another protocol (docs/protocols.md); scores only what its way of scoring lacks",
    )
    parser.add_argument("--workers", type=shared.positive, metavar="N", help="runs at once (default: as many as fit)")
    parser.add_argument("--address", metavar="ADDRESS", help="a running Ray cluster (default: this machine)")
    parser.add_argument("--out", metavar="DIR", help="the report's folder (default: results/NAME)")


def execute(arguments: argparse.Namespace) -> int:
    """Score what the records of finished runs lack, then report; existing evaluations stay as they are."""
    from harness.spec import load

    for name in arguments.metrics or ():
        registry.get("metrics", name, key="--metric")
    spec = load(arguments.spec, arguments.overrides, arguments.seeds)
    more = _overrides(spec, arguments)
    if more:
        spec = load(arguments.spec, [*arguments.overrides, *more], arguments.seeds)
    uri = arguments.tracking_uri or spec.tracking.uri
    with shared.located(spec, arguments):
        spec = staged.narrowed(spec, uri)
    from harness.report.writing import check
    from harness.sweep import rescore

    check(Path(arguments.out) if arguments.out else Path("results") / spec.name)
    flags = ("tracking_uri", "metrics", "test_occlusion", "cameras", "protocol", "workers", "address", "out")
    again = shlex.join(["repose", "rescore", *_words(arguments, flags)])
    with shared.located(spec, arguments):
        outcome = rescore(
            spec,
            metrics=arguments.metrics,
            uri=uri,
            workers=arguments.workers,
            address=arguments.address,
            command=again,
        )
    if outcome.interrupted:
        return INTERRUPTED
    if outcome.lost:
        return 1
    if not outcome.skipped:
        raise UserError(f"no run of '{spec.name}' is finished: there are no weights to score; start with `repose run`")
    if not outcome.evaluated and not outcome.failed:
        print("nothing to score: the records hold all of it")
    with shared.located(spec, arguments):
        publish(spec, uri, arguments.out)
    if more:
        kept = shlex.join(["repose", "report", arguments.spec, *(word for given in more for word in ("-o", given))])
        print(f"this report again: {kept}")
    return 1 if outcome.failed else 0


def _overrides(spec: Spec, arguments: argparse.Namespace) -> list[str]:
    """What the flags say, as overrides of the spec's test."""
    found = []
    for field, given in (("occlusion", arguments.test_occlusion), ("cameras", arguments.cameras)):
        held: Sequence[str] = getattr(spec.test, field)
        added = [value for value in dict.fromkeys(given) if value not in held]
        if field == "occlusion":
            for level in added:
                registry.get("occlusions", level, key="--test-occlusion")
        found += [f"test.{field}=[{', '.join([*held, *added])}]"] if added else []
    return found + ([f"test.protocol={arguments.protocol}"] if arguments.protocol else [])


def _words(arguments: argparse.Namespace, flags: Sequence[str]) -> list[str]:
    """What was given, to print a command that goes on."""
    found = shared.words(arguments)
    for flag in flags:
        value = getattr(arguments, flag)
        name = "metric" if flag == "metrics" else flag.replace("_", "-")
        if value:
            found += [f"--{name}", *(map(str, value) if isinstance(value, list) else [str(value)])]
    return found
