"""Reads Head2Head's released `latest_net_G.pth`, a bare state dict of one person's network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors, check_names, tensors_only
from app.engine.errors import EngineError

if TYPE_CHECKING:
    from torch import nn

MARK = "model_down_seg.1.weight"
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # tensors that inference does not use


def read(content: Mapping[str, Any]) -> Found | None:
    """Return the authors' generator, None for another kind; EngineError where blocks that are stored twice differ."""
    import torch

    from app.engine.networks.head2head import Head2Head

    if MARK not in content:
        return None
    weights: Tensors = {}
    for name, value in tensors_only(content).items():
        if name.endswith(STATISTICS):
            continue
        single = name.replace(".conv_block.", ".resnetblock_sequential.")
        if not torch.equal(weights.setdefault(single, value), value):
            raise EngineError(
                f"The file looks like a Head2Head generator, but its two copies of {single} differ.",
                "Download the file again.",
            )
    with torch.device("meta"):
        released = Head2Head()
    check_names(weights, released, "a Head2Head generator")
    return Found(weights)


def network(config: Config) -> nn.Module:
    from app.engine.networks.head2head import Head2Head

    return Head2Head(**sizes(config))


def sizes(config: Config) -> Config:
    """Return the part of a config that builds the network; models trained here also store the picture's size."""
    return {name: value for name, value in config.items() if name != "size"}


def network_fs(config: Config) -> nn.Module:
    from app.engine.networks.head2headfs import Head2HeadFS

    return Head2HeadFS(**sizes(config), personal=True)


def run_fs(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return frames (T, 3, H, W) in [-1, 1] and masks (T, 1, H, W) in [0, 1] of input (T, 9, H, W)."""
    from app.engine.networks.head2head import Head2Head, rollout
    from app.engine.networks.head2headfs import rgb_and_mask

    assert isinstance(module, Head2Head)
    frames, masks = rgb_and_mask(rollout(module, inputs["input"]))
    return {"frames": frames, "masks": masks}


def never(content: Mapping[str, Any]) -> None:
    """Recognise no file: Head2HeadFS was never released, and models trained here name their kind."""


def run(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return frames (T, 3, H, W) of input (T, 18, H, W), one after the other from a state of zeros."""
    from app.engine.networks.head2head import Head2Head, rollout

    assert isinstance(module, Head2Head)
    return {"frames": rollout(module, inputs["input"])}


KINDS = (
    Kind(
        "head2headfs",
        "Head2HeadFS generator of one person",
        "Yours: trained here on your footage",
        "Ask the person shown before you publish.",
        never,
        network_fs,
        run_fs,
    ),
    Kind(
        "head2head",
        "Head2Head generator of one person",
        "MIT (the licence of github.com/michaildoukas/head2head; the weights state none of their own)",
        "The code is free for any use; ask the person shown before you publish.",
        read,
        network,
        run,
    ),
)
