"""Gives the names of released weights that only the parity tests load."""

from __future__ import annotations

import re

from torch import Tensor

from app.engine.networks.discriminators import N_LAYERS


def from_head2head(weights: dict[str, Tensor], scales: int = 2) -> dict[str, Tensor]:
    """Return Head2Head's weights under our names.

    In the released names, `scale{i}_layer{j}` counts from the coarsest scale. Running statistics are dropped,
    because the released code never uses them.
    """
    renamed = {}
    for name, value in weights.items():
        match = re.fullmatch(r"scale(\d+)_layer(\d+)\.(\d+)\.(weight|bias)", name)
        if match is None:
            continue
        scale, layer, index, last = int(match[1]), int(match[2]), match[3], match[4]
        inner = f"{index}." if layer in (0, N_LAYERS - 1) else f"0.{index}."
        renamed[f"discriminator_{scales - 1 - scale}.model{layer}.{inner}{last}"] = value
    return renamed
