"""Estimates from a photo's skin the light it was taken in; teeth and eyeballs that are made up are drawn in that
light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.imaging.colour import LUMINANCE
from app.engine.warping.curves import Float32, FloatArray

# Set on the portraits of ../shared/media and ../shared/portraits (tools/feature_sheets.py).
# Cheeks and forehead, where no beard grows; MediaPipe's vertices.
SKIN = (50, 280, 205, 425, 151, 9, 108, 337)
# brightness of the light inside a mouth: its constant part, and its part of the skin's brightness
EXPOSURE = (0.25, 1.0)
WHITENESS = 0.5  # eyeballs in photos have about half of the skin's saturation
# and teeth a third: on 13 of 34 photos that show them their red and blue over brightness are 1.08 and 0.91 in the
# median, where the skin's square root gives 1.13 and 0.87.
TEETH = 0.33
# Colour over luminance of the skin of portraits in white light: least, greatest and usual values.
SKIN_CHROMA = np.array([[1.1, 0.86, 0.55], [1.45, 0.97, 0.94]], np.float32)
USUAL_CHROMA = np.array([1.24, 0.92, 0.8], np.float32)
# saturation of skin from which a photo counts as fully coloured; a black-and-white photo has 0
COLOURFUL = 0.25


@dataclass(frozen=True, eq=False)
class Light:
    """The light of one photo. brightness: that of its skin in [0, 1]; tint, white, teeth: (3,) factors of colour
    that this light gives to any thing, to white things and to teeth; saturation: that of the skin.
    """

    brightness: float
    tint: Float32
    white: Float32
    teeth: Float32
    saturation: float

    @property
    def exposure(self) -> float:
        return EXPOSURE[0] + EXPOSURE[1] * self.brightness

    @property
    def colourful(self) -> float:
        """Return the share of their colour that things keep: 0 in a black-and-white photo."""
        return min(1.0, self.saturation / COLOURFUL)

    def coloured(self, colours: Float32) -> Float32:
        """Return colours (..., 3); they are made grey in a black-and-white photo."""
        grey = colours.mean(axis=-1, keepdims=True)
        return np.asarray(grey + np.float32(self.colourful) * (colours - grey), np.float32)


def light_of(pixels: NDArray[Any], landmarks: FloatArray) -> Light:
    """Return the light as the photo's skin shows it. landmarks: (478, 3) px.

    A colour that no skin has comes from the light, which tints everything. White things have half of the skin's own
    colour, and teeth a third of it.
    """
    top = 65535 if pixels.dtype == np.uint16 else 255
    at = np.round(landmarks[list(SKIN), :2]).astype(int)
    x, y = np.clip(at[:, 0], 0, pixels.shape[1] - 1), np.clip(at[:, 1], 0, pixels.shape[0] - 1)
    skin = np.median(pixels[y, x].astype(np.float32) / top, axis=0)
    brightness = float(skin @ LUMINANCE.astype(np.float32))
    chroma = skin / max(brightness, 1e-3)
    own = np.clip(chroma, *SKIN_CHROMA)
    white = np.asarray(chroma / own * own**WHITENESS, np.float32)
    teeth = np.asarray(chroma / own * own**TEETH, np.float32)
    saturation = float((skin.max() - skin.min()) / max(float(skin.max()), 1e-3))
    return Light(brightness, white / USUAL_CHROMA**WHITENESS, white, teeth, saturation)
