"""MotionAGFormer: attention and graph convolution in parallel streams, fused by learned weights in each layer.

Mehraban, Adeli, Taati: MotionAGFormer: enhancing 3D human pose estimation with a Transformer-GCNFormer
network, WACV 2024 (arXiv 2310.16288), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from backbones.attention import Attention, DropPath, Mlp
from backbones.shapes import Shapes, check_confidence, check_input, entries

# Whom each joint of Human3.6M's 17 hears, as published: the hips and the shoulders hear the trunk, which
# doesn't hear them, but for the right hip (1) that the pelvis (0) hears.
_HEARD = {
    **{0: (1, 7), 1: (2, 0), 2: (3, 1), 3: (2,), 4: (5, 0), 5: (6, 4), 6: (5,)},
    **{7: (0, 8), 8: (7, 9), 9: (8, 10), 10: (9,)},
    **{11: (12, 8), 12: (13, 11), 13: (12,), 14: (15, 8), 15: (16, 14), 16: (15,)},
}
# Frames of a window of the two published sizes (layers, width) that don't take 243.
_FRAMES = {(12, 64): 27, (26, 64): 81}


class MotionAGFormer(nn.Module):
    """Each layer runs an attention and a graph stream, over joints and then over frames, and mixes the results.

    The temporal graph joins a frame with those most like it, or with its neighbours in time. Its batch norm
    ties the weights to one number of frames.

    Args:
        n_layers: layers.
        dim_in: numbers a keypoint: x, y and confidence.
        dim_feat: width of the tokens.
        dim_rep: width of the motion representation before the head.
        dim_out: numbers a joint, out.
        mlp_ratio: width of the MLPs in ``dim_feat``.
        attn_drop, drop: dropout of attention weights, and of attention outputs and MLPs.
        drop_path: share of the windows that skip a branch in training.
        use_layer_scale: scale each branch by a learned vector, which starts at ``layer_scale_init_value``.
        use_adaptive_fusion: fuse the streams by learned weights; otherwise by their mean.
        num_heads: attention heads.
        qkv_bias: a bias on queries, keys and values.
        qk_scale: of the attention products; None is 1 / √(width of a head).
        hierarchical: each stream gets half of the width, and the graph stream also what the other found.
        num_joints: keypoints a frame.
        use_temporal_similarity: the temporal graph joins each frame with those most like it.
        temporal_connection_len: without similarity, joins each frame with as many before and after it.
        use_tcn: temporal convolutions in place of the temporal graph; not here.
        graph_only: the graph stream is bare graph convolution, without MLP, norms and layer scale.
        neighbour_num: most similar frames a frame hears, itself among them as a rule.
        n_frames: frames of a window; None is what the published network of this size takes (27 for XS, 81
            for S, otherwise 243), or the data's.
        bones: pairs of joints that hear each other; None is the published graph for 17 joints, and for other
            numbers every joint hears all others.
    Raises:
        ValueError: sizes that don't go together, a bone of joints that aren't there.
    """

    receptive_field = 1
    frames_out = "all"
    causal = False
    needs_confidence = True
    # As published, in the words of specs; sources are in docs/recipes.md.
    recipe: ClassVar = {
        "train": {
            "optimiser": "adamw",
            "lr": 5e-4,
            "weight_decay": 0.01,
            "clip_norm": 0.0,
            "schedule": "per_pass",
            "decay": 0.99,
            "batch": 16,
            "passes": 60,
        },
        "objective": {"mpjpe": 1.0, "n_mpjpe": 0.5, "mpjve": 20.0},
    }
    fits_window: ClassVar = ("==", "n_frames")
    applies: ClassVar = {
        "temporal_connection_len": ("use_temporal_similarity", False),
        "neighbour_num": ("use_temporal_similarity", True),
        "layer_scale_init_value": ("use_layer_scale", True),
        "use_adaptive_fusion": ("hierarchical", False),
    }

    def __init__(
        self,
        *,
        n_layers: Annotated[int, Ge(1)] = 16,
        dim_in: Annotated[int, Ge(1)] = 3,
        dim_feat: Annotated[int, Ge(1)] = 128,
        dim_rep: Annotated[int, Ge(1)] = 512,
        dim_out: Annotated[int, Ge(1)] = 3,
        mlp_ratio: Annotated[float, Gt(0)] = 4.0,
        attn_drop: Annotated[float, Ge(0), Lt(1)] = 0.0,
        drop: Annotated[float, Ge(0), Lt(1)] = 0.0,
        drop_path: Annotated[float, Ge(0), Lt(1)] = 0.0,
        use_layer_scale: bool = True,
        layer_scale_init_value: Annotated[float, Gt(0)] = 1e-5,
        use_adaptive_fusion: bool = True,
        num_heads: Annotated[int, Ge(1)] = 8,
        qkv_bias: bool = False,
        qk_scale: Annotated[float, Gt(0)] | None = None,
        hierarchical: bool = False,
        num_joints: Annotated[int, Ge(1)] = 17,
        use_temporal_similarity: bool = True,
        temporal_connection_len: Annotated[int, Ge(0)] = 1,
        use_tcn: Literal[False] = False,
        graph_only: bool = False,
        neighbour_num: Annotated[int, Ge(1)] = 2,
        n_frames: Annotated[int, Ge(1)] | None = None,
        bones: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        super().__init__()
        if use_tcn:
            raise ValueError("use_tcn=True isn't here: the temporal stream is a graph (or leave it out)")
        if n_frames is None:
            n_frames = _FRAMES.get((n_layers, dim_feat), 243)
        self.joints, self.features, self.frames = num_joints, dim_in, n_frames
        if hierarchical and dim_feat % 2:
            raise ValueError(f"the hierarchical form needs an even dim_feat; found {dim_feat}")
        width = dim_feat // 2 if hierarchical else dim_feat
        spatial = _spatial_graph(num_joints, bones)
        temporal = neighbour_num if use_temporal_similarity else _temporal_graph(n_frames, temporal_connection_len)

        def attention() -> nn.Module:
            made = Attention(width, num_heads, qkv_bias=qkv_bias, scale=qk_scale, attn_drop=attn_drop, proj_drop=drop)
            made.qkv = made._modules.pop("qkv")  # type: ignore[assignment]  # published order: after proj
            return branches(made)

        def graph(nodes: int, neighbours: Tensor | int) -> nn.Module:
            made = _Graph(width, nodes, neighbours)
            return made if graph_only else branches(made)

        def branches(mixer: nn.Module) -> nn.Module:
            start = layer_scale_init_value if use_layer_scale else None
            return _Branches(mixer, width, int(width * mlp_ratio), scale=start, dropout=drop, drop_path=drop_path)

        def layer() -> nn.Module:
            attended = (attention(), attention())
            convolved = (graph(num_joints, spatial), graph(n_frames, temporal))
            return _Layer(attended, convolved, width, fuse=use_adaptive_fusion, hierarchical=hierarchical)

        # Attributes follow the published checkpoints' names and order.
        self.pos_embed = nn.Parameter(torch.zeros(1, num_joints, dim_feat))
        self.joints_embed = nn.Linear(dim_in, dim_feat)
        self.norm = nn.LayerNorm(dim_feat)
        self.layers = nn.ModuleList(layer() for _ in range(n_layers))
        self.rep_logit = nn.Sequential()
        self.rep_logit.add_module("fc", nn.Linear(dim_feat, dim_rep))
        self.rep_logit.add_module("act", nn.Tanh())
        self.head = nn.Linear(dim_rep, dim_out)

    @classmethod
    def for_data(cls, *, joints: int, features: int, frames: int, **options: Any) -> Self:
        """The network for windows of ``frames`` frames of ``joints`` keypoints with confidence.

        Raises:
            ValueError: keypoints without confidence, ``n_frames`` is given and is another length, or what
                `MotionAGFormer` raises.
        """
        check_confidence(features)
        given = {"num_joints": joints, "dim_in": features, **options}
        own = given.pop("n_frames", None) or frames
        if own != frames:
            raise ValueError(f"n_frames is {own}, and a window has {frames} frames (leave n_frames out)")
        return cls(n_frames=own, **given)

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell. Raises KeyError if it is another network's."""
        feat, dim_in = shapes["joints_embed.weight"]
        width = shapes["layers.0.att_spatial.norm1.weight"][0]
        bare = "layers.0.graph_temporal.batch_norm.weight" in shapes
        return {
            "n_layers": entries(shapes, "layers"),
            "dim_in": dim_in,
            "dim_feat": feat,
            "dim_rep": shapes["head.weight"][1],
            "dim_out": shapes["head.weight"][0],
            "mlp_ratio": shapes["layers.0.att_spatial.mlp.fc1.weight"][0] / width,
            "num_joints": shapes["pos_embed"][1],
            "n_frames": shapes[f"layers.0.graph_temporal.{'' if bare else 'mixer.'}batch_norm.weight"][0],
            "graph_only": bare,
            "hierarchical": width != feat,
            "qkv_bias": "layers.0.att_spatial.mixer.qkv.bias" in shapes,
            "use_layer_scale": "layers.0.att_spatial.layer_scale_1" in shapes,
            "use_adaptive_fusion": "layers.0.fusion.weight" in shapes,
        }

    def output_frames(self, frames: int) -> int:
        """How many frames come out when ``frames`` go in: as many, or 0 if it was built for another number."""
        return frames if frames == self.frames else 0

    def representation(self, x: Tensor) -> Tensor:
        """The motion representation before the head.

        Args:
            x: (B, T, J, 3) normalised screen coordinates and confidence, T as the network was built for.
        Returns:
            (B, T, J, dim_rep).
        Raises:
            ValueError: another shape.
        """
        check_input(x, joints=self.joints, features=self.features, frames=self.frames, exactly=True)
        h = self.joints_embed(x) + self.pos_embed  # (B, T, J, C)
        for layer in self.layers:
            h = layer(h)
        return self.rep_logit(self.norm(h))

    def forward(self, x: Tensor) -> Tensor:
        """Lift keypoints.

        Args:
            x: (B, T, J, 3) normalised screen coordinates and confidence, T as the network was built for.
        Returns:
            (B, T, J, 3) metres.
        Raises:
            ValueError: another shape.
        """
        return self.head(self.representation(x))


