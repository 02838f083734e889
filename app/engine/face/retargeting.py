"""Transfers a driver's parameters to the portrait's face: identity is swapped, scale and place are adapted.

As in HeadGAN (section 3.1) and Head2Head++ (section 3.5), the portrait keeps its identity and takes the driver's
expression and rotation, and its scale and translation move with the driver's about their own means. With one portrait
and a driver of whom few frames are known, the means are the portrait's own camera and that of the driver's neutral
face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, FloatArray, rotation_matrix
from app.engine.face.response import response
from app.engine.face.semantic import NECK_PIVOT, OPEN, SHUT
from app.engine.face.smoothing import Smoothing

# These limits were set on the clips of ../shared/media, where larger turns and motions tear hair and neck
# (docs/driving.md); those of lids and gaze were chosen by eye on the same films. Up to a SAFE value motions are
# followed exactly; beyond it they approach the MOST value.
LIMIT = 4.0  # sigmas by which a component of the portrait may change
# Sigmas of the driver's neutral: what goes beyond is no expression, but what the kept identity does not explain.
OFFSET = 1.5
TURN_SAFE, TURN_MOST = 22.0, 34.0  # degrees from the portrait's own pose
WAY_SAFE, WAY_MOST = (
    0.5,
    0.9,
)  # eye distances by which the neck moves, because the shoulders stay where they are
GROWTH_SAFE, GROWTH_MOST = math.log(1.25), math.log(1.5)  # logarithm of a head's growth between its shoulders
SHUT_BELOW = 0.12  # share of the aperture at rest below which an eye is drawn shut
OPENER = 1.4  # greatest share of the aperture at rest to which an eye may open
GAZE_LIMIT = 35.0  # degrees to either side and up and down that eyes may look
REGIONS = ("mouth", "brows", "lid_left", "lid_right")


@dataclass(frozen=True)
class RetargetSettings:
    """How a driver's face is transferred to the portrait's.

    mode: "head" transfers pose and expression, "face" the expression only; relative: whether the driver's changes
    against its neutral face are added to the portrait's own face, rather than replacing that; mirror: whether the
    portrait moves as in a mirror; lock_placement: whether neck and size stay; smoothing: of the driver's parameters
    beforehand; the others: strengths by group, from 0 for the portrait's own to 1 for the driver's.
    """

    mode: str = "head"
    relative: bool = True
    mirror: bool = False
    lock_placement: bool = False
    pose: float = 1.0
    mouth: float = 1.0
    brows: float = 1.0
    lid_left: float = 1.0
    lid_right: float = 1.0
    gaze: float = 1.0
    smoothing: Smoothing = field(default_factory=Smoothing)

    def __post_init__(self) -> None:
        if self.mode not in ("head", "face"):
            raise ValueError(f"mode is head or face, not {self.mode}")


class Retargeter:
    """Maps one driver to one portrait."""

    def __init__(self, model: MorphableModel, portrait: FittedFace, settings: RetargetSettings) -> None:
        self._model, self._own, self._settings = model, portrait.params, settings
        strengths = [getattr(settings, region) for region in REGIONS]
        self._strength = np.einsum("g,gij->ij", strengths, region_matrices(model))

    def retarget(self, driver: FaceParams, neutral: FaceParams) -> FaceParams:
        """Return the portrait's parameters in a frame of the driver.

        neutral: the driver's face at rest. With `relative` and the driver at rest, these are the portrait's own.
        """
        if self._settings.mirror:
            driver, neutral = mirrored(driver, self._model), mirrored(neutral, self._model)
        expression = self._expression(driver.expression, neutral.expression)
        camera = self._own.camera
        if self._settings.mode == "head":
            camera = self._camera(driver.camera, neutral.camera)
        return replace(self._own, expression=expression, camera=camera)

    def _expression(self, driver: Expression, neutral: Expression) -> Expression:
        own, settings = self._own.expression, self._settings
        p, rest = np.array(own.coefficients), np.array(neutral.coefficients)
        offset = rest if settings.relative else p + rest - np.clip(rest, -OFFSET, OFFSET)
        change = self._strength @ (np.array(driver.coefficients) - offset)
        coefficients = p + np.clip(change, -LIMIT, LIMIT)
        strengths = (settings.lid_left, settings.lid_right)
        left, right = (
            _aperture(
                driver.aperture[k], neutral.aperture[k], own.aperture[k], settings.relative, strengths[k]
            )
            for k in (0, 1)
        )
        if settings.relative:
            turn = np.array(response().gaze_change(neutral.gaze, driver.gaze))
        else:
            turn = np.subtract(driver.gaze, own.gaze)
        x, y = np.clip(np.array(own.gaze) + settings.gaze * turn, -GAZE_LIMIT, GAZE_LIMIT)
        return Expression(tuple(coefficients.tolist()), (float(x), float(y)), (left, right))

    def _camera(self, driver: Camera, neutral: Camera) -> Camera:
        own, settings = self._own.camera, self._settings
        turn = np.subtract(driver.angles, neutral.angles if settings.relative else own.angles)
        rotation = _turned(own, settings.pose * ((turn + 180) % 360 - 180))
        scale, moved = own.scale, np.zeros(2)
        if not settings.lock_placement:
            growth = settings.pose * math.log(driver.scale / neutral.scale)
            scale *= math.exp(growth * _pressed(abs(growth), GROWTH_SAFE, GROWTH_MOST))
            moved = settings.pose * (_neck(driver) - _neck(neutral)) / neutral.scale
            moved *= _pressed(math.hypot(*moved), WAY_SAFE, WAY_MOST)
        # HeadGAN adapts the translation of the origin over each frame's scale. Here it is the neck's translation, so
        # that a turn does not shift the shoulders, over the neutral's scale, so that a driver who comes nearer does
        # not push the face away from the picture's corner.
        neck = _neck(own) + own.scale * moved
        x, y = neck - _neck(Camera.from_matrix(rotation, scale, (0.0, 0.0)))
        return Camera.from_matrix(rotation, scale, (float(x), float(y)))


def mirrored(params: FaceParams, model: MorphableModel) -> FaceParams:
    """Return the face in a mirror whose axis is the picture's left edge."""
    expression, camera = params.expression, params.camera
    coefficients = mirror_matrix(model) @ np.array(expression.coefficients)
    gaze, aperture = (-expression.gaze[0], expression.gaze[1]), expression.aperture[::-1]
    w, x, y, z = camera.quaternion
    turned = Camera(camera.scale, (w, x, -y, -z), (-camera.translation[0], camera.translation[1]))
    return replace(params, expression=Expression(tuple(coefficients.tolist()), gaze, aperture), camera=turned)


