"""Reads HeadGAN's released `latest_net_G.pth`, a bare state dict, with and without audio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors, check_names, tensors_only

if TYPE_CHECKING:
    from torch import nn

MARK = "flow_network.dec_flow.1.weight"


def read(content: Mapping[str, Any]) -> Found | None:
    """Return the authors' generator with spectral norms folded into the weights; None for another kind."""
    import torch

    from app.engine.networks.blocks import fold_spectral_norm
    from app.engine.networks.headgan import HeadGan, HeadGanConfig

    if MARK not in content:
        return None
    weights = tensors_only(content)
    config = HeadGanConfig(audio=any("cond_dec_audio" in name for name in weights))
    with torch.device("meta"):
        released = HeadGan(config)
    check_names(weights, released, "a HeadGAN generator")
    return Found(fold_spectral_norm(weights), {**asdict(config), "spectral": False})


def network(config: Config) -> nn.Module:
    from app.engine.networks.headgan import HeadGan, HeadGanConfig

    return HeadGan(HeadGanConfig(**config))


def run(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return the outputs of input (1, 9, H, W), ref_input (1, 6, H, W) and, with audio, audio_feats (1, 300)."""
    audio = inputs["audio_feats"] if module.config.audio else None  # type: ignore[union-attr]
    out = module(inputs["input"], inputs["ref_input"], audio)
    return {"image": out.image, "warped": out.warped, "flow": out.flow}


KINDS = (
    Kind(
        "headgan",
        "HeadGAN generator",
        "CC BY-NC-SA 4.0 (the licence of github.com/michaildoukas/headGAN; the weights state none of their own)",
        "Not for commercial use; what you share must name its authors and carry the same licence.",
        read,
        network,
        run,
    ),
)
