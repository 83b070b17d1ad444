"""The built-in motion in other skeletons: one body whatever its joints are called, and its mirror image a body too."""

import numpy as np
import pytest

from harness.data import fingerprint, open_dataset, skeleton_of
from harness.data.synthetic_skeletons import dressed
from harness.skeleton import H36M17, SKELETONS

OTHERS = [name for name in SKELETONS if name != "h36m17"]
RIGID = {
    "humaneva15": (("LHip", "LKnee"), ("RElbow", "RWrist"), ("Pelvis", "LHip")),
    "smpl24": (("LKnee", "LAnkle"), ("LAnkle", "LFoot"), ("RWrist", "RHand"), ("Pelvis", "Spine1")),
    "wholebody133": (
        *(("Nose", "LEar"), ("RJaw1", "Chin"), ("LBrow1", "RMouth3"), ("LEyeRim1", "LEyeRim4")),
        *(("LWrist", "LThumb4"), ("RIndex1", "RIndex2"), ("RPalm", "RLittle1")),
        *(("LAnkle", "LBigToe"), ("LHeel", "LKnee")),
    ),
}  # fmt: skip
SAME = {"LShoulder", "RElbow", "LWrist", "RHip", "LKnee"}


@pytest.fixture(scope="module")
def body():
    """(F, 17, 3) of one clip."""
    return open_dataset("synthetic", subjects=3, clips=2, seconds=1).clips[1].positions


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_motions_in_other_joints(name):
    options = {"subjects": 3, "clips": 1, "seconds": 0.5}
    plain, other = open_dataset("synthetic", **options), open_dataset("synthetic", **options, skeleton=name)
    assert other.skeleton == skeleton_of("synthetic", {"skeleton": name}) == SKELETONS[name]
    assert other.fingerprint == fingerprint("synthetic", skeleton=name, **options) != plain.fingerprint
    for ours, theirs in zip(plain.clips, other.clips, strict=True):
        assert (ours.name, ours.action, ours.fps) == (theirs.name, theirs.action, theirs.fps)
        assert theirs.positions.shape == (len(ours), len(SKELETONS[name]), 3)
        assert theirs.positions.dtype == np.float32 and np.isfinite(theirs.positions).all()
        for joint in SAME:
            at = other.skeleton.joints.index(joint)
            np.testing.assert_array_equal(theirs.positions[:, at], ours.positions[:, H36M17.joints.index(joint)])
        assert len(np.unique(theirs.positions[0], axis=0)) == len(SKELETONS[name]), "no joint lies on another"


@pytest.mark.parametrize("name", OTHERS)
def test_what_hangs_on_a_limb_keeps_its_place_there(name, body):
    joints, made = SKELETONS[name].joints, dressed(body, name)
    for one, other in RIGID[name]:
        length = np.linalg.norm(made[:, joints.index(one)] - made[:, joints.index(other)], axis=-1)
        assert np.ptp(length) < 1e-4 and 0.005 < length[0] < 0.6, (one, other)


@pytest.mark.parametrize("name", OTHERS)
def test_the_mirror_image_of_a_body_is_dressed_as_its_mirror_image(name, body):
    def image(positions, skeleton):
        return (positions * [1, -1, 1])[:, list(skeleton.mirror)].astype(np.float32)

    turned = dressed(image(body, H36M17), name)
    np.testing.assert_allclose(turned, image(dressed(body, name), SKELETONS[name]), atol=1e-5)


def test_a_whole_body_faces_where_it_walks():
    clip = open_dataset("synthetic", subjects=3, clips=1, seconds=2, skeleton="wholebody133").clips[0]
    place = {joint: clip.positions[:, at] for at, joint in enumerate(SKELETONS["wholebody133"].joints)}
    walked = place["LHip"][-1] - place["LHip"][0]
    nose = place["Nose"] - (place["LEar"] + place["REar"]) / 2
    toes = (place["LBigToe"] - place["LHeel"]) + (place["RBigToe"] - place["RHeel"])
    assert np.linalg.norm(walked[:2]) > 0.5
    for direction in (nose.mean(0), toes.mean(0)):
        assert direction[:2] @ walked[:2] > 0.5 * np.linalg.norm(direction[:2]) * np.linalg.norm(walked[:2])
    assert (place["LowerLip"][:, 2] < place["LBrow3"][:, 2]).all()
