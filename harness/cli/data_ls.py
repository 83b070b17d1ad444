"""`repose data ls [FILE …]`."""

from __future__ import annotations

import argparse
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("paths", nargs="*", metavar="FILE", help="imported clip files (default: list the layouts)")
    parser.add_argument("-v", dest="verbose", action="store_true", help="also options, or the files it was made from")


def execute(arguments: argparse.Namespace) -> int:
    """Print one line for each layout, or some for each file."""
    if not arguments.paths:
        print("\n".join(_layouts(arguments.verbose)))
        return 0
    for number, path in enumerate(arguments.paths):
        print("\n".join([*([""] if number else []), *_file(path, arguments.verbose)]))
    return 0


def _layouts(verbose: bool) -> list[str]:
    from harness import option_types, registry
    from harness.data import importers

    width = max(map(len, importers.LINES))
    lines = []
    for kind, (_, summary, source) in importers.LINES.items():
        lines.append(f"{kind:<{width}}  {summary}; {source}")
        if verbose:
            for name, one in registry.options(importers.entry(kind)).items():
                lines.append(f"    {name}: {option_types.told(one.annotation, one.required, one.default)}")
    return lines


def _file(path: str, verbose: bool) -> list[str]:
    from harness.data.archive import Archive

    archive = Archive(path)
    meta, clips = archive.meta, archive.meta["clips"].values()
    skeleton = meta["skeleton"] if isinstance(meta["skeleton"], str) else meta["skeleton"].get("name")
    subjects = sorted({clip["subject"] for clip in clips})
    frames = sum(archive.shape(name)[0] for name in meta["clips"])
    rates = " or ".join(f"{rate:g}" for rate in sorted({clip.get("fps") or meta["fps"] for clip in clips}))
    cameras = sorted({camera for clip in clips for camera in clip.get("cameras", ())})
    about = meta.get("provenance", {})
    lines = [
        f"{path}: {meta['name']}, imported from {about.get('kind', 'an unknown layout')}",
        f"  fingerprint  {archive.digest()}",
        f"  clips        {len(clips)}, {frames:,} frames at {rates} a second, joints of {skeleton}",
        f"  subjects     {', '.join(subjects)}",
        f"  cameras      {', '.join(cameras) or 'none recorded: virtual ones are drawn'}",
        f"  detections   {meta.get('detector') or 'none'}",
        f"  splits       {', '.join(meta.get('splits', {})) or 'none: name the subjects in the spec'}",
        f"  licence      {meta['licence']}",
    ]
    while verbose and about:
        lines += [f"  read from    {file.get('name')}  sha256 {file.get('sha256')}" for file in about.get("files", ())]
        lines += [f"  with         {name}: {_told(value)}" for name, value in about.get("options", {}).items()]
        about = about.get("before", {})
    return lines


def _told(value: Any) -> str:
    """An option that names a file is kept as the file's name and hash."""
    return f"{value.get('name')}  sha256 {value.get('sha256')}" if isinstance(value, dict) else str(value)
