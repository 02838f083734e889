"""Runs the papers' protocols for any generator: self-reenactment of clips, and the parts that the protocols share.

Self-reenactment (HeadGAN editing, section 4.1; Head2Head++, section 4.2): one frame of a clip is the
photo, the parameters of the others drive it, and the result is compared with the frame itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Origin, Portrait, Target
from app.engine.engine import Engine
from app.engine.evaluation import metrics
from app.engine.evaluation.clips import FittedClip, fitted_clip
from app.engine.evaluation.crops import Crop, thin_plate_warp
from app.engine.face.parameters import FaceParams, FittedFace
from app.engine.imaging.photo import Photo
from app.engine.measuring.imported import (
    Compared,
    Networks,
    Sets,
    feature_networks,
    measured,
    set_distances,
    together,
)
from app.engine.measuring.readout import nearest_face

BASELINES = ("unedited", "tps")


@dataclass(frozen=True, eq=False)
class ClipResult:
    """One clip's means over frames: metrics of the generator and of each baseline, and pictures for the sheet.

    features: what imported networks compute of the frames, for distances over all clips.
    """

    name: str
    frames: int
    rotation: float
    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    rows: tuple[NDArray[np.uint8], ...] = field(repr=False, default=())
    features: Sets = field(repr=False, default_factory=dict)


def self_reenactment(engine: Engine, paths: list[Path], count: int = 24) -> Iterator[ClipResult]:
    """Yield a result per clip, in the order given."""
    networks = feature_networks()
    for path in paths:
        yield evaluate_clip(engine, fitted_clip(engine, path, count), networks)


def evaluate_clip(engine: Engine, clip: FittedClip, networks: Networks) -> ClipResult:
    """Drive the clip's reference frame by every other frame's parameters."""
    photo = Photo(clip.frames[clip.reference], key=f"{clip.name}:{clip.reference}")
    source = clip.faces[clip.reference]
    portrait = Portrait(photo, (source,))
    code = engine.code(portrait, engine.view(portrait), 0)
    own: list[dict[str, float]] = []
    others: dict[str, list[dict[str, float]]] = {name: [] for name in BASELINES}
    fitted: list[FittedFace] = []
    compared: list[Compared] = []
    rows = []
    history: tuple[FaceParams, ...] = ()
    for index, (truth, face) in enumerate(zip(clip.frames, clip.faces)):
        target = Target(face.params, history, origin=Origin.FILMED)
        history = (*history, face.params)[-2:]
        if index == clip.reference:
            continue
        made = paste(photo.pixels, engine.generator.generate(code, target))
        tps = thin_plate_warp(photo.pixels, source.landmarks[:468:4, :2], face.landmarks[:468:4, :2])
        crop = Crop.around(face)
        own.append(pixel_metrics(crop, made, truth, face))
        own[-1] |= folds(engine, code, target)
        for name, picture in zip(BASELINES, (photo.pixels, tps)):
            others[name].append(pixel_metrics(crop, picture, truth, face))
        after = nearest_face(engine.fit(made), face.params.camera.translation)
        if after is not None:
            own[-1] |= face_metrics(after, face)
            fitted.append(after)
        rows.append(np.hstack([crop.cut(picture) for picture in (photo.pixels, truth, made, tps)]))
        true = truth, face
        compared.append(
            Compared(crop.cut(made), crop.cut(truth), (made, after) if after else None, true, true)
        )
    means = averages(own)
    if fitted:
        means["dai"] = metrics.identity_distance(fitted, list(clip.faces))
    means["detected"] = len(fitted) / max(1, len(own))
    rotation = float(
        np.mean([metrics.rotation_distance(f.params.camera, source.params.camera) for f in clip.faces])
    )
    baselines = {name: averages(found) for name, found in others.items()}
    values, features = measured(networks, compared)
    return ClipResult(clip.name, len(own), rotation, means | values, baselines, tuple(rows), features)


def pixel_metrics(
    crop: Crop, made: NDArray[np.uint8], truth: NDArray[np.uint8], face: FittedFace
) -> dict[str, float]:
    """Return metrics on the whole 256 px crop and within the face; pixels outside the frame are left out."""
    a, b = crop.cut(made), crop.cut(truth)
    inside = crop.valid(*truth.shape[:2])
    mask = crop.face_mask(face) & inside
    return {
        "l1": metrics.l1(a, b, inside),
        "psnr": metrics.psnr(a, b, inside),
        "ssim": metrics.ssim(a, b),
        "apd": metrics.apd(a, b, inside),
        "mapd": metrics.apd(a, b, mask),
        "face_l1": metrics.l1(a, b, mask),
        "face_psnr": metrics.psnr(a, b, mask),
        "sharpness": metrics.sharpness(a, b, mask),
    }


def face_metrics(after: FittedFace, truth: FittedFace) -> dict[str, float]:
    """Return metrics between a fresh fit of the result and the driving frame's fit."""
    return {
        "ard": metrics.rotation_distance(after.params.camera, truth.params.camera),
        "are": metrics.rotation_error(after.params.camera),
        "aed": metrics.expression_distance(after, truth),
        "aeld": metrics.eye_landmark_distance(after, truth),
        "nme": metrics.normalised_mean_error(after, truth),
    }


def folds(engine: Engine, code: object, target: Target) -> dict[str, float]:
    """Return the number of triangles that the generator's warp turns over, or {} where it has no mesh."""
    count = getattr(engine.generator, "fold_overs", None)
    return {} if count is None else {"fold_overs": float(count(code, target))}


def paste(pixels: NDArray[Any], patch: Any) -> NDArray[Any]:
    """Return the whole picture with one patch in place."""
    out = pixels.copy()
    height, width = patch.pixels.shape[:2]
    out[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
    return out


def averages(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of every metric over the rows that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}


def weighted_mean(results: list[ClipResult], pick: str | None = None) -> dict[str, float]:
    """Return means over all frames of all clips, of the generator or of the baseline `pick`.

    Distances between sets, such as FID, are the generator's over all clips together.
    """
    rows = [(result.frames, result.metrics if pick is None else result.baselines[pick]) for result in results]
    names = dict.fromkeys(name for _, row in rows for name in row)
    mean = {}
    for name in names:
        having = [(frames, row[name]) for frames, row in rows if name in row]
        mean[name] = sum(frames * value for frames, value in having) / sum(frames for frames, _ in having)
    if pick is None:
        mean |= set_distances(together([result.features for result in results]))
    return mean
