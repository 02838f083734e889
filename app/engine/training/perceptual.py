"""Gives features for perceptual losses: VGG19 where the user has imported it, and makes the damages by which our own
features are learnt.

Unlike L1, features tell a blurred picture from a sharp one if they were learnt by finding where a picture was blurred,
doubled, smeared, pulled out of shape, sharpened or discoloured (`networks.face_features`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from app.engine.checkpoints.store import load_model, models, newest
from app.engine.networks.face_features import DAMAGES


def imported_features() -> nn.Module | None:
    """Return the user's VGG19, frozen; None without one: then recipes use their own critics' features and say so."""
    found = newest(models("vgg19"))
    return load_model(found.name).network if found else None


def damaged(
    picture: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a picture (H, W, 3) hurt in one or two places, and (6, H, W) where it is hurt by which of DAMAGE."""
    size = picture.shape[0]
    hurt, where = picture, np.zeros((DAMAGES, size, size), np.float32)
    for kind in rng.permutation(DAMAGES)[: int(rng.integers(0, 3))]:
        mask = _blob(size, rng)
        made = DAMAGE[kind](hurt, rng)
        hurt = hurt + mask[..., None] * (made - hurt)
        where[kind] = np.maximum(where[kind], mask)
    return np.clip(hurt, -1, 1).astype(np.float32), where


def _blob(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a soft ellipse, (size, size), 1 inside."""
    y, x = np.indices((size, size), np.float32) / size
    u, v = x - rng.uniform(0.1, 0.9), y - rng.uniform(0.1, 0.9)
    angle, width, height = rng.uniform(0, np.pi), rng.uniform(0.1, 0.45), rng.uniform(0.06, 0.3)
    a, b = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    return np.asarray(np.clip((1 - np.hypot(a / width, b / height)) / 0.3, 0, 1), np.float32)


def _blurred(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.7, 3.0))))


def _doubled(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    shift = rng.uniform(2, 9) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    moved = np.array([[1, 0, shift.real], [0, 1, shift.imag]])
    other = cv2.warpAffine(picture, moved, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    part = np.float32(rng.uniform(0.3, 0.7))
    return np.asarray(picture + part * (other - picture), np.float32)


def _smeared(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the picture stretched three to eight times along a direction, about a point."""
    size = picture.shape[0]
    centre, angle = rng.uniform(0.2, 0.8, 2) * size, rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    linear = np.eye(2) - (1 - 1 / rng.uniform(3, 8)) * np.outer(along, along)
    back = np.column_stack([linear, centre - linear @ centre])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(picture, back, picture.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REFLECT)
    )


def _pulled(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a smooth random displacement."""
    size = picture.shape[0]
    coarse = rng.normal(0, rng.uniform(2, 6), (6, 6, 2)).astype(np.float32)
    flow = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    y, x = np.indices((size, size), np.float32)
    return np.asarray(
        cv2.remap(
            picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    )


def _sharpened(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    return np.asarray(picture + np.float32(rng.uniform(1, 3)) * (picture - smooth), np.float32)


def _discoloured(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    gain, shift = rng.uniform(0.6, 1.4), rng.uniform(-0.15, 0.15, 3)
    return np.asarray(picture * gain + shift, np.float32)


DAMAGE = (_blurred, _doubled, _smeared, _pulled, _sharpened, _discoloured)
assert len(DAMAGE) == DAMAGES
