"""`repose data fit-detector FILE [--to OUT]`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from harness.errors import UserError, unknown

if TYPE_CHECKING:
    from harness.data.detector_fit import Fitted
    from harness.skeleton import Skeleton


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("path", metavar="FILE", help="an imported clip file with detections")
    parser.add_argument("--to", metavar="OUT", help="the detector's file to write (.json), for data.noise")
    parser.add_argument("--name", help="what the detector is called (default: what the clip file calls it)")
    parser.add_argument("--subjects", nargs="+", metavar="S", help="only these, such as the split's training subjects")


def execute(arguments: argparse.Namespace) -> int:
    """Fit, print a line for each joint, and write the file that is asked for."""
    import json
    from pathlib import Path

    from harness.data import detector_fit, imported_file
    from harness.data.archive import Archive

    out = None if arguments.to is None else Path(arguments.to)
    if out is not None and (out.suffix != ".json" or not out.parent.is_dir()):
        raise UserError("expected a name that ends in .json, in a folder that is there", key="--to", file=arguments.to)
    fingerprint = Archive(arguments.path).digest()  # a damaged file is told before anything is fitted
    found = imported_file.read(arguments.path)
    subjects = sorted({clip.subject for clip in found.clips})
    for subject in arguments.subjects or ():
        if subject not in subjects:
            raise unknown("subject", subject, subjects, key="--subjects", file=arguments.path)
    chosen = [clip for clip in found.clips if clip.subject in (arguments.subjects or subjects)]
    fitted = detector_fit.fit(detector_fit.seen(chosen, arguments.path), found.skeleton.joints, arguments.path)
    name = arguments.name or found.detector or "fitted"
    print("\n".join(_table(fitted, found.skeleton, name)))
    if out is not None:
        about = {
            "data": Path(arguments.path).name,
            "fingerprint": fingerprint,
            "detector": found.detector,
            "subjects": arguments.subjects or subjects,
        }
        content = json.dumps(fitted.file(name, found.skeleton, about), indent=1, ensure_ascii=False)
        try:
            out.write_text(content + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"can't be written: {error.strerror}", file=arguments.to) from None
        print(f"{out}: in a spec, data: {{noise: {{detector: {out.name}}}}}")
    return 0


def _table(fitted: Fitted, skeleton: Skeleton, name: str) -> list[str]:
    import numpy as np

    width = max(5, *map(len, skeleton.joints))
    heads = ("spread, % of size", "tail", "memory, ms", "lasting, %", "keypoints")
    lines = [f"{'joint':<{width}}  {heads[0]:>18}  {heads[1]:>12}  {heads[2]:>12}  {heads[3]:>12}  {heads[4]:>10}"]
    unit = np.array([100.0, 1.0, 1000.0, 100.0])
    digits = (2, 1, 0, 0)
    for joint, values, errors, count in zip(
        skeleton.joints, fitted.values * unit, fitted.errors * unit, fitted.counts, strict=True
    ):
        cells = [_cell(value, error, places) for value, error, places in zip(values, errors, digits, strict=True)]
        lines.append(f"{joint:<{width}}  {cells[0]:>18}  {cells[1]:>12}  {cells[2]:>12}  {cells[3]:>12}  {count:>10,}")
    lines.append(f"{name}: {fitted.views} views, {fitted.lost:,} keypoints lost (scored 0, or out of reach)")
    if np.isnan(fitted.errors[:, 0]).all():
        lines.append("no standard errors (±): they need four views or more, each a clip in one camera")
    return lines


def _cell(value: float, error: float, places: int) -> str:
    import math

    told = f"{value:.{places}f}" if math.isfinite(value) else "Gaussian"
    return f"{told} ± {error:.{places}f}" if math.isfinite(error) and math.isfinite(value) else told
