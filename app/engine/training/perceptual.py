"""Features for perceptual losses: VGG19 where the user has imported it."""

from __future__ import annotations

from torch import nn

from app.engine.weights import load_model, models


def imported_features() -> nn.Module | None:
    """The user's VGG19, frozen; None without one: then recipes use their own critics' features and say so."""
    found = models("vgg19")
    return load_model(found[0].name).network if found else None
