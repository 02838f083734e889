"""Finds the sample portrait, scikit-image's public-domain astronaut, without importing scikit-image."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from app.engine.errors import EngineError


def sample_path() -> Path:
    """Return the path of the bundled portrait (512 x 512 PNG)."""
    spec = find_spec("skimage")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / "astronaut.png"
        if path.is_file():
            return path
    raise EngineError(
        "The sample portrait is not there.", "Install scikit-image again, or open a photo.", "open"
    )
