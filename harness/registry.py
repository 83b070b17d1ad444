"""What can be named in a spec: name → "module:Class", version and option schema, without torch.

A line here (or in `backbones.LINES`) is all it takes to add an entry. The options an entry accepts
are the keyword-only arguments of its class (or function), read from the source by `ast`: names,
annotations and defaults stand in one place, and a spec is checked without importing what it names.
"""

from __future__ import annotations

import ast
import importlib
import math
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

import backbones
from harness import class_source, level_names, option_types, own_backbones, own_metrics
from harness.errors import UserError, unknown, wrong_value

_LOSSES = {
    "mpjpe": ("harness.objectives.absolute:Mpjpe", 1, "mean per-joint position error"),
    "mpjve": ("harness.objectives.absolute:Mpjve", 1, "mean per-joint velocity error"),
    "depth_l1": ("harness.objectives.absolute:DepthL1", 1, "absolute depth error (control: z-weighted error)"),
    "mse": ("harness.objectives.absolute:Mse", 1, "mean squared error (Martinez et al., ICCV 2017)"),
    "n_mpjpe": ("harness.objectives.scaled:NMpjpe", 1, "MPJPE after scaling each frame (MotionBERT's second term)"),
    "weighted_mpjpe": ("harness.objectives.weighted:WeightedMpjpe", 1, "MPJPE with a weight for each joint (MixSTE)"),
    "temporal_consistency": (
        "harness.objectives.weighted:TemporalConsistency",
        1,
        "size of the predicted steps (TCLoss)",
    ),
    "trajectory_mpjpe": ("harness.objectives.semi:TrajectoryMpjpe", 1, "where a second network says the person stands"),
    "mpjpe_every_frame": ("harness.objectives.every_frame:MpjpeEveryFrame", 1, "MPJPE of all frames, by a second head"),
    "ordinal_depth": ("harness.objectives.ordinal:OrdinalDepth", 1, "ordinal depth ranking (Pavlakos, CVPR 2018)"),
    "bone_length": ("harness.objectives.bones:BoneLength", 1, "bone lengths against the true ones"),
    "bone_symmetry": ("harness.objectives.bones:BoneSymmetry", 1, "left and right bones of one length"),
    "bone_variance": ("harness.objectives.bones:BoneVariance", 1, "bones that keep their length (MotionBERT)"),
    "limb_angle": ("harness.objectives.angles:LimbAngle", 1, "angles between bones (MotionBERT)"),
    "limb_angle_velocity": ("harness.objectives.angles:LimbAngleVelocity", 1, "steps of these angles (MotionBERT)"),
    "reprojection": ("harness.objectives.reprojection:Reprojection", 1, "2D error of the projected prediction"),
    "acceleration": ("harness.objectives.smoothness:Acceleration", 1, "acceleration of the prediction"),
    "jerk": ("harness.objectives.smoothness:Jerk", 1, "change of the prediction's acceleration"),
    "spatial_rdc": ("harness.objectives.relational:SpatialRdc", 1, "depth order across joints (RePOSE, ECCV 2024)"),
    "temporal_rdc": ("harness.objectives.relational:TemporalRdc", 1, "depth order across frames (RePOSE, ECCV 2024)"),
    "semi_reprojection": ("harness.objectives.semi:SemiReprojection", 1, "2D error of windows without poses"),
    "semi_bone_length": ("harness.objectives.semi:SemiBoneLength", 1, "bone lengths in windows without poses"),
    "relational_consistency": (
        "harness.objectives.consistency:RelationalConsistency",
        1,
        "depth order across joints, as a teacher sees it without occlusion",
    ),
    "relational_consistency_temporal": (
        "harness.objectives.consistency:RelationalConsistencyTemporal",
        1,
        "depth order across frames, as a teacher sees it without occlusion",
    ),
    "visibility": ("harness.objectives.visibility:Visibility", 1, "which keypoints a head says that the detector saw"),
    "adversarial": (
        "harness.objectives.adversarial:Adversarial",
        1,
        "what a discriminator of motions makes of the prediction (Cheng et al., AAAI 2020)",
    ),
}
_DATASETS = {
    "synthetic": ("harness.data.synthetic:load", 1, "built-in generator of human motion; needs no file"),
    "mocap": ("harness.data.mocap:load", 1, "a clip file (.npz) of motion capture joint positions"),
    "clips": ("harness.data.clips:load", 1, "an imported clip file (.npz): recorded cameras and detections, if any"),
}
_OCCLUSIONS = {
    "none": ("harness.occlusion.levels:none", 1, "every keypoint is detected"),
    "minor": ("harness.occlusion.levels:minor", 1, "single joints and some limbs over short stretches"),
    "moderate": ("harness.occlusion.levels:moderate", 1, "joints, limbs and body halves over stretches"),
    "severe": ("harness.occlusion.levels:severe", 1, "most of the time some limb or body half is gone"),
    "ghafoor_joints": ("harness.occlusion.printed:ghafoor_joints", 1, "4 joints of each frame at random (TMM 2022)"),
    "ghafoor_parts": ("harness.occlusion.printed:ghafoor_parts", 1, "2 limbs for the whole clip (TMM 2022)"),
    "ghafoor_frames": ("harness.occlusion.printed:ghafoor_frames", 1, "frames, 5 in a row (TMM 2022)"),
    "lino": ("harness.occlusion.printed:lino", 1, "noise on occluded limbs (arXiv 2504.10350)"),
    "poseformerv2": ("harness.occlusion.printed:poseformerv2", 1, "noise of 10 pixels everywhere (CVPR 2023)"),
    "banik": ("harness.occlusion.printed:banik", 1, "one joint for 30 frames, then another (IJCNN 2023)"),
    "motionbert": ("harness.occlusion.printed:motionbert", 1, "10 % of frames, 5 % of keypoints (ICCV 2023)"),
}
_PROCESSES = {
    "joints": ("harness.occlusion.joints:process", 1, "single joints over stretches of 5–15 frames"),
    "limbs": ("harness.occlusion.limbs:process", 1, "whole limbs over stretches of 8–30 frames"),
    "halves": ("harness.occlusion.halves:process", 1, "lower or upper body, or one side, over 10–40 frames"),
    "random_joints": ("harness.occlusion.random_joints:process", 1, "keypoints at random, frame by frame"),
    "parts": ("harness.occlusion.parts:process", 1, "some limbs for the whole clip"),
    "one_joint": ("harness.occlusion.one_joint:process", 1, "one joint at a time for a set number of frames"),
    "frames": ("harness.occlusion.lengths:frames", 1, "whole frames missing"),
    "stretches": ("harness.occlusion.lengths:stretches", 1, "limbs or joints over stretches of set mean length"),
    "jitter": ("harness.occlusion.jitter:process", 1, "Gaussian errors in pixels, nothing hidden"),
    "noisy": ("harness.occlusion.noisy:process", 1, "Gaussian errors in pixels of occluded keypoints only"),
    "failure": ("harness.occlusion.failure:process", 1, "joints drawn to others, sides swapped, confidence falling"),
    "self_occlusion": ("harness.occlusion.self_occlusion:process", 1, "joints behind the person's own body, in 3D"),
    "passer_by": ("harness.occlusion.passer_by:process", 1, "joints behind another person who walks through"),
}
"""Processes of occlusion, which a spec puts together to levels: ``limbs@0.5``."""
_METRICS = {
    "mpjpe": ("harness.metrics.of_joints:Mpjpe", 1, "mean per-joint position error, mm"),
    "mpjpe_occluded": (
        "harness.metrics.of_joints:MpjpeOccluded",
        1,
        "MPJPE of the joints hidden at the test level, mm",
    ),
    "mpjpe_fixed": (
        "harness.metrics.of_joints:MpjpeFixed",
        1,
        "MPJPE of the joints hidden at severe, at every level, mm",
    ),
    "p_mpjpe": ("harness.metrics.of_poses:PMpjpe", 1, "MPJPE after Procrustes alignment of each frame, mm"),
    "n_mpjpe": ("harness.metrics.of_poses:NMpjpe", 1, "MPJPE after scale alignment of each frame, mm"),
    "pck150": ("harness.metrics.of_poses:Pck150", 1, "share of joints within 150 mm, %"),
    "auc": ("harness.metrics.of_poses:Auc", 1, "area under PCK from 0 to 150 mm, %"),
    "mpjve": ("harness.metrics.of_poses:Mpjve", 1, "mean per-joint velocity error, mm per frame"),
    "order_spatial": ("harness.metrics.of_depth:OrderSpatial", 1, "depth order right across joints, %"),
    "order_temporal": ("harness.metrics.of_depth:OrderTemporal", 1, "depth order right across frames, %"),
    "depth_spread": ("harness.metrics.of_depth:DepthSpread", 1, "sd of predicted over sd of true depth"),
}

