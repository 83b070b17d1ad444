"""What is drawn of clips: sheets and pages that hold the numbers they were given."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from harness.look import canvas, gallery, page, sheet
from harness.look.sight import Sight
from harness.skeleton import H36M17, HUMANEVA15

DATA = re.compile(r'<script type="application/json" id="player-data">(.*?)</script>', re.DOTALL)


@pytest.fixture(params=[H36M17, HUMANEVA15], ids=lambda skeleton: skeleton.name)
def sight(request) -> Sight:
    draw, skeleton = np.random.default_rng(0), request.param
    joints = len(skeleton)
    poses = draw.normal(size=(60, joints, 3)) * 0.3 + [0, 0, 5]
    image = draw.uniform(-0.2, 0.2, (60, joints, 2))
    seen = {level: image + draw.normal(0, 0.01, image.shape) for level in ("minor", "severe")}
    visible = {"minor": draw.random((60, joints)) > 0.1, "severe": draw.random((60, joints)) > 0.4}
    scored = np.arange(60) < 40
    return Sight("S1/a <b>", "walk", "camera seen 0", 50.0, skeleton, poses, image, seen, visible, scored)


def picture(figure) -> np.ndarray:
    """The figure's pixels."""
    import io

    from matplotlib.image import imread

    return imread(io.BytesIO(canvas.png(figure, 40)))


def test_a_sheet_is_a_row_of_poses_and_one_for_each_level(sight):
    figure = sheet.sheet([sight, sight])
    texts = [text.get_text() for panel in figure.axes for text in panel.texts]
    assert len(figure.axes) == 6 * (1 + sheet.MOMENTS) and len(texts) == 6
    share = 100 * (~sight.visible["severe"]).mean()
    assert (
        texts[0].startswith("S1/a <b>\nwalk\ncamera seen 0\n60 frames") and texts[2] == f"severe\n{share:.0f} % hidden"
    )
    titles = [panel.get_title() for panel in figure.axes[1:7]]
    assert titles == ["frame 8", "frame 17", "frame 25", "frame 34", "frame 42, not scored", "frame 51, not scored"]
    moment, panel = 8, figure.axes[1]  # the pose's hidden joints are those of the last level
    (crosses,) = [line for line in panel.lines if line.get_marker() == "x"]
    assert len(crosses.get_xdata()) == (~sight.visible["severe"][moment]).sum()
    given = figure.axes[8].lines[-1]  # what the network is given for hidden joints, the first level
    hidden = ~sight.visible["minor"][moment]
    assert np.array_equal(np.stack(given.get_data(), -1), sight.seen["minor"][moment][hidden])


@pytest.mark.parametrize("sight", [H36M17], indirect=True)
def test_pictures_depend_on_the_data_alone(sight):
    figure = sheet.sheet([sight])
    first = canvas.png(figure, 40)
    assert first.startswith(b"\x89PNG") and b"Software" not in first
    assert canvas.png(sheet.sheet([sight]), 40) == first
    assert picture(figure).std() > 0.02  # something is drawn


def test_a_gallery_shows_from_which_severity_each_joint_is_hidden(sight):
    levels = [(0.5, "minor"), (1.0, "severe")]
    sight.visible["severe"][:] &= sight.visible["minor"]
    figure = gallery.gallery(sight, {"one": levels, "two": levels, "three": levels})
    courses = [panel.images[0].get_array() for panel in figure.axes if panel.images]
    assert len(courses) == 3
    expected = np.where(~sight.visible["minor"], 1, np.where(~sight.visible["severe"], 2, 0))
    assert np.array_equal(courses[0], expected.T)
    assert {"one", "two", "three"} <= {text.get_text() for panel in figure.axes for text in panel.texts}


def test_a_page_holds_the_numbers_and_fetches_nothing(sight):
    text = page.page("Clips of <mine>", "All & sundry", [sight])
    data = json.loads(DATA.search(text)[1])
    (clip,) = data["clips"]
    joints = len(sight.skeleton)
    assert (clip["step"], clip["fps"], clip["frames"], clip["total"]) == (2, 25.0, 30, 60)
    assert data["bones"] == [list(bone) for bone in sight.skeleton.bones]

    def numbers(packed, *shape):
        return np.frombuffer(base64.b64decode(packed["values"]), "<i2").reshape(shape) * packed["unit"]

    def flags(packed, count):
        return np.unpackbits(np.frombuffer(base64.b64decode(packed), np.uint8))[:count].astype(bool)

    poses = sight.poses - sight.poses[:, :1]
    assert np.allclose(numbers(clip["poses"], 30, joints, 3), poses[::2], atol=1e-4)
    for level in clip["levels"]:
        assert np.allclose(numbers(level["seen"], 30, joints, 2), sight.seen[level["name"]][::2], atol=1e-4)
        visible = flags(level["visible"], 30 * joints).reshape(30, joints)
        assert np.array_equal(visible, sight.visible[level["name"]][::2])
    assert np.array_equal(flags(clip["unscored"], 30), ~sight.scored[::2])
    rest = DATA.sub("", text)
    assert not re.search(r"https?:|src=|url\(|import ", rest) and text.count("</script>") == 2
    assert "<b>" not in rest and "&lt;mine&gt;" in rest and "All &amp; sundry" in rest
