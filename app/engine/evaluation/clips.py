"""Frames of a clip with their fitted faces: the driver's identity averaged once and then held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.driving.shots import longest_shot
from app.engine.driving.sources import open_source
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
    """Sample `count` frames of the longest shot evenly, track the largest face, fit all with one identity.

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
    shot = longest_shot(path)
    wanted = set(np.linspace(shot.start, max(shot.start, shot.stop - 1), count).round().astype(int).tolist())
    with closing(open_source(path)) as source:
        while (frame := source.take(1.0)) is not None and frame.index < shot.stop:
            if frame.index in wanted and frame.pixels is not None:
                yield frame.pixels