KINDS = ("backbones", "losses", "datasets", "occlusions", "processes", "metrics")
_ONE = {"losses": "loss", "processes": "process of occlusion"}


@dataclass(frozen=True)
class Entry:
    """A registered name. ``base`` is the name that identity and records use (a preset's parent)."""

    kind: str
    name: str
    target: str
    version: int | str
    summary: str
    preset: dict[str, Any] = field(default_factory=dict, hash=False)
    base: str | None = None

    @property
    def canonical(self) -> str:
        return self.base or self.name

    @property
    def hashed(self) -> str:
        """The name that is part of identities: of a class in a file its own, wherever the file is."""
        return self.target.rpartition(":")[2] if own_backbones.in_file(self.name) else self.canonical


@cache
def entries(kind: str) -> dict[str, Entry]:
    """All entries of one kind (one of `KINDS`), by name."""
    if kind == "backbones":
        return {name: Entry(kind, name, *line) for name, line in backbones.LINES.items()}
    table = {
        "losses": _LOSSES,
        "datasets": _DATASETS,
        "occlusions": _OCCLUSIONS,
        "processes": _PROCESSES,
        "metrics": _METRICS,
    }[kind]
    lines = {**own_metrics.lines(), **table} if kind == "metrics" else table
    return {name: Entry(kind, name, *line) for name, line in lines.items()}


