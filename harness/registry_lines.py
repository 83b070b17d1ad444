"""The lines of the registry: name → ("module:Class", version, one line for `repose ls`).

A line here is all it takes to add an entry (of a backbone: a line in `backbones.LINES`); `harness.registry` reads
them and imports nothing that they name.
"""

LOSSES = {
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
DATASETS = {
    "synthetic": ("harness.data.synthetic:load", 1, "built-in generator of human motion; needs no file"),
    "mocap": ("harness.data.mocap:load", 1, "a clip file (.npz) of motion capture joint positions"),
    "clips": ("harness.data.clips:load", 1, "an imported clip file (.npz): recorded cameras and detections, if any"),
}
OCCLUSIONS = {
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
PROCESSES = {
    "joints": ("harness.occlusion.joints:process", 1, "single joints over stretches of 5–15 frames"),
    "limbs": ("harness.occlusion.limbs:process", 1, "whole limbs over stretches of 8–30 frames"),
    "halves": ("harness.occlusion.halves:process", 1, "lower or upper body, or one side, over 10–40 frames"),
    "random_joints": ("harness.occlusion.random_joints:process", 1, "keypoints at random, frame by frame"),
    "parts": ("harness.occlusion.parts:process", 1, "some limbs for the whole clip"),
    "one_joint": ("harness.occlusion.one_joint:process", 1, "one joint at a time for a set number of frames"),
    "frames": ("harness.occlusion.frames:process", 1, "whole frames missing"),
    "stretches": ("harness.occlusion.lengths:stretches", 1, "limbs or joints over stretches of set mean length"),
    "jitter": ("harness.occlusion.jitter:process", 1, "Gaussian errors in pixels, nothing hidden"),
    "noisy": ("harness.occlusion.noisy:process", 1, "Gaussian errors in pixels of occluded keypoints only"),
    "failure": ("harness.occlusion.failure:process", 1, "joints drawn to others, sides swapped, confidence falling"),
    "self_occlusion": ("harness.occlusion.self_occlusion:process", 1, "joints behind the person's own body, in 3D"),
    "passer_by": ("harness.occlusion.passer_by:process", 1, "joints behind another person who walks through"),
}
"""Processes of occlusion, which a spec puts together to levels: ``limbs@0.5``."""
METRICS = {
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
PROTOCOLS = {
    "mean-per-subject": ("harness.protocols.means:MEAN_PER_SUBJECT", 1, "root subtracted; subjects weigh alike"),
    "mean-per-action": ("harness.protocols.means:MEAN_PER_ACTION", 1, "root subtracted; actions weigh alike"),
    "mean-per-frame": ("harness.protocols.means:MEAN_PER_FRAME", 1, "root subtracted; frames weigh alike"),
    "best-on-test": ("harness.protocols.means:BEST_ON_TEST", 1, "mean-per-action of the epoch chosen ON TEST DATA"),
    "videopose3d": ("harness.protocols.human36m:VIDEOPOSE3D", 1, "predicted root kept; actions weigh alike"),
    "root-zeroed": ("harness.protocols.human36m:ROOT_ZEROED", 1, "predicted root set to 0; actions weigh alike"),
    "h36m-unshifted": ("harness.protocols.human36m:H36M_UNSHIFTED", 1, "without S9's three shifted recordings"),
    "motionbert": ("harness.protocols.human36m:MOTIONBERT", 1, "h36m-unshifted of the epoch chosen ON TEST DATA"),
    "repose": ("harness.protocols.human36m:REPOSE", 1, "h36m-unshifted, overlapping windows averaged"),
    "every-64th": ("harness.protocols.human36m:EVERY_64TH", 1, "every 64th frame; frames weigh alike"),
    "3dhp": ("harness.protocols.mpi3dhp:MPI3DHP", 1, "MPJPE over 17 joints, PCK and AUC over 14; frames weigh alike"),
    "3dhp-14": ("harness.protocols.mpi3dhp:MPI3DHP_14", 1, "every metric over 14 joints; frames weigh alike"),
}
"""Ways to score and to average (docs/protocols.md)."""

BY_KIND = {
    "losses": LOSSES,
    "datasets": DATASETS,
    "occlusions": OCCLUSIONS,
    "processes": PROCESSES,
    "metrics": METRICS,
    "protocols": PROTOCOLS,
}
