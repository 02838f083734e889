"""Makes a head's neck as narrow as the photo shows it: the neck of ICT's head is as wide and deep as an athlete's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.head.model import FloatArray, HeadModel

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py). cm are those of the head model. A
# pair of values is a range: at the first value something begins, at the second it is complete.
AXIS_Z = 0.5  # cm: depth (z) of the neck's middle, behind which it is made less deep
LEVELS = np.arange(-12.0, -0.4, 0.75)  # cm of height at which widths are compared
NEAR = 0.6  # cm of height from a level within which a vertex counts for it
BEHIND = 2.0  # cm of depth (z): the throat, which stands before the neck's sides, begins
FEWEST = 6  # number of vertices by which a width is known
NARROWEST = 0.62  # least width of a neck over that of ICT's
# Depth of most people's necks behind the neck's middle, over that of ICT's: the necks of twelve people, fitted to their
# frontal photos, then end where their three-quarter photos' do (docs/measured.md).
SLIM = 0.6
FREE = (0.3, 1.6)  # cm from the face's landmarks: a vertex stays with the face to it moves with the neck
TOP = (-3.0, -6.0)  # cm of height: head to neck
BESIDE = (-0.5, -2.0)  # cm of height: head to what is nowhere wider than the person beside it
OFF_EARS = (0.3, 1.5)  # cm from the ears, which stay where they are: the same
ROUNDS = 2  # a neck that has become narrower ends beside other places of the photo
PERSON = 0.5  # matte from which a pixel is the person's
SIDE = 512  # px: longer side of the copy of the matte in which the person is looked for


def narrowed(model: HeadModel, points: FloatArray, camera: Camera, matte: NDArray[np.float32]) -> FloatArray:
    """Return the head (V, 3) with its neck nowhere wider than the person at the same height.

    points: (V, 3) in model space; matte: (H, W) in [0, 1]. Collars and shoulders do not widen the neck.
    """
    height, axis = model.points[:, 1], _axis(model, points)
    share = _free(model) * np.clip((TOP[0] - height) / (TOP[0] - TOP[1]), 0, 1)
    ratio, wide = _reached(model, points, camera, *_apart(matte))
    slim = 1 + share * (np.interp(height, LEVELS, _smooth(_tapered(ratio.max(axis=1), wide))) - 1)
    out = points.copy()
    out[:, 0] = axis[0] + (out[:, 0] - axis[0]) * slim
    back = out[:, 2] < axis[1]
    deep = slim * (1 + share * (SLIM - 1))
    out[back, 2] = axis[1] + (out[back, 2] - axis[1]) * deep[back]
    return out


def within_person(
    model: HeadModel, points: FloatArray, camera: Camera, matte: NDArray[np.float32]
) -> FloatArray:
    """Return the head (V, 3) that stands nowhere beside the person below its ears; the arguments are those of
    `narrowed`.

    Under a hat, skulls grow with the brim, and necks bend aside: what stood beside a jaw was a pale strip that hung
    from the ear to the collar (p17), and had to be left out beside a neck. Behind, where a photo shows no outline, the
    head is as much less deep as it is less wide on the side where it stays wider; else a flap hung under the brim.
    """
    height, axis = model.points[:, 1], _axis(model, points)
    share = _free(model) * np.clip((BESIDE[0] - height) / (BESIDE[0] - BESIDE[1]), 0, 1)
    share = share * np.clip((model.off_ears - OFF_EARS[0]) / (OFF_EARS[1] - OFF_EARS[0]), 0, 1)
    out, apart = points.copy(), _apart(matte)
    for _ in range(ROUNDS):
        ratio, _ = _reached(model, out, camera, *apart)
        lesser, greater = (np.interp(height, LEVELS, _smooth(_least_beside(part))) for part in ratio.T)
        fits = 1 + share * (np.where(out[:, 0] < axis[0], lesser, greater) - 1)
        out[:, 0] = axis[0] + (out[:, 0] - axis[0]) * fits
        less_deep = share * (1 - np.maximum(lesser, greater))
        out[:, 2] += less_deep * np.maximum(axis[1] - out[:, 2], 0)
    return out


def _free(model: HeadModel) -> FloatArray:
    """Return (V,) 0 on the face to 1 where the head moves with the neck."""
    return np.clip((model.distance - FREE[0]) / (FREE[1] - FREE[0]), 0, 1)


def _apart(matte: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Return (h, w) px of the photo from the person of a matte (H, W), in a small copy, and its px per px."""
    factor = min(1.0, SIDE / max(matte.shape))
    size = (max(1, round(matte.shape[1] * factor)), max(1, round(matte.shape[0] * factor)))
    person = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) >= PERSON
    apart = cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, 5) / factor
    return np.asarray(apart, np.float32), factor


