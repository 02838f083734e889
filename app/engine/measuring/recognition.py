"""Compares identities by a recogniser that the user imported, for the editor's read-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.checkpoints.store import Model, load_model, models, newest
from app.engine.face.parameters import FittedFace
from app.engine.measuring.aligned import arcface_crop
from app.engine.measuring.distances import cosine_similarity
from app.engine.measuring.imported import features

if TYPE_CHECKING:
    from torch import nn

KIND = "arcface"
Seen = tuple[NDArray[np.uint8], FittedFace]  # a picture (h, w, 3) sRGB and a face in its pixels


class Recogniser:
    """The newest imported ArcFace, loaded when it is first used."""

    def __init__(self) -> None:
        self._loaded: tuple[str, nn.Module] | None = None

    @property
    def imported(self) -> bool:
        return self._newest() is not None

    @staticmethod
    def _newest() -> Model | None:
        return newest(models(KIND))

    def likeness(self, before: Seen, after: Seen) -> float:
        """Return the cosine of both faces' embeddings, at least 0; `imported` must be true."""
        model = self._newest()
        assert model is not None
        if self._loaded is None or self._loaded[0] != model.sha256:
            self._loaded = model.sha256, load_model(model.name).network
        crops = [arcface_crop(*seen) for seen in (before, after)]
        first, second = features(self._loaded[1], crops, lambda pictures: 2 * pictures - 1)
        return max(0.0, float(cosine_similarity(first[None], second[None])))
