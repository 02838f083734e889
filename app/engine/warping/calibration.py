"""What must be asked of the geometry so that a fresh fit of the picture measures what the user asked."""

from __future__ import annotations

from app.engine.face.parameters import Camera, Expression, FaceParams


def calibrated(source: FaceParams, target: FaceParams) -> tuple[Camera, Expression]:
    """Camera and expression to draw for a target; the source's own for the source's own."""
    return target.camera, target.expression
