"""`repose data import KIND PATH… --out FILE`."""

from __future__ import annotations

import argparse
from typing import Any

from harness.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("kind", metavar="KIND", help="the layout (`repose data ls`)")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="what to read")
    parser.add_argument("--out", required=True, metavar="FILE", help="the clip file to write (.npz)")
    parser.add_argument(
        "-o",
        dest="options",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help="an option of the layout, e.g. -o detector=cpn; may be repeated",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the clip file and say what is in it."""
    from harness import registry
    from harness.data import imported_file, importers, provenance

    out = provenance.target(arguments.out, arguments.paths)
    options = registry.check_options(importers.entry(arguments.kind, key="KIND"), _options(arguments.options))
    found = importers.read(arguments.kind, arguments.paths, **options)
    first, *more = arguments.paths
    fingerprint = imported_file.write(
        out,
        found,
        kind=arguments.kind,
        files=provenance.files(arguments.paths),
        options=provenance.options(options),
        source=", ".join(arguments.paths) if len(more) < 3 else f"{first} and {len(more)} more",
    )
    frames = sum(map(len, found.clips))
    subjects = len({clip.subject for clip in found.clips})
    print(f"{arguments.out}: {len(found.clips)} clips of {subjects} subjects, {frames:,} frames")
    print(f"fingerprint {fingerprint}; detections: {found.detector or 'none'}; licence: {found.licence}")
    return 0


def _options(given: list[str]) -> dict[str, Any]:
    import yaml

    options = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UserError(f"OPTION=VALUE is needed, e.g. detector=cpn; got '{text}'", key="-o")
        if name in options:
            raise UserError("given twice", key=f"-o {name}")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"no value: '{value}'", key=f"-o {name}") from None
    return options
