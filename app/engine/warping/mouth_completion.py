"""Gives the head's teeth the colours that a network has learnt from other people's.

The network (`networks.mouth`, trained by `mien train mouth`) sees the colours around a mouth, the direction of the
light, and what the photo shows of the mouth's inside, which is often nothing. It gives factors on the colours of
both rows of teeth, for mouths that are opened by GAPS and drawn wide by WIDTHS; they are mixed as a mouth moves. It is
asked once a photo. No weights ship, because pictures do not bear them out (docs/completion.md); without them the mouth
stays as it was.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.face.face_networks import opened
from app.engine.files import data_folder
from app.engine.imaging.colour import LUMINANCE
from app.engine.warping.curves import Float32
from app.engine.warping.light import light_on
from app.engine.warping.mouth import shown_teeth
from app.engine.warping.mouth_sight import CELLS, PLACES, Sight, cell_of_vertex, cells_of
from app.engine.warping.teeth import GAPS, WIDTHS

FILE = "mouth.onnx"
DARKEST = 0.01  # of 1: least brightness of a colour that is compared with the skin's
FARTHEST = 2.5  # log of the greatest ratio that the network is shown
ANGLES = 30.0  # degrees of yaw or pitch that the network sees as 1
# colours around (3 each), the skin's brightness and colour, the light's direction, yaw and pitch, cells (4 each), and
# how much of its own teeth the photo shows
SEEN = 3 * (len(PLACES) + 2) + 4 + 3 + 2 + 4 * CELLS + 1


def seen_by_network(
    around: Float32, skin: Float32, toward: Float32, turned: Float32, cells: Float32, shown: float
) -> Float32:
    """Return (SEEN,) what the network is shown; the arguments are those of `Sight`, `cells_of` and `shown_teeth`."""
    skin = np.maximum(skin, np.float32(DARKEST))
    brightness = np.float32(skin @ LUMINANCE.astype(np.float32))
    ratios = np.log(np.maximum(around, np.float32(DARKEST)) / skin)
    cells = cells * np.concatenate([cells[:, 3:]] * 3 + [np.ones_like(cells[:, 3:])], axis=1)
    rows = [
        np.clip(ratios, -FARTHEST, FARTHEST).ravel(),
        [np.log(brightness)],
        np.log(skin / brightness),
        toward,
        turned / np.float32(ANGLES),
        np.clip(cells, -FARTHEST, FARTHEST).ravel(),
        [shown],
    ]
    return np.concatenate(rows).astype(np.float32)


def seen_of(it: Sight) -> Float32:
    """Return (SEEN,) what the network is shown of a photo."""
    cells, shown = cells_of(it, light_on(it.skin)), shown_teeth(it.teeth, it.gap)
    return seen_by_network(it.around, it.skin, it.toward, it.turned, cells, shown)


def learnt_colours(it: Sight) -> Float32 | None:
    """Return (GAPS, WIDTHS, V, 3) factors on the colours of `teeth.Inside`; None where nothing is to be changed.

    A photo that shows its own teeth gives made ones their colour, which is better than what is learnt (lower teeth
    became orange); the factors go over to 1 there.
    """
    path, free = weights(), 1 - shown_teeth(it.teeth, it.gap)
    if path is None or free == 0:
        return None
    (factors,) = _session(path, path.stat().st_mtime_ns).run(["factors"], {"seen": seen_of(it)[None]})
    rows = cell_of_vertex() // 3  # of upper and of lower teeth, and flesh
    out = np.asarray(np.concatenate([factors, np.ones_like(factors[:, :1])], axis=1)[:, rows], np.float32)
    return (out ** np.float32(free)).reshape(len(GAPS), len(WIDTHS), -1, 3)


def weights() -> Path | None:
    """Return the file of weights in use, which the user has trained; None without it."""
    path = data_folder() / FILE
    return path if path.is_file() else None


@lru_cache(2)
def _session(path: Path, changed: int) -> Any:
    """Return the network in a file; changed: ns, the file's time, by which the cache knows new weights."""
    return opened(path, 2)
