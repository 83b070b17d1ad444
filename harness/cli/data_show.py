"""`repose data show SPEC|FILE`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import arguments as shared
from harness.cli import sources
from harness.errors import UserError, unknown

if TYPE_CHECKING:
    from harness.data.dataset import Clip, Dataset
    from harness.look.sight import Sight

CAMERAS = ("seen", "unseen", "train", "validation")
CLIPS, LEVELS = 3, 3
"""How many are shown unless more are asked for."""
FRAMES, VIEWS = 60_000, 6
"""Of which rates are printed, at most."""
_OF_SIDE = {"seen": "test", "unseen": "test", "train": "train", "validation": "validation"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    sources.add_arguments(parser)
    add = parser.add_argument
    out = ".png: a sheet, .html: a page that plays; may be repeated (default: NAME-clips, both)"
    add("--out", action="append", default=[], metavar="FILE", help=out)
    add("--clips", nargs="+", default=[str(CLIPS)], metavar="CLIP", help=f"names, or how many (default: {CLIPS})")
    add("--occlusion", nargs="+", metavar="LEVEL", help="levels (default: the spec's tests'; severe)")
    add("--cameras", choices=CAMERAS, default="seen", help="whose cameras, and of a spec whose clips")
    add(
        "--views",
        type=shared.positive,
        default=1,
        metavar="N",
        help="virtual cameras of each clip (1); recorded ones all show",
    )
    add("--gallery", action="store_true", help="a sheet of all processes of occlusion on the first clip")


def execute(arguments: argparse.Namespace) -> int:
    """Write what is to be looked at, and print how often joints are hidden."""
    from harness import occlusion

    name, data, dataset, clips, levels = _source(arguments)
    outputs = [_output(out) for out in arguments.out or _usual(name, arguments.gallery)]
    if arguments.gallery and any(out.suffix == ".html" for out in outputs):
        raise UserError("the gallery is a picture; expected a .png", key="--out")
    for level in levels:  # a wrong name is said before the work
        occlusion.level(level, **{"key": "--occlusion"} if arguments.occlusion else {})
    chosen = _chosen(clips, arguments.clips)
    _fits(dataset, data, arguments.cameras)
    if arguments.gallery:
        _gallery(outputs, data, dataset, chosen[0], arguments.cameras)
        return 0
    from harness.look import canvas, page, sheet
    from harness.training import viewing

    filmed = viewing.filmed(chosen, data, arguments.cameras, arguments.views)
    sights = viewing.sights(filmed, data, dataset.skeleton, arguments.cameras, levels)
    for out in outputs:
        if out.suffix == ".png":
            _write(out, canvas.png(sheet.sheet(sights), dpi=110))
        else:
            told = f"{len(chosen)} of {len(clips)} clips of {name}, cameras: {arguments.cameras}."
            told += f" Licence: {dataset.licence}."
            _write(out, page.page(f"Clips of {name}", told, sights).encode())
    _rates(data, dataset, clips, sights, arguments.cameras)
    return 0


def _source(arguments: argparse.Namespace) -> tuple[str, Any, Dataset, list[Clip], list[str]]:
    """A name for the data, a run's data section, the data, the clips that may be shown and the levels."""
    from harness import data as datasets
    from harness.spec.run import Data

    if sources.is_file(arguments):
        from harness.data.checks.opening import dataset_of

        of = dataset_of(arguments.target)
        dataset = datasets.open_dataset(of, arguments.target)
        recorded = datasets.recorded(of, arguments.target)
        clips = [clip for clip in dataset.clips if not clip.repeats]
        data = Data(dataset=of, path=arguments.target, noise=0.0 if "detections" in recorded else Data().noise)
        return Path(arguments.target).stem, data, dataset, clips, arguments.occlusion or ["severe"]
    spec = sources.spec(arguments)
    data = spec.runs[0].data
    dataset = datasets.open_dataset(data.dataset, data.path, **data.options)
    datasets.check_fingerprint(data.fingerprint, dataset.fingerprint, data.path, key="data.fingerprint")
    sides = datasets.partition(dataset, data.split)
    tested = [level for level in spec.test.occlusion if level != "none"][-LEVELS:]
    clips = list(sides[_OF_SIDE[arguments.cameras]])
    return spec.name, data, dataset, clips, arguments.occlusion or tested or ["severe"]


