"""What a backbone takes and gives: types, shapes, numbers of frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.training.contract.subject import BATCH, Broken, Subject
from harness.training.lifter import Lifter


def builds(subject: Subject) -> str:
    """It can be built for the data, and says of itself what it must."""
    module = subject.build()
    if not isinstance(module, nn.Module):
        raise Broken(f"for_data must return a torch module; it returned {type(module).__name__}")
    for attribute, kind in (("receptive_field", int), ("causal", bool), ("needs_confidence", bool)):
        value = getattr(module, attribute, None)
        if type(value) is not kind or (kind is int and value < 1):
            wanted = "a whole number from 1" if kind is int else "True or False"
            raise Broken(f"{attribute} must be {wanted}; it is {value!r}")
    answers = "all" if module.receptive_field == 1 else "one"
    if subject.declared("frames_out") != answers:
        message = (
            f"frames_out = {subject.declared('frames_out')!r} and receptive_field = {module.receptive_field} disagree"
        )
        raise Broken(
            f"{message}: 'all' goes with 1, which means T frames in and T out; 'one' with what an answer reads"
        )
    if subject.declared("needs_confidence", False) is not module.needs_confidence:
        raise Broken("needs_confidence must be a literal in the class: specs are checked without importing it")
    count = sum(p.numel() for p in module.parameters())
    shape = f"{subject.joints} joints of {subject.features} numbers, windows of {subject.window} frames"
    return f"{count:,} parameters, for {shape}"


def shapes(subject: Subject) -> str:
    """The answer has the shape and type it must have, and the input is left alone."""
    module, x = subject.ready()
    expected = (BATCH, module.output_frames(subject.window), subject.joints, 3)
    before = x.clone()
    out = module(x)
    if not isinstance(out, Tensor) or tuple(out.shape) != expected:
        found = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise Broken(f"forward must give (B, output_frames(T), J, 3) = {expected}; it gave {found}")
    if out.dtype != x.dtype or not torch.isfinite(out).all():
        raise Broken(f"the answer must be finite {x.dtype}; it is {out.dtype}, with NaN or infinity or another type")
    if not torch.equal(x, before):
        raise Broken("forward changes its input in place, which other parts still read: clone it first")
    return f"{tuple(x.shape)} → {expected}"


def refuses(subject: Subject) -> str:
    """Input of another shape is stopped with a `ValueError` that says so."""
    module, x = subject.ready()
    short = module.receptive_field - 1
    wrong = {
        "one joint too many": torch.cat([x, x[:, :, :1]], dim=2),
        "one number too many a keypoint": torch.cat([x, x[..., :1]], dim=3),
        "joints and numbers flattened": x.flatten(2),
        f"{short} frames, which is too short": x[:, :short],
    }
    for what, given in wrong.items():
        try:
            module(given)
        except ValueError as error:
            if str(tuple(given.shape)) not in str(error):
                raise Broken(f"the ValueError for {what} doesn't name the shape found, {tuple(given.shape)}") from None
            continue
        except Exception as error:
            found = f"raises {type(error).__name__}"
        else:
            found = "is taken"
        message = f"input with {what} {found}: raise ValueError with expected and found shape"
        raise Broken(f"{message} (backbones.shapes.check_input does, given frames=receptive_field)")
    return "other joints, numbers, dimensions and too few frames are a ValueError"


def output_frames(subject: Subject) -> str:
    """`output_frames` follows from the receptive field."""
    module = subject.build()
    field = module.receptive_field
    for frames in (field - 1, field, field + 1, subject.window, 2 * subject.window):
        told, rule = module.output_frames(frames), max(frames - field + 1, 0)
        if told not in (rule, 0) or (frames == subject.window and told != rule):
            raise Broken(f"output_frames({frames}) is {told}; T - receptive_field + 1 is {rule} (0 if it can't take T)")
    return f"T - {field} + 1"


def other_data(subject: Subject) -> str:
    """Data of other joints or numbers are taken, or refused with a `ValueError`."""
    told = []
    features = 2 if subject.features == 3 else 3
    for joints, numbers in ((subject.joints - 2 or 1, subject.features), (subject.joints, features)):
        shape = f"{joints} joints of {numbers} numbers"
        x = subject.input(joints, numbers)
        try:
            module = subject.build(joints=joints, features=numbers)
            if subject.solved:
                valid = torch.ones(x.shape[:2], dtype=torch.bool)
                module.fit([(x, subject.target(joints), valid)])
            out = module.eval()(x)
        except ValueError:
            told.append(f"{shape} refused")
            continue
        if subject.declared("needs_confidence", False) and numbers == 2:
            raise Broken("it needs confidence and takes keypoints without: raise ValueError (backbones.shapes)")
        if tuple(out.shape) != (BATCH, module.output_frames(x.shape[1]), joints, 3):
            raise Broken(f"for {shape} it answers {tuple(out.shape)}: build for them in for_data, or raise ValueError")
        told.append(shape)
    return " and ".join(told)


def in_a_run(subject: Subject) -> str:
    """It gives what a run asks of a window."""
    module, x = subject.ready()
    asked = {1, subject.window} if subject.declared("frames_out") == "all" else {1}
    for frames_out in sorted(asked):
        out = Lifter(module, subject.window, frames_out).eval()(x)
        if not torch.isfinite(out).all():
            raise Broken(f"asked for {frames_out} of {subject.window} frames it gives NaN or infinity")
    return f"gives {' or '.join(map(str, sorted(asked)))} of {subject.window} frames"
