"""Every declared skeleton is one body: a tree from its root, whose sides mirror each other."""

import pytest

from harness.skeleton import SKELETONS


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_sides_mirror_each_other(skeleton):
    count, mirror, parents = len(skeleton), skeleton.mirror, skeleton.parents
    assert len(parents) == len(mirror) == len(skeleton.radii) == len(set(skeleton.joints)) == count
    assert skeleton.root == 0 and all(parents[joint] < joint for joint in range(count))
    assert all(mirror[mirror[joint]] == joint for joint in range(count))
    assert all(mirror[parents[joint]] == parents[mirror[joint]] for joint in range(1, count))
    assert all(skeleton.radii[joint] == skeleton.radii[mirror[joint]] for joint in range(count))
    other = {"L": "R", "R": "L"}
    for joint, name in enumerate(skeleton.joints):
        sided = name[0] in other and name[1].isupper()
        assert skeleton.joints[mirror[joint]] == (other[name[0]] + name[1:] if sided else name)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_limbs_and_halves_lie_on_their_side(skeleton):
    def sides(joints):
        return {skeleton.joints[joint][0] for joint in joints}

    assert sides(skeleton.halves["left"]) == sides(skeleton.limbs["left arm"] + skeleton.limbs["left leg"]) == {"L"}
    assert sides(skeleton.halves["right"]) == sides(skeleton.limbs["right arm"] + skeleton.limbs["right leg"]) == {"R"}
    assert {skeleton.mirror[joint] for joint in skeleton.halves["left"]} == set(skeleton.halves["right"])
    assert not {*skeleton.halves["upper"]} & {*skeleton.halves["lower"]}
