"""Prepares what the completion of mouths learns from: photos and frames that show the inside of a mouth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FittedFace
from app.engine.files import written
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.endings import CLIPS
from app.engine.imaging.reading import open_photo
from app.engine.sources.video import VideoSource
from app.engine.training.completions import prepared
from app.engine.warping.mouth_sight import Sight, sight
from app.engine.warping.posing import face_source
from app.engine.warping.topology import N_FACE

# Chosen on sheets of what was read (docs/completion.md, “Mouths”).
LEAST_IOD = 28.0  # px: smaller faces have teeth of 2 px
LEAST_GAP = 0.045  # IOD between the lips, below which lips' edges and their shade fill the gap
LEAST_SEEN = 12  # px between the lips
FRAMES, RUN = 12, 300  # frames of a clip, those of most different gaps, and frames that are looked at


def prepare(paths: Sequence[Path], folder: Path, shard: tuple[int, int] = (0, 1)) -> Iterator[Step]:
    """Make the data of every file (`completions.prepared`); pictures without a usable mouth are left out."""

    def write(path: Path, tracker: FaceTracker, goal: Path) -> None:
        clip = path.suffix.lower() in CLIPS
        save(of_clip(path) if clip else [of_portrait(path, tracker)], goal)

    yield from prepared(paths, folder, shard, write)


def save(mouths: Sequence[Sight], goal: Path) -> None:
    """Write mouths as one file, beside its place, and then move it there."""
    arrays = {f"{k}_{name}": value for k, mouth in enumerate(mouths) for name, value in asdict(mouth).items()}
    with written(goal) as beside:
        np.savez_compressed(beside, allow_pickle=False, **arrays)


def load(path: Path) -> list[Sight]:
    """Return the mouths of a file that `save` wrote."""
    mouths: dict[int, dict[str, Any]] = {}
    with np.load(path, allow_pickle=False) as file:
        for key in file.files:
            number, _, name = key.partition("_")
            value = file[key]
            mouths.setdefault(int(number), {})[name] = value if value.ndim else float(value)
    return [Sight(**mouths[k]) for k in sorted(mouths)]


def of_portrait(path: Path, tracker: FaceTracker) -> Sight:
    """Return the mouth of a portrait; EngineError where it does not show the inside of one mouth."""
    pixels = to_srgb8(open_photo(path))
    found = tracker.detect(pixels)
    if len(found) != 1:
        raise EngineError(f"{path.name} shows {len(found)} faces.", "Use pictures of one person.")
    face = fit_face(found[0], default_model())
    if _gap(face) < LEAST_GAP:
        raise EngineError(f"The mouth in {path.name} is shut.", "Use pictures that show teeth.")
    return read(pixels, face)


def of_clip(path: Path) -> list[Sight]:
    """Return mouths of a clip's frames, from nearly shut to widest; EngineError where none opens."""
    frames: list[tuple[float, NDArray[np.uint8], FittedFace]] = []
    source = VideoSource(path)
    try:
        with FaceTracker(video=True) as tracker:
            for _ in range(RUN):
                frame = source.take(1.0)
                if frame is None or frame.pixels is None:
                    break
                found = tracker.detect(frame.pixels)
                if len(found) == 1:
                    face = fit_face(found[0], default_model())
                    if (gap := _gap(face)) >= LEAST_GAP:
                        frames.append((gap, frame.pixels, face))
    finally:
        source.close()
    if not frames:
        raise EngineError(f"No mouth opens in {path.name}.", "Use clips of people who talk.")
    frames.sort(key=lambda row: row[0])
    chosen = np.unique(np.linspace(0, len(frames) - 1, FRAMES).astype(int))
    return [read(frames[k][1], frames[k][2]) for k in chosen]


def read(pixels: NDArray[np.uint8], face: FittedFace) -> Sight:
    """Return what a photo shows of its mouth; EngineError where that is too small."""
    seen = sight(pixels, face) if face.params.camera.scale >= LEAST_IOD else None
    if seen is None or len(seen.vertex) < LEAST_SEEN:
        raise EngineError("The mouth is too small.", "Use larger portraits.")
    return seen


def _gap(face: FittedFace) -> float:
    return face_source(face.landmarks[:N_FACE], face.params).gap
