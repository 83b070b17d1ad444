"""Errors of a detector: their tails, how long they last, how they grow with the person, and their keys."""

import math
from dataclasses import replace

import pytest
import torch
from scipy import stats

from harness.data.detector_errors import Errors, person_size
from harness.data.detector_file import Detector, JointError, read
from harness.errors import UserError
from harness.skeleton import H36M17, HUMANEVA15, SKELETONS

KEYS = torch.arange(2000)


def errors(**given) -> Errors:
    return Errors.of(Detector("x", (("*", JointError(**{"spread": 0.05, **given})),), reach=1e6), HUMANEVA15)


def drawn(made: Errors, frames=3, fps=50.0, keys=KEYS) -> torch.Tensor:
    return made.draw(keys, torch.arange(frames).expand(len(keys), frames), torch.full((len(keys),), fps))


def test_tails_are_those_of_students_t():
    for tail, axis in ((None, stats.norm), (3.0, stats.t(3)), (8.0, stats.t(8))):
        one = drawn(errors(tail=tail), 1)[:, 0].reshape(-1, 2)[:, 0] / 0.05  # one axis of a bivariate t is a t
        assert stats.kstest(one.numpy(), axis.cdf).pvalue > 0.001, tail
    radius = drawn(errors(tail=3.0), 1).norm(dim=-1).flatten().numpy() / 0.05
    assert stats.kstest(radius**2 / 2, stats.f(2, 3).cdf).pvalue > 0.001


@pytest.mark.parametrize(("memory", "lasting"), [(0.0, 0.0), (0.1, 0.0), (0.06, 0.3), (0.0, 0.5)])
def test_errors_decay_with_time_to_what_lasts(memory, lasting):
    made = errors(memory=memory, lasting=lasting)
    pairs = made.pairs(KEYS, torch.arange(41).expand(len(KEYS), 41), torch.full((len(KEYS),), 50.0))
    assert float(pairs.abs().square().mean()) == pytest.approx(2, rel=0.02)
    for lag in (1, 3, 6, 40):
        found = float((pairs[:, lag:] * pairs[:, :-lag].conj()).real.mean()) / 2
        passing = math.exp(-lag / (50 * memory)) if memory else 0.0
        assert found == pytest.approx(lasting + (1 - lasting) * passing, abs=0.03), lag


def test_memory_is_in_seconds():
    made = errors(memory=0.1)
    frames = torch.arange(9).expand(len(KEYS), 9)
    fast, slow = (made.pairs(KEYS, frames, torch.full((len(KEYS),), fps)) for fps in (100.0, 25.0))
    similar = [float((x[:, 4:] * x[:, :-4].conj()).real.mean()) / 2 for x in (fast[:, :], slow)]
    assert similar == pytest.approx([math.exp(-0.4), math.exp(-1.6)], abs=0.03)


def test_a_frames_error_is_the_same_in_every_window_and_batch():
    made = Errors.of(read("plausible"), H36M17)
    fps = torch.tensor([50.0, 24.0, 100.0])
    whole = made.draw(KEYS[:3], torch.arange(200).expand(3, 200), fps)
    some = made.draw(KEYS[1:2], torch.arange(60, 87)[None], fps[1:2])
    assert torch.equal(some[0], whole[1, 60:87])
    held = torch.tensor([[0, 0, 0, 1, 2, 2]])  # frames beyond the clip's ends repeat
    assert torch.equal(made.draw(KEYS[2:3], held, fps[2:3])[0], whole[2, held[0]])
    assert not torch.equal(whole[0, :, 0], whole[1, :, 0]) and not torch.equal(whole[0, :, 0], whole[0, :, 1])


def test_no_error_goes_beyond_reach_and_scale_enlarges():
    detector = Detector("x", (("*", JointError(0.05, tail=2.0)),), reach=0.3)
    near, far = (drawn(Errors.of(detector, H36M17, scale)) for scale in (1.0, 2.0))
    assert float(far.norm(dim=-1).max()) == pytest.approx(0.3, rel=1e-4)
    inside = far.norm(dim=-1) < 0.299
    torch.testing.assert_close(far[inside], 2 * near[inside])
    assert torch.isfinite(drawn(errors(tail=2.0), 50)).all()


def test_a_persons_size():
    square = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    assert float(person_size(square)) == pytest.approx(math.sqrt(2))
    assert person_size(torch.rand(2, 5, 17, 2) + 3).shape == (2, 5)


@pytest.mark.parametrize("name", SKELETONS)
def test_the_shipped_detector_knows_every_skeleton(name):
    found = dict(zip(SKELETONS[name].joints, read("plausible").of(SKELETONS[name]), strict=True))
    hips, wrists = ([e.spread for j, e in found.items() if j.lower().endswith(part)] for part in ("lhip", "lwrist"))
    assert min(hips) > 1.5 * max(wrists)


def test_a_joint_that_nothing_fits():
    detector = Detector("mine", (("LHip", JointError(0.1)), ("*knee", JointError(0.1))))
    with pytest.raises(UserError, match="'mine' says nothing of the joint 'Hip' of h36m17; it knows LHip, \\*knee"):
        detector.of(H36M17)


def test_the_digest_is_of_what_decides_errors():
    one = read("plausible")
    assert replace(one, name="other").digest == one.digest
    changed = ((one.joints[0][0], replace(one.joints[0][1], memory=0.2)), *one.joints[1:])
    assert len({one.digest, replace(one, joints=changed).digest, replace(one, right=0.2).digest,
                replace(one, joints=one.joints[::-1]).digest}) == 4  # fmt: skip
