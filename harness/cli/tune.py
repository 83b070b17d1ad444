"""`repose tune SPEC`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.cli.main import INTERRUPTED

if TYPE_CHECKING:
    from harness.spec import Spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument(
        "--trials", type=shared.positive, metavar="N", help="trials of each arm, in place of the budget's"
    )
    parser.add_argument(
        "--hours", type=_hours, metavar="H", help="hours of each arm's trials over --workers, in place of the budget's"
    )
    parser.add_argument(
        "--reuse", action="store_true", help="begin with the finished runs of the store that are points of the space"
    )
    parser.add_argument("--workers", type=shared.positive, metavar="N", help="trials at once (default: as many as fit)")
    parser.add_argument("--address", metavar="ADDRESS", help="a running Ray cluster (default: this machine)")
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="where the history is kept: a file (default: beside the store), or postgresql://…",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Search, print what was found, write ``results/<spec>/study.json`` and say what to do with it."""
    from harness.spec import load

    spec = load(arguments.spec, arguments.overrides, arguments.seeds, data="need")
    uri = arguments.tracking_uri or spec.tracking.uri
    from harness import tune
    from harness.report.writing import check

    folder = Path("results") / spec.name
    check(folder)
    flags = ("tracking_uri", "trials", "hours", "reuse", "workers", "address", "storage")
    with shared.located(spec, arguments):
        outcome = tune.run_study(
            spec,
            uri=uri,
            storage=arguments.storage,
            trials=arguments.trials,
            hours=arguments.hours,
            workers=arguments.workers or spec.resources.workers,
            address=arguments.address,
            warm=arguments.reuse,
            command=shlex.join(["repose", "tune", *shared.words(arguments, *flags)]),
        )
    for line in _lines(outcome.content):
        print(line)
    print(f"\nhistory: {outcome.storage}")
    if outcome.interrupted:  # values of a search that was cut short are nobody's tuned ones
        return INTERRUPTED
    print(f"study: {tune.write(outcome.content, folder)}\nnext: {_next(spec, arguments.spec)}")
    return 0


def _next(spec: Spec, given: str) -> str:
    """What to do with what was found."""
    own = spec.tuned is not None and spec.tuned.own
    report = f"`repose run {shlex.quote(given)}`"
    if own:
        return f"{report} compares each arm with its tuned self on fresh seeds and writes results/{spec.name}/"
    return f"`from_study: {spec.name}` in a spec with other seeds, and `repose run` it: its report shows this study"


def _lines(found: dict) -> list[str]:
    """The best of each arm, beside the spec's own values."""
    names = [metric["name"] for metric in found["study"]["metrics"]]
    lines = []
    for arm in found["arms"]:
        lines.append(f"{arm['label']}: {_said(names, arm['default'], 'as the spec has it')}")
        best = [trial for trial in arm["trials"] if trial["number"] in arm["best"]]
        lines += [f"  {_said(names, trial, '#' + str(trial['number']))}" for trial in best]
    return lines


def _said(names: list[str], trial: dict | None, label: str) -> str:
    if trial is None or trial["values"] is None:
        return f"{label} no value"
    values = ", ".join(f"{name} {value:.6g}" for name, value in zip(names, trial["values"], strict=True))
    params = ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in trial["params"].items()
    )
    return f"{label} {values}{f' ({params})' if params else ''}"


def _hours(text: str) -> float:
    """A number above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of hours above 0 is needed; got '{text}'")
    return value
