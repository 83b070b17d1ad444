"""One person on two sides of a split: what is learned of a body is then tested on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness.data.checks.examined import Examined, Finding
from harness.data.dataset import SIDES


def check(data: Examined) -> Iterator[Finding]:
    """People that are, or may be, on two sides of one of the data's splits, told from subjects' and clips' names.

    A split that chooses epochs by the test side itself says so, and is taken only by a protocol that says so, too.
    """
    people: dict[str, set[str]] = defaultdict(set)
    for clip in data.clips:
        people[clip.subject] |= {*data.performers(clip.subject), *([clip.performer] if clip.performer else [])}
    for name, split in data.splits.items():
        sides: dict[str, dict[str, str]] = defaultdict(dict)  # person → side → a subject
        for side in SIDES if not split.chosen_on_test else ("train", "test"):
            for subject in split.side(side):
                for person in sorted(people.get(subject, ())):
                    sides[person].setdefault(side, subject)
        for person, subjects in sorted(sides.items()):
            if len(subjects) > 1:
                where = " and ".join(f"{side} ('{subject}')" for side, subject in subjects.items())
                said = f"split '{name}': {person} is, or may be, in {where}"
                yield data.finding("performers", said, "each person on one side")
