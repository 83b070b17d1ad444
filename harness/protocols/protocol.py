"""What a protocol is: how predictions become rows of an evaluation, and how these are averaged into one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.errors import UserError
from harness.skeleton import Skeleton

Root = Literal["subtracted", "zeroed", "kept"]
Overlap = Literal["once", "averaged"]
Over = Literal["subject", "action", "frame"]


@dataclass(frozen=True)
class LeftOut:
    """Recordings of one subject that aren't scored, in every way that layouts spell their names.

    Attributes:
        subject: the subject's name.
        spellings: the same recordings by the names of one layout, of another, …; a name without what tells cameras
            apart, such as ``Greeting 2``. One layout may give a name to another recording than a second one does.
    """

    subject: str
    spellings: tuple[tuple[str, ...], ...]

    def among(self, clips: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Names of the clips that show these recordings; none where the subject isn't there.

        Args:
            clips: subject and name of each; a name is ``SUBJECT/NAME``, or ``SUBJECT/NAME.CAMERA`` for each camera.
        Raises:
            UserError: the subject is there and the data spell the recordings in none of the known ways, or in several.
        """
        called: dict[str, list[str]] = {}
        for subject, clip in clips:
            if subject == self.subject:
                called.setdefault(clip.removeprefix(f"{subject}/").partition(".")[0], []).append(clip)
        if not called:
            return frozenset()
        known = [spelling for spelling in self.spellings if all(name in called for name in spelling)]
        if len(known) != 1:
            shown = "; or ".join(", ".join(spelling) for spelling in self.spellings)
            message = f"it leaves out recordings of {self.subject} ({shown}), and the test clips have "
            message += "names of several layouts" if known else "none of these sets of names"
            raise UserError(f"{message}: nobody can tell which are meant", key="test.protocol")
        return frozenset(clip for name in known[0] for clip in called[name])


@dataclass(frozen=True)
class Scoring:
    """How predicted clips are scored. What decides a stored row is here, and nothing else; see `key`.

    Attributes:
        name: what keys of evaluations call it; empty for `PLAIN`.
        version: raised with every change that changes a number.
        root: of each frame. ``subtracted``: prediction and truth are moved so that each one's root is the origin;
            ``zeroed``: the truth is, and the predicted root is set to the origin while the other joints stay as
            predicted; ``kept``: the truth is, and the prediction stays, with an error of its own at the root.
        joints: names of the joints that metrics are of; empty for all.
        joints_of: metric → the joints that it is of, where others than ``joints``; empty for all.
        left_out: recordings that aren't scored; None: all are.
        overlap: ``once``: one window answers for each frame; ``averaged``: windows overlap by two thirds of the frames
            that they answer for, and a frame's predictions are averaged.
        flip: whether an input's prediction is averaged with its mirror image's; None: as the run's ``train.flip_test``.
        every: of each clip the first frame and every n-th from there are scored.
    """

    name: str = ""
    version: int = 1
    root: Root = "subtracted"
    joints: tuple[str, ...] = ()
    joints_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    left_out: LeftOut | None = None
    overlap: Overlap = "once"
    flip: bool | None = None
    every: int = 1

    @property
    def key(self) -> str:
        """Behind a test condition it names an evaluation: ``~shifted-left-out@1``; empty for `PLAIN`."""
        return f"~{self.name}@{self.version}" if self.name else ""

    @property
    def as_shown(self) -> bool:
        """Whether a frame's MPJPE is the mean distance of all joints from the truth, both from their root."""
        return self.root == "subtracted" and self.every == 1 and not self.joints and "mpjpe" not in self.joints_of

    def counted(self, skeleton: Skeleton, metric: str) -> list[int] | None:
        """Places of the joints that a metric is of; None for all.

        Raises:
            UserError: a joint that the skeleton lacks.
        """
        names = self.joints_of.get(metric, self.joints)
        lacking = [name for name in names if name not in skeleton.joints]
        if lacking:
            message = f"it scores the joint '{lacking[0]}', and '{skeleton.name}', the data's skeleton, has none"
            raise UserError(f"{message} of this name", key="test.protocol")
        return [skeleton.joints.index(name) for name in names] if names else None

    def dropped(self, clips: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Names of the clips that aren't scored; arguments and errors as `LeftOut.among`."""
        return self.left_out.among(clips) if self.left_out is not None else frozenset()

    def fits(self, skeleton: Skeleton, clips: Sequence[tuple[str, str]], target: str) -> None:
        """Refuse data that can't be scored so.

        Args:
            skeleton: the data's.
            clips: subject and name of each test clip.
            target: what poses are trained to be relative to: ``per_frame`` or ``first_frame``.
        Raises:
            UserError: a joint that isn't there; recordings that can't be found although their subject is tested on;
                nothing left to score; a root that such targets don't have.
        """
        self.fits_skeleton(skeleton)
        dropped = self.dropped(clips)
        if clips and all(name in dropped for _, name in clips):
            raise UserError("it leaves out every test clip", key="test.protocol")
        self.fits_root(target)

    def fits_skeleton(self, skeleton: Skeleton) -> None:
        """Refuse a skeleton that lacks a joint that is scored."""
        for metric in ("", *self.joints_of):
            self.counted(skeleton, metric)

    def fits_root(self, target: str) -> None:
        """Refuse targets relative to the first frame's root where the predicted root isn't subtracted."""
        if self.root != "subtracted" and target != "per_frame":
            message = "it takes the prediction as relative to each frame's root, and these targets are relative to the"
            raise UserError(f"{message} first frame's: set data.root to per_frame", key="test.protocol")


PLAIN = Scoring()
"""Every joint of every frame, predicted once, root subtracted: what bare keys of evaluations mean. Never changes."""


@dataclass(frozen=True)
class Protocol:
    """A named, versioned way to score and to average.

    Attributes:
        averaged: over what, last: within a subject (action) clips weigh by their frames, then all weigh alike; over
            frames all clips weigh by their frames.
        source: who scores so, and where that is printed.
        scoring: how predictions become rows.
        chosen_on_test: the epoch is the one with the lowest error on the test clips: the score is optimistic, and no
            claim may rest on it.
        name, version, summary: of its line in the registry.
    """

    averaged: Over
    source: str
    scoring: Scoring = PLAIN
    chosen_on_test: bool = False
    name: str = ""
    version: int | str = 1
    summary: str = ""

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"

    @property
    def mean(self) -> str:
        """The column of a report's frame that holds its averages."""
        return {"subject": "value", "action": "per_action", "frame": "per_frame"}[self.averaged]
