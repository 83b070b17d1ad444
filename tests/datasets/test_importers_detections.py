"""Keypoints of detectors, written in each layout from the same numbers: they come back beside the clip's camera."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from harness.cli.main import main
from harness.data import imported_file, importers, open_dataset
from harness.data.dataset import RecordedCamera
from harness.data.importers.imported import Imported
from harness.errors import UserError

FRAMES = 9
EMPTY, CROWD, HIDDEN = 3, 5, 7  # a frame without people; one with two; one in which the left wrist (9) wasn't found


@pytest.fixture(scope="module")
def clips():
    """Two clips, each filmed by two cameras."""
    lens = {"orientation": (1.0, 0, 0, 0), "intrinsic": (2.0, 2, 0, 0, 0, 0, 0, 0, 0), "resolution": (1000.0, 800.0)}
    cameras = tuple(RecordedCamera(name, translation=(0, 0, x), **lens) for name, x in (("left", 1.0), ("right", 2.0)))
    source = open_dataset("synthetic", subjects=3, clips=1, seconds=0.5).clips[:2]
    made = [
        replace(
            clip, name=f"{who}/walk", subject=who, performer=who, positions=clip.positions[:FRAMES], cameras=cameras
        )
        for who, clip in zip("AB", source, strict=True)
    ]
    return Imported("made", open_dataset("synthetic", subjects=3, clips=1, seconds=0.5).skeleton, tuple(made), "ours")


@pytest.fixture
def film(clips, tmp_path):
    """The imported file, and a place for detections."""
    imported_file.write(tmp_path / "clips.npz", clips, kind="made", files=[])
    return tmp_path


@pytest.fixture
def repose_data():
    """Runs `repose data …`, which must succeed."""

    def run(*arguments):
        assert main(["data", *map(str, arguments)]) == 0

    return run


@pytest.fixture(scope="module")
def people():
    """For each frame its people: (K=17 of COCO, 3) and a belief."""
    rng = np.random.default_rng(3)
    frames = [[(np.column_stack([rng.uniform(50, 750, (17, 2)), rng.uniform(0.2, 1, 17)]), 0.9)] for _ in range(FRAMES)]
    frames[EMPTY] = []
    frames[CROWD].insert(0, (np.full((17, 3), 0.5), 0.3))
    frames[HIDDEN][0][0][9] = 0
    return frames


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def alphapose(folder, people):
    listed = [
        {"image_id": f"img_{frame:05d}.jpg", "category_id": 1, "keypoints": points.ravel().tolist(), "score": belief}
        for frame, here in enumerate(people)
        for points, belief in here
    ]
    (folder / "alphapose-results.json").write_text(json.dumps(listed))
    return folder / "alphapose-results.json"


def coco(folder, people):
    images = [
        {"id": 70 - frame, "file_name": f"{frame:03d}.png", "width": 1000, "height": 800} for frame in range(FRAMES)
    ]
    listed = [
        {"image_id": 70 - frame, "keypoints": points.ravel().tolist(), "score": belief, "category_id": 1}
        for frame, here in enumerate(people)
        for points, belief in here
    ]
    (folder / "film.json").write_text(json.dumps({"images": images[::-1], "annotations": listed}))
    return folder / "film.json"


def coco_results(folder, people):
    content = json.loads(coco(folder, people).read_text())["annotations"]
    (folder / "film.json").write_text(json.dumps([{**one, "image_id": 70 - one["image_id"]} for one in content]))
    return folder / "film.json"


def mmpose(folder, people, first=1):
    frames = [
        {
            "frame_id": frame + first,
            "instances": [
                {
                    "keypoints": points[:, :2].tolist(),
                    "keypoint_scores": points[:, 2].tolist(),
                    "bbox": [[0, 0, 1, 1]],
                    "bbox_score": belief,
                }
                for points, belief in here
            ],
        }
        for frame, here in enumerate(people)
    ]
    (folder / "film.json").write_text(json.dumps({"meta_info": {}, "instance_info": frames}))
    return folder / "film.json"


def detectron2(folder, people):
    boxes, keypoints = np.empty(FRAMES, object), np.empty(FRAMES, object)
    for frame, here in enumerate(people):
        boxes[frame] = [[], np.array([[0, 0, 1, 1, belief] for _, belief in here], np.float32)]
        rows = [[points[:, 0], points[:, 1], 0 * points[:, 0], points[:, 2]] for points, _ in here]
        keypoints[frame] = [[], np.array(rows, np.float32) if rows else []]
    np.savez_compressed(
        folder / "film.mp4.npz",
        boxes=boxes,
        segments=np.array([None] * FRAMES),
        keypoints=keypoints,
        metadata={"w": 1000, "h": 800},
    )
    return folder / "film.mp4.npz"


def openpose(folder, people):
    """BODY_25 from COCO's: its neck and middle hip are means; toes and heels aren't found."""
    order = [0, None, 6, 8, 10, 5, 7, 9, None, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    (folder / "json").mkdir()
    for frame, here in enumerate(people):
        listed = []
        for points, _ in here:
            body = np.zeros((25, 3))
            body[:19] = [[0] * 3 if place is None else points[place] for place in order]
            for place, pair in ((1, [5, 6]), (8, [11, 12])):
                body[place] = [*points[pair, :2].mean(axis=0), points[pair, 2].min()]
            listed.append({"person_id": [-1], "pose_keypoints_2d": body.ravel().tolist()})
        file = folder / "json" / f"film_{frame:012d}_keypoints.json"
        file.write_text(json.dumps({"version": 1.3, "people": listed}))
    return folder / "json"


WRITERS = {
    "alphapose": alphapose,
    "coco-json": coco,
    "mmpose": mmpose,
    "detectron2-npz": detectron2,
    "openpose": openpose,
}
PLACE = {"clip": "B/walk", "camera": "right"}


def expected(people, frame):
    """h36m17's pixels and scores from COCO's keypoints, spelt out."""
    points, _ = people[frame][-1]
    sources = [
        [11, 12], [12], [14], [16], [11], [13], [15], [11, 12, 5, 6], [5, 6], [0], [1, 2], [5], [7], [9], [6], [8], [10]
    ]  # fmt: skip
    return (
        np.array([points[own, :2].mean(axis=0) for own in sources]),
        np.array([points[own, 2].min() for own in sources]),
    )


@pytest.mark.parametrize("kind", [*WRITERS, "coco-json results"])
def test_keypoints_come_back_beside_their_camera(film, people, clips, kind):
    path = coco_results(film, people) if " " in kind else WRITERS[kind](film, people)
    found = importers.read(kind.split()[0], [film / "clips.npz", path], **PLACE)
    imported_file.check(found, "made")
    assert found.detector == kind.split()[0].removesuffix("-npz") and found.licence == "ours"
    by = {(clip.name, camera.name): camera for clip in found.clips for camera in clip.cameras}
    camera = by.pop(("B/walk", "right"))
    assert all(other.pixels is None for other in by.values())
    for frame in set(range(FRAMES)) - {EMPTY, HIDDEN}:
        pixels, score = expected(people, frame)
        assert camera.pixels[frame] == pytest.approx(pixels, abs=1e-3)
        assert camera.score[frame] == pytest.approx(score, abs=1e-6)
    assert (camera.score[EMPTY] == 0).all()
    between = (expected(people, EMPTY - 1)[0] + expected(people, EMPTY + 1)[0]) / 2
    assert camera.pixels[EMPTY] == pytest.approx(between, abs=1e-3)
    assert np.flatnonzero(camera.score[HIDDEN] == 0).tolist() == [13]
    wrist = (expected(people, HIDDEN - 1)[0] + expected(people, HIDDEN + 1)[0])[13] / 2
    assert camera.pixels[HIDDEN, 13] == pytest.approx(wrist, abs=1e-3)


def test_from_the_command_line(repose_data, film, people):
    """Cameras with numbers for names are found too, and the new file opens as data with detections."""
    renamed = imported_file.read(film / "clips.npz")
    clips = [replace(c, cameras=tuple(replace(k, name={"left": "101"}.get(k.name, "202")) for k in c.cameras))
             for c in renamed.clips]  # fmt: skip
    imported_file.write(film / "numbered.npz", replace(renamed, clips=tuple(clips[1:])), kind="made", files=[])
    path = alphapose(film, people)
    half, out = film / "half.npz", film / "seen.npz"
    for source, camera, target in (("numbered.npz", "101", half), ("half.npz", "202", out)):
        repose_data(
            "import", "alphapose", film / source, path, "--out", target, "-o", "clip=B/walk", "-o", f"camera={camera}"
        )
    data = open_dataset("clips", str(out))
    assert [camera.score[EMPTY].max() for clip in data.clips for camera in clip.cameras] == [0, 0]


def test_labels_of_coco_are_scores_of_three_kinds(film, people):
    labelled = [[(np.column_stack([points[:, :2], np.full(17, 2)]), 1)] for ((points, _), *_) in people[:3]]
    labelled[1][0][0][9, 2], labelled[2][0][0][9] = 1, 0
    content = json.loads(coco(film, [*labelled, *[[]] * (FRAMES - 3)]).read_text())
    for one in content["annotations"]:
        del one["score"]
    (film / "film.json").write_text(json.dumps(content))
    found = importers.read("coco-json", [film / "clips.npz", film / "film.json"], **PLACE)
    assert found.clips[1].cameras[1].score[:4, 13].tolist() == [1, 0.5, 0, 0]


def test_several_films_at_once_and_a_layout_of_ones_own(film, people, tmp_path):
    for name in ("one", "two"):
        (film / "films" / name).mkdir(parents=True)
        alphapose(film / "films" / name, people)
    places = {f"{who}/walk@left": f"{name}/alphapose-results.json" for who, name in (("A", "one"), ("B", "two"))}
    (tmp_path / "places.yaml").write_text(yaml.safe_dump(places))
    found = importers.read(
        "alphapose", [film / "clips.npz", film / "films"], places=str(tmp_path / "places.yaml"), detector="mine"
    )
    assert [camera.pixels is not None for clip in found.clips for camera in clip.cameras] == [True, False] * 2
    assert found.detector == "mine"
    names = [f"k{place}" for place in range(17)]
    own = {"joints": names, "map": dict(zip(found.skeleton.joints, names[::-1], strict=True))}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    paths = [film / "clips.npz", film / "films" / "one" / "alphapose-results.json"]
    turned = importers.read("alphapose", paths, joints=str(tmp_path / "own.yaml"), **PLACE).clips[1].cameras[1]
    assert turned.pixels[0] == pytest.approx(people[0][0][0][::-1, :2], abs=1e-3)
    same = importers.read("alphapose", paths, joints="h36m17", **PLACE).clips[1].cameras[1]
    assert same.pixels[0] == pytest.approx(people[0][0][0][:, :2], abs=1e-3)


def test_another_skeleton_needs_a_map_of_its_own(film, people, clips, tmp_path):
    half = replace(clips.skeleton, name="half", joints=tuple(name.lower() for name in clips.skeleton.joints))
    imported_file.write(film / "half.npz", replace(clips, skeleton=half), kind="made", files=[])
    paths = [film / "half.npz", mmpose(film, people)]
    with pytest.raises(UserError, match="declared for the joints of h36m17, these clips have half's: declare a map"):
        importers.read("mmpose", paths, **PLACE)
    own = {"joints": [f"k{place}" for place in range(17)], "map": {name: "k0" for name in half.joints}}
    (tmp_path / "own.json").write_text(json.dumps(own))
    found = importers.read("mmpose", paths, joints=str(tmp_path / "own.json"), **PLACE)
    assert found.clips[1].cameras[1].pixels[0, 16] == pytest.approx(people[0][0][0][0, :2], abs=1e-3)


def test_frames_that_begin_at_another_number(film, people):
    with pytest.raises(UserError, match="frame 9 beside a clip of 9; if numbers don't begin at 0"):
        importers.read("alphapose", [film / "clips.npz", alphapose(film, [[], *people])], **PLACE)
    shifted = importers.read("alphapose", [film / "clips.npz", alphapose(film, [[], *people])], first=1, **PLACE)
    assert shifted.clips[1].cameras[1].pixels[0] == pytest.approx(expected(people, 0)[0], abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("mmpose", {"clip": "B/walk"}, "camera: say whose film this is"),
        ("mmpose", {"clip": "B/wlak", "camera": "left"}, "unknown clip 'B/wlak'; did you mean 'B/walk'"),
        ("mmpose", {"clip": "B/walk", "camera": "top"}, "B/walk: unknown camera 'top'"),
        ("mmpose", {**PLACE, "joints": "body25"}, "17 keypoints; body25 has 25"),
        ("mmpose", {**PLACE, "joints": "cocoa"}, "unknown layout of keypoints 'cocoa'; did you mean 'coco17'"),
        ("mmpose", {**PLACE, "places": "places.yaml"}, "clip and camera have no effect"),
        ("mmpose", {**PLACE, "first": 1}, "unknown option of mmpose 'first'"),
    ],
)
def test_options_that_are_refused(film, people, kind, options, message):
    path = WRITERS[kind](film, people)
    with pytest.raises(UserError, match=message):
        importers.read(kind, [film / "clips.npz", path], **options)


@pytest.mark.parametrize(
    ("kind", "spoil", "message"),
    [
        *((kind, lambda text: text[:-40], "can't be read as JSON") for kind in ("alphapose", "coco-json", "mmpose")),
        ("alphapose", lambda text: '{"people": []}', "expected a list of people"),
        ("alphapose", lambda text: text.replace("image_id", "image"), r"\[0\]: expected a person with 'image_id'"),
        (
            "alphapose",
            lambda text: text.replace("img_00000", "img"),
            r"\[0\].image_id: no number of a frame in 'img.jpg'",
        ),
        ("alphapose", lambda text: "[]", "B/walk@right: nobody is detected"),
        ("mmpose", lambda text: text.replace('"frame_id": 4', '"frame_id": 5'), "frames are missing or come twice"),
        ("mmpose", lambda text: text.replace("keypoint_scores", "scores"), "frame 1: expected 'keypoints'"),
        ("mmpose", lambda text: "[[]]", "expected a list of frames with 'frame_id'"),
        (
            "coco-json",
            lambda text: text.replace('"width": 1000', '"width": 640'),
            "images of 640 x 800 pixels; .* 1000",
        ),
        ("coco-json", lambda text: text.replace('"id": 66', '"id": 660'), "no image has the id 66"),
        ("coco-json", lambda text: text.replace('"keypoints": [', '"keypoints": [NaN, 1, 1,', 1), "NaN or nothing"),
        ("coco-json", lambda text: text.replace('"keypoints": [', '"keypoints": [1, ', 1), "each x, y and a score"),
        ("coco-json", lambda text: text.replace('"keypoints": [', '"keypoints": [1,1,1,', 1), "with 17 and 18 points"),
    ],
)
def test_files_that_are_refused(film, people, kind, spoil, message):
    path = WRITERS[kind](film, people)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(UserError, match=message) as refused:
        importers.read(kind, [film / "clips.npz", path], **PLACE)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_other_files_that_are_refused(film, people):
    def refused(kind, path, message, clips="clips.npz"):
        with pytest.raises(UserError, match=message):
            importers.read(kind, [film / clips, path], **PLACE)

    path = detectron2(film, people)
    refused("mmpose", film / "none.json", "no such file; expected MMPose's predictions")
    refused("openpose", path, "expected a folder of NAME_NUMBER_keypoints.json")
    refused("detectron2-npz", film / "clips.npz", "unknown member 'boxes'")
    content = dict(np.load(path, allow_pickle=True))
    np.savez(film / "few.npz", **{**content, "boxes": content["boxes"][1:]})
    refused("detectron2-npz", film / "few.npz", "9 frames beside 8 of boxes")
    np.savez(film / "short.npz", **{**content, "boxes": content["boxes"][1:], "keypoints": content["keypoints"][1:]})
    refused("detectron2-npz", film / "short.npz", "8 frames of detections beside 9 of the clip")
    np.savez(film / "bad.npz", **{**content, "keypoints": np.array([Touch(film / "touched")], dtype=object)})
    refused("detectron2-npz", film / "bad.npz", "which is neither a plain value nor a numpy array: refused")
    assert not (film / "touched").exists()
    folder = openpose(film, people)
    refused("openpose", folder, "no such file", clips="none.npz")
    (folder / "other_000000000002_keypoints.json").write_text('{"people": []}')
    refused("openpose", folder, "two files of one frame")
    with pytest.raises(UserError, match="expected two paths: an imported clip file, then the detections; got 1"):
        importers.read("openpose", [folder], **PLACE)
