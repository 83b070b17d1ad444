"""`repose rm SPEC|RUN`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.tracking import Record, Removed, Standing

_LISTED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "what",
        nargs="+",
        metavar="SPEC|RUN",
        help="a spec, for all its runs; or one run: the first digits of its run_id, or words of its label",
    )
    shared.overriding(parser)
    shared.store(parser)
    parser.add_argument("--failed", action="store_true", help="of a spec, only runs that failed or were stopped")
    parser.add_argument("--yes", action="store_true", help="don't ask")


def execute(arguments: argparse.Namespace) -> int:
    """Say what would go, ask, and take it back; what somebody is doing stays."""
    from harness import tracking

    named, spec, run_ids, uri = _asked(arguments)
    uri = tracking.resolve(uri)
    standings = tracking.standing(uri, run_ids)
    wanted = ("failed", "stopped") if arguments.failed else ("finished", "failed", "stopped", "lost", "to do")
    chosen = [run_id for run_id, one in standings.items() if one.state in wanted]
    records = tracking.records(uri, chosen)
    for run_id, one in standings.items():
        if one.state == "running" and one.record is not None and one.record.owner is not None:
            owner = one.record.owner
            print(f"left alone: {run_id}, which process {owner.pid} of {owner.host} is doing")
    if not records:
        print(f"nothing to remove of {named}")
        return 0
    print(_told(named, records, standings, tracking.size(uri, records)))
    for other, count in Counter(record.spec for record in records).items():
        if spec is not None and other != spec:
            print(f"{count} of the records were made for the spec '{other}', whose report loses them, too")
    if not arguments.yes and not _agreed():
        print("nothing was removed")
        return 1
    return _done(tracking.remove(uri, list({record.run_id for record in records}), tell=print))


def _asked(arguments: argparse.Namespace) -> tuple[str, str | None, list[str], str | None]:
    """What is meant, for people; the name of the spec that is meant, if one is; the run_ids; the store."""
    from harness import tracking
    from harness.spec import load, shipped

    words = arguments.what
    if len(words) == 1 and (Path(words[0]).suffix in (".yaml", ".yml") or words[0] in shipped.names()):
        spec = load(words[0], arguments.overrides, arguments.seeds)
        uri = arguments.tracking_uri or spec.tracking.uri
        return f"the spec '{spec.name}'", spec.name, [run.run_id for run in spec.runs], uri
    if arguments.failed or arguments.overrides or arguments.seeds:
        raise UserError("--failed, -o and --seeds are for a spec, and a run was named", key=" ".join(words))
    run_id, label = tracking.find(arguments.tracking_uri, " ".join(words))
    return f"the run {label} [{run_id}]", None, [run_id], arguments.tracking_uri


def _told(named: str, records: list[Record], standings: dict[str, Standing], size: int | None) -> str:
    states = Counter(standings[run_id].state for run_id in {record.run_id for record in records})
    runs = ", ".join(f"{count} {state}" for state, count in states.items())
    of = f"{len(records)} record{'s' * (len(records) != 1)}"
    weight = "" if size is None else f", {size / 1e6:.1f} MB"
    return f"to be removed of {named}: {sum(states.values())} runs ({runs}): {of}{weight}"


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UserError("nobody is there to be asked: say --yes", key="--yes")
    try:
        return input("remove them for good? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _done(removed: Removed) -> int:
    gone = sum(len(records) for records in removed.runs.values())
    print(f"removed {gone} record{'s' * (gone != 1)} of {len(removed.runs)} runs, which are to do again")
    for run_id, why in removed.kept.items():
        print(f"left alone: {run_id}: {why}")
    for mlflow_id, why in list(removed.littered.items())[:_LISTED]:
        print(f"the files of record {mlflow_id} are still there: {why}")
    return 1 if removed.littered else 0
