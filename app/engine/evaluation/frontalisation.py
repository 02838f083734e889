"""Measures frontalisation (HeadGAN editing, section 4.3): every sampled frame is turned to the viewer, and the pose
that is left is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Portrait, Rendered
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.evaluation import metrics
from app.engine.evaluation.clips import fitted_clip
from app.engine.evaluation.crops import Crop
from app.engine.evaluation.protocols import ClipResult, averages
from app.engine.face.parameters import FaceEdit, FittedFace
from app.engine.face.semantic import frontalise
from app.engine.imaging.photo import Photo
from app.engine.measuring.imported import Compared, feature_networks, measured
from app.engine.measuring.readout import nearest_face

NEED_TRUTH = ("lpips", "fvd")  # metrics that need a true frame of the same pose, or true motion


def frontalisation(engine: Engine, paths: list[Path], count: int = 24) -> Iterator[ClipResult]:
    """Yield a result per clip: ARE of a fresh fit, identity similarity, share of frames still found to show a face."""
    networks = feature_networks()
    for path in paths:
        clip = fitted_clip(engine, path, count)
        rows, compared = [], []
        for index, (frame, face) in enumerate(zip(clip.frames, clip.faces)):
            portrait = Portrait(Photo(frame, key=f"{clip.name}:front:{index}"), (face,))
            edit = FaceEdit.of(**frontalise(face))
            rendered = engine.render(portrait, {0: edit})
            rows.append(_one(engine, portrait, rendered, edit))
            if networks:
                compared.append(_frame_and_frontal_view(engine, frame, face, rendered))
        rotation = sum(metrics.rotation_error(face.params.camera) for face in clip.faces) / len(clip.faces)
        values, features = measured(networks, compared)
        means = averages(rows) | {name: values[name] for name in values if name not in NEED_TRUTH}
        yield ClipResult(clip.name, len(rows), rotation, means, {}, features=features)


def _frame_and_frontal_view(
    engine: Engine, frame: NDArray[np.uint8], face: FittedFace, rendered: Rendered
) -> Compared:
    """Return the frame beside its frontal view, for imported networks."""
    after = nearest_face(engine.fit(rendered.pixels), face.params.camera.translation)
    crop, true = Crop.around(after or face), (frame, face)
    made = (rendered.pixels, after) if after else None
    return Compared(crop.cut(rendered.pixels), Crop.around(face).cut(frame), made, true, true)


def _one(engine: Engine, portrait: Portrait, rendered: Rendered, edit: FaceEdit) -> dict[str, float]:
    try:
        measurement = engine.measure(portrait, rendered, 0, edit)
    except EngineError:
        return {"detected": 0.0}
    angles = [abs(measurement.measured[name]) for name in ("yaw", "pitch", "roll")]
    found = {"are": sum(angles) / 3, "yaw": angles[0], "pitch": angles[1], "roll": angles[2]}
    return found | {"identity": measurement.identity, "detected": 1.0}