def _tapered(ratio: FloatArray, wide: FloatArray) -> FloatArray:
    """Return what part (L,) of the model's half widths (L,) px a neck has at LEVELS, by the parts (L,) that the person
    has there.

    A jaw hides a neck's upper end, and a collar its lower one: behind the jaw it is no wider than where the photo shows
    it narrowest, and behind the collar it does not flare more.
    """
    narrowest = int(np.argmin(ratio * wide))
    above = np.arange(len(ratio)) >= narrowest
    out = np.minimum(ratio, np.where(above, ratio[narrowest] * wide[narrowest] / wide, ratio[narrowest]))
    return _least_beside(out)


def _least_beside(ratio: FloatArray) -> FloatArray:
    """Return each level's part (L,), or that of the level beside it where it is less: beside a narrower level, one
    would be drawn wider than the person by the smoothing.
    """
    return np.asarray(
        np.minimum(ratio, np.minimum(np.append(ratio[1:], ratio[-1]), np.append(ratio[:1], ratio[:-1])))
    )


def _smooth(ratio: FloatArray) -> FloatArray:
    return np.convolve(np.pad(ratio, 2, mode="edge"), np.ones(5) / 5, "valid")


def _axis(model: HeadModel, points: FloatArray) -> tuple[float, float]:
    """Return x and z of the neck's middle in the points' own space."""
    neck = (model.points[:, 1] < -6.0) & (model.points[:, 1] > -9.0)
    near = neck & (np.abs(model.points[:, 2] - AXIS_Z) < 1.0)
    return float(points[near, 0].mean()), float(points[near, 2].mean())


def _reached(
    model: HeadModel, points: FloatArray, camera: Camera, apart: NDArray[np.float32], factor: float
) -> tuple[FloatArray, FloatArray]:
    """Return what part (L, 2) of the head's half width the person has at LEVELS, on the side of the lesser and of the
    greater x, NARROWEST to 1, and these half widths (L,) px, 1000 where there are too few vertices.

    points: (V, 3) in model space; apart: (h, w) px of the photo from the person, in a copy of `factor` px per px.
    """
    at = camera.project(points)[:, :2]
    x, y = np.floor(at * factor).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < apart.shape[1]) & (y < apart.shape[0])
    beyond = inside * apart[np.clip(y, 0, apart.shape[0] - 1), np.clip(x, 0, apart.shape[1] - 1)]
    across = camera.rotation[:2, 0] * FLIP[:2]
    along = at @ (across / max(float(np.hypot(*across)), 1e-6))
    behind = ~model.ear & (model.points[:, 2] < BEHIND)
    ratio, wide = np.ones((len(LEVELS), 2)), np.full(len(LEVELS), 1e3)
    for k, level in enumerate(LEVELS):
        band = behind & (np.abs(model.points[:, 1] - level) < NEAR)
        half = float(np.ptp(along[band])) / 2 if band.sum() >= FEWEST else 0.0
        if half <= 1:
            continue
        wide[k] = half
        for side, part in enumerate((model.points[:, 0] < 0, model.points[:, 0] > 0)):
            ratio[k, side] = np.clip(1 - np.max(beyond[band & part], initial=0.0) / half, NARROWEST, 1)
    return ratio, wide