def names(kind: str) -> set[str]:
    """All names of one kind, those of installed packages included."""
    return {*entries(kind), *(own_backbones.installed() if kind == "backbones" else ())}


def get(kind: str, name: str, **where: Any) -> Entry:
    """The entry called ``name``; of a backbone also ``path/to/file.py:Class``, or an installed package's name.

    The harness's own names come first. Raises `UserError` with the nearest name, or with what is wrong with the
    user's class; ``where`` locates it.
    """
    known = entries(kind)
    if name in known:
        return known[name]
    if kind == "backbones":
        try:
            if own_backbones.in_file(name):
                return _own(own_backbones.of_file(name))
            installed = own_backbones.installed()
            if name in installed:
                return _own(own_backbones.of_package(installed[name]))
        except UserError as error:
            raise UserError(error.message, **where) from None
    if kind == "occlusions" and level_names.composed(name):
        return _composed(name, **where)
    if kind == "occlusions" and name in _PROCESSES:
        raise UserError(f"'{name}' is a process: give its severity too, e.g. {name}@0.5", **where)
    raise unknown(_ONE.get(kind, kind.removesuffix("s")), name, names(kind), **where)


def _composed(name: str, **where: Any) -> Entry:
    """The level that a spec puts together under a name (`harness.level_names`); each has one spelling alone."""
    try:
        said = level_names.parse(name)
    except UserError as error:
        raise UserError(error.message, **where) from None
    found = {process: get("processes", process, **where) for process, _ in said.parts}
    options = [check_options(found[process], given, **where) for process, given in said.parts]
    if said.fill and all(constant(entry, "IGNORES_FILL", False) for entry in found.values()):
        message = f"':{said.fill}' has no effect: {' and '.join(found)} has answers of its own"
        raise UserError(message, **where)
    if said.spelt(options) != name:
        raise UserError(f"'{name}' is written '{said.spelt(options)}': a level has one name", **where)
    versions = [entry.version for entry in found.values()]
    version = versions[0] if len(versions) == 1 else "+".join(map(str, versions))
    summary = "; ".join(entry.summary for entry in found.values())
    return Entry("occlusions", name, "harness.occlusion.families:composed", version, summary)


def _own(found: own_backbones.Own) -> Entry:
    entry = Entry("backbones", found.name, found.target, found.version, found.summary)
    options(entry)  # what can't be read is told here, where it's known who named it
    for name in ("needs_confidence", "fits_window", "slides"):
        attribute(entry, name, None)
    return entry


def load(entry: Entry) -> Any:
    """Import and return the class or function of an entry (this is where torch comes in).

    Raises:
        UserError: a file of the user's that changed since, or that can't be imported.
    """
    if own_backbones.in_file(entry.name):
        return own_backbones.load_file(entry.name)
    module, attribute = entry.target.split(":")
    return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class Option:
    """One option of an entry: its type, whether it must be given, and its default."""

    annotation: Any
    required: bool
    default: Any = None


@cache
def options(entry: Entry) -> dict[str, Option]:
    """The options of an entry, read from the keyword-only arguments of its class or function.

    Raises:
        UserError: an annotation or a default that can't be read without running the source.
    """
    found = {}
    function = _definition(entry)
    for arg, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        try:
            annotation = option_types.read(arg.annotation)
            value = ast.literal_eval(default) if default is not None else None
        except (ValueError, TypeError, NameError, AttributeError, SyntaxError):
            names = ", ".join(option_types.NAMES)
            message = f"the option '{arg.arg}' of {entry.target} can't be read from its source: its type must be made"
            message += f" of {names}, under these names, and its default must be a literal"
            raise UserError(message) from None
        found[arg.arg] = Option(annotation, default is None, value)
    return found


