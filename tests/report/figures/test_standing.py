import math

import pytest

from harness.report.figures.standing import layout, part_of
from harness.skeleton import H36M17

COCO17 = [
    ("nose", -1), ("left_eye", 0), ("right_eye", 0), ("left_ear", 1), ("right_ear", 2), ("left_shoulder", 0),
    ("right_shoulder", 0), ("left_elbow", 5), ("right_elbow", 6), ("left_wrist", 7), ("right_wrist", 8),
    ("left_hip", 5), ("right_hip", 6), ("left_knee", 11), ("right_knee", 12), ("left_ankle", 13), ("right_ankle", 14),
]  # fmt: skip
FIFTEEN = [
    ("Pelvis", -1), ("Neck", 0), ("Head", 1), ("LShoulder", 1), ("LElbow", 3), ("LWrist", 4), ("RShoulder", 1),
    ("RElbow", 6), ("RWrist", 7), ("LHip", 0), ("LKnee", 9), ("LAnkle", 10), ("RHip", 0), ("RKnee", 12), ("RAnkle", 13),
]  # fmt: skip


def whole_body() -> list[tuple[str, int]]:
    """133 points: body, feet, 68 of the face, 21 of each hand."""
    joints = list(COCO17)
    for side, ankle in (("left", 15), ("right", 16)):
        joints += [(f"{side}_{part}", ankle) for part in ("big_toe", "small_toe", "heel")]
    joints += [(f"face-{i}", 0) for i in range(68)]
    for side, wrist in (("left", 9), ("right", 10)):
        root = len(joints)
        joints.append((f"{side}_hand_root", wrist))
        for finger in ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger"):
            for i in range(1, 5):
                joints.append((f"{side}_{finger}{i}", root if i == 1 else len(joints) - 1))
    return joints


SKELETONS = {
    "15": FIFTEEN,
    "17": list(zip(H36M17.joints, H36M17.parents, strict=True)),
    "coco": COCO17,
    "133": whole_body(),
}


@pytest.mark.parametrize("name", SKELETONS)
def test_a_body_stands_upright_with_no_joint_on_another(name):
    joints, parents = zip(*SKELETONS[name], strict=True)
    places = dict(zip(joints, layout(joints, parents), strict=True))
    assert len(set(places.values())) == len(joints) and all(map(math.isfinite, sum(places.values(), ())))
    at = {part_of(joint): place for joint, place in places.items()}
    for side, sign in (("L", 1), ("R", -1)):
        assert at[side, "shoulder"][1] > at[side, "hip"][1] > at[side, "knee"][1] > at[side, "ankle"][1]
        # Seen from the front, the left side is on the right.
        assert sign * at[side, "wrist"][0] > sign * at[side, "elbow"][0] > 0
    least = min(math.dist(a, b) for i, a in enumerate(places.values()) for b in list(places.values())[:i])
    assert least > 0.005


@pytest.mark.parametrize(
    "names",
    [
        ("RHip", "LKnee", "Neck/Nose", "RFoot"),
        ("right_hip", "left_knee", "nose", "right_ankle"),
        ("hip.R", "knee.L", "Nose", "ankle.R"),
        ("RightUpLeg", "LeftLeg", "nose", "RightFoot"),
        ("r_hip", "l_knee", "NOSE", "r_ankle"),
    ],
)
def test_names_are_understood_as_data_sets_spell_them(names):
    assert [part_of(name) for name in names] == [("R", "hip"), ("L", "knee"), ("", "nose"), ("R", "ankle")]


def test_what_is_no_body_has_no_layout():
    assert layout(("tail", "left_wing", "beak"), (-1, 0, 0)) is None
