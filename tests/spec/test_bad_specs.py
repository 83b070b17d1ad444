"""Each mistake in a spec gives one message with file, line, key and, for a name, the nearest valid one."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.spec import load

# what is wrong: (text to replace, replacement, line, key, parts of the message)
MISTAKES = {
    "misspelt top-level key": ("train:", "trian:", 3, "trian", ["unknown key 'trian'", "did you mean 'train'?"]),
    "misspelt key": ("batch: 4", "bacth: 4", 3, "train.bacth", ["unknown key 'bacth'", "did you mean 'batch'?"]),
    "misspelt axis": ("seed: 2", "sead: 2", 12, "grid.sead", ["unknown axis 'sead'", "did you mean 'seed'?"]),
    "misspelt dotted axis": ("seed: 2", "train.stps: [1]", 12, "grid.train.stps", ["did you mean 'train.steps'?"]),
    "misspelt term axis": (
        "seed: 2",
        "objectives.spatial.spatial_rcd.weight: [1]",
        12,
        "grid.objectives.spatial.spatial_rcd.weight",
        ["did you mean 'objectives.spatial.spatial_rdc.weight'?"],
    ),
    "misspelt backbone": ("simple_baseline", "simple_basline", 10, "grid.backbone[1]", ["'simple_baseline'?"]),
    "misspelt objective": ("[abs, spatial]", "[abs, spatal]", 11, "grid.objective[1]", ["did you mean 'spatial'?"]),
    "misspelt part": ("[spatial, temporal]", "[spatial, temporl]", 8, "objectives.both[1]", ["'temporal'?"]),
    "misspelt loss": ("spatial_rdc", "spacial_rdc", 6, "objectives.spatial.spacial_rdc", ["'spatial_rdc'?"]),
    "misspelt option": ("form: margin", "frm: 1", 6, "objectives.spatial.spatial_rdc.frm", ["did you mean 'form'?"]),
    "wrong option": ("form: margin", "form: x", 6, "objectives.spatial.spatial_rdc.form", ["'hinge'", "got 'x'"]),
    "misspelt level": ("moderate", "moderat", 3, "train.occlusion", ["did you mean 'moderate'?"]),
    "misspelt dataset": ("synthetic", "synthetc", 2, "data.dataset", ["did you mean 'synthetic'?"]),
    "misspelt word": ("window: 27", "root: per_fram", 2, "data.root", ["did you mean 'per_frame'?", "got 'per_fram'"]),
    "wrong number": ("steps: 10", "steps: -1", 3, "train.steps", ["greater than or equal to 1", "got -1"]),
    "not a number": ("steps: 10", "steps: yes", 3, "train.steps", ["valid integer", "got 'yes'"]),
    "truth for a number": ("steps: 10", "steps: true", 3, "train.steps", ["a number is needed"]),
    "infinite": ("steps: 10", "lr: .inf", 3, "train.lr", ["finite"]),
    "empty grid": ("grid:\n  backbone: [videopose3d-s, simple_baseline]\n  objective: [abs, spatial]\n  seed: 2\n",
                   "grid: {}\n", 9, "grid", ["the grid is empty"]),
    "no grid": ("grid:\n  backbone: [videopose3d-s, simple_baseline]\n  objective: [abs, spatial]\n  seed: 2\n",
                "", 1, "grid", ["'grid' is missing"]),
    "empty axis": ("[abs, spatial]", "[]", 11, "grid.objective", ["the axis is empty"]),
    "axis without a value": ("seed: 2", "seed:", 12, "grid.seed", ["the axis is empty"]),
    "no seeds": ("seed: 2", "seed: 0", 12, "grid.seed", ["the axis is empty"]),
    "duplicate seeds": ("seed: 2", "seed: [0, 1, 1]", 12, "grid.seed[2]", ["duplicate seed 1"]),
    "equal values": ("seed: 2", "train.lr: [1, 1.0]", 12, "grid.train.lr[1]", ["duplicate value 1"]),
    "seed that is no number": ("seed: 2", "seed: [a]", 12, "grid.seed[0]", ["whole number from 0", "got 'a'"]),
    "negative weight": ("{mpjpe: 1}", "{mpjpe: -1}", 5, "objectives.abs.mpjpe", ["finite number from 0", "got -1"]),
    "weight that is not a number": ("{mpjpe: 1}", "{mpjpe: .nan}", 5, "objectives.abs.mpjpe", ["finite", "got nan"]),
    "infinite weight": ("weight: 0.1", "weight: .inf", 6, "objectives.spatial.spatial_rdc.weight", ["got inf"]),
    "negative weight on an axis": (
        "seed: 2",
        "objectives.spatial.mpjpe.weight: [1, -0.5]",
        12,
        "grid.objectives.spatial.mpjpe.weight[1]",
        ["finite number from 0", "got -0.5"],
    ),
    "a word for a weight": ("weight: 0.1", "weight: occluded", 6, "objectives.spatial.spatial_rdc.weight", ["lambda"]),
    "no weight": ("weight: 0.1, ", "", 6, "objectives.spatial.spatial_rdc", ["spatial_rdc has no weight"]),
    "only zero weights": ("{mpjpe: 1}", "{mpjpe: 0}", 5, "objectives.abs", ["nothing to train with"]),
    "empty objective": ("{mpjpe: 1}", "{}", 5, "objectives.abs", ["at least one loss term"]),
    "objective that is a number": ("{mpjpe: 1}", "3", 5, "objectives.abs", ["mapping of loss terms"]),
    "parts that disagree": ("{mpjpe: 1, temporal", "{mpjpe: 2, temporal", 8, "objectives.both[1]",
                            ["'spatial' and 'temporal' disagree about mpjpe"]),
    "objective in itself": ("[spatial, temporal]", "[spatial, both]", 8, "objectives.both", ["both → both"]),
    "temporal term with one frame": (
        "window: 27}",
        "window: 27, frames_out: 1}",
        7,
        "objectives.temporal.temporal_rdc",
        ["needs at least 2", "data.frames_out"],
    ),
    "reprojection without a trajectory": ("spatial_rdc: {weight: 0.1, form: margin}", "semi_reprojection: 1", 6,
                                          "objectives.spatial.semi_reprojection", ["only beside trajectory_mpjpe"]),
    "arms of unequal frames out": ("seed: 2", "data.window: [31, 27]", 2, "data.frames_out",
                                   ["predict 27 and 31 frames", 'data.frames_out": [[27, 27], [31, 31]]']),
    "length twice": ("steps: 10", "steps: 10, passes: 2", 3, "train.passes", ["twice", "'steps' and as 'passes'"]),
    "per pass without a decay": ("steps: 10", "schedule: per_pass", 3, "train.schedule", ["needs 'decay'"]),
    "momentum of no batch norm": ("steps: 10", "bn_momentum_end: 0.01", 3, "train.bn_momentum_end",
                                  ["simple_baseline has no batch-norm momentum"]),
    "nothing to pre-train": ("steps: 10", "pretrain: {steps: 3}", 3, "train.pretrain",
                             ["videopose3d-s has no masked form", "pstmo-tiny"]),
    "a schedule of nothing hidden": ("occlusion: moderate", "occlusion: none, occlusion_schedule: mixed", 3,
                                     "train.occlusion_schedule", ["no effect", "'none', which hides nothing"]),
    "nowhere to rise from": ("occlusion: moderate", "occlusion: minor, occlusion_schedule: rising", 3,
                             "train.occlusion_schedule", ["no level of its ladder hides less than 'minor'"]),
    "one epoch to rise in": ("batch: 4", "epochs: 1, occlusion_schedule: rising", 3,
                             "train.occlusion_schedule", ["rises from epoch to epoch", "train.epochs is 1"]),
    "nothing hidden on an axis": ("seed: 2", "train.occlusion_schedule: [mixed]\n  train_occlusion: [severe, none]",
                                  12, "grid.train.occlusion_schedule", ["'none', which hides nothing"]),
    "misspelt schedule of occlusion": ("steps: 10", "occlusion_schedule: risng", 3, "train.occlusion_schedule",
                                       ["did you mean 'rising'?"]),
    "a gate without its head": ("{weight: 0.1, form: margin}", "{lambda: 0.1, weight: predicted}", 6,
                                "objectives.spatial.spatial_rdc.weight", ["spatial_rdc is gated", "'visibility'"]),
    "a gate whose head is off": ("{mpjpe: 1, spatial_rdc: {weight: 0.1, form: margin}}",
                                 "{mpjpe: 1, visibility: 0, spatial_rdc: {lambda: 0.1, weight: predicted}}", 6,
                                 "objectives.spatial.spatial_rdc.weight", ["with a positive weight"]),
    "misspelt pretraining": ("steps: 10", "pretrain: {stps: 3}", 3, "train.pretrain.stps", ["did you mean 'steps'?"]),
    "misspelt recipe": ("steps: 10", "recipe: publisht", 3, "train.recipe", ["did you mean 'published'?"]),
    "unpublished recipe": ("videopose3d-s, simple_baseline]", "ridge]\n  train.recipe: [published]", 11,
                           "grid.train.recipe[0]", ["no recipe was published for ridge", "videopose3d"]),
    "another word for a loss": ("{mpjpe: 1}", "publishd", 5, "objectives.abs", ["or the word published"]),
    "more frames out than in": ("window: 27}", "window: 27, frames_out: 28}", 2, "data.frames_out", ["window of 27"]),
    "window shorter than a network reads": ("simple_baseline", "poseformer", 2, "data.window",
                                            ["poseformer reads 81 frames at a time (num_frame)", "window has 27"]),
    "window shorter than a receptive field": ("window: 27", "window: 9", 2, "data.window",
                                              ["videopose3d-s reads 27 frames", "(product(filter_widths))", "has 9"]),
    "network that needs confidence": ("simple_baseline", "dstformer-tiny", 2, "data.confidence",
                                      ["dstformer-tiny needs keypoints with confidence", "oracle or calibrated"]),
    "labels for no clip": ("window: 27", "label_fraction: 0.01", 2, "data.label_fraction", ["from 1/96 on one is"]),
    "labels for no clip on an axis": ("seed: 2", "data.label_fraction: [1, 0.01]", 12, "grid.data.label_fraction",
                                      ["a label fraction of 0.01 leaves no clip its labels"]),
    "no labels": ("window: 27", "label_fraction: 0", 2, "data.label_fraction", ["greater than 0", "got 0"]),
    "more than all labels": ("window: 27", "label_fraction: 5", 2, "data.label_fraction", ["less than or equal to 1"]),
    "window longer than every clip": ("window: 27", "window: 5000", 2, "data.window", ["longer than every clip"]),
    "warm-up without end": ("steps: 10", "steps: 10, warmup: 10", 3, "train.warmup", ["leaves none"]),
    "another fingerprint": ("window: 27", "fingerprint: abc", 2, "data.fingerprint", ["abc", "fingerprint is"]),
    "split that leaks": ("window: 27", "split: {train: [P01], validation: [P02], test: [P01]}", 2, "data.split",
                         ["leaks", "'P01'"]),
    "epochs chosen on test data": ("window: 27", "split: {train: [P01], validation: [P02, P03], test: [P03, P02]}", 2,
                                   "data.split", ["leaks", "'mean-per-subject' doesn't say so", "best-on-test"]),
    "a protocol of such epochs": ("grid:", "test: {protocol: best-on-test}\ngrid:", 9, "test.protocol",
                                  ["choose theirs by other subjects", "h36m-chosen-on-test"]),
    "misspelt protocol": ("grid:", "test: {protocol: mean-per-actoin}\ngrid:", 9, "test.protocol",
                          ["unknown protocol", "did you mean 'mean-per-action'?"]),
    "a protocol of other targets": ("window: 27}", "window: 27, root: first_frame}\ntest: {protocol: videopose3d}", 3,
                                    "test.protocol", ["first frame's", "data.root to per_frame"]),
    "a protocol of other joints": ("window: 27}", "options: {skeleton: humaneva15}}\ntest: {protocol: 3dhp}", 3,
                                   "test.protocol", ["'RFoot'", "'humaneva15', the data's skeleton, has none"]),
    "unknown split": ("window: 27", "split: defualt", 2, "data.split", ["did you mean 'default'?"]),
    "dataset option": ("window: 27", "options: {subject: 9}", 2, "data.options.subject", ["did you mean 'subjects'?"]),
    "test level on the grid": ("seed: 2", "test_occlusion: [none]", 12, "grid.test_occlusion", ["test.occlusion"]),
    "test field on the grid": ("seed: 2", "test.cameras: [seen]", 12, "grid.test.cameras", ["can't vary"]),
    "field on two axes": ("seed: 2", "train_occlusion: [none]\n  train.occlusion: [none]", 13, "grid.train.occlusion",
                          ["already varied"]),
    "tied axis of other length": ("seed: 2", "'seed, train.lr': [[1, 2, 3]]", 12, "grid.seed, train.lr[0]",
                                  ["[seed, train.lr]"]),
    "option no backbone has": ("seed: 2", "backbone.chanels: [8]", 12, "grid.backbone.chanels[0]", ["'channels'?"]),
    "option of another form": ("form: margin", "form: soft, margin: 0.1", 6, "objectives.spatial.spatial_rdc.margin",
                               ["belongs to form: margin", "this is form: soft"]),
    "option of another form by default": ("form: margin", "tau: 0.1", 6, "objectives.spatial.spatial_rdc.tau",
                                          ["belongs to form: logistic or form: soft", "this is form: hinge"]),
    "radius without frames": ("temporal_rdc: 0.2", "temporal_rdc: {weight: 0.2, radius: 3}", 7,
                              "objectives.temporal.temporal_rdc.radius", ["belongs to frames: radius"]),
    "option of another form on an axis": ("seed: 2", "objectives.spatial.spatial_rdc.tau: [0.05, 0.1]", 12,
                                          "grid.objectives.spatial.spatial_rdc.tau[1]", ["belongs to form"]),
    "option that is infinite": ("form: margin", "form: soft, tau: .inf", 6, "objectives.spatial.spatial_rdc.tau",
                                ["finite", "got inf"]),
    "misspelt form": ("form: margin", "form: mragin", 6, "objectives.spatial.spatial_rdc.form",
                      ["did you mean 'margin'?"]),
    "misspelt word on an axis": ("seed: 2", "data.root: [per_fram]", 12, "grid.data.root[0]",
                                 ["did you mean 'per_frame'?"]),
    "option of a term without any": ("{mpjpe: 1}", "{mpjpe: 1, semi_reprojection: {weight: 1, form: soft}}", 5,
                                     "objectives.abs.semi_reprojection.form",
                                     ["unknown option of semi_reprojection 'form'", "it has none"]),
    "two weights": ("weight: 0.1", "lambda: 1, weight: 0.1", 6, "objectives.spatial.spatial_rdc.weight",
                    ["its weight twice"]),
    "only zero weights on an axis": ("seed: 2", "objectives.abs.mpjpe.weight: [0]", 12,
                                     "grid.objectives.abs.mpjpe.weight[0]", ["nothing to train with"]),
    "decay of another schedule": ("steps: 10", "decay: 0.5", 3, "train.decay",
                                  ["belongs to schedule: exponential or per_pass", "this is cosine"]),
    "level twice in validation": ("steps: 10", "validate_on: [none, none]", 3, "train.validate_on[1]", ["twice"]),
    "file for generated data": ("window: 27", "path: mine.npz", 2, "data.path", ["'synthetic' is generated"]),
    "split of another shape": ("window: 27", "split: [P01]", 2, "data.split", ["a split is a name, or lists"]),
    "long window on an axis": ("seed: 2", "data.window: [27, 5000]\n  data.frames_out: 9", 12, "grid.data.window",
                               ["longer than every clip"]),
    "seeds that are half": ("seed: 2", "seed: 2.5", 12, "grid.seed", ["a whole number of them", "got 2.5"]),
    "seeds that are truth": ("seed: 2", "seed: true", 12, "grid.seed", ["a whole number of them"]),
    "no steps": ("steps: 10", "steps: 0", 3, "train.steps", ["got 0"]),
    "no window": ("window: 27", "window: 0", 2, "data.window", ["got 0"]),
    "section that is a word": ("{dataset: synthetic, window: 27}", "synthetic", 2, "data", ["a mapping is needed"]),
    "name outside of results": ("name: trial", "name: ../x", 1, "name", ["letters, digits", "got '../x'"]),
    "name without end": ("name: trial", "name: " + 101 * "x", 1, "name", ["at most 100"]),
    "tag": ("{dataset: synthetic, window: 27}", "!!python/object:os.system {}", 2, "data", ["isn't supported"]),
    "list that is a number": ("seed: 2", "seed: 2\nexclude: 3", 13, "exclude", ["valid list"]),
    "name with a slash": ("name: trial", "name: a/b", 1, "name", ["letters, digits", "got 'a/b'"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_where_it_stands(write, base, mistake):
    old, new, line, key, parts = MISTAKES[mistake]
    assert old in base
    text = base.replace(old, new, 1)
    if mistake == "temporal term with one frame":
        text = text.replace("[abs, spatial]", "[abs, temporal]")
    path = write(text)
    with pytest.raises(UserError) as caught:
        load(path, data="check")
    error = caught.value
    assert (error.file, error.line, error.key) == (str(path), line, key)
    for part in parts:
        assert part in error.message
    assert "\n" not in str(error)


def test_a_discriminator_of_motions_on_windows_of_one_frame_is_refused(write, base):
    text = base.replace("window: 27}", "window: 27, frames_out: 1}").replace(
        "spatial_rdc: {weight: 0.1, form: margin}", "adversarial: {weight: 0.001, every: 2}"
    )
    with pytest.raises(UserError, match=r"adversarial compares frames and needs at least 2.*one frame comes") as caught:
        load(write(text), data="check")
    assert (caught.value.line, caught.value.key) == (6, "objectives.spatial.adversarial")


@pytest.mark.parametrize(
    ("extra", "key", "parts"),
    [
        ("include: [{objectiv: abs}]", "include[0].objectiv", ["did you mean 'objective'?"]),
        ("include: [{}]", "include[0]", ["empty entry"]),
        ("include: [{objective: abz}]", "include[0].objective[0]", ["did you mean 'abs'?"]),
        ("exclude: [{objective: tempora}]", "exclude[0].objective", ["unknown value of the axis objective"]),
        ("exclude: [{train.lr: 1}]", "exclude[0].train.lr", ["unknown axis 'train.lr'"]),
        ("exclude: [{objective: [abs, spatial]}]", "exclude", ["removes every point"]),
        ("exclude: [{}]", "exclude[0]", ["would exclude everything"]),
        ("report: {baseline: {objective: spatail}}", "report.baseline.objective", ["did you mean 'spatial'?"]),
        ("report: {baseline: {objectve: abs}}", "report.baseline.objectve", ["did you mean 'objective'?"]),
        ("report: {baseline: {seed: 0}}", "report.baseline.seed", ["names no seed"]),
        ("report: {tables: [{metric: mpjp}]}", "report.tables[0].metric", ["did you mean 'mpjpe'?"]),
        ("report: {tables: [{rows: objectve}]}", "report.tables[0].rows", ["did you mean 'objective'?"]),
        ("report: {tables: [{where: {objective: x}}]}", "report.tables[0].where.objective", ["known: abs, spatial"]),
        ("report: {tables: [{rows: [objective, objective]}]}", "report.tables[0].rows", ["'objective' is named twice"]),
        ("report: {tables: [{columns: objective}]}", "report.tables[0].columns", ["'objective' is named twice"]),
        ("report: {tables: [{metric: []}]}", "report.tables[0].metric", ["at least one metric"]),
        ("report: {tables: [{where: {weights: bst}}]}", "report.tables[0].where.weights", ["did you mean 'best'?"]),
        ("backbone: {name: ridge, penalty: 1}", "backbone", ["the grid names the backbones"]),
        ("report: {tables: [{row: objective}]}", "report.tables[0].row", ["did you mean 'rows'?"]),
        ("test: {occlusion: [none, sever]}", "test.occlusion[1]", ["did you mean 'severe'?"]),
        ("test: {occlusion: [none, none]}", "test", ["names a value twice"]),
        ("test: {cameras: [sen]}", "test.cameras[0]", ["did you mean 'seen'?"]),
        ("backbones: {ridge: {base: videopose3d}}", "backbones.ridge", ["registered backbone already"]),
        ("backbones: {mine: {base: videpose3d}}", "backbones.mine.base", ["did you mean 'videopose3d'?"]),
        ("backbones: {mine: {channels: 3}}", "backbones.mine", ["needs 'base'"]),
        ("backbones: {mine: {base: ridge, chanels: 3}}", "backbones.mine.chanels", ["unknown option of ridge"]),
        ("resources: {gpu: -1}", "resources.gpu", ["greater than or equal to 0"]),
        ("resources: {gpus: 1}", "resources.gpus", ["did you mean 'gpu'?"]),
    ],
)
def test_mistakes_beside_the_grid(write, base, extra, key, parts):
    path = write(base + extra + "\n")
    with pytest.raises(UserError) as caught:
        load(path)
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(path), 13, key)
    for part in parts:
        assert part in caught.value.message


def test_which_objective_must_be_said(write, base):
    path = write(base.replace("  objective: [abs, spatial]\n", ""))
    with pytest.raises(UserError, match=r"which objective\? add 'objective: \[abs, spatial, temporal, both\]'"):
        load(path)


def test_a_backbone_must_be_named(write, base):
    path = write(base.replace("  backbone: [videopose3d-s, simple_baseline]\n", ""))
    with pytest.raises(UserError, match="no backbone"):
        load(path)


@pytest.mark.parametrize("text", ["", "just words\n", "- a\n- b\n"])
def test_a_file_that_is_no_mapping(write, text):
    with pytest.raises(UserError, match="a spec is a mapping"):
        load(write(text))


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(UserError, match="can't be read as text"):
        load(path)


def test_a_missing_file_and_an_unknown_name(tmp_path):
    with pytest.raises(UserError, match="no such spec file"):
        load(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="did you mean 'quickstart'"):
        load("quikstart")
    with pytest.raises(UserError, match="a folder"):
        load(tmp_path)
