"""Reads frames of a clip with their fitted faces; the driver's identity is averaged once and then held."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.driving.neutral import OPEN_EYED
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import DetectedFace
from app.engine.face.parameters import FittedFace, Identity
from app.engine.sources.opening import open_source
from app.engine.sources.shots import longest_shot

# Chosen so that self-reenactment (docs/measured.md) leaves out cuts.
FARTHEST = 1.0  # face sizes a face moves between two sampled frames
GROWTH = 1.7  # times its size changes between them


@dataclass(frozen=True, eq=False)
class FittedClip:
    """Evenly sampled frames (H, W, 3) uint8, the fitted face of each, and which one is the reference."""

    name: str
    frames: tuple[NDArray[np.uint8], ...]
    faces: tuple[FittedFace, ...]
    reference: int


def fitted_clip(engine: Engine, path: Path, count: int = 24) -> FittedClip:
    """Sample `count` frames of the longest shot evenly, follow one person, fit all with one identity.

    The person is the largest face of the first frame whose largest face has both eyes open; that frame is the
    reference (docs/mesh-warp.md, “Measured”). Frames that do not show the person are left out.
    """
    frames = list(_sampled(path, count))
    seen = [tuple(engine.tracker.detect(frame)) for frame in frames]
    largest = {k: max(faces, key=_area) for k, faces in enumerate(seen) if faces}
    if len(largest) < 2:
        raise _no_face(path)
    fits = {k: fit_face(face, engine.model) for k, face in largest.items()}
    start = list(fits)[_open_eyed(list(fits.values()))]
    kept = followed(
        seen, start, largest[start], lambda k, last: engine.tracker.detect_near(frames[k], last.landmarks)
    )
    if len(kept) < 2:
        raise _no_face(path)
    identities = [fit_face(face, engine.model).params.identity.coefficients for face in kept.values()]
    identity = Identity(tuple(np.mean(identities, axis=0).tolist()))
    faces = tuple(fit_face(face, engine.model, identity) for face in kept.values())
    return FittedClip(path.name, tuple(frames[k] for k in kept), faces, _open_eyed(faces))


def followed(
    seen: Sequence[Sequence[DetectedFace]],
    start: int,
    person: DetectedFace,
    look: Callable[[int, DetectedFace], DetectedFace | None] = lambda _k, _last: None,
) -> dict[int, DetectedFace]:
    """Return the person's face by frame, in order: from frame `start` on in both directions the face nearest to the
    last.

    A face whose middle is more than `FARTHEST` face sizes away, or whose size changed more than `GROWTH` times, is
    somebody else's. look: finds the face in frame k about where the last one lay, as following a driver does; asked
    where a frame by itself shows nobody near (a small, blurred face is followed but not found anew).
    """
    kept = {start: person}
    for indices in (range(start + 1, len(seen)), range(start - 1, -1, -1)):
        last = person
        for k in indices:
            near = [(apart(face, last), n) for n, face in enumerate(seen[k])]
            distance, n = min(near, default=(math.inf, -1))
            face = seen[k][n] if math.isfinite(distance) else look(k, last)
            if face is not None and math.isfinite(apart(face, last)):
                kept[k] = last = face
    return dict(sorted(kept.items()))


def apart(face: DetectedFace, other: DetectedFace) -> float:
    """Return how far two faces are from being one: distance in face sizes and ratio of sizes; inf where they cannot
    be.
    """
    size, before = math.sqrt(_area(face)), math.sqrt(_area(other))
    growth = abs(math.log(size / before))
    distance = math.dist(_middle(face), _middle(other)) / max(size, before)
    return math.inf if distance > FARTHEST or growth > math.log(GROWTH) else distance + growth


def _middle(face: DetectedFace) -> tuple[float, float]:
    x, y, w, h = face.box
    return x + w / 2, y + h / 2


def _area(face: DetectedFace) -> float:
    return max(1.0, face.box[2] * face.box[3])


def _open_eyed(faces: Sequence[FittedFace]) -> int:
    """Return the first face with both eyes open, or the one with the widest."""
    apertures = [min(face.params.expression.aperture) for face in faces]
    return next((k for k, value in enumerate(apertures) if value >= OPEN_EYED), int(np.argmax(apertures)))


def _no_face(path: Path) -> EngineError:
    return EngineError(
        f"{path.name} shows a face in fewer than two frames.", "Choose a clip of one person's face."
    )


def _sampled(path: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    shot = longest_shot(path)
    wanted = set(np.linspace(shot.start, max(shot.start, shot.stop - 1), count).round().astype(int).tolist())
    with closing(open_source(path)) as source:
        while (frame := source.take(1.0)) is not None and frame.index < shot.stop:
            if frame.index in wanted and frame.pixels is not None:
                yield frame.pixels
