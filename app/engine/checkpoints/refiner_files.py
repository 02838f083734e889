"""Our own refiner of mesh-warp, the one network that may ship with Mien: kept in half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors

if TYPE_CHECKING:
    from torch import nn


def read(content: Mapping[str, Any]) -> Found | None:
    """None: there are no files of it but Mien's own, which say what they are."""
    return None


def network(config: Config) -> nn.Module:
    from app.engine.networks.refiner import Refiner, RefinerConfig

    a, b, c, d = (int(width) for width in config["widths"])
    used = bool(config["flow"]), float(config["trust"]), float(config.get("doubt", 0.0))
    return Refiner(RefinerConfig((a, b, c, d), int(config["blocks"]), *used))


def run(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """warped, planes, facts, portrait as `Refiner` takes them -> flow, paint, confidence."""
    out = module(*(inputs[name] for name in ("warped", "planes", "facts", "portrait")))
    return {"flow": out.flow, "paint": out.paint, "confidence": out.confidence}


KINDS = (
    Kind(
        "refiner",
        "Refiner of mesh-warp",
        "MIT; trained on official US portraits and CC BY clips that its card names",
        "Free, also commercially; credit the clips as the card does.",
        read,
        network,
        run,
    ),
)
