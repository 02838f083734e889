"""Hair that no photo shows has the strands of the hair that it shows."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.head.hair_texture import continued
from app.engine.head.texels import TEXELS


def striped(side: int) -> np.ndarray:
    """Return (S, S, 3) stripes across the rows, as thick as strands are."""
    wave = 0.3 + 0.1 * np.sin(2 * np.pi * np.arange(side) * TEXELS / (0.08 * side))
    return np.repeat(np.tile(wave[None], (side, 1))[..., None], 3, axis=2).astype(np.float32)


def test_strands_go_on_over_made_up_hair() -> None:
    """Once, crowns that looked down or turned aside (p09 and p18 of the portraits) had colours drawn out to smears."""
    side = 384
    own, hair = striped(side), np.zeros((side, side), np.float32)
    hair[:, : side // 3] = 1
    own[:, side // 3 :] = 0.9  # what is not hair gives nothing
    wanted = np.ones((side, side), bool)
    strand, known = continued(own, hair, wanted)
    made = slice(side // 3, side)
    assert known[:, made].min() == 1
    shown, beyond = (np.std(np.log(strand[:, part])) for part in (slice(20, side // 3 - 20), made))
    assert 0.15 < shown < 0.35
    assert beyond == pytest.approx(shown, rel=0.15)
    along, across = (np.abs(np.diff(strand[:, made, 0], axis=axis)).mean() for axis in (0, 1))
    assert along < 0.1 * across, "strands keep their direction"
    assert abs(float(np.log(strand[:, made]).mean())) < 0.03, "strands change no colour"


def test_too_little_hair_gives_no_strands() -> None:
    side = 384
    hair = np.zeros((side, side), np.float32)
    hair[:20, :20] = 1
    strand, known = continued(striped(side), hair, np.ones((side, side), bool))
    assert not known.any() and (strand == 1).all()
