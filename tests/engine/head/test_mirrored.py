"""What the photo shows no worse than the other side is not mirrored."""

from __future__ import annotations

import numpy as np

from app.engine.engine import Engine
from app.engine.head import HeadModel, fit_head
from app.engine.head.atlas import BETTER, completed, seen
from app.engine.head.low_colours import low_colours
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.matte import person_matte
from app.engine.sample import sample_path


def test_a_temple_beside_hair_takes_no_line_from_the_other_temple() -> None:
    """Once, a dark dash lay over the sample's brow: a share of the lock that hangs over the other temple."""
    engine = Engine()
    portrait = engine.open(sample_path())
    engine.close()
    pixels, face = to_srgb8(portrait.photo), portrait.faces[0]
    matte = person_matte(pixels, face)
    head, model = fit_head(face, matte, pixels), HeadModel.load()
    own = seen(head, matte)
    _, shares = completed(
        head, own, pixels, matte, low_colours(pixels, matte, head.camera.scale, own.at, own.facing)
    )
    gap = own.normals[model.mirror, 2] - own.normals[:, 2]
    as_good = (own.confident > 0.99) & (gap < BETTER[0])
    assert as_good.sum() > 1000
    assert np.max(shares.mirrored[as_good]) < 0.05