def _chosen(clips: list[Clip], asked: list[str]) -> list[Clip]:
    """Those named, or so many that differ."""
    from harness.training import viewing

    if len(asked) == 1 and asked[0].isdigit():
        if asked[0] == "0":
            raise UserError("one clip or more is needed", key="--clips")
        return viewing.different(clips, int(asked[0]))
    known = {clip.name: clip for clip in clips}
    for name in asked:
        if name not in known:
            raise unknown("clip", name, known, key="--clips")
    return [known[name] for name in asked]


def _fits(dataset: Dataset, data: Any, cameras: str) -> None:
    from harness.spec import recordings

    if cameras == "unseen" and any(clip.cameras for clip in dataset.clips):
        raise UserError(recordings.NO_UNSEEN, key="--cameras")


def _usual(name: str, gallery: bool) -> list[str]:
    return [f"{name}-occlusion.png"] if gallery else [f"{name}-clips.png", f"{name}-clips.html"]


def _output(out: str) -> Path:
    path = Path(out)
    if path.suffix not in (".png", ".html"):
        raise UserError("a sheet's name ends in .png, a page's in .html", key="--out", file=out)
    if not path.parent.is_dir():
        raise UserError(f"there is no folder {path.parent}", key="--out", file=out)
    return path


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise UserError(f"can't be written: {error.strerror}", key="--out", file=str(path)) from None
    finally:
        part.unlink(missing_ok=True)
    print(f"{path}: {len(content) / 1000:,.0f} kB")


def _gallery(outputs: list[Path], data: Any, dataset: Dataset, clip: Clip, cameras: Any) -> None:
    from harness import registry
    from harness.look import canvas, gallery
    from harness.training import viewing

    severities = (0.25, 0.5, 1.0)
    processes = {name: [(s, f"{name}@{s:g}") for s in severities] for name in registry.entries("processes")}
    levels = [level for found in processes.values() for _, level in found]
    (one, *_) = viewing.sights(viewing.filmed([clip], data, cameras, 1), data, dataset.skeleton, cameras, levels)
    for out in outputs:
        _write(out, canvas.png(gallery.gallery(one, processes), dpi=110))
    print(f"{len(processes)} processes at severities {', '.join(f'{s:g}' for s in severities)} on {clip.name}")


def _rates(data: Any, dataset: Dataset, clips: list[Clip], sights: list[Sight], cameras: Any) -> None:
    """A table for each level: how often each joint is hidden, in all, by the side it is seen from, and by view."""
    import numpy as np

    from harness.training import viewing

    every = max(1, -(-sum(map(len, clips)) // FRAMES))
    seen = viewing.filmed(clips[::every], data, cameras, 1)
    joints, shown = dataset.skeleton.joints, sights[:VIEWS]
    width = max(map(len, joints))
    for level in sights[0].levels:
        hidden = [(~one.visible[level]).mean(axis=0) for one in shown]
        own = np.stack([np.append(rate, rate.mean()) for rate in hidden], axis=1)  # (J + 1, views)
        found = np.concatenate([viewing.rates(seen, data, dataset.skeleton, level), own], axis=1)
        of = f" (one clip in {every})" if every > 1 else ""
        print(f"\n{level}: % of {seen.frames:,} frames in which a joint is hidden{of}, by where the camera stands,")
        print(
            f"and of the views {', '.join(f'{n} ({one.clip}, {one.camera})' for n, one in enumerate(shown, start=1))}"
        )
        heads = ["all", *viewing.SIDES, *map(str, range(1, len(shown) + 1))]
        print(f"{'':<{width}}" + "".join(f"{head:>10}" for head in heads))
        for name, row in zip((*joints, "mean"), found, strict=True):
            cells = ("-" if np.isnan(value) else f"{100 * value:.1f}" for value in row)
            print(f"{name:<{width}}" + "".join(f"{cell:>10}" for cell in cells))
