"""Adds to a head's atlas what a network has learnt, where the photo shows nothing.

The network (`networks.completion`, trained by `mien train completion`) sees the unlearned atlas at a side of SIDE
texels and gives a difference to it. The difference is scaled up and added only where the photo shows nothing, so what
the photo shows keeps its detail. Without weights the atlas stays as it is, bit for bit. Weights ship with Mien, but are
used only when the user turns them on, because true views do not bear them out (docs/completion.md).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.face_networks import opened
from app.engine.files import ASSETS, data_folder, write_whole
from app.engine.imaging.colour import largest

FILE, ASIDE = "completion.onnx", "completion.off.onnx"
SHIPPED = ASSETS / "weights" / FILE
# texels on a side of the atlas that the network sees: an ordinary CPU runs the network on it in 50 ms
# (docs/completion.md)
SIDE = 192


def weights() -> Path | None:
    """Return the file of weights in use, or None where heads are not completed by learning."""
    path = data_folder() / FILE
    return path if path.is_file() else None


def use_weights(wanted: bool) -> None:
    """Turn the completion on, by the user's own weights or else by those that ship, or off.

    Weights that are turned off are set aside as ASIDE and come back first. EngineError where the data folder cannot be
    written to.
    """
    folder = data_folder()
    path, aside = folder / FILE, folder / ASIDE
    try:
        if not wanted:
            if path.is_file():
                path.replace(aside)
        elif not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            if aside.is_file():
                aside.replace(path)
            else:
                write_whole(path, SHIPPED.read_bytes())
    except OSError as error:
        raise EngineError(
            f"{folder} cannot be written to: {error.strerror}.",
            "Free space on its disk, or set MIEN_HOME to a folder that is yours.",
        ) from error


@lru_cache(2)
def _session(path: Path, changed: int) -> Any:
    """Return the network in a file; changed: ns, the file's time, by which the cache knows new weights."""
    return opened(path, 2)


def seen_by_network(atlas: NDArray[Any], planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the network's input (6, SIDE, SIDE).

    Its first three planes are the atlas (S, S, 3) in [-1, 1], its last three `Unlearned.planes` (S, S, 3).
    """
    size = (SIDE, SIDE)
    top = np.float32(largest(atlas.dtype))
    colour = cv2.resize(atlas, size, interpolation=cv2.INTER_AREA).astype(np.float32) * (2 / top) - 1
    small = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.concatenate([colour, small], axis=2).transpose(2, 0, 1), np.float32)


def improved(atlas: NDArray[Any], planes: NDArray[np.float32]) -> NDArray[Any]:
    """Return the atlas (S, S, 3) with the learned difference added where the photo shows nothing.

    planes: (S, S, 3) float32 of `Unlearned`. Without weights in use it is the atlas itself.
    """
    path = weights()
    if path is None:
        return atlas
    network = _session(path, path.stat().st_mtime_ns)
    (found,) = network.run(["difference"], {"seen": seen_by_network(atlas, planes)[None]})
    return added(atlas, planes, found[0])


def added(atlas: NDArray[Any], planes: NDArray[np.float32], difference: NDArray[np.float32]) -> NDArray[Any]:
    """Return the atlas with a difference (3, SIDE, SIDE) added where the photo's colours are not kept.

    A difference of 2 is the whole range of colour.
    """
    side, top = atlas.shape[0], largest(atlas.dtype)
    smooth = cv2.resize(
        np.ascontiguousarray(difference.transpose(1, 2, 0)), (side, side), interpolation=cv2.INTER_LINEAR
    )
    out = atlas + (1 - planes[..., :1]) * smooth * np.float32(top / 2)
    return np.asarray(np.clip(out + 0.5, 0, top).astype(atlas.dtype))
