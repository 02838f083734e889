"""torchvision's `vgg19-*.pth`, which users may import for the papers' perceptual loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors, check_names, tensors_only

if TYPE_CHECKING:
    from torch import nn

FIRST, LAST = "features.0.weight", "features.34.weight"  # VGG19 has convolutions up to there, VGG16 has not


def read(content: Mapping[str, Any]) -> Found | None:
    """The convolutions up to relu5_1; the rest of the classifier is left out."""
    import torch

    from app.engine.networks.vgg import Vgg19

    if FIRST not in content or LAST not in content:
        return None
    with torch.device("meta"):
        wanted = Vgg19()
    names = wanted.state_dict().keys()
    weights = {name: value for name, value in tensors_only(content).items() if name in names}
    check_names(weights, wanted, "VGG19")
    return Found(weights)


def network(config: Config) -> nn.Module:
    from app.engine.networks.vgg import Vgg19

    return Vgg19()


def run(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """image (N, 3, H, W) -> relu1 to relu5."""
    return {f"relu{k}": value for k, value in enumerate(module(inputs["image"]), 1)}


KINDS = (
    Kind(
        "vgg19",
        "VGG19 features for the perceptual loss",
        "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures are for non-commercial research",
        "For training and measuring; models trained with it do not contain it.",
        read,
        network,
        run,
    ),
)
