"""The masked pre-training form of P-STMO: keypoints of hidden frames and joints are guessed from the rest.

Shan et al.: P-STMO, ECCV 2022 (arXiv 2203.07628), section 3.2, after He et al.: Masked autoencoders are
scalable vision learners, CVPR 2022. What it learns in the encoder and in the Transformer over all frames is
what the network of `backbones.pstmo` starts from.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn

from backbones.masked import Seen, hidden_counts, shown
from backbones.pstmo import HEADS, PSTMO, FrameTransformer, PoseEncoder, UnbiasedNorm
from backbones.shapes import Shapes, check_input, entries


class MaskedPSTMO(nn.Module):
    """Encodes the frames it is shown; a smaller Transformer fills the others in from a learned token.

    Args:
        layers: of the Transformer over frames; the one that fills in has one less.
        channel: width of the tokens; those that fill in have half of it.
        d_hid: width of the feed-forward layers; half of it when filling in.
        frames: of a window.
        spatial_mask_num: joints hidden in each frame, replaced by a learned keypoint (2 to 7 in the paper).
        temporal_mask_rate: share of the frames that is hidden (0.6 to 0.8 in the paper).
        n_joints: keypoints a frame.
        in_features: numbers a keypoint.
        dropout: of the Transformers.
        p_dropout: of the encoder of poses.
    Raises:
        ValueError: a width that can't be halved and shared among 8 heads, more hidden joints than there are.
    """

    def __init__(
        self,
        *,
        layers: Annotated[int, Ge(2)] = 3,
        channel: Annotated[int, Ge(1)] = 256,
        d_hid: Annotated[int, Ge(2)] = 512,
        frames: Annotated[int, Ge(1)] = 243,
        spatial_mask_num: Annotated[int, Ge(0)] = 2,
        temporal_mask_rate: Annotated[float, Gt(0), Lt(1)] = 0.8,
        n_joints: Annotated[int, Ge(1)] = 17,
        in_features: Annotated[int, Ge(1)] = 2,
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.1,
        p_dropout: Annotated[float, Ge(0), Lt(1)] = 0.25,
    ) -> None:
        super().__init__()
        if channel % (2 * HEADS):
            raise ValueError(f"channel must be a multiple of {2 * HEADS} (half of it, {HEADS} heads); found {channel}")
        if layers < 2:
            raise ValueError(f"the masked form needs at least 2 layers; found {layers}")
        self.joints, self.features, self.frames = n_joints, in_features, frames
        self.hidden_frames, self.hidden_joints = hidden_counts(frames, n_joints, spatial_mask_num, temporal_mask_rate)
        half = channel // 2

        # Attributes follow the published checkpoints' names and order.
        self.dec_pos_embedding = nn.Parameter(torch.randn(1, frames, half))
        self.mask_token = nn.Parameter(torch.randn(1, 1, half))
        self.spatial_mask_token = nn.Parameter(torch.randn(1, 1, in_features))
        self.encoder = PoseEncoder(n_joints * in_features, channel, 2 * channel, p_dropout)
        self.Transformer = FrameTransformer(layers, channel, d_hid, dropout, positions=frames)
        self.Transformer_dec = FrameTransformer(layers - 1, half, d_hid // 2, dropout)
        self.encoder_to_decoder = nn.Linear(channel, half, bias=False)
        self.encoder_LN = UnbiasedNorm(channel)
        self.fcn_dec = nn.Sequential(nn.BatchNorm1d(half), nn.Conv1d(half, n_joints * in_features, 1))

    # What the names of parameters begin with that are in published checkpoints and never used.
    idle = ("Transformer.model.norm.", "Transformer_dec.model.norm.")

    @classmethod
    def sharing(cls, network: PSTMO, **options: Any) -> Self:
        """The masked form of ``network``; both hold the same encoder and Transformer, so what one learns, both have.

        Args:
            network: what is to be pre-trained.
            options: those that ``network`` doesn't decide: spatial_mask_num, temporal_mask_rate.
        Raises:
            ValueError: what `MaskedPSTMO` raises.
        """
        shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        told = PSTMO.options_of(shapes)
        same = {name: told[name] for name in ("layers", "channel", "d_hid", "frames", "n_joints", "in_features")}
        rates = {"dropout": network.Transformer.model.layers[0].drop.p, "p_dropout": network.encoder.drop.p}
        masked = cls(**{**same, **rates, **options})
        masked.encoder, masked.Transformer = network.encoder, network.Transformer
        return masked

    @staticmethod
    def options_of(shapes: Shapes) -> dict[str, Any]:
        """The options that the shapes of a state dict tell. Raises KeyError if it is another network's."""
        inner, keypoints, _ = shapes["encoder.fc_1.weight"]
        features = shapes["spatial_mask_token"][2]
        return {
            "layers": entries(shapes, "Transformer.model.layers"),
            "channel": inner // 2,
            "d_hid": shapes["Transformer.model.layers.0.feed_forward.w_1.weight"][0],
            "frames": shapes["dec_pos_embedding"][1],
            "n_joints": keypoints // features,
            "in_features": features,
        }

    def draw(self, batch: int, *, valid: Tensor | None = None, generator: torch.Generator | None = None) -> Seen:
        """What to show of ``batch`` windows, drawn anew for each; as many frames of one as of another.

        Args:
            batch: windows.
            valid: (B, T) bool; frames that aren't are hidden before any other.
            generator: of the random numbers.
        """
        device = self.mask_token.device
        source = generator.device if generator is not None else device
        by_frame = torch.rand(batch, self.frames, generator=generator, device=source).to(device)
        by_joint = torch.rand(batch, self.frames, self.joints, generator=generator, device=source).to(device)
        return self.seen(by_frame, by_joint, valid=valid)

    def seen(self, by_frame: Tensor, by_joint: Tensor, *, valid: Tensor | None = None) -> Seen:
        """What to show, from random numbers (B, T) and (B, T, J); see `shown`."""
        return shown(by_frame, by_joint, self.hidden_frames, self.hidden_joints, valid)

    def reconstruct(
        self, x: Tensor, *, valid: Tensor | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Seen]:
        """Hide some of ``x`` at random and guess it.

        Args:
            x: (B, T, J, C) normalised screen coordinates.
            valid: (B, T) bool.
            generator: of the random numbers.
        Returns:
            (B, T, J, C) keypoints of all frames, and what was shown.
        Raises:
            ValueError: another shape.
        """
        seen = self.draw(len(x), valid=valid, generator=generator)
        return self(x, *seen), seen

    def forward(self, x: Tensor, frames_seen: Tensor, joints_seen: Tensor) -> Tensor:
        """Guess the keypoints of all frames from what is seen of them.

        Args:
            x: (B, T, J, C) normalised screen coordinates; what isn't seen may be anything.
            frames_seen: (T,) or (B, T) bool; as many of each window.
            joints_seen: (T, J) or (B, T, J) bool.
        Returns:
            (B, T, J, C), in order of time.
        Raises:
            ValueError: another shape, no frame seen, or more frames of one window than of another.
        """
        check_input(x, joints=self.joints, features=self.features, frames=self.frames, exactly=True)
        frames_seen = frames_seen.expand(x.shape[:2])
        given = torch.where(joints_seen.unsqueeze(-1), x, self.spatial_mask_token.to(x.dtype))  # (B, T, J, C)
        counts = frames_seen.sum(1)
        count = int(counts[0])
        if count < 1 or (counts != count).any():
            raise ValueError(
                f"each window needs as many frames seen, at least one; found {sorted(set(counts.tolist()))}"
            )
        order = (~frames_seen).to(torch.uint8).argsort(dim=1, stable=True)  # (B, T): frames seen first, each in time
        seen = order[:, :count]

        tokens = self.Transformer(self.encoder(given.flatten(2)), keep=lambda h: _take(h, seen))  # (B, count, C)
        tokens = self.encoder_to_decoder(self.encoder_LN(tokens))
        hidden = self.mask_token.to(tokens.dtype).expand(len(x), self.frames - count, -1)
        positions = _take(self.dec_pos_embedding.expand(len(x), -1, -1), order)
        tokens = self.Transformer_dec(torch.cat([tokens, hidden], dim=1) + positions)  # (B, T, C/2)
        guess = self.fcn_dec(tokens.transpose(1, 2)).transpose(1, 2)  # (B, T, J·C)
        return _take(guess, order.argsort(dim=1)).unflatten(2, (self.joints, self.features))


def _take(x: Tensor, frames: Tensor) -> Tensor:
    """(B, T, C) and (B, N) → the N frames of each window, (B, N, C)."""
    return x.gather(1, frames.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
