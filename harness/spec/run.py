"""One run of a grid: everything that decides its weights, resolved, immutable, without torch.

The field defaults here are part of every stored run's identity: a field at its default isn't hashed.
So a default never changes after it shipped, and a new field's default must mean "as before".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationInfo, field_validator

from harness.errors import UserError
from harness.objectives.schedule import Schedule
from harness.spec.detector_noise import DetectorNoise, as_noise
from harness.spec.weighting import Weighting, settled, split_weighting


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


_plain = BeforeValidator(_number)
Count = Annotated[int, Field(ge=1), _plain]
Whole = Annotated[int, Field(ge=0), _plain]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), _plain]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), _plain]
_WEIGHT: TypeAdapter[float] = TypeAdapter(NonNegative)


class Part(BaseModel):
    """Base of all parts of a run: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


class Cameras(Part):
    """How many virtual cameras film each clip; where they stand is `harness.data.virtual_cameras`.

    Attributes:
        train: cameras of each training clip.
        test: cameras of each validation clip, and of each test clip for seen and for unseen.
    """

    train: Count = 2
    test: Count = 1


class Data(Part):
    """What a run trains and is tested on.

    Attributes:
        dataset: registry name.
        options: the dataset's own options.
        path: the data file; decides nothing (its fingerprint does), so it isn't hashed.
        fingerprint: digest of the data's content; may be declared, otherwise it is computed.
        split: name of a split the dataset declares, or its subjects by side (train, validation, test).
        window: frames of one input window.
        frames_out: frames the network predicts of each window, counted from its centre; None is all.
        root: whether targets are relative to each frame's root joint or to the first frame's.
        cameras: virtual cameras.
        noise: standard deviation of the 2D detector's error, pixels of the camera's native resolution; or
            ``{detector: …}``, errors as a detector makes them.
        confidence: third 2D channel: none, the occlusion mask itself, a calibrated guess of it, or the detector's own
            scores where the data have them.
        seed: the dataset's own seed, of cameras, noise and masks; never the run's.
        label_fraction: share of the training side's clips that keep their poses; all of them can be seen in 2D.
    """

    dataset: str = "synthetic"
    options: dict[str, Any] = {}
    path: str | None = None
    fingerprint: str | None = None
    split: str | dict[str, list[str]] = "default"
    window: Count = 27
    frames_out: Count | None = None
    root: Literal["per_frame", "first_frame"] = "per_frame"
    cameras: Cameras = Cameras()
    noise: Annotated[NonNegative | DetectorNoise, BeforeValidator(as_noise)] = 4.0
    confidence: Literal["none", "oracle", "calibrated", "detector"] = "none"
    seed: Whole = 0
    label_fraction: Annotated[float, Field(gt=0, le=1), _plain] = 1.0

    @field_validator("split", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        named = isinstance(given, str)
        sides = list(given.values()) if isinstance(given, Mapping) else [None]
        if not named and not all(isinstance(side, list) and all(isinstance(x, str) for x in side) for side in sides):
            raise ValueError("a split is a name, or lists of subjects' names for train, validation and test")
        return given

    @property
    def frames_predicted(self) -> int:
        """Frames predicted of each window."""
        return self.window if self.frames_out is None else self.frames_out


class Choice(Part):
    """A registry name with its options."""

    name: str
    options: dict[str, Any] = {}


class Pretrain(Part):
    """A first stage of training that needs no poses: hidden keypoints are guessed from the others.

    Attributes:
        steps: optimiser steps; without them or passes, as many as the training that follows.
        passes: passes over the training frames, in place of steps.
        lr: highest learning rate; None is that of the training. The schedule is the training's too.
        frames_hidden: share of each window's frames that is hidden.
        joints_hidden: keypoints hidden in each frame that is shown.
    """

    steps: Count | None = None
    passes: Positive | None = None
    lr: Positive | None = None
    frames_hidden: Annotated[float, Field(ge=0, lt=1), _plain] = 0.8
    joints_hidden: Whole = 2


class Train(Part):
    """How a run is trained.

    Attributes:
        steps: optimiser steps.
        passes: passes over the training frames, in place of steps: in one, as many windows are drawn as it takes to
            answer for each frame once.
        batch: windows a step.
        epochs: how often the run is validated, evenly over the steps; one of these epochs is chosen.
        optimiser: adamw or adam.
        amsgrad: never let a step grow because a gradient that was large is forgotten (Reddi et al., ICLR 2018).
        lr: highest learning rate.
        weight_decay: decoupled (adamw) or L2 (adam).
        schedule: constant; cosine to 0; exponential to ``lr * decay`` at the last step; or per_pass, times decay after
            each pass over the training frames.
        warmup: steps of linear warm-up from 0.
        decay: the factor of the exponential schedule at the last step, of per_pass at each pass.
        clip_norm: largest gradient norm; 0 doesn't clip.
        bn_momentum_end: batch-norm momentum of the last pass, to which that of the first, 0.1, decays geometrically
            pass by pass; None leaves it alone.
        flip: mirror half of the training windows.
        flip_test: average the predictions of an input and of its mirror image at evaluation.
        body_shape: largest relative change of each bone length in training, drawn for each window.
        occlusion: occlusion level of the training input.
        occlusion_schedule: fixed: every window at this level; mixed: each window at a level of its ladder up to this
            one, drawn; rising: from the lowest severity of its ladder to this one's over the epochs.
        validate_on: occlusion levels over which the validation error is averaged to choose the epoch.
        threads: CPU threads; hashed, since the number changes the order of sums.
        precision: of the network's passes in training: float32, or bfloat16 where torch's autocast says that it
            is enough. Weights, loss terms and all scores stay float32.
        pretrain: a stage in front of the training, for networks that have a masked form; None is no such stage.
        compile: train through ``torch.compile``; other kernels round otherwise. Scores are made without it.
    """

    steps: Count = 3000
    passes: Positive | None = None
    batch: Count = 32
    epochs: Count = 10
    optimiser: Literal["adamw", "adam"] = "adamw"
    amsgrad: bool = False
    lr: Positive = 1e-3
    weight_decay: NonNegative = 0.01
    schedule: Literal["constant", "cosine", "exponential", "per_pass"] = "cosine"
    warmup: Whole = 0
    decay: Annotated[float, Field(gt=0, le=1), _plain] = 0.05
    clip_norm: NonNegative = 1.0
    bn_momentum_end: Annotated[float, Field(gt=0, le=1), _plain] | None = None
    flip: bool = True
    flip_test: bool = True
    body_shape: Annotated[float, Field(ge=0, le=0.3), _plain] = 0.0
    occlusion: str = "none"
    occlusion_schedule: Literal["fixed", "mixed", "rising"] = "fixed"
    validate_on: Annotated[list[str], Field(min_length=1)] = ["none", "minor", "moderate", "severe"]
    threads: Count = 1
    pretrain: Pretrain | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False

    @property
    def length(self) -> str:
        """How long it trains, as tables print it: the steps, or e.g. ``80 passes``."""
        if self.passes is None:
            return str(self.steps)
        return f"{self.passes:g} pass{'' if self.passes == 1 else 'es'}"


class Test(Part):
    """What a run's weights are tested on; decides no weights, so it isn't part of a run's identity.

    Attributes:
        occlusion: test occlusion levels.
        cameras: which test cameras.
        protocol: how predictions are scored, and scores averaged into one number: a registered name.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    occlusion: Annotated[list[str], Field(min_length=1)] = ["none", "minor", "moderate", "severe"]
    cameras: Annotated[list[Literal["seen", "unseen"]], Field(min_length=1)] = ["seen", "unseen"]
    protocol: str = "mean-per-subject"


def split_term(term: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """λ and the options of a loss term as specs and runs hold it, without what else stands beside λ.

    λ is ``weight``; a term with an option of that name (which pairs count) spells λ ``lambda``.
    """
    key = "lambda" if "lambda" in term else "weight"
    options, _ = split_weighting(term)
    return term[key], {name: value for name, value in options.items() if name != key}


def join_term(weight: float, options: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The inverse of `split_term`, with what else stands beside λ (see `harness.spec.weighting`)."""
    return {"lambda" if "weight" in options else "weight": weight, **options, **(beside or {})}


class Checkpoint(Part):
    """Weights that others trained.

    Attributes:
        path: the file; decides nothing (its digest does), so it isn't hashed.
        digest: first 16 hexadecimal digits of the SHA-256 of its content.
        part: the entry that holds the weights where the file has several.
    """

    path: str
    digest: str
    part: str | None = None


class Run(Part):
    """One point of the grid, fully resolved.

    Attributes:
        data, backbone, train, seed: see their classes.
        objective: loss term → ``{"weight": λ, **options}`` (see `split_term`; beside λ may stand what
            `harness.spec.weighting` has), in alphabetical order: the terms are summed in this order, and equal runs
            must give equal bits.
        labels: axis → value as printed; decides nothing and isn't hashed.
        checkpoint: weights that are only tested: nothing is trained, and the objective is empty.
    """

    data: Data = Data()
    checkpoint: Checkpoint | None = None
    backbone: Choice
    objective: dict[str, dict[str, Any]]
    train: Train = Train()
    seed: Whole = 0
    labels: dict[str, str] = {}

    @field_validator("objective")
    @classmethod
    def _ordered(cls, terms: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        if not terms and info.data.get("checkpoint") is None:
            raise ValueError("an objective needs at least one loss term")
        for name, term in terms.items():
            if not term.keys() & {"weight", "lambda"}:
                raise ValueError(f"loss term '{name}' has no weight")
        found = {}
        for name in sorted(terms):
            given, options = split_term(terms[name])
            weight = _WEIGHT.validate_python(given)
            try:
                beside = settled(split_weighting(terms[name])[1], weight)
            except UserError as error:
                raise ValueError(f"{name}: {error.message}") from None
            found[name] = join_term(weight, options, beside)
        return found

    @property
    def terms(self) -> dict[str, tuple[float, dict[str, Any]]]:
        """Loss term → (λ, its options)."""
        return {name: split_term(term) for name, term in self.objective.items()}

    @property
    def schedules(self) -> dict[str, Schedule]:
        """Loss term → λ over the epochs."""
        return {name: Weighting(**split_weighting(term)[1]).schedule for name, term in self.objective.items()}

    @cached_property
    def run_id(self) -> str:
        """16 hexadecimal digits; see `harness.spec.identity`."""
        from harness.spec.identity import run_id

        return run_id(self)
