"""Frames of a clip with their fitted faces: the driver's identity averaged once and then held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import DetectedFace
from app.engine.face.parameters import FittedFace, Identity

OPEN_EYED = 0.16


@dataclass(frozen=True, eq=False)
class FittedClip:
    """Evenly sampled frames (H, W, 3) uint8, the fitted face of each, and which one is the reference."""

    name: str
    frames: tuple[NDArray[np.uint8], ...]
    faces: tuple[FittedFace, ...]
    reference: int


def fitted_clip(engine: Engine, path: Path, count: int = 24) -> FittedClip:
    """Sample `count` frames evenly, track the largest face, fit all with one identity.

    The reference is the first frame with both eyes open (as in reference/mesh-warp.md, section 4a).
    """
    found = [
        (frame, face) for frame in _sampled(path, count) if (face := _largest(engine, frame)) is not None
    ]
    if len(found) < 2:
        raise EngineError(
            f"{path.name} shows a face in fewer than two frames.", "Choose a clip of one person's face."
        )
    fits = [fit_face(face, engine.model) for _, face in found]
    coefficients = np.mean([fit.params.identity.coefficients for fit in fits], axis=0)
    identity = Identity(tuple(float(value) for value in coefficients))
    faces = tuple(fit_face(face, engine.model, identity) for _, face in found)
    apertures = [min(face.params.expression.aperture) for face in faces]
    reference = next(
        (k for k, value in enumerate(apertures) if value >= OPEN_EYED), int(np.argmax(apertures))
    )
    return FittedClip(path.name, tuple(frame for frame, _ in found), faces, reference)


def _largest(engine: Engine, frame: NDArray[np.uint8]) -> DetectedFace | None:
    found: tuple[DetectedFace, ...] = engine.tracker.detect(frame)
    return max(found, key=lambda face: face.box[2] * face.box[3], default=None)


def _sampled(path: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    from imageio_ffmpeg import count_frames_and_secs, read_frames

    if not path.is_file():
        raise EngineError(f"There is no clip at {path}.", "Check the path.")
    try:
        total, _ = count_frames_and_secs(str(path))
        reader = read_frames(str(path))
        width, height = next(reader)["size"]
    except (RuntimeError, OSError) as error:
        raise EngineError(
            f"{path.name} cannot be read as a video.", "Choose a clip that ffmpeg can play."
        ) from error
    wanted = set(np.unique(np.linspace(0, max(0, total - 1), count).round().astype(int)).tolist())
    for index, data in enumerate(reader):
        if index in wanted:
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)
