"""Layouts that motion data come in: one module each with ``read(paths, **options) -> Imported``, one line here.

The options a layout takes are the keyword-only arguments of its ``read``, as of any entry of the registry.
Nothing here imports numpy; importers do when they read.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import registry
from harness.data.importers.imported import Imported
from harness.errors import unknown

LINES: dict[str, tuple[str, str, str]] = {
    "h36m-videopose3d": (
        "harness.data.importers.h36m_videopose3d",
        "Human3.6M: data_3d_h36m.npz [data_2d_h36m_*.npz]",
        "Pavllo et al., CVPR 2019 (VideoPose3D)",
    ),
    "h36m-motionbert": (
        "harness.data.importers.h36m_motionbert",
        "Human3.6M: h36m_sh_conf_cam_source_final.pkl",
        "Zhu et al., ICCV 2023 (MotionBERT)",
    ),
    "cmu": (
        "harness.data.importers.cmu",
        "CMU motion capture: FOLDER with subjects/NN/NN.asf and NN_MM.amc (`repose data fetch cmu`)",
        "mocap.cs.cmu.edu",
    ),
    "bvh": ("harness.data.importers.bvh", "BVH files or folders, -o joints=MAP", "Biovision"),
    "c3d": ("harness.data.importers.c3d", "C3D files or folders, -o joints=MAP", "www.c3d.org"),
    "coco-json": ("harness.data.importers.coco_json", "keypoints: CLIPS.npz, then a film's JSON", "cocodataset.org"),
    "openpose": (
        "harness.data.importers.openpose",
        "keypoints: CLIPS.npz, then a film's folder",
        "Cao et al., TPAMI 2019",
    ),
    "alphapose": (
        "harness.data.importers.alphapose",
        "keypoints: CLIPS.npz, then alphapose-results.json",
        "Fang et al., TPAMI 2022",
    ),
    "mmpose": ("harness.data.importers.mmpose", "keypoints: CLIPS.npz, then a film's JSON", "OpenMMLab"),
    "detectron2-npz": (
        "harness.data.importers.detectron2_npz",
        "keypoints: CLIPS.npz, then an .npz of infer_video_d2.py",
        "Pavllo et al., CVPR 2019 (VideoPose3D)",
    ),
    "humaneva-videopose3d": (
        "harness.data.importers.humaneva_videopose3d",
        "HumanEva-I: data_3d_humaneva15.npz [data_2d_humaneva15_*.npz]",
        "Pavllo et al., CVPR 2019 (VideoPose3D)",
    ),
    "3dhp-pstmo": (
        "harness.data.importers.mpi3dhp_pstmo",
        "MPI-INF-3DHP: data_train_3dhp.npz data_test_3dhp.npz",
        "Shan et al., ECCV 2022 (P-STMO)",
    ),
    "3dpw": (
        "harness.data.importers.threedpw",
        "3DPW: FOLDER sequenceFiles, or its files sequenceFiles/*/*.pkl",
        "von Marcard et al., ECCV 2018",
    ),
}
"""Layout → its module, one line about it, and where the layout comes from."""


def entry(kind: str, **where: Any) -> registry.Entry:
    """The layout called ``kind``, with the options of its ``read``.

    Raises:
        UserError: no such layout, with the nearest name.
    """
    if kind not in LINES:
        raise unknown("layout", kind, LINES, **where)
    module, summary, _ = LINES[kind]
    return registry.Entry("importers", kind, f"{module}:read", 1, summary)


def read(kind: str, paths: Sequence[str | Path], **options: Any) -> Imported:
    """Read files of one layout.

    Raises:
        UserError: an unknown layout or option; files that aren't there, aren't in that layout, or hold what can't be
            used: one message that names the file and the key.
    """
    found = entry(kind)
    given = registry.check_options(found, options)
    module = importlib.import_module(LINES[kind][0])
    return module.read([Path(path) for path in paths], **given)
