"""Converts a photo's own pixels to what the screen shows, off the GUI's thread when the photo is big."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, QThreadPool, Signal, Slot
from PySide6.QtGui import QColorSpace, QImage, QPainter

STRIP_ROWS = 128  # rows converted before the next check whether another picture is asked for
AT_ONCE_PIXELS = 1_300_000  # number of pixels; a smaller picture is converted at once, in a few milliseconds
SMALLEST_SIDE = 512  # px of the longer side at which halving ends
SHARP_FROM = 8.0  # device pixels per photo pixel from which single pixels are shown; chosen by eye

_Format = QImage.Format


@dataclass(frozen=True, eq=False)
class DisplayPicture:
    """A picture in the screen's colours, at its own size and halved several times."""

    levels: tuple[QImage, ...]

    def draw(self, painter: QPainter, target: QRectF, ratio: float) -> None:
        """Draw over `target` (logical px), from the smallest level that is not below the screen's resolution."""
        wanted = target.width() * ratio
        level = next((i for i in reversed(self.levels) if i.width() >= wanted), self.levels[0])
        zoom = wanted / level.width()
        smooth = zoom < SHARP_FROM and abs(zoom - 1) > 1e-3
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, level, QRectF(level.rect()))


def to_display(pixels: NDArray[Any], alpha: NDArray[Any] | None, icc: bytes | None) -> DisplayPicture:
    """Convert (H, W, 3) uint8 or uint16 pixels, with alpha apart, from a profile (None: sRGB) to sRGB on 8
    bits.

    It works in strips, because Qt holds Python's lock while it converts and the GUI needs the lock in
    between.
    """
    height, width = pixels.shape[:2]
    shown = np.empty((height, width, 4), np.uint8)
    space = colour_space(icc)
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, min(height, top + STRIP_ROWS))
        strip = _strip(pixels[rows], None if alpha is None else alpha[rows], space)
        held = np.frombuffer(strip.constBits(), np.uint8).reshape(strip.height(), strip.bytesPerLine())
        shown[rows] = held[:, : 4 * width].reshape(strip.height(), width, 4)
    kind = _Format.Format_RGB32 if alpha is None else _Format.Format_ARGB32_Premultiplied
    # The image does not own the array's memory, so the array is kept beside it; a copy would double the work.
    image = QImage(shown.data, width, height, 4 * width, kind)
    return DisplayPicture(_levels(_ArrayImage(image, shown)))


class _ArrayImage(QImage):
    """An image that keeps alive the array whose memory it uses."""

    def __init__(self, image: QImage, array: NDArray[np.uint8]) -> None:
        super().__init__(image)
        self._array = array


def _levels(image: QImage) -> tuple[QImage, ...]:
    levels = [image]
    while max(levels[-1].width(), levels[-1].height()) >= 2 * SMALLEST_SIDE:
        half = QSize(max(1, levels[-1].width() // 2), max(1, levels[-1].height() // 2))
        levels.append(
            levels[-1].scaled(
                half, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
        )
    return tuple(levels)


@lru_cache(maxsize=8)
def colour_space(icc: bytes | None) -> QColorSpace | None:
    """Return the profile to convert from; None where it is sRGB already or cannot be read."""
    if not icc:
        return None
    space = QColorSpace.fromIccProfile(QByteArray(icc))
    srgb = QColorSpace(QColorSpace.NamedColorSpace.SRgb)
    return space if space.isValid() and space != srgb else None


def _strip(pixels: NDArray[Any], alpha: NDArray[Any] | None, space: QColorSpace | None) -> QImage:
    """Return some rows as RGB32, or as premultiplied ARGB32 where there is alpha."""
    height, width = pixels.shape[:2]
    deep = pixels.dtype == np.uint16
    if not deep and alpha is None:
        rows = np.ascontiguousarray(pixels)
        return _managed(QImage(rows.data, width, height, 3 * width, _Format.Format_RGB888), space, False)
    whole = np.empty((height, width, 4), pixels.dtype)
    whole[..., :3] = pixels
    whole[..., 3] = alpha if alpha is not None else (65535 if deep else 255)
    kind = _Format.Format_RGBA64 if deep else _Format.Format_RGBA8888
    if alpha is None:
        kind = _Format.Format_RGBX64 if deep else _Format.Format_RGBX8888
    image = QImage(whole.data, width, height, whole.strides[0], kind)
    return _managed(image, space, alpha is not None)


def _managed(image: QImage, space: QColorSpace | None, transparent: bool) -> QImage:
    """Return the image in sRGB and in the format that is drawn fastest, as a copy with memory of its own."""
    if space is not None:
        image.setColorSpace(space)
        image = image.convertedToColorSpace(QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    return image.convertToFormat(_Format.Format_ARGB32_Premultiplied if transparent else _Format.Format_RGB32)


class DisplayMaker(QObject):
    """Makes display pictures; where a newer one is asked for meanwhile, the older one is dropped."""

    ready = Signal(object)  # DisplayPicture
    _made = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._made.connect(self._on_made)

    def make(self, pixels: NDArray[Any], alpha: NDArray[Any] | None, icc: bytes | None) -> None:
        """Make a picture: `ready` follows, at once for a small picture, from a thread for a big one."""
        self._newest += 1
        number = self._newest
        small = pixels.shape[0] * pixels.shape[1] <= AT_ONCE_PIXELS
        if small and colour_space(icc) is None and pixels.dtype == np.uint8:
            self.ready.emit(to_display(pixels, alpha, icc))
            return

        def work() -> None:
            if number == self._newest:
                self._made.emit(number, to_display(pixels, alpha, icc))

        self._pool.start(work)

    def forget(self) -> None:
        """Drop the picture that is being made."""
        self._newest += 1

    @Slot(int, object)
    def _on_made(self, number: int, picture: DisplayPicture) -> None:
        if number == self._newest:
            self.ready.emit(picture)