class _Layer(nn.Module):
    """The two streams and what fuses them."""

    def __init__(
        self,
        attended: tuple[nn.Module, nn.Module],
        convolved: tuple[nn.Module, nn.Module],
        width: int,
        *,
        fuse: bool,
        hierarchical: bool,
    ) -> None:
        super().__init__()
        self.hierarchical = hierarchical
        self.att_spatial, self.att_temporal = attended
        self.graph_spatial, self.graph_temporal = convolved
        self.fusion = nn.Linear(2 * width, 2) if fuse and not hierarchical else None
        if self.fusion is not None:  # the streams start with equal weights
            nn.init.zeros_(self.fusion.weight)
            nn.init.constant_(self.fusion.bias, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, J, C) → (B, T, J, C)."""
        left, right = x.chunk(2, dim=-1) if self.hierarchical else (x, x)
        attended = _over_frames(self.att_temporal, self.att_spatial(left))
        if self.hierarchical:
            right = right + attended
        convolved = _over_frames(self.graph_temporal, self.graph_spatial(right))
        if self.hierarchical:
            return torch.cat([attended, convolved], dim=-1)
        if self.fusion is None:
            return (attended + convolved) / 2
        weights = self.fusion(torch.cat([attended, convolved], dim=-1)).softmax(dim=-1)  # (B, T, J, 2)
        return attended * weights[..., :1] + convolved * weights[..., 1:]


def _over_frames(module: nn.Module, x: Tensor) -> Tensor:
    """``module``, which mixes along dimension -2, applied to the frames of each joint."""
    return module(x.transpose(1, 2)).transpose(1, 2)


class _Branches(nn.Module):
    """A mixer (attention or graph) and an MLP, each on the normalised tokens, scaled and added to them."""

    def __init__(
        self, mixer: nn.Module, width: int, hidden: int, *, scale: float | None, dropout: float, drop_path: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.mixer = mixer
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, hidden, dropout)
        self.drop_path = DropPath(drop_path)
        self.layer_scale_1 = None if scale is None else nn.Parameter(torch.full((width,), scale))
        self.layer_scale_2 = None if scale is None else nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """(B, …, N, C) → the same: the N tokens are mixed."""
        mixed = self.mixer(self.norm1(x))
        x = x + self.drop_path(mixed if self.layer_scale_1 is None else mixed * self.layer_scale_1)
        mapped = self.mlp(self.norm2(x))
        return x + self.drop_path(mapped if self.layer_scale_2 is None else mapped * self.layer_scale_2)


class _Graph(nn.Module):
    """Graph convolution: what a node has, and what it hears from its neighbours.

    Args:
        width: numbers a node.
        nodes: nodes of the graph.
        neighbours: the normalised adjacency (nodes, nodes), or how many most similar nodes a node hears.
    """

    graph: Tensor | None

    def __init__(self, width: int, nodes: int, neighbours: Tensor | int) -> None:
        super().__init__()
        self.neighbours = min(neighbours, nodes) if isinstance(neighbours, int) else None
        self.register_buffer("graph", None if isinstance(neighbours, int) else neighbours, persistent=False)
        self.U = nn.Linear(width, width)
        self.V = nn.Linear(width, width)
        self.batch_norm = nn.BatchNorm1d(nodes)
        for linear in (self.U, self.V):
            nn.init.normal_(linear.weight, std=(2 / width) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, …, N, C) → the same."""
        h = x.flatten(0, -3)  # (S, N, C)
        graph = self._similar(h) if self.graph is None else self.graph
        heard = graph.to(h.dtype) @ self.V(h)
        return torch.relu(h + self.batch_norm(heard + self.U(h))).view(x.shape)

    @torch.no_grad()
    def _similar(self, h: Tensor) -> Tensor:
        """(S, N, C) → (S, N, N): each node hears the most similar ones, by dot product."""
        where = h.device.type if torch.amp.is_autocast_available(h.device.type) else "cpu"  # none for meta
        with torch.autocast(where, enabled=False):  # a choice, which rounding could turn
            wide = h.float()
            likeness = wide @ wide.transpose(1, 2)
            least = likeness.topk(self.neighbours or 1, dim=-1).values[..., -1:]
            return _normalised((likeness >= least).float())


