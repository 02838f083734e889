"""Which imported models the latent editor works with: a generator, its encoder, its direction matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.latent.crop import RELEASED_FACES
from app.engine.latent.parameters import VOXCELEB, Parameterisation
from app.engine.weights import Model, data_folder, load_model, models

if TYPE_CHECKING:
    from torch import Tensor

    from app.engine.latent.expression_map import ExpressionMap
    from app.engine.latent.inversion import LatentModel
    from app.engine.networks.directions import DirectionMatrix

N_PRINCIPAL = 10
RELEASED_TRUNCATION = 0.7  # of the VoxCeleb generator, in inversion and editing


@dataclass(frozen=True)
class Ensemble:
    """Models that fit together; chosen from manifests alone, without reading weights."""

    generator: Model
    encoder: Model | None
    directions: Model | None

    @property
    def size(self) -> int:
        return int(self.generator.config["size"])

    @property
    def faces(self) -> float:
        """The crop's side in face sizes (`crop.face_square`)."""
        return float(self.generator.config.get("faces", RELEASED_FACES))

    @property
    def hashes(self) -> tuple[str, ...]:
        """What an inversion depends on."""
        return self.generator.sha256, self.encoder.sha256 if self.encoder else ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(m.name for m in (self.generator, self.encoder, self.directions) if m is not None)

    @property
    def parameterisation(self) -> Parameterisation | None:
        return None if self.directions is None else parameterisation(self.directions.config)


def parameterisation(config: Mapping[str, Any]) -> Parameterisation:
    """What a matrix of ours says of its columns; the released ones say nothing and are VoxCeleb's."""
    if "names" not in config:
        return VOXCELEB
    return Parameterisation(tuple(config["names"]), tuple(config["slopes"]), ours=True)


def ensemble() -> Ensemble | None:
    """The newest generator with the newest models that fit it, None without a generator."""
    generator = max(models("stylegan2"), key=_age, default=None)
    if generator is None:
        return None
    released = is_released_width(generator)
    encoders = [model for model in models("e4e") if released]
    matrices = [
        model
        for model in models("directions")
        if model.config.get("generator", "" if released else None) in ("", generator.sha256)
    ]
    return Ensemble(generator, max(encoders, key=_age, default=None), max(matrices, key=_age, default=None))


def _age(model: Model) -> tuple[bool, str]:
    return not model.shipped, model.imported


def is_released_width(generator: Model) -> bool:
    """Whether the VoxCeleb encoder and matrix fit: 256 px, channel multiplier 1, full width."""
    config = generator.config
    return config["size"] == 256 and config.get("channel_multiplier") == 1 and "style_dim" not in config


def load_latent_model(chosen: Ensemble) -> LatentModel:
    """The generator with its encoder, on the CPU in float32."""
    from app.engine.latent.inversion import LatentModel
    from app.engine.networks.stylegan2 import Generator

    loaded = load_model(chosen.generator.name)
    network = loaded.network
    assert isinstance(network, Generator)
    if chosen.encoder is None:
        return LatentModel(network, loaded.extras["truncation_latent"])
    encoder = load_model(chosen.encoder.name).network
    return LatentModel(network, loaded.extras["truncation_latent"], RELEASED_TRUNCATION, encoder)


def load_matrix(chosen: Ensemble) -> tuple[DirectionMatrix, dict[str, Tensor]] | None:
    """The direction matrix and what is stored beside it."""
    from app.engine.networks.directions import DirectionMatrix

    if chosen.directions is None:
        return None
    loaded = load_model(chosen.directions.name)
    assert isinstance(loaded.network, DirectionMatrix)
    return loaded.network, loaded.extras


def calibration_path(chosen: Ensemble) -> Path:
    """Where the learned expression map of this generator with this matrix lies."""
    matrix = chosen.directions.sha256 if chosen.directions else ""
    return data_folder() / "calibrations" / f"{chosen.generator.sha256[:16]}-{matrix[:16]}.npz"


def known_expression_map(chosen: Ensemble) -> ExpressionMap | None:
    """Exact for a matrix in our components, else as learned on rendered samples, None before that."""
    from app.engine.latent.expression_map import ExpressionMap, own_components

    if chosen.parameterisation is None:
        return None
    return own_components(chosen.parameterisation) or ExpressionMap.load(calibration_path(chosen))
