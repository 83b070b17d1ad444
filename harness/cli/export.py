"""`repose export SPEC OUT.tar.gz`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.cli import arguments as shared
from harness.cli import staged
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.spec import Spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("spec", metavar="SPEC", help="a spec file, or the name of a shipped spec (`repose ls specs`)")
    parser.add_argument("out", metavar="OUT.tar.gz", help="the archive to make")
    shared.overriding(parser)
    shared.store(parser)
    parser.add_argument(
        "--weights", action="store_true", help="take the networks along, too: to play clips, to rescore"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Put everything behind the spec's report into one file."""
    from harness import tracking
    from harness.spec import load
    from harness.tracking import bundle
    from harness.tracking.transfer import take_out

    out = Path(arguments.out)
    if out.exists():
        raise UserError("exists already", file=str(out))
    spec = load(arguments.spec, arguments.overrides, arguments.seeds)
    uri = tracking.resolve(arguments.tracking_uri or spec.tracking.uri)
    digests = [claim.digest(spec.name) for claim in (*spec.claims, *spec.awaited)]
    with shared.located(spec, arguments):
        found = take_out(uri, [run.run_id for run in spec.runs], digests, weights=arguments.weights)
    finished = {one["run_id"] for one in found.records if one["status"] == "FINISHED"}
    if not finished:
        raise UserError(f"no run of '{spec.name}' is finished: there is nothing to export; start with `repose run`")
    studies = _studies(spec, uri)
    about = {
        "schema": 1,
        "spec": spec.name,
        "file": spec.path.name,
        "digest": spec.digest,
        "overrides": list(spec.overrides),
        "seeds": arguments.seeds,
        "weights": arguments.weights,
        "written by": f"repose-harness {__version__}",
    }
    with shared.located(spec, arguments):
        spec = staged.narrowed(spec, uri)
    content = {"records": sorted(found.records, key=lambda one: one["mlflow_id"]), "registered": found.registered}
    files: dict[str, bytes | Path] = {
        "records.json": json.dumps(content, indent=1, sort_keys=True).encode(),
        f"spec/{spec.path.name}": spec.path,
        **studies,
        **_seeds(spec, uri),
        **found.files,
    }
    digest = bundle.write(out, about, files)
    held = f"{len(finished)} of {len(spec.runs)} runs finished, {len(found.records)} records"
    study = ", the study" if studies else ""
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, {held}, {len(found.registered)} registered claims{study}")
    print(f"checksum of its manifest: {digest}")
    for line in _notes(spec, found.at_work, arguments.weights):
        print(line)
    return 0


def _studies(spec: Spec, uri: str) -> dict[str, bytes | Path]:
    """The study that the report speaks of, and the history of its search where that is a file."""
    from harness.report.tuning import study
    from harness.tune.storage import place

    file, found = study.path(spec), {}
    if file is not None:
        name = str(json.loads(file.read_text(encoding="utf-8")).get("spec", ""))
        found = {f"study/{name}/study.json": file}
        history = Path(place(name, uri))
        found |= {f"study/{name}/history.log": history} if history.is_file() else {}
    return dict(found)


def _notes(spec: Spec, at_work: list[str], weights: bool) -> list[str]:
    said = [f"left out: {run_id}, which somebody is doing" for run_id in at_work]
    written: Any = (spec.document.data if spec.document is not None else {}).get("data")
    if any(run.data.path for run in spec.runs) and not (isinstance(written, dict) and "fingerprint" in written):
        said.append("the spec declares no data.fingerprint: where the data aren't, it can't tell its runs")
    if not weights:
        said.append("without --weights its report elsewhere plays no clips (`repose report --no-player`)")
    return said


def _seeds(spec: Spec, uri: str) -> dict[str, bytes]:
    """What a pilot fixed, where one did."""
    from harness.tracking import fixing

    known = fixing.fixed(uri, spec.stages.digests) if spec.stages is not None else {}
    held = {digest: asdict(one) for digest, one in known.items()}
    return {"seeds.json": json.dumps(held, indent=1, sort_keys=True).encode()} if held else {}
