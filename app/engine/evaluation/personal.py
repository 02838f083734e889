"""Compares a personal model, or any generator, with the frames of its person that were held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Generator, Origin, SourceImage, Target
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.evaluation import metrics
from app.engine.evaluation.protocols import averages, paste
from app.engine.face.fitting import fit_face
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.imaging.matte import person_matte
from app.engine.rendering.nmfc import make_renderer
from app.engine.training.personal.footage import Footage

Frames = NDArray[np.uint8]  # (T, S, S, 3)


def frame_scores(engine: Engine, footage: Footage, made: Frames) -> dict[str, float]:
    """L1, PSNR, APD, MAPD (mask of the NMFC) and, of fresh fits, AED and ARD: means over the held-out frames
    (Head2Head++, section 4.3). made: (T, S, S, 3) for frames `n_train` on; detected: share with a face."""
    first = footage.n_train
    renderer = make_renderer()
    rows = []
    for picture, truth, params in zip(made, footage.frames[first:], footage.params[first:]):
        shape = engine.model.shape(params.identity, params.expression)
        mask = renderer.nmfc(params.camera.project(shape), (footage.size, footage.size)).sum(axis=2) > 0
        row = {
            "l1": metrics.l1(picture, truth),
            "psnr": metrics.psnr(picture, truth),
            "apd": metrics.apd(picture, truth),
            "mapd": metrics.apd(picture, truth, mask),
        }
        after, true = (_fitted(engine, footage, frame) for frame in (picture, truth))
        if true is not None:
            row["detected"] = float(after is not None)
        if after is not None and true is not None:
            row["aed"] = metrics.expression_distance(after, true)
            row["ard"] = metrics.rotation_distance(after.params.camera, true.params.camera)
        rows.append(row)
    renderer.close()
    return averages(rows)


def reenacted(engine: Engine, generator: Generator, footage: Footage) -> Frames:
    """Return the held-out frames as a generator makes them from the best frame to train on in which the face is
    found.

    EngineError where it is found in none.
    """
    candidates = (footage.frames[t] for t in footage.best_frames)
    seen = ((frame, _fitted(engine, footage, frame)) for frame in candidates)
    portrait, face = next((found for found in seen if found[1] is not None), (None, None))
    if portrait is None or face is None:
        raise EngineError("No frame of the footage shows a face.", "Give footage with larger faces.")
    code = generator.encode(SourceImage(portrait, None, face, person_matte(portrait, face)))
    history: tuple[FaceParams, ...] = ()
    made = []
    for truth, params in zip(footage.frames[footage.n_train :], footage.params[footage.n_train :]):
        true = _fitted(engine, footage, truth)
        wanted = params if true is None else true.params
        patch = generator.generate(code, Target(wanted, history, origin=Origin.FILMED))
        history = (*history, wanted)[-2:]
        made.append(paste(portrait, patch))
    return np.stack(made)


def _fitted(engine: Engine, footage: Footage, frame: NDArray[np.uint8]) -> FittedFace | None:
    """Return the largest face, fitted with the footage's identity."""
    found = engine.tracker.detect(frame)
    if not found:
        return None
    face = max(found, key=lambda one: one.box[2] * one.box[3])
    return fit_face(face, engine.model, footage.params[0].identity)
