"""Makes a head's neck as narrow as the photo shows it: the neck of ICT's head is as wide and deep as an athlete's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.model import FloatArray, HeadModel

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model. A
# pair of values is a range: at the first value something begins, at the second it is complete.
AXIS_Z = 0.5  # cm: depth (z) of the neck's middle, behind which it is made less deep
LEVELS = np.arange(-12.0, -1.9, 0.75)  # cm of height at which widths are compared
NARROWEST = 0.62  # least width of a neck over that of ICT's
# Depth of most people's necks behind the neck's middle, over that of ICT's: the necks of twelve people, fitted to their
# frontal photos, then end where their three-quarter photos' do (docs/measured.md).
SLIM = 0.6
FREE = (0.3, 1.6)  # cm from the face's landmarks: a vertex stays with the face to it moves with the neck
TOP = (-3.0, -6.0)  # cm of height: head to neck
PERSON = 0.5  # matte from which a pixel is the person's


def narrowed(model: HeadModel, points: FloatArray, camera: Camera, matte: NDArray[np.float32]) -> FloatArray:
    """Return the head (V, 3) with its neck nowhere wider than the person at the same height.

    points: (V, 3) in model space; matte: (H, W) in [0, 1]. Collars and shoulders do not widen the neck.
    """
    at = camera.project(points)[:, :2]
    across = camera.rotation[:2, 0] * np.array([1.0, -1.0])
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    ratio, wide = np.ones(len(LEVELS)), np.full(len(LEVELS), 1e3)
    height = model.points[:, 1]
    for k, level in enumerate(LEVELS):
        band = (np.abs(height - level) < 0.6) & ~model.ear & (model.points[:, 2] < 2.0)
        if band.sum() < 6:
            continue
        along = at[band] @ across
        middle = at[band].mean(axis=0)
        middle = middle + ((along.min() + along.max()) / 2 - middle @ across) * across
        half = (along.max() - along.min()) / 2
        if half > 1:
            ratio[k], wide[k] = _reach(matte, middle, across, half), half
    smooth = np.convolve(np.pad(_tapered(ratio, wide), 2, mode="edge"), np.ones(5) / 5, "valid")
    share = np.clip((TOP[0] - height) / (TOP[0] - TOP[1]), 0, 1)
    share = share * np.clip((model.distance - FREE[0]) / (FREE[1] - FREE[0]), 0, 1)
    factor = 1 + share * (np.interp(height, LEVELS, smooth) - 1)
    axis = _axis(model, points)
    out = points.copy()
    out[:, 0] = axis[0] + (out[:, 0] - axis[0]) * factor
    back = out[:, 2] < axis[1]
    deep = factor * (1 + share * (SLIM - 1))
    out[back, 2] = axis[1] + (out[back, 2] - axis[1]) * deep[back]
    return out


def _tapered(ratio: FloatArray, wide: FloatArray) -> FloatArray:
    """Return what part (L,) of the model's half widths (L,) px a neck has at LEVELS, by the parts (L,) that the person
    has there.

    A jaw hides a neck's upper end, and a collar its lower one: behind the jaw it is no wider than where the photo shows
    it narrowest, and behind the collar it does not flare more.
    """
    narrowest = int(np.argmin(ratio * wide))
    above = np.arange(len(ratio)) >= narrowest
    out = np.minimum(ratio, np.where(above, ratio[narrowest] * wide[narrowest] / wide, ratio[narrowest]))
    # A level beside a narrower one would be drawn wider than the person by the smoothing.
    return np.asarray(np.minimum(out, np.minimum(np.r_[out[1:], out[-1]], np.r_[out[0], out[:-1]])))


def _axis(model: HeadModel, points: FloatArray) -> tuple[float, float]:
    """Return x and z of the neck's middle in the points' own space."""
    neck = (model.points[:, 1] < -6.0) & (model.points[:, 1] > -9.0)
    near = neck & (np.abs(model.points[:, 2] - AXIS_Z) < 1.0)
    return float(points[near, 0].mean()), float(points[near, 2].mean())


def _reach(matte: NDArray[np.float32], middle: FloatArray, across: FloatArray, half: float) -> float:
    """Return the person's half width over the neck's, NARROWEST to 1, on the side where the person is wider.

    middle: (2,) px of the neck's middle; across: (2,) unit, from side to side; half: px of the neck's half width.
    """
    best = 0.0
    for side in (-1, 1):
        steps = np.linspace(0, 1, 40)
        place = middle + side * half * steps[:, None] * across
        x, y = np.floor(place).astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < matte.shape[1]) & (y < matte.shape[0])
        value = np.where(
            inside, matte[np.clip(y, 0, matte.shape[0] - 1), np.clip(x, 0, matte.shape[1] - 1)], 1.0
        )
        ended = value < PERSON
        best = max(best, float(steps[np.argmax(ended)]) if ended.any() else 1.0)
    return max(best, NARROWEST)
