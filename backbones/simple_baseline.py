"""SimpleBaseline: a residual MLP on the keypoints of one frame.

Martinez, Hossain, Romero, Little: A simple yet effective baseline for 3D human pose estimation,
ICCV 2017 (arXiv 1705.03098), section 3.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from backbones.shapes import Shapes, check_input, entries


class _Stage(nn.Module):
    """Two linear layers, each with batch norm, ReLU and dropout, around which the input is added."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.w1 = nn.Linear(size, size)
        self.batch_norm1 = nn.BatchNorm1d(size)
        self.w2 = nn.Linear(size, size)
        self.batch_norm2 = nn.BatchNorm1d(size)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        h = self.drop(torch.relu(self.batch_norm1(self.w1(x))))
        return x + self.drop(torch.relu(self.batch_norm2(self.w2(h))))


class SimpleBaseline(nn.Module):
    """Each frame is lifted by itself: frames are folded into the batch.

    Args:
        linear_size: width of the hidden layers.
        num_stage: residual stages of two layers each.
        p_dropout: probability, after every activation.
        input: numbers a frame in, joints x features; published for 16 joints.
        output: numbers a frame out, joints x 3.
    Raises:
        ValueError: ``output`` isn't a multiple of 3, or ``input`` not one of the joints that gives.
    """

    receptive_field = 1
    frames_out = "all"
    causal = False
    needs_confidence = False
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adam",
            "lr": 1e-3,
            "weight_decay": 0.0,
            "clip_norm": 0.0,
            "flip": False,
            "flip_test": False,
            "schedule": "per_pass",
            "decay": 0.99,
            "batch": 64,
            "passes": 200,
        },
        "objective": {"mse": 1.0},
    }

    def __init__(
        self,
        *,
        linear_size: Annotated[int, Ge(1)] = 1024,
        num_stage: Annotated[int, Ge(0)] = 2,
        p_dropout: Annotated[float, Ge(0), Lt(1)] = 0.5,
        input: Annotated[int, Gt(0)] = 32,
        output: Annotated[int, Gt(0)] = 48,
    ) -> None:
        super().__init__()
        self.joints, coordinates_left = divmod(output, 3)
        if coordinates_left or self.joints < 1:
            raise ValueError(f"output must be 3 numbers a joint; found {output}")
        self.features, features_left = divmod(input, self.joints)
        if features_left or self.features < 1:
            raise ValueError(f"input must be a multiple of the {self.joints} joints of output={output}; found {input}")
        self.w1 = nn.Linear(input, linear_size)
        self.batch_norm1 = nn.BatchNorm1d(linear_size)
        self.linear_stages = nn.ModuleList(_Stage(linear_size, p_dropout) for _ in range(num_stage))
        self.w2 = nn.Linear(linear_size, output)
        self.drop = nn.Dropout(p_dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for ``joints`` keypoints of ``features`` numbers; works for any number of frames."""
        return cls(**{"input": joints * features, "output": joints * 3, **options})

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell. Raises KeyError if it is another network's."""
        width, numbers = shapes["w1.weight"]
        return {
            "linear_size": width,
            "num_stage": entries(shapes, "linear_stages"),
            "input": numbers,
            "output": shapes["w2.weight"][0],
        }

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: as many."""
        return frames

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, C) normalised screen coordinates.
        Returns:
            (B, T, J, 3) metres.
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features)
        h = self.drop(torch.relu(self.batch_norm1(self.w1(x.flatten(2).flatten(0, 1)))))
        for stage in self.linear_stages:
            h = stage(h)
        return self.w2(h).view(*x.shape[:2], self.joints, 3)