@lru_cache(maxsize=4)
def mirror_matrix(model: MorphableModel) -> FloatArray:
    """Return the matrix (28, 28) from an expression's sigmas to those of the mirrored face."""
    basis = model.expression_basis
    flipped = basis[:, model.mirror] * (-1, 1, 1)
    matrix = basis.reshape(len(basis), -1) @ flipped.reshape(len(basis), -1).T
    return np.asarray(matrix * model.expression_sigma / model.expression_sigma[:, None])


@lru_cache(maxsize=4)
def region_matrices(model: MorphableModel) -> FloatArray:
    """Return matrices (4, 28, 28) from an expression's sigmas to those of its part in each of REGIONS.

    The four add up to the identity. Each vertex belongs to the regions by its distance from them, and each part is
    projected back on the basis.
    """
    groups, mean = model.groups, model.mean
    chin = np.flatnonzero(mean[:, 1] < mean[groups["lips"], 1].min() - 0.1)
    temple = np.flatnonzero(mean[:, 1] > mean[groups["left_brow"], 1].max() + 0.1)
    seeds = (
        np.concatenate([groups["lips"], groups["nose"], chin]),
        np.concatenate([groups["left_brow"], groups["right_brow"], temple]),
        groups["left_eye"],
        groups["right_eye"],
    )
    gaps = [np.linalg.norm(mean[:, None, :2] - mean[None, seed, :2], axis=2).min(axis=1) for seed in seeds]
    near = 1 / (np.stack(gaps) + 0.05) ** 4
    shares = near / near.sum(axis=0)
    basis = model.expression_basis
    parts = np.einsum("ivc,gv,jvc->gij", basis, shares, basis)
    return np.asarray(parts * model.expression_sigma / model.expression_sigma[:, None])


def _aperture(driver: float, rest: float, own: float, relative: bool, strength: float) -> float:
    """Return the aperture of the portrait's eye, which is as far between shut and at rest as the driver's.

    driver, rest: the driver's aperture now and at rest; own: the portrait's.
    """
    if strength == 0 or (relative and driver == rest):
        return own
    share = (driver - SHUT) / max(rest - SHUT, 0.05)
    share = 0.0 if share < SHUT_BELOW else min(share, OPENER)
    open_eye = own if own > SHUT + 0.1 else OPEN
    if relative and open_eye != own and share > 0.7:
        return own  # a portrait with shut eyes keeps them shut while the driver's are open
    return own + strength * (SHUT + share * (open_eye - SHUT) - own)


def _neck(camera: Camera) -> FloatArray:
    """Return where a camera projects the neck's pivot, (2,) px."""
    return camera.project(NECK_PIVOT[None])[0, :2]


def _turned(own: Camera, turn: FloatArray) -> FloatArray:
    """Return the portrait's rotation (3, 3) turned by degrees of yaw, pitch and roll (3,), with large turns reduced.

    The angles are added one by one, so that each is the driver's: in a product of rotations, an error of pitch in the
    driver's neutral would become roll when the driver looks far aside. Yaw and pitch are reduced together, roll by
    itself.
    """
    if not turn.any():
        return own.rotation
    aside = _pressed(math.hypot(turn[0], turn[1]), TURN_SAFE, TURN_MOST)
    pressed = turn * (aside, aside, _pressed(abs(float(turn[2])), TURN_SAFE, TURN_MOST))
    return rotation_matrix(*(own.angles + pressed).tolist())


def _pressed(way: float, safe: float, most: float) -> float:
    """Return the share of a motion that is followed: all of one up to `safe`; no motion becomes longer than `most`."""
    if way <= safe:
        return 1.0
    room = most - safe
    return (safe + room * math.tanh((way - safe) / room)) / way
