"""`repose report SPEC …`."""

from __future__ import annotations

import argparse
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.cli import clips as player
from harness.cli import cost, drawing, staged
from harness.errors import UserError

_SHOWN = 20

if TYPE_CHECKING:
    from harness.cli.aside import Answers, Aside
    from harness.report.compare import Comparison
    from harness.spec import Spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.specs(parser)
    parser.add_argument("--compare", action="store_true", help="one report of all the specs instead of one of each")
    parser.add_argument("--out", metavar="DIR", help="the report's folder (default: results/NAME)")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compute every number of the written report again, from the records and from its files, by other code; "
        "exits 1 where one differs",
    )
    parser.add_argument(
        "--clips",
        type=shared.positive,
        default=player.CLIPS,
        metavar="N",
        help="play the N test clips in which the best arm differs most from its baseline, predicted again from saved "
        f"weights (default: {player.CLIPS})",
    )
    parser.add_argument("--no-player", action="store_true", help="play no clips: neither data nor weights are read")
    shared.store(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the report, or one of each spec, and print where it is; or verify what was written."""
    # Started first of all: what the other process loads takes longer than to read a spec.
    with nullcontext() if arguments.verify else drawing.helper() as other:
        return _execute(arguments, other)


def _execute(arguments: argparse.Namespace, other: Aside | None) -> int:
    from harness.spec import load

    # A report that came without its spec and store can still be held against itself.
    folders = [Path(one) for one in arguments.specs if arguments.verify and (Path(one) / "report.json").is_file()]
    wrong = sum(verify(None, None, folder) for folder in folders)
    named = [one for one in arguments.specs if Path(one) not in folders]
    specs = [load(spec, arguments.overrides, arguments.seeds) for spec in named]
    for i, one in enumerate(specs):
        with shared.located(one, arguments):
            specs[i] = staged.narrowed(one, arguments.tracking_uri or one.tracking.uri)
    for spec in _asked(specs, arguments):
        uri = arguments.tracking_uri or spec.tracking.uri
        with shared.located(spec, arguments):
            if arguments.verify:
                wrong += verify(spec, uri, arguments.out)
            else:
                publish(spec, uri, arguments.out, clips=0 if arguments.no_player else arguments.clips, other=other)
    return 1 if wrong else 0


def _asked(specs: list[Spec], arguments: argparse.Namespace) -> list[Spec] | list[Comparison]:
    """What a report is written of: each spec, or all of them as one."""
    if arguments.compare:
        if len(specs) < 2:
            raise UserError("a comparison needs two specs or more", key="--compare")
        from harness.report.compare import compared

        return [compared(specs, arguments.tracking_uri)]
    if arguments.out and len(specs) > 1:
        raise UserError("one folder can't hold several reports; --compare makes one of them", key="--out")
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise UserError(f"specs of one name would share one folder: {', '.join(names)}")
    return specs


def publish(
    spec: Spec | Comparison,
    uri: str | None,
    out: str | Path | None = None,
    *,
    clips: int = player.CLIPS,
    other: Aside | None = None,
) -> None:
    """Write the report, with so many clips to play; print its main table and where it is.

    ``other``: a process that helps, see `harness.cli.drawing.helper`; None: one is started where it would gain time.
    """
    from harness import report

    with nullcontext(other) if other else drawing.helper() as other:
        counts = cost.of_runs(spec, other)
        if other is None:
            found = report.collect(spec, uri, costs=counts)
        else:
            early: list[Answers] = []
            found = report.collect(spec, uri, costs=counts, before=lambda r: early.append(drawing.ahead(other, r)))
            found = replace(found, meanwhile=drawing.begun(other, found, counts, *early))
        if clips:
            found = player.with_clips(found, clips)
        written = report.write(found, out=out)
    print(report.render_terminal(found, width=shutil.get_terminal_size((120, 24)).columns).rstrip())
    print(f"\nreport: {written}")


def verify(spec: Spec | Comparison | None, uri: str | None, out: str | Path | None = None) -> int:
    """Verify the written report, print what was compared and what differs; returns how many numbers do.

    Without a spec the folder's files are held against each other.
    """
    from harness.report.records import Store
    from harness.report.verify import verify as check

    known, folder = 0, Path(out or "")
    if spec is None:
        found, records = check(folder), "its files alone"
    else:
        folder, store = Path(out) if out else Path("results") / spec.name, Store(uri)
        known = len(store.finished([run.run_id for run in spec.runs]))
        found = check(folder, spec, store if known else None)
        records = f"{known} runs' records and its files" if known else "its files alone, as the store has no record"
    for mismatch in found.mismatches[:_SHOWN]:
        print(mismatch)
    if len(found.mismatches) > _SHOWN:
        print(f"… and {len(found.mismatches) - _SHOWN} more")
    compared = ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())
    verdict = f"{len(found.mismatches)} of them differ" if found.mismatches else "all agree"
    print(f"verified {folder} from {records}: {found.counts.total():,} comparisons ({compared}); {verdict}")
    return len(found.mismatches)
