"""Reads files of StyleGAN2 (`g_ema`), e4e (`e`) and direction matrices (`A_matrix`), as their authors released them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors, check_names, tensors_only

if TYPE_CHECKING:
    from torch import Tensor, nn

# Number of samples of w whose mean is the truncation latent. The released code takes 4096 without a seed; twice as many
# halve the square of the mean's error.
MEAN_OF = 8192
NO_LICENCE = "None stated by github.com/StelaBou/stylegan_directions_face_reenactment: all rights reserved"

# Names of the two orders that a direction matrix' columns may have.
VOX_FORMAT, FFHQ_FORMAT = "voxceleb", "ffhq"


def part(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the state dict under `key` where the file wraps it, else the content itself."""
    inner = content.get(key)
    return inner if isinstance(inner, Mapping) else content


def read_stylegan2(content: Mapping[str, Any]) -> Found | None:
    """Return a generator of rosinality's format, whose shapes give size and width; None for another kind.

    Noise pictures and truncation latent are those of the file. Where it has none, they are made here once and kept, so
    that results repeat.
    """
    import torch

    from app.engine.networks.stylegan2 import Generator

    weights = tensors_only(part(content, "g_ema"))
    if "to_rgb1.bias" not in weights or "input.input" not in weights:
        return None
    levels = {name.split(".")[1] for name in weights if name.startswith("to_rgbs.")}
    at_64 = weights.get("convs.6.conv.weight")
    size = 4 * 2 ** len(levels)
    multiplier = 1 if at_64 is not None and at_64.shape[1] == 256 else 2
    config = {"size": size, "channel_multiplier": multiplier}
    with torch.device("meta"):
        released = Generator(**config)
    weights = {**missing_noises(released, weights), **weights}
    check_names(weights, released, "a StyleGAN2 generator")
    return Found(weights, config, {"truncation_latent": truncation_latent(content, weights, config)})


def missing_noises(released: nn.Module, weights: Tensors) -> Tensors:
    """Return seeded noise pictures of a network (on the meta device) where the file has none, else {}."""
    import torch

    if any(name.startswith("noises.") for name in weights):
        return {}
    rng = torch.Generator().manual_seed(0)
    shapes = {n: v.shape for n, v in released.state_dict().items() if n.startswith("noises.")}
    return {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()}


def truncation_latent(content: Mapping[str, Any], weights: Tensors, config: Config) -> Tensor:
    """Return the truncation latent (1, 512): the file's `latent_avg`, else the mean of MEAN_OF seeded w."""
    import torch

    from app.engine.networks.stylegan2 import Generator

    stored = content.get("latent_avg")
    if isinstance(stored, torch.Tensor) and stored.numel() == weights["style.1.bias"].numel():
        return stored.float().reshape(1, -1)
    generator = Generator(**config)
    generator.load_state_dict(weights)
    return generator.mean_latent(MEAN_OF)


def network_stylegan2(config: Config) -> nn.Module:
    from app.engine.networks.stylegan2 import Generator

    return Generator(**{name: value for name, value in config.items() if name != "faces"})  # the crop's


def run_stylegan2(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return image (1, 3, size, size) of wplus (1, L, 512), truncation_latent (1, 512) and truncation (scalar).

    Without a truncation latent the stored one is used.
    """
    centre = inputs.get("truncation_latent", extras.get("truncation_latent"))
    return {"image": module(inputs["wplus"], centre, float(inputs["truncation"]))}


def read_e4e(content: Mapping[str, Any]) -> Found | None:
    """Return an e4e encoder of VoxCeleb, to whose result no average latent is added; None for another kind."""
    import torch

    from app.engine.networks.e4e import Encoder4Editing

    weights = tensors_only(part(content, "e"))
    if "latlayer1.weight" not in weights:
        return None
    with torch.device("meta"):
        released = Encoder4Editing()
    check_names(weights, released, "an e4e encoder")
    return Found(weights)


def network_e4e(config: Config) -> nn.Module:
    from app.engine.networks.e4e import Encoder4Editing

    return Encoder4Editing(**config)


def run_e4e(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return wplus (1, 14, 512) of image (1, 3, 256, 256) in [-1, 1]."""
    return {"wplus": module(inputs["image"])}


def generator_format(config: Config) -> str:
    """Return the format of the direction matrices of a generator.

    It is VOX_FORMAT at 256 px with channel multiplier 1, FFHQ_FORMAT for other imported generators, "" for ours.
    """
    if "style_dim" in config:
        return ""
    return VOX_FORMAT if config["size"] == 256 and config.get("channel_multiplier") == 1 else FFHQ_FORMAT


def read_directions(content: Mapping[str, Any]) -> Found | None:
    """Return the direction matrix A with its bias; None for another kind.

    The file does not say what its columns are. Both formats have 15 in different orders, so the importer adds the
    format (`config["format"]`) of the generator to which the matrix belongs.
    """
    import torch

    from app.engine.networks.directions import DirectionMatrix

    weights = tensors_only(part(content, "A_matrix"))
    if "linear.weight" not in weights or weights["linear.weight"].shape[0] != 4096:
        return None
    with torch.device("meta"):
        released = DirectionMatrix()
    check_names(weights, released, "a direction matrix")
    return Found(weights, {"n_directions": 15, "n_layers": 8})


def network_directions(config: Config) -> nn.Module:
    from app.engine.networks.directions import DirectionMatrix

    # Configs of matrices trained here also name their columns.
    sizes = ("n_directions", "n_layers", "style_dim")
    return DirectionMatrix(**{name: config[name] for name in sizes if name in config})


def run_directions(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return shift (1, 8, 512) of delta_p (1, 15)."""
    return {"shift": module(inputs["delta_p"])}


KINDS = (
    Kind(
        "stylegan2",
        "StyleGAN2 generator",
        NO_LICENCE + " (VoxCeleb weights); other files have their makers' own",
        "Ask the weights' makers before any use beyond private study.",
        read_stylegan2,
        network_stylegan2,
        run_stylegan2,
    ),
    Kind(
        "e4e",
        "e4e encoder into StyleGAN2's W+",
        NO_LICENCE,
        "Ask the weights' makers before any use beyond private study.",
        read_e4e,
        network_e4e,
        run_e4e,
    ),
    Kind(
        "directions",
        "Direction matrix of StyleGAN2's latent space",
        NO_LICENCE,
        "Ask the weights' makers before any use beyond private study.",
        read_directions,
        network_directions,
        run_directions,
    ),
)