@cache
def attribute(entry: Entry, name: str, default: Any) -> Any:
    """A literal class attribute of an entry, or of its bases in the same module, without importing it.

    Raises:
        UserError: it's there and no literal.
    """
    classes = {node.name: node for node in _tree(entry).body if isinstance(node, ast.ClassDef)}
    pending = [entry.target.rpartition(":")[2]]
    while pending:
        node = classes.get(pending.pop(0))
        for item in node.body if node else ():
            if not isinstance(item, ast.Assign | ast.AnnAssign) or item.value is None:
                continue
            targets = item.targets if isinstance(item, ast.Assign) else [item.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                try:
                    return ast.literal_eval(item.value)
                except (ValueError, TypeError):
                    raise UserError(f"{name} of {entry.target} must be a literal: it is read without import") from None
        pending += [base.id for base in node.bases if isinstance(base, ast.Name)] if node else []
    return default


def constant(entry: Entry, name: str, default: Any) -> Any:
    """A literal that the module of an entry gives a name, without importing it."""
    for node in _tree(entry).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return ast.literal_eval(node.value)
    return default


def has_method(entry: Entry, name: str) -> bool:
    """Whether an entry's class, or a base of it in the same module, defines a method, without importing it."""
    return class_source.has_method(_tree(entry), entry.target.rpartition(":")[2], name)


def _tree(entry: Entry) -> ast.Module:
    return _parsed(entry.target.rpartition(":")[0], entry.version)


@lru_cache(maxsize=64)
def _parsed(module: str, version: int | str) -> ast.Module:
    """The source of a module, or of a file by its path; ``version`` keeps a changed file's old content apart."""
    file = module if module.endswith(".py") else own_backbones.locate(module)
    if file is None:
        raise ModuleNotFoundError(f"registry line names a module that isn't there: {module}")
    return ast.parse(Path(file).read_text(encoding="utf-8"))


def _definition(entry: Entry) -> ast.FunctionDef:
    attribute = entry.target.rpartition(":")[2]
    for node in _tree(entry).body:
        if isinstance(node, ast.FunctionDef) and node.name == attribute:
            return node
        if isinstance(node, ast.ClassDef) and node.name == attribute:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    return item
            return ast.parse("def __init__(self): pass").body[0]  # type: ignore[return-value]
    raise AttributeError(f"registry line names something that isn't there: {entry.target}")


@cache
def _adapter(entry: Entry, name: str) -> TypeAdapter:
    return TypeAdapter(options(entry)[name].annotation, config=ConfigDict(strict=False))


def check_options(entry: Entry, given: dict[str, Any], **where: Any) -> dict[str, Any]:
    """``given`` checked, converted, and reduced to what differs from the defaults.

    Options a preset sets are merged in, so that a preset and its spelt-out form become equal.

    Args:
        where: file, line and key for messages; ``beside``: what may stand beside the options, for the nearest name.
    Raises:
        UserError: an unknown option, a missing one, a value of the wrong type or range, or one that has no
            effect beside the others (see `_applies`); its key is ``where['key']`` + the option's name.
    """
    known, prefix, beside = options(entry), where.pop("key", None), where.pop("beside", ())
    merged = {**entry.preset, **given}
    for name in merged:
        if name not in known:
            if not known:
                also = f", and beside its weight go {', '.join(beside)}" if beside else ""
                message = f"unknown option of {entry.name} '{name}': it has none{also}"
                raise UserError(message, key=_join(prefix, name), **where)
            raise unknown(f"option of {entry.name}", name, {*known, *beside}, key=_join(prefix, name), **where)
    result = {}
    for name, option in known.items():
        if name not in merged:
            if option.required:
                raise UserError(f"{entry.name} needs the option '{name}'", key=_join(prefix, name), **where)
            continue
        try:
            value = _adapter(entry, name).validate_python(merged[name])
        except ValidationError as error:
            message = wrong_value(error.errors()[0], merged[name])
            raise UserError(message, key=_join(prefix, name), **where) from None
        if not _finite(value):
            raise UserError(f"a finite number is needed; got {merged[name]!r}", key=_join(prefix, name), **where)
        value = list(value) if isinstance(value, tuple) else value
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        if option.required or value != default:
            result[name] = value
    for name in result:
        why = _applies(entry, name, {**{other: option.default for other, option in known.items()}, **result})
        if why:
            raise UserError(why, key=_join(prefix, name), **where)
    return result


def _applies(entry: Entry, name: str, values: dict[str, Any]) -> str | None:
    """Why the option ``name`` would be ignored beside the others, or None.

    An entry says so in a literal class attribute: ``applies = {"margin": ("form", "margin")}`` reads that
    ``margin`` has an effect only where ``form`` is ``margin``. An ignored option would still be hashed, and
    two names for one run look like two arms.
    """
    option, *wanted = (attribute(entry, "applies", None) or {}).get(name, (None,))
    if option is None or values[option] in wanted:
        return None
    belongs = " or ".join(f"{option}: {value}" for value in wanted)
    return f"'{name}' has no effect here: it belongs to {belongs}, and this is {option}: {values[option]}"


def _finite(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _join(prefix: str | None, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
