"""Measures reenactment (HeadGAN editing, section 4.2): one person's photo is driven by another person's clip.

There is no true frame to compare with, so the result is measured against the driver's pose and expression and
against the photo's identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.engine.contract import Origin, Portrait, Target
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.evaluation import metrics
from app.engine.evaluation.clips import FittedClip, fitted_clip
from app.engine.evaluation.crops import Crop
from app.engine.evaluation.protocols import ClipResult, averages, folds, paste
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.face.retargeting import Retargeter, RetargetSettings
from app.engine.face.semantic import identity_similarity
from app.engine.imaging.photo import Photo
from app.engine.measuring import imported
from app.engine.measuring.imported import Compared, Networks, feature_networks
from app.engine.measuring.readout import nearest_face


def reenactment(engine: Engine, paths: list[Path], count: int = 24) -> Iterator[ClipResult]:
    """Yield every clip's reference frame driven by the next clip, the last one's by the first.

    There must be two clips at least.
    """
    if len(paths) < 2:
        raise EngineError("Reenactment needs two clips of two people.", "Name another clip.")
    networks = feature_networks()
    clips = [fitted_clip(engine, path, count) for path in paths]
    for source, driver in zip(clips, (*clips[1:], clips[0])):
        yield driven_by(engine, source, driver, networks)


def driven_by(engine: Engine, source: FittedClip, driver: FittedClip, networks: Networks) -> ClipResult:
    """Return the result of `source`'s reference frame with the absolute pose and expression of every frame of `driver`.

    Realism is measured against the source's own frames, as many as there are.
    """
    pixels, own = source.frames[source.reference], source.faces[source.reference]
    portrait = Portrait(Photo(pixels, key=f"{source.name}:{source.reference}"), (own,))
    code = engine.code(portrait, engine.view(portrait), 0)
    retargeter = Retargeter(engine.model, own, RetargetSettings(relative=False))
    neutral = driver.faces[driver.reference].params
    rows, pictures, compared = [], [], []
    filmed = [Crop.around(face).cut(frame) for frame, face in zip(source.frames, source.faces)]
    history: tuple[FaceParams, ...] = ()
    for index, (frame, face) in enumerate(zip(driver.frames, driver.faces)):
        params = retargeter.retarget(face.params, neutral)
        target = Target(params, history, origin=Origin.FILMED)
        history = (*history, params)[-2:]
        made = paste(pixels, engine.generator.generate(code, target))
        after = nearest_face(engine.fit(made), params.camera.translation)
        rows.append(folds(engine, code, target) | measured(engine, own, after, face, params))
        crops = ((own, pixels), (face, frame), (after or own, made))
        pictures.append(np.hstack([Crop.around(where).cut(picture) for where, picture in crops]))
        truth, crop = filmed[index % len(filmed)], Crop.around(after or own).cut(made)
        compared.append(Compared(crop, truth, (made, after) if after else None, (pixels, own), (frame, face)))
    turns = [metrics.rotation_distance(face.params.camera, own.params.camera) for face in driver.faces]
    name = f"{source.name} by {driver.name}"
    values, features = imported.measured(networks, compared)
    values.pop("lpips", None)  # there is no true frame to compare with
    means = averages(rows) | values
    return ClipResult(name, len(rows), float(np.mean(turns)), means, {}, tuple(pictures), features)


def measured(
    engine: Engine, own: FittedFace, after: FittedFace | None, driver: FittedFace, asked: FaceParams
) -> dict[str, float]:
    """Return ARD against the driver's pose, AED against the expression as retargeted, identity against the photo."""
    if after is None:
        return {"detected": 0.0}
    difference = np.subtract(after.params.expression.coefficients, asked.expression.coefficients)
    return {
        "ard": metrics.rotation_distance(after.params.camera, driver.params.camera),
        "aed": float(np.abs(difference).sum()),
        "dai": metrics.identity_distance([after], [own]),
        "identity": identity_similarity(own, after, engine.model),
        "detected": 1.0,
    }
