"""Reads frames of a clip with their fitted faces, which share the mean identity of the frames."""

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

# Between two sampled frames one person's face changes no more than this; chosen so that self-reenactment
# (docs/measured.md) leaves out cuts.
FARTHEST = 1.0  # face sizes by which the face moves
GROWTH = 1.7  # factor by which its size grows or shrinks


@dataclass(frozen=True, eq=False)
class FittedClip:
    """A sampled clip.

    frames: (H, W, 3) uint8, evenly sampled; faces: the fitted face of each; reference: the reference frame's index.
    """

    name: str
    frames: tuple[NDArray[np.uint8], ...]
    faces: tuple[FittedFace, ...]
    reference: int


def fitted_clip(engine: Engine, path: Path, count: int = 24) -> FittedClip:
    """Sample `count` frames of the longest shot evenly, follow one person, and fit all frames with one identity.

    The person is the largest face of the first frame whose largest face has both eyes open; that frame is the
    reference (docs/mesh-warp.md, “Measured”). Frames that do not show the person are left out. EngineError where
    fewer than two show a face.
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
    """Return the person's face by frame index, in order: from frame `start` in both directions, each time the face
    nearest to the one before.

    A face whose middle is more than `FARTHEST` face sizes away, or whose size changed more than `GROWTH` times, is
    somebody else's. look: finds the face in frame k about where the last one lay, as a driver is followed; it is called
    where no face found in the frame is near, because a small, blurred face can be followed but not found anew.
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
    """Return how little two faces are like one person's in neighbouring frames.

    It is their distance in face sizes plus the logarithm of their sizes' ratio, and inf beyond FARTHEST or GROWTH.
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
    """Return the index of the first face with both eyes open, or of the one whose narrower eye is widest."""
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
