"""A beard that juts out beyond the head's chin goes with the chin; hair that hangs beside it does not."""

from __future__ import annotations

import cv2
import numpy as np

from app.engine.warping.beside import _tuft
from app.engine.warping.plate import Places

SIDE, IOD = 160, 40.0  # px
CHIN = 100  # px


def test_a_beard_beyond_the_chin_goes_with_it_and_hanging_hair_does_not() -> None:
    """Once, the beard's tip stayed behind before the neck of a head that turned away from a profile (p16)."""
    y, x = np.indices((SIDE, SIDE), np.float32)
    head = ((np.hypot(x - 70, (y - 55) / 1.1) < 42) & (y < CHIN)).astype(np.uint8)
    tuft = (np.hypot(x - 80, y - 105) < 8) & (head == 0)
    lock = (x > 18) & (x < 30) & (y > 40) & (head == 0)
    matte = ((head > 0) | tuft | lock).astype(np.float32)
    away = cv2.distanceTransform(1 - head, cv2.DIST_L2, 5) / IOD
    off = np.zeros(head.shape, bool)
    level, below = (y - 50) / (CHIN - 50), (y - CHIN) / IOD
    where = Places(head, 0 * matte, off, head > 0, off, head > 0, away, level, below, matte, 1.0, IOD)
    found = _tuft(where, matte, 0 * matte)
    inner = cv2.erode(tuft.astype(np.uint8), np.ones((3, 3))) > 0
    assert inner.sum() > 20
    assert found[inner].min() > 0.8
    assert found[lock].max() < 0.05
