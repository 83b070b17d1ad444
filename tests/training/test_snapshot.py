"""Stopped between two steps of an epoch, in any stage, and gone on with elsewhere: the last bit is the same."""

import io

import pytest
import torch

from harness import registry
from harness.spec.run import Choice
from harness.training import snapshot, train
from harness.training.errors import Diverged
from tests.training.test_companions import flat

DROPPING = Choice(name="videopose3d", options={"filter_widths": [3], "channels": 16, "dropout": 0.25})
STAGED = Choice(name="pstmo", options={"layers": 2, "channel": 16, "d_hid": 16, "frames": 9})
ALL_FRAMES = Choice(name="mixste", options={"depth": 1, "embed_dim_ratio": 16, "num_heads": 2})
SEMI = (
    "trajectory_mpjpe",
    "semi_reprojection",
    "semi_bone_length",
    "relational_consistency",
    "relational_consistency_temporal",
)


class Stopped(Exception):
    pass


def told(run, **how):
    """The state after each step of a training and at its end, packed."""
    kept = []
    train(run, on_step=lambda info: kept.append(snapshot.pack(run, info.parts())), **how)
    return kept


def leaves(run, content):
    parts = snapshot.unpack(run, content)
    del parts["seconds"]
    return flat(parts)


def interrupted(run, at):
    """The last state of a training that stops before step ``at`` and is gone on with from what was packed there."""
    kept = []

    def stop(info):
        if info.step == at:
            kept.append(snapshot.pack(run, info.parts()))
            raise Stopped

    with pytest.raises(Stopped):
        train(run, on_step=stop)
    return told(run, resume=snapshot.unpack(run, kept[0]))[-1]


def runs(make_run):
    """One run for each kind of stage and companion, with the steps to stop at, none of them the end of an epoch."""
    mpjpe = {"mpjpe": {"weight": 1.0}}
    relational = {**mpjpe, "spatial_rdc": {"weight": 0.1}, "temporal_rdc": {"weight": 0.1}}
    short = {"steps": 6, "epochs": 2}
    staged = {"backbone": STAGED, "data": {"frames_out": 1}, "pretrain": {"steps": 4, "joints_hidden": 3}}
    generic = {"backbone": ALL_FRAMES, "pretrain": {"steps": 4, "joints_hidden": 3}}
    opponent = {"weight": 0.01, "channels": 8, "every": 2, "scale": "gradient", "warmup": 1}
    semi = {**mpjpe, **{name: {"weight": 0.1} for name in SEMI}}
    return {
        "supervised": (make_run(relational, backbone=DROPPING, bn_momentum_end=0.01, **short), (1, 4)),
        "pretraining": (make_run(**staged, **short), (1, 3, 5, 8)),
        "masked": (make_run(**generic, **short), (1, 5)),
        "adversarial": (make_run({**mpjpe, "adversarial": opponent}, backbone=DROPPING, **short), (1, 2, 4)),
        "semi": (make_run(semi, backbone=DROPPING, data={"label_fraction": 0.5}, **short), (2, 4)),
        "visibility": (make_run({**mpjpe, "visibility": {"weight": 0.1}}, backbone=DROPPING, **short), (2,)),
        "rising": (make_run(relational, occlusion_schedule="rising", **short), (2, 4)),
    }


KINDS = ("supervised", "pretraining", "masked", "adversarial", "semi", "visibility", "rising")


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_within_an_epoch_and_gone_on_with_every_bit_of_the_state_is_the_same(make_run, kind):
    run, stops = runs(make_run)[kind]
    whole = leaves(run, told(run)[-1])
    assert any(name.startswith("/random") for name in whole) and any("/optimisers" in name for name in whole)
    for at in stops:
        again = leaves(run, interrupted(run, at))
        assert not {path for path in whole | again if whole.get(path) != again.get(path)}


def test_every_companion_there_is_is_among_these_kinds(make_run):
    entries = registry.entries("losses").values()
    with_one = {entry.name for entry in entries if registry.attribute(entry, "companion", None)}
    tried = {name for run, _ in runs(make_run).values() for name in run.terms}
    assert with_one <= tried


def test_stopped_twice_in_one_epoch_and_at_the_very_end(make_run):
    run = make_run(steps=8, epochs=2, backbone=DROPPING)
    kept = told(run)
    assert len(kept) == 9
    second = told(run, resume=snapshot.unpack(run, kept[1]))
    assert [leaves(run, content) for content in second] == [leaves(run, content) for content in kept[1:]]
    # All is trained: what is left is to hand the weights over.
    whole, rest = train(run), train(run, resume=snapshot.unpack(run, kept[-1]))
    assert rest.curves == whole.curves and repr(rest.summary) == repr(whole.summary)


def test_what_is_packed_is_the_state_between_two_steps_though_it_shares_its_memory(make_run):
    run = make_run(steps=4, epochs=1)
    held = []
    train(run, on_step=lambda info: held.append((info.parts(), snapshot.pack(run, info.parts()))))
    first_live, first = held[0]
    assert snapshot.unpack(run, first)["step"] == 0
    names = snapshot.unpack(run, first)["modules"]["lifter"]
    moved = [name for name, value in names.items() if not torch.equal(value, first_live["modules"]["lifter"][name])]
    assert moved, "the live tensors went on"


def test_a_snapshot_of_another_run_format_torch_or_code_is_refused_with_the_reason(make_run, monkeypatch):
    run = make_run(steps=2, epochs=1)
    content = told(run)[1]
    with pytest.raises(snapshot.Unfit, match=f"run is another: {run.run_id}, here "):
        snapshot.unpack(make_run(steps=2, epochs=1, seed=1), content)
    for name, value, said in (
        ("FORMAT", 2, "format is another: 1, here 2"),
        ("_CODE", "x", "training code is another"),
    ):
        with monkeypatch.context() as patch, pytest.raises(snapshot.Unfit, match=said):
            patch.setattr(snapshot, name, value)
            snapshot.unpack(run, content)
    with monkeypatch.context() as patch, pytest.raises(snapshot.Unfit, match=r"torch is another: .*, here 0\.0"):
        patch.setattr(torch, "__version__", "0.0")
        snapshot.unpack(run, content)


def test_what_is_no_snapshot_is_refused_and_never_run(make_run):
    run = make_run(steps=2, epochs=1)
    content = told(run)[1]

    class Evil:
        def __reduce__(self):
            return (print, ("owned",))

    evil = io.BytesIO()
    torch.save({"fit": Evil(), "parts": {}}, evil)
    for bad in (b"", b"nothing of the kind", content[: len(content) // 2], evil.getvalue()):
        with pytest.raises(snapshot.Unfit, match="it can't be read"):
            snapshot.unpack(run, bad)


def test_a_network_solved_in_closed_form_has_nothing_to_stop_between(make_run):
    assert told(make_run(backbone=Choice(name="ridge"))) == []


def test_an_error_after_the_resume_names_the_step_it_would_have_named(make_run, monkeypatch):
    run = make_run(steps=4, epochs=1, lr=1e30, clip_norm=0.0)
    with pytest.raises(Diverged) as whole:
        train(run)
    kept = []
    with pytest.raises(Diverged):
        train(run, on_step=lambda info: kept.append(snapshot.pack(run, info.parts())))
    with pytest.raises(Diverged) as again:
        train(run, resume=snapshot.unpack(run, kept[1]))
    assert str(again.value) == str(whole.value)
