"""What the photo has beyond its drawn layers goes with them, also where two surfaces lie on each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit

LEAST = 0.016  # sigma of a component that moves single vertices by a tenth of a pixel
EDGE = (
    60  # of 255; an outline that moves by a tenth of a pixel gives a pixel at most half of the edge's height
)


def test_the_least_motion_brings_no_hidden_surface_forward(shared: Path) -> None:
    """Once, pixels of an ear jumped by 95, where the ear and the head under it changed places."""
    engine = Engine()
    portrait = engine.open(shared / "media" / "images" / "a_p05_cc0.jpg")
    photo = portrait.photo.pixels.astype(int)
    moved = engine.render(portrait, {0: FaceEdit.of(exp4=LEAST)}).pixels
    change = np.abs(moved - photo).max(axis=2)
    assert 0 < change.max() < EDGE
