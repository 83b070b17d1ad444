"""What a run trains and is tested on, opened once for all runs of a process that share it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from torch import Tensor

from harness.data import check_fingerprint, open_dataset, partition, recorded
from harness.data.dataset import Dataset, longest
from harness.data.labels import labelled_clips
from harness.data.views import Views, views
from harness.data.virtual_cameras import Purpose
from harness.data.windows import Windows, every_window, overlapping, tiling
from harness.errors import UserError
from harness.skeleton import Skeleton
from harness.spec import recordings
from harness.spec.run import Data


@dataclass(frozen=True, eq=False)
class Material:
    """A dataset divided by subject and filmed by its cameras.

    Attributes:
        dataset: the opened dataset.
        train: views of the training side's clips that keep their labels.
        unlabelled: views of all clips of the training side, of whose poses training must know nothing.
        validation: views of the validation side's clips.
        tests: views of the test clips by camera set, ``seen`` and ``unseen``; where the data have cameras of their own,
            these are ``seen`` and there is no other set.
    """

    dataset: Dataset
    train: Views
    unlabelled: Views
    validation: Views
    tests: dict[str, Views]

    @property
    def skeleton(self) -> Skeleton:
        return self.dataset.skeleton


def open_material(data: Data) -> Material:
    """The material of a run; runs that share data share it (window and noise don't matter here).

    Raises:
        UserError: the file's content isn't what the spec declares, no clip keeps its labels, or none that does is as
            long as a window.
    """
    fields = {"dataset", "options", "path", "fingerprint", "split", "cameras", "seed"}  # a changed file is read anew
    recordings.fits(data, recorded(data.dataset, data.path, data.options))
    material = _labelled(data.model_dump_json(include=fields), data.label_fraction)
    check_fingerprint(data.fingerprint, material.dataset.fingerprint, data.path, key="data.fingerprint")
    found = longest(material.train.clips)
    if data.window > found:
        kept = "" if data.label_fraction == 1 else " that keeps its labels"
        raise UserError(f"window of {data.window} frames is longer than every training clip{kept} (longest: {found})")
    return material


class _Tests(dict[str, Views]):
    """Test views by camera set; a set that the data can't have is the user's error."""

    def __missing__(self, cameras: str) -> Views:
        raise UserError(recordings.NO_UNSEEN, key="test.cameras")


def licence(data: Data) -> str:
    """The licence of a run's data, as the dataset states it."""
    return open_material(data).dataset.licence


@lru_cache(maxsize=2)
def _labelled(document: str, fraction: float) -> Material:
    """Material of which a fraction of the training clips keeps its labels; the rest of it is shared."""
    material, seed = _open(document), Data.model_validate_json(document).seed
    if fraction == 1:
        return material
    chosen = labelled_clips([clip.name for clip in material.unlabelled.clips], fraction, seed)
    return replace(material, train=material.unlabelled.of_clips(chosen))


@lru_cache(maxsize=2)
def _open(document: str) -> Material:
    data = Data.model_validate_json(document)
    dataset = open_dataset(data.dataset, data.path, **data.options)
    sides = partition(dataset, data.split)
    own = any(clip.cameras for clip in dataset.clips)
    cameras, seed = data.cameras, data.seed
    identity = f"{data.dataset} {dataset.fingerprint} {sorted(data.options.items())}"

    def film(side: str, purpose: Purpose, count: int) -> Views:
        return views(sides[side], purpose=purpose, count=count, seed=seed, identity=identity)

    filmed = film("train", "train", cameras.train)
    tests = _Tests(seen=film("test", "seen", cameras.test))
    if not own:
        tests["unseen"] = film("test", "unseen", cameras.test)
    return Material(
        dataset=dataset,
        train=filmed,
        unlabelled=filmed,
        validation=film("validation", "validation", cameras.test),
        tests=tests,
    )


def training_windows(view: Views, window: int, frames_out: int, lead: int) -> Windows:
    """Every window of the training views."""
    return every_window(view.offset, view.length, window, frames_out, lead)


def scoring_windows(view: Views, window: int, frames_out: int, lead: int) -> tuple[Windows, Tensor]:
    """Windows that answer each frame of the views exactly once, and which answers count."""
    return tiling(view.offset, view.length, window, frames_out, lead)


def overlapping_windows(view: Views, window: int, frames_out: int, lead: int) -> tuple[Windows, Tensor]:
    """Windows of which neighbours share two thirds of the frames they answer for, and which answers are of frames."""
    return overlapping(view.offset, view.length, window, frames_out, lead, max(1, -(-frames_out // 3)))
