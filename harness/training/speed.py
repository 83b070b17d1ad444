"""The two ways of training faster that cost no more than rounding: ``train.precision`` and ``train.compile``."""

from __future__ import annotations

import os
import shutil
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import UserError
from harness.spec.run import Train


class Forward:
    """Runs a module's forward pass in training as a run asks for; scores are made without it.

    Under bfloat16, torch's autocast chooses which operations it is enough for; weights, gradients and what
    comes out stay float32. A compiled module draws its dropout as it does uncompiled, so that both see the same
    masks and differ by rounding alone.

    Args:
        train: its ``precision`` and ``compile`` count.
    """

    def __init__(self, train: Train) -> None:
        self.train = train
        self._compiled: tuple[nn.Module, Any] | None = None

    def __call__(self, module: nn.Module, *inputs: Tensor) -> Tensor:
        """What ``module`` gives for ``inputs``, float32.

        Raises:
            UserError: compilation is asked for and there is no compiler.
        """
        run = self._compile(module, inputs[0].device) if self.train.compile else module
        if self.train.precision == "float32":
            return run(*inputs)
        with torch.autocast(inputs[0].device.type, dtype=torch.bfloat16):
            made = run(*inputs)
        return made.float()

    def _compile(self, module: nn.Module, device: torch.device) -> Any:
        if self._compiled is None or self._compiled[0] is not module:
            if device.type == "cpu" and not shutil.which(os.environ.get("CXX", "g++")):
                raise UserError(
                    "torch.compile needs a C++ compiler: g++, or the one that CXX names", key="train.compile"
                )
            # Compiled code is kept per line of source, which all networks of a process share, up to a limit: beyond it
            # torch runs them uncompiled, and a run's bits would depend on the runs before it. So each starts anew.
            torch.compiler.reset()
            # One shape at a time: the windows of a run are all alike.
            self._compiled = module, torch.compile(module, dynamic=False, options={"fallback_random": True})
        return self._compiled[1]
