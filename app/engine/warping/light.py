"""Estimates from a photo's skin the light of the photo, in which made-up teeth and eyeballs are drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.imaging.colour import LUMINANCE, largest
from app.engine.warping.curves import Float32, FloatArray

# These values were set on the portraits of ../shared/media and ../shared/portraits (tools/feature_sheets.py).
# MediaPipe's vertices of cheeks and forehead, where no beard grows.
SKIN = (50, 280, 205, 425, 151, 9, 108, 337)
# Brightness of the light on white things, 0 to 1: a constant part, and the factor of the skin's brightness.
EXPOSURE = (0.25, 1.0)
WHITENESS = (
    0.5  # power of the skin's colour that white things have: eyeballs have half of the skin's saturation
)
# The same power for teeth, which have a third: on the 13 of 34 photos that show teeth, their red and blue over
# brightness are 1.08 and 0.91 in the median, where the square root of the skin's colour gives 1.13 and 0.87.
TEETH = 0.33
# (r, g, b) over luminance of the skin of portraits in white light: least and greatest values, and usual ones.
SKIN_CHROMA = np.array([[1.1, 0.86, 0.55], [1.45, 0.97, 0.94]], np.float32)
USUAL_CHROMA = np.array([1.24, 0.92, 0.8], np.float32)
# Saturation of the skin, 0 to 1, from which a photo counts as fully coloured; a black-and-white photo has 0.
COLOURFUL = 0.25


@dataclass(frozen=True, eq=False)
class Light:
    """The light of one photo.

    brightness: the skin's luminance in [0, 1]; tint, white, teeth: (3,) factors of colour that this light gives to any
    thing, to white things and to teeth; saturation, skin: the skin's, 0 to 1, and its (3,) colour, 0 to 1.
    """

    brightness: float
    tint: Float32
    white: Float32
    teeth: Float32
    saturation: float
    skin: Float32 = field(default_factory=lambda: np.zeros(3, np.float32))

    @property
    def exposure(self) -> float:
        """Return the brightness of the light on white things, 0.25 to 1.25."""
        return EXPOSURE[0] + EXPOSURE[1] * self.brightness

    @property
    def colourful(self) -> float:
        """Return the share of their colour that things keep, 0 to 1: 0 in a black-and-white photo."""
        return min(1.0, self.saturation / COLOURFUL)

    def coloured(self, colours: Float32) -> Float32:
        """Return colours (..., 3); they are made grey in a black-and-white photo."""
        grey = colours.mean(axis=-1, keepdims=True)
        return np.asarray(grey + np.float32(self.colourful) * (colours - grey), np.float32)


def light_of(pixels: NDArray[Any], landmarks: FloatArray) -> Light:
    """Return the light that a photo's skin shows; pixels: (H, W, 3) uint8 or uint16; landmarks: (478, 3) px."""
    top = largest(pixels.dtype)
    at = np.round(landmarks[list(SKIN), :2]).astype(int)
    x, y = np.clip(at[:, 0], 0, pixels.shape[1] - 1), np.clip(at[:, 1], 0, pixels.shape[0] - 1)
    return light_on(np.median(pixels[y, x].astype(np.float32) / top, axis=0))


def light_on(skin: Float32) -> Light:
    """Return the light in which skin has the colour (3,), 0 to 1.

    A colour that no skin has comes from the light, which tints everything. White things have half of the skin's own
    colour, and teeth a third of it.
    """
    brightness = float(skin @ LUMINANCE.astype(np.float32))
    chroma = skin / max(brightness, 1e-3)
    own = np.clip(chroma, *SKIN_CHROMA)
    white = np.asarray(chroma / own * own**WHITENESS, np.float32)
    teeth = np.asarray(chroma / own * own**TEETH, np.float32)
    saturation = float((np.max(skin) - np.min(skin)) / max(float(np.max(skin)), 1e-3))
    return Light(brightness, white / USUAL_CHROMA**WHITENESS, white, teeth, saturation, skin)
