"""`repose import FILE`."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import tempfile
from pathlib import Path
from typing import Any

from harness.cli import arguments as shared
from harness.errors import UserError

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml")
_STUDY = re.compile(r"study/([A-Za-z0-9][A-Za-z0-9._-]*)/(study\.json|history\.log)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="an archive that `repose export` made")
    parser.add_argument("--out", metavar="DIR", default=".", help="where the spec and results/ go (default: here)")
    shared.store(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Check the archive as a whole, then bring its records into the store and its files beside."""
    from harness import tracking
    from harness.tracking import bundle, fixing
    from harness.tracking.transfer import bring_in

    file, out = Path(arguments.file), Path(arguments.out)
    if not file.is_file():
        raise UserError("no such file", file=str(file))
    with tempfile.TemporaryDirectory(prefix="repose-import-") as scratch:
        folder = Path(scratch)
        manifest = bundle.unpack(file, folder)
        records, claims, spec = _read(file, folder, manifest)
        seeds = _seeds(file, folder)
        uri = tracking.resolve(arguments.tracking_uri)
        placed, kept = _placed(folder, manifest, out, uri, spec)
        told = bring_in(uri, records, folder, claims)
        fixed = fixing.bring_in(uri, seeds)
        for place, content in placed.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    said = [f"{len(told.finished)} finished runs"]
    said += [f"{told.others} attempts that failed or were stopped"] if told.others else []
    said += [f"{len(told.known)} runs were here already"] if told.known else []
    said += [f"seeds that a pilot fixed for {fixed} differences"] if fixed else []
    said += [f"{told.registered} registered claims"] if told.registered else []
    said += [f"{told.registered_before} claims keep the time they were registered at here"] * bool(
        told.registered_before
    )
    print(f"imported {manifest['spec']}: {', '.join(said)}")
    for run_id, why in told.left.items():
        print(f"left out: {run_id}: {why}")
    for line in kept:
        print(line)
    print(f"its report: {_command(out / spec, manifest, arguments)}")
    return 1 if told.left else 0


def _read(file: Path, folder: Path, manifest: dict[str, Any]) -> tuple[list[dict], dict[str, dict], str]:
    """Records, registered claims, and the name of the spec's file."""
    from harness.tracking.transfer import checked

    spec = manifest.get("file")
    if manifest.get("schema") != 1:
        raise UserError(f"is of another layout ({manifest.get('schema')}) than this repose reads (1)", file=str(file))
    if not isinstance(spec, str) or not _FILE.fullmatch(spec) or not (folder / "spec" / spec).is_file():
        raise UserError("was tampered with: it holds no spec", file=str(file))
    try:
        records, claims = checked(json.loads((folder / "records.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(f"was tampered with: records.json: {error}", file=str(file)) from None
    return records, claims, spec


def _seeds(file: Path, folder: Path) -> dict[str, Any]:
    """What a pilot fixed, where one did."""
    from harness.tracking import fixing

    held = folder / "seeds.json"
    try:
        return fixing.checked(json.loads(held.read_text(encoding="utf-8"))) if held.exists() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"was tampered with: seeds.json: {error}", file=str(file)) from None


def _placed(
    folder: Path, manifest: dict[str, Any], out: Path, uri: str, spec: str
) -> tuple[dict[Path, bytes], list[str]]:
    """What goes where beside the store, and what is said of files that stay as they are.

    Raises:
        UserError: another file stands in the way of the spec or the study.
    """
    from harness.tune.storage import place

    wanted = {out / spec: folder / "spec" / spec}
    kept, placed = [], {}
    for name in manifest["files"]:
        found = _STUDY.fullmatch(name)
        if found and found[2] == "study.json":
            wanted[out / "results" / found[1] / "study.json"] = folder / name
        elif found:
            history = Path(place(found[1], uri))
            if not history.exists():
                placed[history] = (folder / name).read_bytes()
            elif history.read_bytes() != (folder / name).read_bytes():
                kept.append(f"kept: {history}, the history of another search, or of this one at another time")
    for target, source in wanted.items():
        content = source.read_bytes()
        if target.exists() and target.read_bytes() != content:
            raise UserError("exists with other content; choose another folder with --out", file=str(target))
        placed[target] = content
    return placed, kept


def _command(spec: Path, manifest: dict[str, Any], arguments: argparse.Namespace) -> str:
    words = ["repose", "report", str(spec)]
    for override in manifest.get("overrides") or []:
        words += ["-o", str(override)]
    words += ["--seeds", str(manifest["seeds"])] if manifest.get("seeds") else []
    words += ["--tracking-uri", arguments.tracking_uri] if arguments.tracking_uri else []
    words += [] if manifest.get("weights") else ["--no-player"]
    return shlex.join(words)
