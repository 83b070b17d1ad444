"""Facts of Human3.6M that its layouts share: cameras, joints, actions, licence, split. No layout of its own."""

from __future__ import annotations

import json
from pathlib import Path

from harness.data.dataset import RecordedCamera, Split
from harness.errors import UserError

FPS = 50.0
LICENCE = (
    "Human3.6M: free of charge for academic use to those who registered at vision.imar.ro/human3.6m, not to be passed "
    "on; cite Ionescu et al., TPAMI 2014"
)
SPLITS = {
    "h36m-s8": Split(train=("S1", "S5", "S6", "S7"), validation=("S8",), test=("S9", "S11")),
    "h36m-chosen-on-test": Split(train=("S1", "S5", "S6", "S7", "S8"), validation=("S9", "S11"), test=("S9", "S11")),
}
"""The field trains on S1, S5–S8 and tests on S9 and S11. S8 chooses epochs in the first split, for the test subjects
may not; in the second they do, as in much published code, and only protocols that say so take its scores."""

JOINTS = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Places of h36m17's joints among the 32 of the recordings; the rest never move or repeat others."""

ACTIONS = {
    2: "Directions",
    3: "Discussion",
    4: "Eating",
    5: "Greeting",
    6: "Phoning",
    7: "Posing",
    8: "Purchases",
    9: "Sitting",
    10: "SittingDown",
    11: "Smoking",
    12: "Photo",
    13: "Waiting",
    14: "Walking",
    15: "WalkDog",
    16: "WalkTogether",
}
"""Actions by their number in file names (``act_02`` …)."""


def cameras(path: str | Path | None = None) -> dict[str, dict[str, RecordedCamera]]:
    """Subject → camera name → camera, in the order in which the recordings number them.

    Args:
        path: a JSON file like ``h36m_cameras.json`` beside this module, which is the default.
    Raises:
        UserError: a file that isn't there or isn't like that one.
    """
    file = Path(path) if path else Path(__file__).with_name("h36m_cameras.json")
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        scale = {"millimetres": 0.001, "metres": 1.0}[given["units"]]
        return {
            subject: {
                name: _camera(name, given["cameras"][name], place["orientation"], place["translation"], scale)
                for name, place in placed.items()
            }
            for subject, placed in given["subjects"].items()
        }
    except FileNotFoundError:
        raise UserError("no such file; expected cameras as JSON", file=str(file)) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"can't be read as cameras ({type(error).__name__}: {error}); expected 'units', 'cameras' and "
        raise UserError(f"{message}'subjects' as in harness/data/importers/h36m_cameras.json", file=str(file)) from None


def _camera(name: str, inside: dict, orientation: list, translation: list, scale: float) -> RecordedCamera:
    width, height = map(float, inside["resolution"])
    unit = 2.0 / width
    focal, centre = ([float(x) * unit for x in inside[key]] for key in ("focal", "centre"))
    middle = [centre[0] - 1.0, centre[1] - height / width]
    return RecordedCamera(
        name=name,
        orientation=tuple(map(float, orientation)),
        translation=tuple(float(x) * scale for x in translation),
        intrinsic=(*focal, *middle, *map(float, inside["radial"]), *map(float, inside["tangential"])),
        resolution=(width, height),
    )


def of_subject(known: dict[str, dict[str, RecordedCamera]], subject: str, path: str) -> dict[str, RecordedCamera]:
    """A subject's cameras.

    Raises:
        UserError: none are known.
    """
    if subject not in known:
        message = f"the cameras aren't known of '{subject}', but of {', '.join(known)}: -o cameras=FILE gives others"
        raise UserError(message, file=path, key=subject)
    return known[subject]
