"""Chooses the imported models that the latent editor works with: a generator, its encoder, its direction matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.store import Model, load_model, models, newest
from app.engine.checkpoints.stylegan_files import FFHQ_FORMAT, VOX_FORMAT, generator_format
from app.engine.files import data_folder
from app.engine.latent.expression_map import ExpressionMap, own_components
from app.engine.latent.parameters import FFHQ, VOXCELEB, Parameterisation
from app.engine.squares.crop import RELEASED_FACES

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from app.engine.latent.expression_map import ExpressionMap
    from app.engine.latent.inversion import LatentModel
    from app.engine.latent.similarity import Similarity
    from app.engine.networks.directions import DirectionMatrix

N_PRINCIPAL = 10  # number of components that are shown, those of the largest variance; our choice
LPIPS, RECOGNISER = ("alexnet", "lpips"), "arcface"  # kinds of models
RELEASED_TRUNCATION = 0.7  # psi of the VoxCeleb generator, in inversion and editing


@dataclass(frozen=True)
class Ensemble:
    """Models that belong together, chosen by their manifests without reading weights."""

    generator: Model
    encoder: Model | None
    directions: Model | None

    @property
    def size(self) -> int:
        return int(self.generator.config["size"])

    @property
    def faces(self) -> float:
        """Return the crop's side in face sizes (`squares.crop.face_square`)."""
        return float(self.generator.config.get("faces", RELEASED_FACES))

    @property
    def hashes(self) -> tuple[str, ...]:
        """Return the hashes of the models on which an inversion depends."""
        return self.generator.sha256, self.encoder.sha256 if self.encoder else ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(m.name for m in (self.generator, self.encoder, self.directions) if m is not None)

    @property
    def parameterisation(self) -> Parameterisation | None:
        return None if self.directions is None else parameterisation(self.directions.config)


def parameterisation(config: Mapping[str, Any]) -> Parameterisation:
    """Return the meaning of a matrix' columns, by its config.

    Matrices trained here name their columns; imported ones follow the order of their generator's format.
    """
    if "names" not in config:
        return FFHQ if config.get("format") == FFHQ_FORMAT else VOXCELEB
    return Parameterisation(tuple(config["names"]), tuple(config["slopes"]), ours=True)


def ensemble() -> Ensemble | None:
    """Return the newest generator with the newest models that belong to it, None without a generator."""
    generator = newest(models("stylegan2"))
    if generator is None:
        return None
    encoders = [model for model in models("e4e") if generator_format(generator.config) == VOX_FORMAT]
    matrices = [model for model in models("directions") if fits(model, generator)]
    return Ensemble(generator, newest(encoders), newest(matrices))


def fits(matrix: Model, generator: Model) -> bool:
    """Return whether a matrix belongs to a generator.

    One trained here belongs to one generator, an imported one to every generator of a format.
    """
    if "generator" in matrix.config:
        return bool(matrix.config["generator"] == generator.sha256)
    return bool(matrix.config.get("format", VOX_FORMAT) == generator_format(generator.config))


def load_latent_model(chosen: Ensemble) -> LatentModel:
    """Return the generator with its encoder, on the CPU in float32."""
    from app.engine.latent.inversion import LatentModel
    from app.engine.networks.stylegan2 import Generator

    loaded = load_model(chosen.generator.name)
    network = loaded.network
    assert isinstance(network, Generator)
    centre = loaded.extras["truncation_latent"].float()
    if chosen.encoder is None:
        return LatentModel(network, centre)
    return LatentModel(network, centre, RELEASED_TRUNCATION, load_model(chosen.encoder.name).network)


def measuring_models() -> dict[str, Model]:
    """Return by kind the newest imported face recogniser, and trunk and weights of LPIPS where both are installed."""
    found = {kind: newest(models(kind)) for kind in (*LPIPS, RECOGNISER)}
    whole = all(found[kind] is not None for kind in LPIPS)
    return {kind: m for kind, m in found.items() if m is not None and (whole or kind == RECOGNISER)}


def imported_similarity(
    device: torch.device, faces: float, kinds: tuple[str, ...] = (*LPIPS, RECOGNISER)
) -> Similarity:
    """Return the similarity that uses those of `measuring_models` of these kinds.

    faces: side of the compared pictures in face sizes.
    """
    from app.engine.latent.similarity import Similarity, arcface_input
    from app.engine.networks.lpips import distance

    networks = {
        kind: load_model(model.name).network.to(device)
        for kind, model in measuring_models().items()
        if kind in kinds
    }
    lpips = recogniser = None
    if set(LPIPS) <= networks.keys():
        trunk, weights = (networks[kind] for kind in LPIPS)
        lpips = partial(distance, trunk, weights)
    if (arcface := networks.get(RECOGNISER)) is not None:

        def recogniser(pictures: Tensor) -> Tensor:
            features: Tensor = arcface(arcface_input(pictures, faces))
            return features

    return Similarity(lpips, recogniser)


def load_matrix(chosen: Ensemble) -> tuple[DirectionMatrix, dict[str, Tensor]] | None:
    """Return the direction matrix and the tensors stored beside it, None where there is no matrix."""
    from app.engine.networks.directions import DirectionMatrix

    if chosen.directions is None:
        return None
    loaded = load_model(chosen.directions.name)
    assert isinstance(loaded.network, DirectionMatrix)
    return loaded.network, loaded.extras


def calibration_path(chosen: Ensemble) -> Path:
    """Return the file of the expression map that was learnt for this generator with this matrix."""
    matrix = chosen.directions.sha256 if chosen.directions else ""
    return data_folder() / "calibrations" / f"{chosen.generator.sha256[:16]}-{matrix[:16]}.npz"


def known_expression_map(chosen: Ensemble) -> ExpressionMap | None:
    """Return the expression map: the exact one of a matrix in our components, else the learnt one, else None."""
    if chosen.parameterisation is None:
        return None
    return own_components(chosen.parameterisation) or ExpressionMap.load(calibration_path(chosen))
