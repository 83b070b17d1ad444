"""CMU's motion capture from mocap.cs.cmu.edu: the skeletons and motions of the subjects one asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.data.download import Downloader
from harness.errors import UserError

BASE = "http://mocap.cs.cmu.edu"
_GAP = 3  # numbers in a row that no motion has, after which no more are expected


def fetch(download: Downloader, subjects: Iterable[int], clips: Iterable[int] | None = None) -> list[str]:
    """Fetch subjects' skeletons and motions, ``subjects/NN/NN.asf`` and ``subjects/NN/NN_MM.amc``.

    Args:
        clips: numbers of the motions; default: all that the server lists, by folder or on the subject's page, or
            where it lists none, all that are found by counting up.
    Returns:
        names of the files that are there now.
    Raises:
        UserError: as `Downloader.fetch`; a subject without motions.
    """
    wanted = None if clips is None else sorted(set(clips))
    found = []
    for subject in sorted(set(subjects)):
        number = f"{subject:02d}"
        folder = f"subjects/{number}"
        skeleton = f"{folder}/{number}.asf"
        download.fetch(skeleton)
        listed = [f"{number}_{clip:02d}" for clip in wanted] if wanted is not None else _listed(download, subject)
        names = [f"{folder}/{clip}.amc" for clip in listed]
        for name in names:
            download.fetch(name)
        motions = names or _counted(download, folder, number)
        if not motions:
            raise UserError(f"subject {subject} has no motions there", file=f"{download.base}/{folder}/")
        found += [skeleton, *motions]
    return found


def _listed(download: Downloader, subject: int) -> list[str]:
    """Motions that a listing of the folder names, or the subject's page."""
    number = f"{subject:02d}"
    for page in (f"subjects/{number}/", f"search.php?subjectnumber={subject}"):
        found = set(re.findall(rf"\b({number}_\d+)\.amc\b", download.page(page)))
        if found:
            return sorted(found)
    return []


def _counted(download: Downloader, folder: str, number: str) -> list[str]:
    found: list[str] = []
    clip, missing = 1, 0
    while missing < _GAP:
        name = f"{folder}/{number}_{clip:02d}.amc"
        there = download.fetch(name, optional=True) is not None
        found += [name] if there else []
        clip, missing = clip + 1, 0 if there else missing + 1
    return found
