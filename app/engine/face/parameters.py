"""Defines the values that all rooms exchange: camera, expression, identity, fitted face, edit.

These conventions hold in all code, files and windows:
pixels have x right, y down, origin at the outer corner of the first pixel; model space has x to the
image's right, y up, z to the viewer and the distance between the eye centres as its unit; angles are
degrees. Yaw > 0 turns the face to the image's right, pitch > 0 looks up, roll > 0 tilts the top of the
head to the image's right; R = R_roll(z) R_pitch(x) R_yaw(y) on model-space columns. *Left* and *right*
in names are the person's own (as in FACS and ARKit); gaze and sideways movements are in image
directions, like yaw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

N_EXPRESSION = 28  # components of the built face model; they explain 98.1 % (docs/mesh-warp.md, “Model”)
N_VERTICES = 468  # MediaPipe's mesh without the irises
FLIP = np.array([1.0, -1.0, 1.0])  # factors from model space (y up) to pixels (y down)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A scaled orthographic camera: the vector c in R^7 of the papers (HeadGAN, section 3.1).

    scale: px per model unit; quaternion: unit (w, x, y, z); translation: px (x right, y down).
    """

    scale: float
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    translation: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def from_angles(
        cls, yaw: float, pitch: float, roll: float, scale: float, translation: tuple[float, float]
    ) -> Camera:
        """Return a camera turned by yaw, pitch and roll in degrees."""
        return cls.from_matrix(rotation_matrix(yaw, pitch, roll), scale, translation)

    @classmethod
    def from_matrix(cls, rotation: FloatArray, scale: float, translation: tuple[float, float]) -> Camera:
        """Return a camera with a proper rotation (3, 3)."""
        return cls(
            float(scale), matrix_to_quaternion(rotation), (float(translation[0]), float(translation[1]))
        )

    @cached_property
    def rotation(self) -> FloatArray:
        """Return the rotation (3, 3) of model-space columns; the array is read-only."""
        w, x, y, z = self.quaternion
        turn = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        turn.flags.writeable = False
        return turn

    @cached_property
    def angles(self) -> tuple[float, float, float]:
        """Return (yaw, pitch, roll) in degrees."""
        return rotation_angles(self.rotation)

    @property
    def yaw(self) -> float:
        return self.angles[0]

    @property
    def pitch(self) -> float:
        return self.angles[1]

    @property
    def roll(self) -> float:
        return self.angles[2]

    def project(self, vertices: FloatArray) -> FloatArray:
        """Return vertices (N, 3) of model space as (N, 3) px: x right, y down, z towards the viewer."""
        placed = self.scale * (vertices @ self.rotation.T)
        placed[:, 0] += self.translation[0]
        np.subtract(self.translation[1], placed[:, 1], out=placed[:, 1])
        return placed

    def unproject(self, points: FloatArray) -> FloatArray:
        """Return points (N, 3) px, as `project` gives them, as (N, 3) of model space."""
        turned = points.copy()
        turned[:, 0] -= self.translation[0]
        np.subtract(self.translation[1], turned[:, 1], out=turned[:, 1])
        turned /= self.scale
        return np.asarray(turned @ self.rotation)

    def scaled(self, factor: float) -> Camera:
        """Return the same camera in a picture resized by `factor`."""
        tx, ty = self.translation
        return replace(self, scale=self.scale * factor, translation=(tx * factor, ty * factor))

    def as_array(self) -> FloatArray:
        """Return (7,): scale, quaternion, translation."""
        return np.array([self.scale, *self.quaternion, *self.translation])

    @classmethod
    def from_array(cls, c: Iterable[float]) -> Camera:
        """Return the camera of an array (7,) that `as_array` gives; the quaternion is normalised."""
        scale, w, x, y, z, tx, ty = (float(value) for value in c)
        norm = math.sqrt(w * w + x * x + y * y + z * z) or 1.0
        return cls(scale, (w / norm, x / norm, y / norm, z / norm), (tx, ty))


def rotation_matrix(yaw: float, pitch: float, roll: float) -> FloatArray:
    """Return the rotation (3, 3) R_roll(z) R_pitch(x) R_yaw(y) of angles in degrees, with the signs given above."""
    a, b, c = math.radians(yaw), math.radians(-pitch), math.radians(-roll)
    turn_y = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    turn_x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    turn_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return np.asarray(turn_z @ turn_x @ turn_y)


