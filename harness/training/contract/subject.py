"""A backbone under check: how it is built, what it is given, and what a broken promise is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness import registry
from harness.errors import UserError
from harness.spec import window_fit

BATCH = 3
_USUAL, _FURTHER = 27, 2
"""Window where nothing speaks against it, and frames beyond the receptive field so that an answer has neighbours."""
_NEAR = 1e-5
_SHAKE = 0.02


class Broken(Exception):
    """A promise of the contract that a backbone doesn't keep, and what to do about it."""


@dataclass(frozen=True)
class Subject:
    """One backbone for data of one shape.

    Attributes:
        entry: what the name stands for.
        options: its own, checked.
        joints, features, window: the data's shape.
        solved: it has a ``fit``.
    """

    entry: registry.Entry
    options: Mapping[str, Any]
    joints: int
    features: int
    window: int
    solved: bool

    @classmethod
    def of(
        cls, name: str, options: Mapping[str, Any], joints: int, features: int | None, window: int | None
    ) -> Subject:
        """Choose the shape where it isn't given.

        Raises:
            UserError: an unknown name or option; keypoints without the confidence that it needs; a window that it
                can't take.
        """
        entry = registry.get("backbones", name)
        checked = registry.check_options(entry, dict(options))
        confidence = registry.attribute(entry, "needs_confidence", False)
        if confidence and features == 2:
            raise UserError(f"{name} needs keypoints with confidence: 3 features, not 2", key="--features")
        numbers = features or (3 if confidence else 2)
        solved = registry.has_method(entry, "fit")
        draft = cls(entry, checked, joints, numbers, window or _usual(entry, checked), solved)
        unfit = window_fit.misfit(entry, checked, draft.window)
        if unfit is not None:
            raise UserError(f"{name} {unfit}", key="--window")
        try:
            field = int(draft.build().receptive_field)
        except UserError:
            raise
        except Exception:  # `check` builds it once more, and says what is wrong
            return draft
        if window is not None and window < field:
            raise UserError(f"{name} reads {field} frames at a time, and a window has {window}", key="--window")
        longer = draft.window if window or draft.window > field else field + _FURTHER
        return cls(entry, checked, joints, numbers, longer, solved)

    def declared(self, name: str, default: Any = None) -> Any:
        """A literal of the class, as specs read it."""
        return registry.attribute(self.entry, name, default)

    def build(self, *, joints: int | None = None, features: int | None = None, seed: int = 0) -> Any:
        """The network as a run builds it, from a seed of its own."""
        shape = {"joints": joints or self.joints, "features": features or self.features, "frames": self.window}
        torch.manual_seed(seed)
        return registry.load(self.entry).for_data(**{**shape, **self.entry.preset, **self.options})

    def ready(self, *, shaken: bool = False) -> tuple[Any, Tensor]:
        """The network in eval mode, solved if it is one of the closed form, and an input (B, T, J, C).

        Args:
            shaken: move every parameter a little, so that what starts at 0 doesn't hide what lies behind it.
        """
        module, x = self.build(), self.input()
        if self.solved:
            module.fit([(x, self.target(), torch.ones(x.shape[:2], dtype=torch.bool))])
        if shaken:
            torch.manual_seed(2)
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter.add_(_SHAKE * torch.randn_like(parameter))
        return module.eval(), x

    def input(self, joints: int | None = None, features: int | None = None) -> Tensor:
        """(B, T, J, C), always the same."""
        return _drawn(3, BATCH, self.window, joints or self.joints, features or self.features)

    def target(self, joints: int | None = None) -> Tensor:
        """(B, T, J, 3), always the same."""
        return _drawn(4, BATCH, self.window, joints or self.joints, 3)


def close(found: Tensor, expected: Tensor, broken: str, advice: str) -> None:
    """Raise `Broken` unless two answers are equal but for rounding."""
    gap = float((found - expected).detach().abs().max())
    if not gap <= _NEAR * max(1.0, float(expected.detach().abs().max())):
        raise Broken(f"{broken}, by {gap:.3g}: {advice}")


def unregistered(module: nn.Module) -> list[str]:
    """Names of tensors that hang on a module, or on one in it, without being its parameter or buffer."""
    return [
        f"{prefix}.{name}" if prefix else name
        for prefix, inner in module.named_modules()
        for name, value in vars(inner).items()
        if isinstance(value, Tensor)
    ]


def _usual(entry: registry.Entry, options: Mapping[str, Any]) -> int:
    """A window that a backbone takes."""
    bound = window_fit.limit(entry, options)
    if bound is None:
        return _USUAL
    relation, _, value = bound
    return {">=": value + _FURTHER, "==": value, "<=": min(_USUAL, value)}[relation]


def _drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
