"""Compares identities by a recogniser that the user imported, for the editor's read-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.checkpoints.store import Model, load_model, models, newest
from app.engine.measuring.distances import cosine_similarity
from app.engine.measuring.imported import Seen, embeddings

if TYPE_CHECKING:
    from torch import nn

KIND = "arcface"


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
        first, second = embeddings(self._loaded[1], (before, after))
        return max(0.0, float(cosine_similarity(first[None], second[None])))
