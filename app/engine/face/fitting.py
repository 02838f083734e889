"""Fits the face model to landmarks in closed form, and keeps the residual (docs/mesh-warp.md, “Fit”)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from app.engine.face.landmarks import DetectedFace
from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import (
    N_VERTICES,
    Camera,
    Expression,
    FaceParams,
    FittedFace,
    FloatArray,
    Identity,
)
from app.engine.face.response import response

ROUNDS = 4  # rounds in which camera and coefficients are fitted in turn (docs/mesh-warp.md, “Fit”)
NOISE = 3 * 0.012**2  # variance of a landmark in squared model units, by which coefficients are held back
EYEBALL = 0.19  # radius of the eyeball in model units (12 mm against 63 mm between the eyes)
# Model units from the middle of an eye's corners to the iris of a person who looks into the camera, by regression over
# the 1,294 portraits of ../shared/portraits: 8.4 degrees upwards, nothing sideways.
IRIS_REST = (0.0, 0.0275)
# MediaPipe's vertices (outer corner, inner corner, upper lid, lower lid, iris) of the person's left and right eye.
EYES = {
    "left": (263, 362, (385, 386, 387), (380, 374, 373), 473),
    "right": (33, 133, (158, 159, 160), (153, 145, 144), 468),
}


def align(shape: FloatArray, points: FloatArray, weights: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return (scale, (3, 3) rotation R, (3,) translation t) with which scale R shape + t is nearest to points.

    shape, points: (N, 3); weights: (N,). Source: Umeyama, Least-Squares Estimation of Transformation Parameters Between
    Two Point Patterns, 1991.
    """
    w = weights / weights.sum()
    mean_s, mean_p = w @ shape, w @ points
    a, b = shape - mean_s, points - mean_p
    u, d, vt = np.linalg.svd((b * w[:, None]).T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((d * sign).sum() / (w @ (a * a)).sum())
    return scale, rotation, mean_p - scale * rotation @ mean_s


def camera_of(shape: FloatArray, landmarks: FloatArray, weights: FloatArray) -> Camera:
    """Return the camera that projects a shape (N, 3) of model space nearest to landmarks (N, 3) px; weights: (N,)."""
    return camera_and_depth(shape, landmarks, weights)[0]


def camera_and_depth(shape: FloatArray, landmarks: FloatArray, weights: FloatArray) -> tuple[Camera, float]:
    """Return the camera of `camera_of`, and the px by which the landmarks' z exceeds that of the projection."""
    scale, rotation, t = align(shape, landmarks * (1, -1, 1), weights)
    return Camera.from_matrix(rotation, scale, (t[0], -t[1])), float(t[2])


def pose_features(camera: Camera) -> FloatArray:
    """Return (6,): yaw, pitch, 0, yaw^2, pitch^2, yaw*pitch in radians.

    The place of roll holds 0: the landmark network sees every face upright, and a term learnt from small tilts bent the
    fit of photos that lie on their side.
    """
    yaw, pitch, _ = (math.radians(angle) for angle in camera.angles)
    return np.array([yaw, pitch, 0.0, yaw * yaw, pitch * pitch, yaw * pitch])


def strain_of(camera: Camera, model: MorphableModel) -> FloatArray:
    """Return (3, 3), the shares by which the network stretches a face with this true yaw: the symmetric linear part of
    `pose_bias`, whose antisymmetric part would be a turn.

    A head turned by 40 degrees is read as 4 % too wide and 2 % too short. Pitch is left out, because the clips from
    which the bias was learnt hardly nod.
    """
    turned = Camera.from_angles(response().read_yaw(camera.yaw, 0.0), 0.0, 0.0, 1.0, (0.0, 0.0))
    weights = np.sqrt(model.stiffness / model.stiffness.sum())[:, None]
    bias = np.tensordot(pose_features(turned), model.pose_bias, 1)
    shape, moved = (weights * (of - np.square(weights).T @ of) for of in (model.mean, bias))
    linear = np.linalg.lstsq(shape, moved, rcond=None)[0].T
    return np.asarray((linear + linear.T) / 2)


def fit_face(detected: DetectedFace, model: MorphableModel, identity: Identity | None = None) -> FittedFace:
    """Return a face fitted to its landmarks, by fitting camera and coefficients in turn.

    identity: the identity to keep, as in a video, where only expression and camera are fitted; None fits it too. With
    the residual the fit is exact: `project(shape + residual)` gives the landmarks again. The landmarks' z, whose origin
    the network leaves open, is that of the camera's projection. Pose, z and gaze are the true ones (`face.response`),
    not those that the network reads.
    """
    found_at = detected.landmarks.copy()
    landmarks = found_at[:N_VERTICES]
    weights = model.stiffness
    id_basis = model.identity_basis.reshape(len(model.identity_basis), -1)
    exp_basis = model.expression_basis.reshape(len(model.expression_basis), -1)
    bias_basis = model.pose_bias.reshape(len(model.pose_bias), -1)
    gain_id = model.identity_sigma**2 / (model.identity_sigma**2 + NOISE)
    gain_exp = model.expression_sigma**2 / (model.expression_sigma**2 + NOISE)
    held = None if identity is None else model.identity_offset(identity).ravel()
    p_exp = np.zeros(len(exp_basis))
    p_id = np.zeros(len(id_basis))
    shape = model.mean if held is None else model.mean + held.reshape(-1, 3)
    for _ in range(ROUNDS):
        camera, depth = camera_and_depth(shape, landmarks, weights)
        found_at[:, 2] -= depth
        bias = (pose_features(camera)[None] @ bias_basis).reshape(-1, 3)
        offset = (camera.unproject(landmarks) - model.mean - bias).ravel()
        if held is None:
            p_id = gain_id * (id_basis @ (offset - p_exp @ exp_basis))
        own = p_id @ id_basis if held is None else held
        p_exp = gain_exp * (exp_basis @ (offset - own))
        shape = model.mean + (own + p_exp @ exp_basis).reshape(-1, 3) + bias
    found = identity or Identity(tuple(float(v) for v in p_id / model.identity_sigma))
    coefficients = tuple(float(v) for v in p_exp / model.expression_sigma)
    apertures = apertures_of(camera.unproject(found_at))
    expression = Expression(coefficients, gaze_of(found_at, camera), apertures)
    camera = truly_turned(camera, found_at, weights)
    residual = camera.unproject(landmarks) - model.shape(found, expression)
    return FittedFace(FaceParams(found, expression, camera), found_at, detected.box, residual)


def as_read(face: FittedFace) -> tuple[Camera, FloatArray]:
    """Return the camera and the landmarks (478, 3) px of a fitted face as the network read them, with its errors."""
    true, points = face.params.camera, face.landmarks.copy()
    turned = response().read_rotation(true)
    points[:, 2] = true.scale * (true.unproject(points) @ turned.T)[:, 2]
    return Camera.from_matrix(turned, true.scale, true.translation), points


def truly_turned(read: Camera, found_at: FloatArray, weights: FloatArray) -> Camera:
    """Return the camera of the head's true turn, with the scale and place that bring the head nearest to its landmarks.

    read: the camera with the turn that the network reads; found_at: (478, 3) px of the landmarks, whose z is changed in
    place to that of the truly turned head; weights: (468,).
    """
    turned = response().true_rotation(read)
    points = read.unproject(found_at) @ turned.rotation.T * (1, -1, 1)
    placed = _nearest(turned, points[: len(weights), :2], found_at[: len(weights), :2], weights)
    found_at[:, 2] = placed.scale * points[:, 2]
    return placed


def as_filmed(own: Camera, filmed: Camera, points: FloatArray, weights: FloatArray) -> Camera:
    """Return the camera with the turn that the network reads of a frame, so that pictures lie on its landmarks.

    own: the photo's camera; filmed: the frame's, with its true turn; points: (468, 3) of the same face in model space.
    The landmarks of a turned head are not a rigid turn of those from the front. Without what `truly_turned` took out
    of the turn, the picture would miss the frame's landmarks.
    """
    before, after = response().read_rotation(own), response().read_rotation(filmed)
    turned = Camera.from_matrix(after @ before.T @ own.rotation, 1.0, (0.0, 0.0))
    return _nearest(turned, turned.project(points)[:, :2], filmed.project(points)[:, :2], weights)


def _nearest(turned: Camera, flat: FloatArray, seen: FloatArray, weights: FloatArray) -> Camera:
    """Return a turned camera with the scale and place that bring points flat (N, 2), of scale 1, nearest to those seen
    (N, 2) px.
    """
    w = weights / weights.sum()
    middle, place = w @ flat, w @ seen
    scale = float(
        w @ ((flat - middle) * (seen - place)).sum(axis=1) / (w @ np.square(flat - middle).sum(axis=1))
    )
    x, y = place - scale * middle
    return replace(turned, scale=scale, translation=(float(x), float(y)))


def apertures_of(points: FloatArray) -> tuple[float, float]:
    """Return the apertures of the person's left and right eye: the mean gap between the lids over the eye's width.

    points: (468 or more, 3) in model space. The gap is measured along the head's y alone, because a shut upper lid lies
    before the lower one without any opening.
    """

    def aperture(eye: str) -> float:
        outer, inner, upper, lower, _ = EYES[eye]
        gap = (points[list(upper), 1] - points[list(lower), 1]).mean()
        return float(max(gap, 0.0) / np.linalg.norm(points[outer] - points[inner]))

    return aperture("left"), aperture("right")


def gaze_of(landmarks: FloatArray, camera: Camera) -> tuple[float, float]:
    """Return the true gaze (x, y) in degrees in the head's frame, the mean of both eyes.

    x > 0 looks to the image's right, y > 0 up. landmarks: (478, 3) px. It is how far the irises lie from their rest on
    an eyeball, corrected by `face.response`.
    """
    turned = camera.unproject(landmarks)
    shifts = [
        turned[iris] - (turned[outer] + turned[inner]) / 2 for outer, inner, _, _, iris in EYES.values()
    ]
    x, y = (np.mean(shifts, axis=0)[:2] - IRIS_REST) / EYEBALL
    read = math.degrees(math.asin(np.clip(x, -1, 1))), math.degrees(math.asin(np.clip(y, -1, 1)))
    return response().true_gaze(read)
