"""The network beside the lifter that says where the person stands. Pavllo et al., CVPR 2019, section 4."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from harness.objectives.term import Batch, Context, Output
from harness.spec.run import Run
from harness.training.companion import Terms, reseed
from harness.training.lifter import Lifter, make_lifter
from harness.training.material import Material
from harness.training.observation import Observer
from harness.training.optimisation import make_optimiser
from harness.training.speed import Forward
from harness.training.state import TrainState


class Trajectory:
    """The run's backbone a second time, with weights of its own: its answer for the root is the trajectory.

    ``trajectory`` and, of the unlabelled windows, ``unlabelled_trajectory``: (B, T_out, 1, 3), metres, camera axes,
    such that pose + trajectory are places seen by the camera. Of the network's other joints nothing is asked, so for
    one whose last layer answers joint by joint it is the network with one joint out. It is trained as the lifter is,
    by an optimiser of its own.
    """

    name = "trajectory"
    joint = True

    def __init__(self, run: Run, terms: Terms, material: Material, observer: Observer, lifter: Lifter) -> None:
        self.run, self.skeleton, self.features = run, material.skeleton, observer.features
        self.forward = Forward(run.train)

    def enter(self, state: TrainState, device: torch.device) -> None:
        reseed(self.name, self.run.seed, "weights")
        network = make_lifter(
            self.run.backbone.name,
            self.run.backbone.options,
            skeleton=self.skeleton,
            features=self.features,
            window=self.run.data.window,
            frames_out=self.run.data.frames_predicted,
        ).to(device)
        state.modules[self.name] = network
        state.optimisers[self.name] = make_optimiser(self.run.train, network.parameters())

    def extend(self, state: TrainState, output: Output, batch: Batch, context: Context) -> Output:
        network, root, found = state.modules[self.name], self.skeleton.root, {}
        for own, its in zip(network.modules(), state.lifter.modules(), strict=True):
            if isinstance(its, _BatchNorm) and isinstance(own, _BatchNorm):
                own.momentum = its.momentum  # which a schedule may change
        if batch.trajectory is not None:
            found["trajectory"] = self.forward(network, batch.inputs)[:, :, root, None]
        if batch.unlabelled is not None and batch.unlabelled.camera is not None:
            found["unlabelled_trajectory"] = self.forward(network, batch.unlabelled.inputs)[:, :, root, None]
        return replace(output, extra={**output.extra, **found})

    def step(self, state: TrainState, output: Output, batch: Batch, context: Context) -> dict[str, Tensor]:
        return {}
