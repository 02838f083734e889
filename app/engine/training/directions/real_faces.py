"""Inverts real faces into a generator's latent space: photos for the mixed stage (section 3.2), clips' frames for
the paired one (3.3).
"""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import DetectedFace, FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.files import written
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.endings import CLIPS, PICTURES
from app.engine.imaging.reading import open_photo
from app.engine.latent.inversion import InversionSettings, LatentModel, invert
from app.engine.sources.shots import longest_shot
from app.engine.sources.video import VideoSource
from app.engine.squares.crop import cut, face_square, resized, unit_range
from app.engine.training.directions.samples import measured

MOST_PHOTOS = 200  # photos of a folder at most; chosen for the time that inverting them takes
FRAMES = 12  # frames of a clip, spread over it; enough to give pairs that differ
CODE_STEPS = 150  # steps that find a code where there is no encoder; chosen for the time they take


@dataclass(frozen=True, eq=False)
class RealFaces:
    """codes (K, L, D); pictures (K, 3, s, s) in [-1, 1]; values (K, 15) and identity (K, I) as `Labels` has them;
    person (K,): the same number for the frames of one clip."""

    codes: Tensor
    pictures: Tensor
    values: NDArray[np.float64]
    identity: NDArray[np.float64]
    person: NDArray[np.int64]

    def pair(self, rng: np.random.Generator) -> tuple[int, int]:
        """Return two different faces of one person."""
        people, counts = np.unique(self.person, return_counts=True)
        someone = rng.choice(people[counts > 1])
        first, second = rng.choice(np.flatnonzero(self.person == someone), 2, replace=False)
        return int(first), int(second)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {"values": self.values, "identity": self.identity, "person": self.person}
        with written(path) as beside:
            np.savez(beside, codes=self.codes.numpy(), pictures=self.pictures.numpy(), **arrays)

    @classmethod
    def load(cls, path: Path) -> RealFaces:
        with np.load(path, allow_pickle=False) as file:
            codes, pictures = torch.from_numpy(file["codes"]), torch.from_numpy(file["pictures"])
            return cls(codes, pictures, file["values"], file["identity"], file["person"])


def real_faces(folder: Path, model: LatentModel, faces: float, clips: bool) -> Steps[Step, None, RealFaces]:
    """Yield steps with previews, ending in the inverted faces of a folder's photos, or of its clips' frames.

    faces: side of the generator's square in face sizes. The generator itself is not tuned: directions are learned
    for what it can make.
    """
    endings = CLIPS if clips else PICTURES
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)
    if not paths:
        what = "clips" if clips else "photos"
        raise EngineError(f"{folder} holds no {what}.", "Choose the folder that holds them.")
    if not clips and len(paths) > MOST_PHOTOS:
        paths = [paths[k] for k in np.linspace(0, len(paths) - 1, MOST_PHOTOS).astype(int)]
    fitted, person, codes, pictures = [], [], [], []
    settings = InversionSettings(CODE_STEPS, 0)
    with FaceTracker() as tracker:
        for number, path in enumerate(paths):
            for pixels, found in _found(path, tracker, clips):
                small = resized(
                    cut(unit_range(pixels), face_square(found.landmarks, faces)), model.generator.size
                )
                picture = torch.from_numpy(small).permute(2, 0, 1)[None].to(model.centre) * 2 - 1
                for step in (steps := Result(invert(model, picture, settings))):
                    if step.picture is not None:
                        yield Step(number, len(paths), path.name, step.picture)
                fitted.append(fit_face(found, default_model()))
                person.append(number)
                codes.append(steps.value.wplus.cpu())
                pictures.append(picture.cpu())
            yield Step(number + 1, len(paths), f"Inverted {len(codes)} faces")
    if not codes or (clips and len(set(person)) == len(person)):
        raise EngineError(
            f"No face was found in {folder}.", "Use pictures in which a face is large and whole."
        )
    values, identity = measured(fitted)
    return RealFaces(torch.cat(codes), torch.cat(pictures), values, identity, np.array(person))


class Result:
    """Iterates over steps and keeps what they end in, as `value`."""

    def __init__(self, steps: Steps[Step, None, Any]) -> None:
        self._steps = steps
        self.value: Any = None

    def __iter__(self) -> Iterator[Step]:
        self.value = yield from self._steps


def _found(path: Path, tracker: FaceTracker, clips: bool) -> Iterator[tuple[NDArray[np.uint8], DetectedFace]]:
    """Yield the largest face of a photo, or of frames spread over a clip; files that cannot be read yield nothing."""
    try:
        frames = _frames(path) if clips else [to_srgb8(open_photo(path))]
    except EngineError:
        return
    for pixels in frames:
        face = max(tracker.detect(pixels), key=lambda found: found.side, default=None)
        if face is not None:
            yield pixels, face


def _frames(path: Path) -> list[NDArray[np.uint8]]:
    shot = longest_shot(path)
    wanted = {shot[int(k)] for k in np.linspace(0, len(shot) - 1, min(FRAMES, len(shot)))}
    frames = []
    with closing(VideoSource(path)) as source:
        for index in range(max(wanted) + 1):
            frame = source.take(5.0)
            if frame is None:
                break
            if index in wanted and frame.pixels is not None:
                frames.append(frame.pixels)
    return frames
