"""Where the ears are, or that hair hides them: tried places, told by skin inside and not outside."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.model import FloatArray, HeadModel

HEIGHTS = (0.1, -0.05, -0.2, -0.35, -0.5)  # IOD above the template's place
SIZES = (0.6, 0.8, 1.0)
AROUND = 0.75  # IOD: how far an ear's motion drags the head around it
CHEEKS = (50, 280, 205, 425, 118, 347)
LIGHTNESS = 0.5  # of its weight against colour
LIKE_SKIN = 2.6  # spreads of the cheeks' colours
SIDE = 40.0  # px between the eyes at which colours are looked at
LEAST = 0.25  # of an ear's pixels by which skin must prevail, else hair hides it


def placed_ears(
    model: HeadModel, points: FloatArray, camera: Camera, matte: NDArray[np.float32], srgb: NDArray[Any]
) -> tuple[FloatArray, bool]:
    """(V, 3) points with both ears where the photo shows them, and whether it shows any."""
    factor = min(1.0, SIDE / camera.scale)
    if factor < 1:
        shape = (max(1, round(matte.shape[1] * factor)), max(1, round(matte.shape[0] * factor)))
        matte, srgb = (cv2.resize(a, shape, interpolation=cv2.INTER_AREA) for a in (matte, srgb))
        camera = camera.scaled(factor)
    skin = _skin(points, model, camera, matte, srgb)
    best, found = LEAST, None
    yaw = camera.yaw
    for height in HEIGHTS:
        for size in SIZES:
            tried = _moved(model, points, height, size)
            score, seen = 0.0, 0.0
            for side in (-1, 1):
                share = float(np.clip(1 - side * yaw / 12, 0, 1))  # yaw > 0 shows the ear at x < 0
                if share <= 0:
                    continue
                at = camera.project(tried[model.ear & (np.sign(model.points[:, 0]) == side)])[:, :2]
                score += share * _inside(skin, at)
                seen += share
            score = score / max(seen, 1e-6) * (1 + 0.1 * size)
            if score > best:
                best, found = score, tried
    if found is None:
        return model.without_ears(points), False
    return found, True


def _moved(model: HeadModel, points: FloatArray, height: float, size: float) -> FloatArray:
    out = points.copy()
    for side in (-1, 1):
        own = model.ear & (np.sign(model.points[:, 0]) == side)
        middle = points[own].mean(axis=0)
        front = np.array([middle[0], middle[1], points[own][:, 2].max()])
        out[own] = front + (out[own] - front) * [1, size, size]
        near = np.square(points[:, 1:] - middle[1:]).sum(axis=1) / AROUND**2
        near = np.exp(-near) * np.clip(model.distance / 3.0, 0, 1) * (np.sign(model.points[:, 0]) == side)
        out[:, 1] += height * np.where(own, np.maximum(near, 0.9), near)
    return out


def _skin(
    points: FloatArray, model: HeadModel, camera: Camera, matte: NDArray[np.float32], srgb: NDArray[Any]
) -> NDArray[np.float32]:
    """(H, W) 1 where the person's skin may be, -1 elsewhere."""
    lab = cv2.cvtColor(cv2.GaussianBlur(srgb, (0, 0), max(0.6, 0.02 * camera.scale)), cv2.COLOR_RGB2LAB)
    lab = lab.astype(np.float32) * np.array([LIGHTNESS, 1, 1], np.float32)
    ours = camera.project(model.weights @ points)[list(CHEEKS), :2]
    x = np.clip(ours[:, 0].astype(int), 0, matte.shape[1] - 1)
    y = np.clip(ours[:, 1].astype(int), 0, matte.shape[0] - 1)
    cheeks = lab[y, x]
    distance = np.full(matte.shape, np.inf, np.float32)
    for colour in cheeks:
        distance = np.minimum(distance, np.sqrt(np.square(lab - colour).sum(axis=2)))
    spread = max(6.0, float(np.median(np.linalg.norm(cheeks - np.median(cheeks, axis=0), axis=1))))
    return np.where((distance < LIKE_SKIN * spread) & (matte > 0.5), 1, -1).astype(np.float32)


def _inside(label: NDArray[np.float32], at: FloatArray) -> float:
    """Mean label inside the hull of (N, 2) px."""
    hull = cv2.convexHull(np.round(at).astype(np.int32))
    x, y, w, h = cv2.boundingRect(hull)
    x0, y0 = max(0, x), max(0, y)
    part = label[y0 : max(y0, y + h), x0 : max(x0, x + w)]
    if not part.size:
        return -1.0
    mask = np.zeros(part.shape, np.uint8)
    cv2.fillConvexPoly(mask, hull - [x0, y0], 1)
    return float(part[mask > 0].mean()) if mask.any() else -1.0
