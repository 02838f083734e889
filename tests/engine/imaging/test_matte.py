"""The person matte works on the sample portrait."""

from __future__ import annotations

import numpy as np

from app.engine.contract import Portrait
from app.engine.imaging.matte import guided_filter, person_matte


def test_the_person_is_reported_from_the_background(portrait: Portrait) -> None:
    face = portrait.faces[0]
    matte = person_matte(portrait.photo.pixels, face)
    assert matte.shape == portrait.photo.pixels.shape[:2] and matte.dtype == np.float32
    assert matte.min() >= 0 and matte.max() <= 1
    x, y = face.landmarks[:468, :2].mean(axis=0).astype(int)
    assert matte[y, x] == 1, "a face is always the person"
    assert matte[10:60, 380:420].mean() < 0.2, "the flag and the wall behind are not"
    assert matte[300:, 120:300].mean() > 0.8, "the suit is"


def test_the_guided_filter_keeps_flat_parts_and_follows_the_guides_edge() -> None:
    guide = np.zeros((40, 40), np.float32)
    guide[:, 20:] = 1
    assert np.allclose(guided_filter(guide, np.full_like(guide, 0.3), 4, 1e-4), 0.3, atol=1e-5)
    rough = np.zeros_like(guide)
    rough[:, 22:] = 1  # this edge is two pixels off
    refined = guided_filter(guide, rough, 6, 1e-4)
    assert refined[20, 21] > 0.5 > refined[20, 18]
