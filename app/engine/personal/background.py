"""Composes a generated person with a background: the footage's own, a picture, a colour, or none.

Head2HeadFS generates the person on black with a foreground mask (section 3.4), so that the background can be put back
or chosen anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError

KEEP, CLEAR = "keep", "transparent"  # kinds of backgrounds, as users write them
# These values were chosen by eye on the clips of ../shared/media.
SAMPLED = 60  # number of frames whose median is the plate
FREE = 16  # value of a matte, 0 to 255, up to which a pixel is background
GROWN = 5  # px by which a person's matte is widened, because hair reaches beyond it


@dataclass(frozen=True, eq=False)
class Background:
    """A chosen background. kind: "keep", "transparent" or "picture"; pixels: (size, size, 3) uint8 of a picture."""

    kind: str = KEEP
    pixels: NDArray[np.uint8] | None = None


def chosen_background(text: str, size: int) -> Background:
    """Return the background that a text chooses: “keep”, “transparent”, a colour as #rrggbb, or a picture's path.

    A picture is cut to a square of `size` px. EngineError for anything else.
    """
    if text in (KEEP, CLEAR):
        return Background(text)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        colour = [int(text[k : k + 2], 16) for k in (1, 3, 5)]
        return Background("picture", np.full((size, size, 3), colour, np.uint8))
    if not Path(text).is_file():
        raise EngineError(
            f"There is no picture {text} to put behind the person.",
            "Give a picture's path, a colour such as #00b140, “keep” or “transparent”.",
        )
    return Background("picture", _square(Path(text), size))


def _square(path: Path, size: int) -> NDArray[np.uint8]:
    """Return the middle square of a picture, (size, size, 3) uint8 sRGB."""
    import cv2

    from app.engine.imaging.colour import to_srgb8
    from app.engine.imaging.reading import open_photo

    pixels = to_srgb8(open_photo(path))
    height, width = pixels.shape[:2]
    side = min(height, width)
    y, x = (height - side) // 2, (width - side) // 2
    square = pixels[y : y + side, x : x + side]
    return np.asarray(cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def background_plate(frames: NDArray[np.uint8], mattes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the background (S, S, 3) of frames (T, S, S, 3): the median of those in which no person covers a pixel.

    mattes: (T, S, S), 255 on the person. Pixels that the person always covers are filled from around.
    """
    import cv2

    chosen = np.unique(np.linspace(0, len(frames) - 1, SAMPLED).astype(int))
    kernel = np.ones((GROWN, GROWN), np.uint8)
    person = np.stack([cv2.dilate(mattes[t], kernel) > FREE for t in chosen])
    covered = person.all(axis=0).astype(np.uint8)
    if covered.all():
        return np.asarray(frames[chosen[0]])
    person[:, covered > 0] = False  # any value will do, because these pixels are filled in below
    seen = np.where(person[..., None], np.float32(np.nan), frames[chosen].astype(np.float32))
    plate = np.nanmedian(seen, axis=0).astype(np.uint8)
    return np.asarray(cv2.inpaint(plate, covered, GROWN, cv2.INPAINT_TELEA), np.uint8)


def composed(
    person: NDArray[np.float32], mask: NDArray[np.float32], background: Background, plate: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return the person before the background, (S, S, 3) uint8, or (S, S, 4) for a transparent background.

    person: (S, S, 3) in [0, 1] on black, which is times the mask (S, S) in [0, 1]; plate: (S, S, 3), the footage's
    background.
    """
    cover = mask[..., None]
    if background.kind == CLEAR:
        colour = person / np.maximum(cover, 1e-3)
        return _bytes(np.concatenate([colour, cover], axis=-1))
    behind = plate if background.pixels is None else background.pixels
    return _bytes(np.asarray(person + (1 - cover) * (behind / np.float32(255)), np.float32))


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.round(np.clip(values, 0, 1) * 255), np.uint8)
