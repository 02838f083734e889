"""Frontalisation (HeadGAN editing, section 4.3): turn every sampled frame to the viewer and measure what is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.evaluation import metrics
from app.engine.evaluation.clips import fitted_clip
from app.engine.evaluation.protocols import ClipResult, averages
from app.engine.face.parameters import FaceEdit
from app.engine.face.semantic import frontalise
from app.engine.imaging.photo import Photo
from app.engine.results import Portrait


def frontalisation(engine: Engine, paths: list[Path], count: int = 24) -> Iterator[ClipResult]:
    """One result a clip: ARE of a fresh fit, identity similarity, share of frames still seen as a face."""
    for path in paths:
        clip = fitted_clip(engine, path, count)
        rows = []
        for index, (frame, face) in enumerate(zip(clip.frames, clip.faces)):
            portrait = Portrait(Photo(frame, key=f"{clip.name}:front:{index}"), (face,))
            rows.append(_one(engine, portrait))
        rotation = sum(metrics.rotation_error(face.params.camera) for face in clip.faces) / len(clip.faces)
        yield ClipResult(clip.name, len(rows), rotation, averages(rows), {})


def _one(engine: Engine, portrait: Portrait) -> dict[str, float]:
    edit = FaceEdit.of(**frontalise(portrait.faces[0]))
    try:
        measurement = engine.measure(portrait, engine.render(portrait, {0: edit}), 0, edit)
    except EngineError:
        return {"detected": 0.0}
    angles = [abs(measurement.measured[name]) for name in ("yaw", "pitch", "roll")]
    found = {"are": sum(angles) / 3, "yaw": angles[0], "pitch": angles[1], "roll": angles[2]}
    return found | {"identity": measurement.identity, "detected": 1.0}