def _normalised(heard: Tensor) -> Tensor:
    """(…, N, N) of 0 and 1 → D^-½ A D^-½, D the number of nodes each one hears; who hears none stays at 0."""
    scale = heard.sum(dim=-1).clamp(min=1).rsqrt()
    return scale.unsqueeze(-1) * heard * scale.unsqueeze(-2)


def _spatial_graph(joints: int, bones: Sequence[tuple[int, int]] | None) -> Tensor:
    """The normalised graph over joints, (J, J)."""
    heard = torch.zeros(joints, joints)
    if bones is not None:
        for one, other in bones:
            if not (0 <= one < joints and 0 <= other < joints):
                raise ValueError(f"a bone joins two of the joints 0 to {joints - 1}; found {[one, other]}")
            heard[one, other] = heard[other, one] = 1
    elif joints == len(_HEARD):
        for joint, others in _HEARD.items():
            heard[joint, list(others)] = 1
    else:
        heard = 1 - torch.eye(joints)
    return _normalised(heard)


def _temporal_graph(frames: int, reach: int) -> Tensor:
    """The normalised graph that joins each frame with itself and ``reach`` before and after it, (T, T)."""
    index = torch.arange(frames)
    return _normalised(((index[:, None] - index[None]).abs() <= reach).float())
