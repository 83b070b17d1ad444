"""`repose data fetch cmu --subjects 1 2 … --out FOLDER`."""

from __future__ import annotations

import argparse
import math

from harness.errors import UserError

SOURCES = ("cmu",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("source", choices=SOURCES, help="cmu: motion capture from mocap.cs.cmu.edu")
    parser.add_argument("--subjects", nargs="+", type=int, required=True, metavar="N", help="numbers of subjects")
    parser.add_argument("--clips", nargs="+", type=int, metavar="N", help="numbers of motions (default: all of each)")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where files are kept; run again to go on")
    parser.add_argument("--base-url", metavar="URL", help="a mirror's address (default: http://mocap.cs.cmu.edu)")
    parser.add_argument(
        "--checksums",
        metavar="FILE",
        help="SHA256SUMS of an earlier fetch, yours or another's: what differs is refused",
    )
    parser.add_argument(
        "--pause", type=float, default=1.0, metavar="SECONDS", help="between requests (default: %(default)s)"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Fetch what isn't there yet, and say how to import it."""
    from pathlib import Path

    from harness.data import fetch_cmu
    from harness.data.download import Downloader, read_sums

    for key, numbers in (("--subjects", arguments.subjects), ("--clips", arguments.clips or [])):
        if any(number < 1 for number in numbers):
            raise UserError("numbers begin at 1", key=key)
    if not (math.isfinite(arguments.pause) and arguments.pause >= 0):
        raise UserError(f"seconds are needed, 0 or more; got {arguments.pause}", key="--pause")
    expected = read_sums(Path(arguments.checksums)) if arguments.checksums else None
    folder = Path(arguments.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"no such folder can be made ({error.strerror})", key="--out", file=arguments.out) from None
    download = Downloader(
        arguments.base_url or fetch_cmu.BASE,
        folder,
        pause=arguments.pause,
        expected=expected,
        say=lambda line: print(line, flush=True),
    )
    names = fetch_cmu.fetch(download, arguments.subjects, arguments.clips)
    print(f"{folder}: {len(names)} files, {download.fetched} fetched now; SHA256SUMS lists them")
    print(f"repose data import cmu {folder} --out cmu.npz")
    return 0
