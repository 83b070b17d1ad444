"""What can be wrong with a spec although each value in it is allowed, found before a worker starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness import own_backbones, registry
from harness.data import (
    check_fingerprint,
    fingerprint,
    longest,
    longest_clip,
    open_dataset,
    partition,
    recorded,
    training_clips,
)
from harness.data.labels import labelled_count
from harness.errors import UserError
from harness.spec import recordings, seen, window_fit
from harness.spec.masked_form import masked_form
from harness.spec.run import Choice, Data, Run, Train, split_term
from harness.spec.schema import SpecFile
from harness.spec.yaml_lines import Document
from harness.spec.yaml_lines import Path as Place


def backbones(file: SpecFile, document: Document) -> None:
    """Check the backbones that a spec declares.

    Raises:
        UserError: one that has no base, hides a registered name, or has a wrong option.
    """
    for name, declared in file.backbones.items():
        place: Place = ("backbones", name)
        if name in registry.names("backbones"):
            raise UserError(f"'{name}' is a registered backbone already; choose another name", **document.where(place))
        base = declared.get("base")
        if not isinstance(base, str):
            raise UserError("a declared backbone needs 'base', a registered name", **document.where(place))
        located_at = document.where((*place, "base"))
        entry = registry.get("backbones", own_backbones.absolute(base, document.folder), **located_at)
        options = {key: value for key, value in declared.items() if key != "base"}
        try:
            registry.check_options(entry, options)
        except UserError as error:
            raise UserError(error.message, **document.where((*place, error.key or ""))) from None


def objective_fits_data(objective: Mapping[str, Any], name: str, data: Data, document: Document) -> None:
    """Refuse a loss term that these data can't feed: over frames where the network predicts too few; or one
    that another term must stand beside.

    Raises:
        UserError: such a term, located at the objective.
    """
    trained = {term for term, given in objective.items() if split_term(given)[0]}
    for term in objective:
        entry = registry.get("losses", term)
        other = registry.attribute(entry, "beside", None)
        if other is not None and term in trained and other not in trained:
            message = f"{term} learns only beside {other}: add it to the objective"
            raise UserError(message, **document.where(("objectives", name, term)))
        needed = registry.attribute(entry, "min_frames", 1)
        if data.frames_predicted < needed:
            frames = "one frame comes" if data.frames_predicted == 1 else f"{data.frames_predicted} frames come"
            message = f"{term} compares frames and needs at least {needed} of each window, but {frames} out of it"
            raise UserError(f"{message} (data.frames_out)", **document.where(("objectives", name, term)))


def heads_there(
    objective: Mapping[str, Any], backbone: Choice, data: Data, names: tuple[str, str], document: Document
) -> None:
    """Refuse a loss term of a second head where the backbone has none, or more than one frame is asked for.

    Args:
        names: what the spec calls the objective and the backbone.
    Raises:
        UserError: such a term, located at the objective.
    """
    for term in objective:
        head = registry.attribute(registry.get("losses", term), "head", None)
        if head is None:
            continue
        where = document.where(("objectives", names[0], term))
        if head not in registry.attribute(registry.get("backbones", backbone.name), "heads", ()):
            raise UserError(f"{term} supervises a second head, and {names[1]} has none", **where)
        if data.frames_predicted != 1:
            message = f"{term} goes with one frame out of each window; here {data.frames_predicted} come out"
            raise UserError(f"{message} (data.frames_out)", **where)


def backbone_fits_data(backbone: Choice, name: str, data: Data, document: Document) -> None:
    """Refuse data that a backbone can't take: keypoints without the confidence it needs, a window of another length.

    Where a backbone's ``needs_confidence`` is True the spec must say which confidence. What windows it takes is
    `harness.spec.window_fit`'s.

    Args:
        name: what the spec calls the backbone.
    Raises:
        UserError: no confidence, located at the confidence; a window too short or too long, located at the window.
    """
    entry = registry.get("backbones", backbone.name)
    if registry.attribute(entry, "needs_confidence", False) and data.confidence == "none":
        message = f"{name} needs keypoints with confidence: set data.confidence to oracle or calibrated"
        raise UserError(message, **_written(document, "confidence"))
    found = window_fit.misfit(entry, backbone.options, data.window)
    if found is not None:
        raise UserError(f"{name} {found}: change data.window, or the option", **_written(document, "window"))


def training_fits_backbone(train: Train, backbone: Choice, name: str, document: Document) -> None:
    """Refuse what a backbone's training can't have: it would change nothing and be hashed all the same.

    Args:
        name: what the spec calls the backbone.
    Raises:
        UserError: a batch-norm momentum that can't be set; pre-training without a masked form.
    """
    entry = registry.get("backbones", backbone.name)
    if train.bn_momentum_end is not None and not registry.attribute(entry, "anneals_bn", False):
        message = f"'bn_momentum_end' has no effect: {name} has no batch-norm momentum to set"
        raise UserError(message, **document.where(("train", "bn_momentum_end")))
    if train.pretrain is not None and masked_form(entry) is None:
        known = [k for k, e in registry.entries("backbones").items() if masked_form(e)]
        message = f"{name} has no masked form to pre-train (with one: {', '.join(known)})"
        raise UserError(message, **document.where(("train", "pretrain")))


def frames_equal(runs: Iterable[Run], document: Document) -> None:
    """Refuse arms that answer for different numbers of a window's frames without saying so.

    What a network answers for decides which loss terms it can have and how much of each window counts: arms that
    differ in it by the way, through their windows, aren't compared fairly. As an axis it is what is compared.

    Raises:
        UserError: more than one number, located at the frames predicted.
    """
    found = sorted({run.data.frames_predicted for run in runs})
    if len(found) > 1:
        counts = f"{', '.join(map(str, found[:-1]))} and {found[-1]}"
        message = f"arms would predict {counts} frames of their windows: set data.frames_out to one number for all"
        pairs = ", ".join(f"[{number}, {number}]" for number in found)
        hint = f'or vary it openly, e.g. "data.window, data.frames_out": [{pairs}]'
        raise UserError(f"{message}, {hint}", **_written(document, "frames_out"))


def test_levels(file: SpecFile, document: Document) -> None:
    """Check the names of the test levels.

    Raises:
        UserError: an unknown level.
    """
    for index, level in enumerate(file.test.occlusion):
        registry.get("occlusions", level, **document.where(("test", "occlusion", index)))


def data_files(runs: Iterable[Run], document: Document, *, needed: bool) -> None:
    """Check the data that the runs use: they are there, are the declared ones, fill a window and keep some labels.

    Opens each data file once; what is generated is not generated for this. Windows longer than some
    clips are padded; longer than every training clip are refused.

    Args:
        needed: whether a file that isn't there is an error even if its fingerprint is declared.
    Raises:
        UserError: as `harness.data.open_dataset` and `harness.data.partition`; another fingerprint than
            declared; a window longer than every clip; a label fraction that leaves no clip.
    """
    distinct: dict[str, list[Data]] = {}
    for run in runs:
        data = run.data
        key = repr((data.dataset, data.path, sorted(data.options.items()), data.fingerprint, data.split))
        distinct.setdefault(key, []).append(data)
    for alike in distinct.values():
        data = alike[0]
        frames = longest_clip(data.dataset, data.options)
        clips = training_clips(data.dataset, data.split, data.options)
        if frames is None:
            if not needed and data.path is not None and not Path(data.path).exists():
                continue
            _, frames, clips, _ = _found_in_file(data, document)
        else:
            found = fingerprint(data.dataset, data.path, **data.options)
            check_fingerprint(data.fingerprint, found, **_written(document, "fingerprint"))
        window = max(data.window for data in alike)
        if window > frames:
            message = f"a window of {window} frames is longer than every clip (the longest has {frames})"
            raise UserError(message, **_written(document, "window"))
        if clips is not None:
            fraction = min(data.label_fraction for data in alike)
            labelled_count(clips, fraction, **_written(document, "label_fraction"))


def recordings_fit(runs: Iterable[Run], file: SpecFile, document: Document) -> None:
    """Check that nothing is asked for that data with cameras or detections of their own can't have.

    Raises:
        UserError: see `harness.spec.recordings.fits`, located where the spec says it, or else leaves it to a default.
    """
    held: dict[str, frozenset[str]] = {}
    for run in runs:
        data = run.data
        if data.path is not None and not Path(data.path).exists():
            continue
        key = repr((data.dataset, data.path, sorted(data.options.items())))
        if key not in held:
            held[key] = recorded(data.dataset, data.path, data.options)
        try:
            recordings.fits(data, held[key], run.train, file.test)
        except UserError as error:
            section, _, field = str(error.key).partition(".")
            where = _written(document, field) if section == "data" else document.where((section, field))
            raise UserError(error.message, **where) from None


def _found_in_file(data: Data, document: Document) -> seen.Found:
    known = seen.recall(data)
    if known is not None:
        check_fingerprint(data.fingerprint, known.fingerprint, **_written(document, "fingerprint"))
        return known
    try:
        dataset = open_dataset(data.dataset, data.path, **data.options)
    except UserError as error:
        raise located(error, document) from None
    check_fingerprint(data.fingerprint, dataset.fingerprint, **_written(document, "fingerprint"))
    clips = partition(dataset, data.split, **_written(document, "split"))["train"]
    found = seen.Found(dataset.fingerprint, longest(clips), len(clips), dataset.skeleton)
    seen.remember(data, found)
    return found


def _written(document: Document, field: str) -> dict[str, Any]:
    """Where a field of the data is written: on the axis of the grid that varies it, else under ``data``."""
    for path in document.lines:
        if len(path) == 2 and path[0] == "grid" and f"data.{field}" in [x.strip() for x in str(path[1]).split(",")]:
            return document.where(path)
    return document.where(("data", field))


def located(error: UserError, document: Document) -> UserError:
    """``error`` about a data file, with the spec's line that names the file."""
    if error.line is not None:
        return error
    about = f"{error.file}: {error.key}: " if error.file and error.key else f"{error.file}: " if error.file else ""
    return UserError(about + error.message, **_written(document, "path"))
