"""Scales a portrait to a working resolution, and keeps values that were asked for last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import (
    Portrait,
)
from app.engine.face.parameters import FaceParams, FittedFace

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class WorkingView:
    """A portrait at one working resolution.

    scale: px of it per px of the photo; pixels: (h, w, 3) of the photo's type; alpha: (h, w) or None; faces: in these
    pixels.
    """

    scale: float
    pixels: NDArray[Any]
    alpha: NDArray[Any] | None
    faces: tuple[FittedFace, ...]


class LruCache(Generic[K, V]):
    """A cache that keeps the values of the `size` keys that were asked for last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def __setitem__(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def get(self, key: K, build: Callable[[], V]) -> V:
        """Return the value kept for a key, or what `build` makes, which is then kept."""
        if key not in self._values:
            self[key] = build()
        self._values.move_to_end(key)
        return self._values[key]


def scaled(params: FaceParams, factor: float) -> FaceParams:
    """Return the parameters that the same face has in the photo resized by `factor`."""
    return replace(params, camera=params.camera.scaled(factor))


def at_scale(portrait: Portrait, scale: float) -> WorkingView:
    """Return the portrait at `scale` times its own size (0 to 1)."""
    photo = portrait.photo
    if scale == 1.0:
        return WorkingView(1.0, photo.pixels, photo.alpha, portrait.faces)
    import cv2

    size = tuple(max(1, round(side * scale)) for side in photo.size)

    def smaller(picture: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))

    alpha = None if photo.alpha is None else smaller(photo.alpha)
    return WorkingView(
        scale, smaller(photo.pixels), alpha, tuple(face.scaled(scale) for face in portrait.faces)
    )
