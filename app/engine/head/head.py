"""Holds the head of one photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Head:
    """A fitted head in the model space of its photo's camera.

    points: (V, 3); normals: (V, 3) unit, outwards; rigid: (V,) share in [0, 1] of the head's motion that a vertex
    takes part in; camera: the photo's own; to_model: (scale, (3, 3) rotation, (3,) offset) from the head model's cm;
    identity: (100,) weights of ICT's shapes; centre: (3,) the middle of the skull; inflated: (V,) how far hair or hat
    stands out from the bare skull, as a share of the vertex' distance from the centre; ears: whether the photo shows
    ears.
    """

    points: FloatArray
    normals: FloatArray
    rigid: FloatArray
    camera: Camera
    to_model: tuple[float, FloatArray, FloatArray]
    identity: FloatArray
    centre: FloatArray
    inflated: FloatArray
    ears: bool

    def placed(self, centimetres: FloatArray) -> FloatArray:
        """Return (N, 3) cm of the head model in this head's model space."""
        scale, rotation, offset = self.to_model
        return np.asarray(scale * centimetres @ rotation.T + offset)

    def posed(
        self, camera: Camera, moved: FloatArray | None = None, shift: FloatArray | None = None
    ) -> FloatArray:
        """Return (V, 3) px under another camera.

        moved: (V, 3) the expression's offsets in model space; shift: (2,) px by which the body moves. The neck's end
        stays on the photo's own pixels, except for that shift.
        """
        points = self.points if moved is None else self.points + moved
        share = self.rigid[:, None]
        still = self.camera.project(points)
        if shift is not None:
            still[:, :2] += shift
        return np.asarray(share * camera.project(points) + (1 - share) * still)

    def turned(self, camera: Camera) -> FloatArray:
        """Return (V, 3) unit normals under another camera, in pixels' axes (y down, z to the viewer)."""
        own, other = self.normals @ self.camera.rotation.T, self.normals @ camera.rotation.T
        share = self.rigid[:, None]
        mixed = (share * other + (1 - share) * own) * FLIP
        return np.asarray(mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9))
