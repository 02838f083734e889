"""Reads speech recognisers for HeadGAN's character features: wav2vec 2.0 with a CTC head over English letters.

Both publications of the files are known: torchaudio's (`wav2vec2_fairseq_base_ls960_asr_ls960.pth`) and Hugging Face's
(`facebook/wav2vec2-base-960h`: model.safetensors or pytorch_model.bin).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors, check_names, tensors_only
from app.engine.errors import EngineError

if TYPE_CHECKING:
    from torch import nn

MARKS = ("encoder.transformer.pos_conv_embed.conv.bias", "wav2vec2.encoder.pos_conv_embed.conv.bias")
# Beginnings of Hugging Face's names, and torchaudio's for them.
RENAMED = (
    ("wav2vec2.feature_extractor.", "feature_extractor."),
    ("wav2vec2.feature_projection.", "encoder.feature_projection."),
    ("wav2vec2.encoder.", "encoder.transformer."),
    ("lm_head.", "aux."),
)
PLACES = "encoder.transformer.pos_conv_embed.conv."
NORMS = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))


def read(content: Mapping[str, Any]) -> Found | None:
    """Return a recogniser with torchaudio's names and weight norms folded; None for another kind.

    The vector for masking, which only training needs, is left out.
    """
    import torch

    from app.engine.networks.wav2vec2 import LETTERS, Wav2Vec2, folded_places

    if all(mark not in content for mark in MARKS):
        return None
    weights = {
        renamed(name): value for name, value in tensors_only(content).items() if "masked_spec" not in name
    }
    if "aux.weight" not in weights or weights["aux.weight"].shape[0] != len(LETTERS):
        raise EngineError(
            "The file holds wav2vec 2.0 without the head for English letters.",
            "Import wav2vec2-base-960h, or torchaudio's wav2vec2_fairseq_base_ls960_asr_ls960.pth.",
        )
    for g, v in NORMS:
        if PLACES + g in weights:
            weights[PLACES + "weight"] = folded_places(weights.pop(PLACES + g), weights.pop(PLACES + v))
    layers = {found[1] for name in weights if (found := re.search(r"transformer\.layers\.(\d+)\.", name))}
    config = {"width": int(weights["aux.weight"].shape[1]), "layers": len(layers)}
    with torch.device("meta"):
        wanted = Wav2Vec2(**config)
    check_names(weights, wanted, "a wav2vec 2.0 recogniser")
    return Found(weights, config)


def renamed(name: str) -> str:
    for begin, ours in RENAMED:
        if name.startswith(begin):
            return ours + name.removeprefix(begin)
    return name


def network(config: Config) -> nn.Module:
    from app.engine.networks.wav2vec2 import Wav2Vec2

    return Wav2Vec2(**config)


def run(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return logits (N, steps, 32) of sound (N, samples) at 16 kHz."""
    return {"logits": module(inputs["sound"])}


KINDS = (
    Kind(
        "wav2vec2",
        "wav2vec 2.0 speech recogniser",
        "Apache-2.0 or MIT (facebook/wav2vec2-base-960h; torchaudio)",
        "Free for any use; it tells HeadGAN the letters that are spoken.",
        read,
        network,
        run,
    ),
)