def rotation_angles(rotation: FloatArray) -> tuple[float, float, float]:
    """Return (yaw, pitch, roll) in degrees of a (3, 3) rotation; the inverse of `rotation_matrix`."""
    pitch = math.asin(min(1.0, max(-1.0, -float(rotation[2, 1]))))
    yaw = math.atan2(-float(rotation[2, 0]), float(rotation[2, 2]))
    roll = math.atan2(float(rotation[0, 1]), float(rotation[1, 1]))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def matrix_to_quaternion(rotation: FloatArray) -> tuple[float, float, float, float]:
    """Return (w, x, y, z) with w >= 0 of a proper (3, 3) rotation."""
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    # Each row is four times one component's products with all four: all have the quaternion's direction, and the
    # longest is the most exact.
    rows = (
        (1 + a + e + i, h - f, c - g, d - b),
        (h - f, 1 + a - e - i, b + d, c + g),
        (c - g, b + d, 1 - a + e - i, f + h),
        (d - b, c + g, f + h, 1 - a - e + i),
    )
    w, x, y, z = max(enumerate(rows), key=lambda row: row[1][row[0]])[1]
    length = math.copysign(math.sqrt(w * w + x * x + y * y + z * z), w)
    return w / length, x / length, y / length, z / length


@dataclass(frozen=True)
class Expression:
    """An expression: p_exp of HeadGAN's equation 1 in standard deviations, gaze and the lids' apertures.

    coefficients: (28,) sigmas; gaze: degrees in the head's frame, x > 0 to the image's right, y > 0 up; aperture: of
    the (left, right) eye, the mean gap between the lids over the eye's width, shut about 0.05, open 0.2 to 0.35; moves:
    the semantic controls that were asked, with their amounts; carried: (28,) sigmas of the coefficients that come from
    these moves and from asked apertures, or () for none. A network sees the coefficients alone. A warp leaves the
    carried part out and draws the moves themselves, each in its own part of the face (`warping.local_moves`).
    """

    coefficients: tuple[float, ...] = (0.0,) * N_EXPRESSION
    gaze: tuple[float, float] = (0.0, 0.0)
    aperture: tuple[float, float] = (0.28, 0.28)
    moves: tuple[tuple[str, float], ...] = ()
    carried: tuple[float, ...] = ()

    @property
    def alone(self) -> Expression:
        """Return the expression without what the semantic controls put into it."""
        if not self.carried:
            return replace(self, moves=())
        rest = (own - part for own, part in zip(self.coefficients, self.carried))
        return replace(self, coefficients=tuple(rest), moves=(), carried=())

    def __post_init__(self) -> None:
        if len(self.coefficients) != N_EXPRESSION:
            raise ValueError(f"an expression has {N_EXPRESSION} coefficients, not {len(self.coefficients)}")


@dataclass(frozen=True)
class Identity:
    """An identity: p_id of HeadGAN's equation 1, in standard deviations of the identity basis."""

    coefficients: tuple[float, ...] = ()


@dataclass(frozen=True)
class FaceParams:
    """The parameters of one face in one picture, which give its vertices and its NMFC."""

    identity: Identity
    expression: Expression
    camera: Camera


@dataclass(frozen=True, eq=False)
class FittedFace:
    """One face of one photo.

    landmarks: (478, 3) px as `Camera.project` gives them (z towards the viewer); box: (x, y, w, h) px; residual: (468,
    3) model units by which the projected shape of the parameters misses the landmarks.
    """

    params: FaceParams
    landmarks: FloatArray
    box: tuple[float, float, float, float]
    residual: FloatArray

    def scaled(self, factor: float) -> FittedFace:
        """Return the same face in the photo resized by `factor`."""
        x, y, w, h = self.box
        return replace(
            self,
            params=replace(self.params, camera=self.params.camera.scaled(factor)),
            landmarks=self.landmarks * factor,
            box=(x * factor, y * factor, w * factor, h * factor),
        )


@dataclass(frozen=True)
class FaceEdit:
    """What the user asks of one face; it is kept for undo, asked of the engine and written to project files.

    values: (control, value) of the controls that were set, sorted by name (`face.controls`). Pose, scale, translation
    and gaze are absolute, and unset ones are the photo's own; all others are relative to the photo. latents: the same
    for a generator's own latent directions; strength: in [0, 1], from the photo's own state (0) to what is asked (1).
    """

    values: tuple[tuple[str, float], ...] = ()
    latents: tuple[tuple[str, float], ...] = ()
    strength: float = 1.0
    _lookup: Mapping[str, float] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(sorted((n, float(v)) for n, v in self.values)))
        object.__setattr__(self, "latents", tuple(sorted((n, float(v)) for n, v in self.latents)))
        object.__setattr__(self, "_lookup", dict(self.values))

    @classmethod
    def of(cls, strength: float = 1.0, **values: float) -> FaceEdit:
        """Return an edit of control values, as in FaceEdit.of(yaw=15, smile=0.6)."""
        return cls(tuple(values.items()), strength=strength)

    def get(self, name: str) -> float | None:
        """Return the value of a control, None where it is not set."""
        return self._lookup.get(name)

    def with_values(self, changes: Mapping[str, float | None]) -> FaceEdit:
        """Return a copy with these controls set, or unset where the value is None."""
        merged: dict[str, float | None] = {**self._lookup, **changes}
        return replace(self, values=tuple((n, v) for n, v in merged.items() if v is not None))

    @property
    def is_identity(self) -> bool:
        """Return whether nothing is asked, so that the render is the photo, bit for bit."""
        return self.strength == 0 or not (self.values or self.latents)
