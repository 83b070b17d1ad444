"""How a backbone computes: what an answer depends on, and on what it must not."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

import backbones
from harness.training.contract.subject import Broken, Subject, close, unregistered

_DRAWS = 3
_LARGE = 1e3
"""What stands where nobody should look: far beyond any screen coordinate."""


def reach(subject: Subject) -> str:
    """An answer depends on just the frames that `receptive_field` says, by its gradient."""
    module, x = subject.ready(shaken=True)
    field, causal = module.receptive_field, module.causal
    read = []
    x.requires_grad_(True)
    out = module(x)
    for place in sorted({0, out.shape[1] - 1}):
        slope = None
        if out.requires_grad:  # a solved one may answer the same, whatever it is given
            (slope,) = torch.autograd.grad(out[:, place].sum(), x, retain_graph=True, allow_unused=True)
        touched = torch.zeros(x.shape[1]) if slope is None else slope.abs().amax((0, 2, 3))
        frames = touched.nonzero().flatten().tolist()
        read.append((place, frames))
        if field == 1:
            if not subject.solved and place not in frames:
                raise Broken(
                    f"output frame {place} doesn't depend on input frame {place}: they must be the same moment"
                )
            if causal and frames and frames[-1] > place:
                raise Broken(f"it says causal, and output frame {place} reads the later input frame {frames[-1]}")
            continue
        first, last = place, place + field - 1
        if not frames or (frames[0], frames[-1]) != (first, last):
            found = f"{frames[0]} to {frames[-1]}" if frames else "none"
            message = (
                f"output frame {place} reads input frames {found}; receptive_field = {field} says {first} to {last}"
            )
            raise Broken(f"{message}: make the attribute what the layers add up to")
    place, frames = read[-1]
    return f"output frame {place} reads input frames {f'{frames[0]} to {frames[-1]}' if frames else 'none'}"


def gradient(subject: Subject) -> str:
    """A gradient reaches every parameter, but for those it declares idle."""
    if subject.solved:
        return "skipped: it is solved in closed form"
    module, x = subject.ready(shaken=True)
    module.train()
    # More than once: a bias in front of a normalisation has a gradient of mere rounding, which may be 0 by chance.
    for _ in range(_DRAWS):
        out = module(torch.randn_like(x))
        (out * torch.randn_like(out)).sum().backward()
    idle = tuple(getattr(module, "idle", ()))
    parameters = dict(module.named_parameters())
    if not parameters:
        raise Broken("it has no parameter to train, and no `fit` that would solve it in closed form")
    set_aside = [key for key in parameters if idle and key.startswith(idle)]
    dead = [key for key, p in parameters.items() if key not in set_aside and (p.grad is None or not p.grad.any())]
    if dead:
        shown = ", ".join(dead[:4]) + (f" and {len(dead) - 4} more" if len(dead) > 4 else "")
        raise Broken(f"no gradient reaches {shown}: use it in forward, or don't make it (or name it in `idle`)")
    moved = [key for key in set_aside if parameters[key].grad is not None and parameters[key].grad.any()]
    if moved:
        raise Broken(f"`idle` names {moved[0]}, which does get a gradient: take it off")
    kept = f"; {len(set_aside)} it declares idle are left out ({', '.join(idle)})" if set_aside else ""
    return f"reaches all {len(parameters) - len(set_aside)} parameters{kept}"


def deterministic(subject: Subject) -> str:
    """One seed gives one network, one input one answer."""
    first, x = subject.ready()
    again, _ = subject.ready()
    if [*first.state_dict()] != [*again.state_dict()] or not _same(first.state_dict(), again.state_dict()):
        raise Broken("built twice from one torch seed it has other weights: draw them from torch's generator alone")
    if not torch.equal(first(x), first(x)):
        raise Broken("in eval mode the same input gets two answers: no randomness outside of training")
    if not subject.solved:
        answers = []
        for module in (first, again):
            torch.manual_seed(1)
            answers.append(module.train()(x.clone()))
        if not torch.equal(*answers):
            raise Broken("in training one torch seed gets two answers: draw from torch's generator alone")
    return "same seed, same weights; same input, same bits"


def samples(subject: Subject) -> str:
    """The samples of a batch are answered each by itself."""
    module, x = subject.ready()
    whole = module(x)
    close(module(x[1:2]), whole[1:2], "a sample is answered otherwise alone than in a batch", "don't mix dimension 0")
    others = _LARGE * torch.randn_like(x)
    others[1] = x[1]
    close(module(others)[1], whole[1], "a sample's answer changes with its neighbours", "don't mix dimension 0")
    return "in eval mode each is answered as if alone"


def no_leak(subject: Subject) -> str:
    """Nothing comes in from frames that do not count, or from earlier calls."""
    module, x = subject.ready()
    before = module(x)
    module(_LARGE * torch.randn_like(x)[:1])
    close(module(x), before, "an answer changes with what was asked before", "keep no state between calls in eval mode")
    told = ["nothing stays from earlier calls"]
    frames, field = x.shape[1], module.receptive_field
    advice = "mask or cut what lies outside before it is mixed in"
    if field > 1 and before.shape[1] > 1:
        spoilt = x.clone()
        spoilt[:, field:] = _LARGE
        close(module(spoilt)[:, 0], before[:, 0], "frames after the receptive field change the answer", advice)
        spoilt = x.clone()
        spoilt[:, : frames - field] = _LARGE
        close(module(spoilt)[:, -1], before[:, -1], "frames before the receptive field change the answer", advice)
        told.append("frames outside the receptive field count for nothing")
    if module.causal and before.shape[1] > 1:
        spoilt = x.clone()
        spoilt[:, -1] = _LARGE
        close(
            module(spoilt)[:, :-1], before[:, :-1], "it says causal, and the last frame changes earlier answers", advice
        )
        told.append("later frames neither")
    if subject.solved:
        _fit_leaves_invalid_frames_out(subject)
        told.append("fit leaves out the frames that aren't valid")
    return "; ".join(told)


def _fit_leaves_invalid_frames_out(subject: Subject) -> None:
    x, y = subject.input(), subject.target()
    valid = torch.ones(x.shape[:2], dtype=torch.bool)
    valid[:, x.shape[1] // 2 :] = False
    spoilt = torch.where(valid[..., None, None], y, torch.full_like(y, _LARGE))
    answers = []
    for target in (y, spoilt):
        module = subject.build()
        module.fit([(x, target, valid)])
        answers.append(module.eval()(x))
    close(answers[1], answers[0], "targets of frames that aren't valid change what fit finds", "use `valid`")


def state(subject: Subject) -> str:
    """All that decides an answer is in the state dict."""
    module, x = subject.ready()
    loose = unregistered(module)
    if loose:
        message = f"{loose[0]} is a tensor that is neither parameter nor buffer: it is not saved, and stays behind when"
        raise Broken(f"{message} the network moves to a GPU; use register_buffer")
    other = subject.build(seed=1)
    backbones.load_checkpoint(other, {key: value.clone() for key, value in module.state_dict().items()})
    if not torch.equal(other.eval()(x), module(x)):
        raise Broken(
            "a second network that loads its state answers otherwise: something that counts isn't in the state"
        )
    return f"{len(module.state_dict())} tensors saved and loaded give the same bits"


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)
