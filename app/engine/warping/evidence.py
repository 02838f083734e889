"""What the mesh warp knows about its own picture: where its texture comes from, and where it has none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera
from app.engine.squares.crop import Square
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.lids import lid_gap
from app.engine.warping.posing import FaceSource, Posed, lip_gap, mouth_width
from app.engine.warping.shell import smoothstep
from app.engine.warping.topology import LOWER_LIP, N_FACE, N_MESH, UPPER_LIP, topology

SIZE = 128  # of the layers, half of the refiner's work size
MARGIN = 1.64  # side of the square over the face's longer side, about that of `reenactment.head_square`
LAYERS = ("x", "y", "z", "flow_x", "flow_y", "stretch", "valid", "opening", "matte", "gate")
FACTS = 11
RANGE = 24.0  # px of `SIZE` that flow 1 stands for
VALID = (0.25, 0.6)  # of the texture's own size from which it counts as seen
STILL = (0.02, 0.4)  # px of `SIZE`: less is not moved, more is
FADE = 6  # px of `SIZE` over which the gate closes at the square's border
LEAST_EDIT = 0.03  # IOD: smaller edits open the gate in part
# Gap over width of the inner lips: 95 in 100 mouths of the training portraits are narrower than the first and one in
# 100 is wider than 0.25. What nobody showed is left to the warp, which draws it.
WIDE_MOUTH = (0.22, 0.30)
LIPS = 9  # px of `SIZE` about the inner lips that belong to the mouth


@dataclass(frozen=True, eq=False)
class Evidence:
    """One frame's layers in a square of the picture.

    planes: (10, 128, 128) by LAYERS: the NMFC, the warp's displacement (source - target, 1 = 24 px), log8 of the
    texture's magnification (-1 where it faces away), how much of it the photo shows, eye and mouth openings, the
    person, and the gate: where anything moves at all (0 at the square's border and about mouths wider than any that
    was learnt from); facts: (11,) turn and target yaw, pitch, roll,
    lip gaps, lid closures, each about 1 at its largest.
    """

    planes: Float32
    facts: Float32
    square: Square


def face_square(points: FloatArray) -> Square:
    """The square around a posed face's (>= 468, 2) points, px."""
    low, high = points[:N_FACE, :2].min(axis=0), points[:N_FACE, :2].max(axis=0)
    side = max(8, round(MARGIN * float((high - low).max())))
    centre = (low + high) / 2
    return Square(round(float(centre[0]) - side / 2), round(float(centre[1]) - side / 2), side)


@cache
def _colours() -> Float32:
    """(T, 3) the NMFC's colours of the fine triangles; 0 on the shell and the openings."""
    mesh = topology()
    colours = np.zeros((len(mesh.triangles), 3), np.float32)
    colours[mesh.layer == 1] = np.repeat(default_model().nmfc_colours(), 4, axis=0)
    return colours


def _ids(fine: FloatArray, square: Square) -> NDArray[np.int16]:
    """(128, 128) the front triangle at each pixel of the square, -1 where there is none."""
    from app.engine.warping.kernels import fill_ids

    mesh = topology()
    target = np.ascontiguousarray(_in_square(fine[:, :2], square), np.float32)
    z, (a, b, c) = fine[:, 2], mesh.triangles.T
    order = np.lexsort((z[a] + z[b] + z[c], mesh.layer))
    ids = np.full((SIZE, SIZE), -1, np.int16)
    fill_ids(0, SIZE, 0, SIZE, target, mesh.triangles, order, ids)
    return ids


def _in_square(points: FloatArray, square: Square) -> FloatArray:
    """Photo pixels to index coordinates of the layers."""
    return np.asarray((points - [square.x, square.y]) * (SIZE / square.side) - 0.5)


def portrait_layers(face: FaceSource, texture: NDArray[Any]) -> Float32:
    """(6, 128, 128) once per portrait: the photo in [-1, 1] and its own NMFC, in the photo's own square."""
    square = face_square(face.mesh.points)
    top = 65535 if texture.dtype == np.uint16 else 255
    photo = cut_square(texture[..., :3], square, SIZE).astype(np.float32) * (2 / top) - 1
    ids = _ids(topology().smooth @ face.mesh.points, square)
    colours = np.where((ids >= 0)[..., None], _colours()[ids], 0)
    return np.ascontiguousarray(np.concatenate([photo, colours], axis=2).transpose(2, 0, 1), np.float32)


def cut_square(picture: NDArray[Any], square: Square, size: int) -> NDArray[Any]:
    """(size, size, C) of a picture; beyond its edge its border goes on."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = square.inside(width, height)
    end_x, end_y = square.x + square.side, square.y + square.side
    part = picture[y0:y1, x0:x1]
    if part.size == 0:
        return np.zeros((size, size, picture.shape[2]), picture.dtype)
    if part.shape[:2] != (square.side, square.side):
        borders = (y0 - square.y, end_y - y1, x0 - square.x, end_x - x1)
        part = cv2.copyMakeBorder(part, *borders, borderType=cv2.BORDER_REPLICATE)
    filtering = cv2.INTER_AREA if square.side > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (size, size), interpolation=filtering))


def evidence(
    face: FaceSource, posed: Posed, hidden: FloatArray, texture: NDArray[Any], hold: NDArray[np.uint8]
) -> Evidence:
    """The layers of one posed face.

    hidden: (468,) 1 where the photo does not show a vertex; texture: (H, W, 4) photo and matte; hold: (H, W) 255 where
    things may move, or (0, 0).
    """
    from app.engine.warping.evidence_kernels import texture_layers

    square = face_square(posed.points)
    mesh = topology()
    ids = _ids(posed.fine, square)
    source = _in_square(mesh.smooth @ face.mesh.points[:, :2], square)
    target = _in_square(posed.fine[:, :2], square)
    coarse = np.zeros(N_MESH)
    coarse[:N_FACE] = hidden
    flow = np.empty((SIZE, SIZE, 2), np.float32)
    stretch, seen = np.empty((2, SIZE, SIZE), np.float32)
    texture_layers(
        ids, source, target, mesh.triangles, mesh.smooth @ coarse, np.array(VALID), flow, stretch, seen
    )
    inside = ids >= 0
    colours = np.where(inside[..., None], _colours()[ids], 0)
    opening = inside & (mesh.layer[ids] == 2)
    matte, free = _at_source(flow, square, texture, hold)
    most = float(np.abs(source - target).max()) * square.side / SIZE / face.mesh.iod
    gate = _gate(flow, opening) * free * min(1.0, most / LEAST_EDIT) * _known_mouth(face, posed, ids)
    planes = np.stack(
        [
            *colours.transpose(2, 0, 1),
            *np.clip(flow / RANGE, -2, 2).transpose(2, 0, 1),
            stretch,
            seen,
            opening,
            matte,
            gate,
        ]
    )
    return Evidence(planes.astype(np.float32), _facts(face, posed), square)


def _at_source(
    flow: Float32, square: Square, texture: NDArray[Any], hold: NDArray[np.uint8]
) -> tuple[Float32, Float32]:
    """(128, 128) the matte that the warp fetches, and where the picture may move."""
    scale = square.side / SIZE
    y, x = np.indices(flow.shape[:2], np.float32) + np.float32(0.5)
    height, width = texture.shape[:2]
    at_x = np.clip((square.x + (x + flow[..., 0]) * scale).astype(int), 0, width - 1)
    at_y = np.clip((square.y + (y + flow[..., 1]) * scale).astype(int), 0, height - 1)
    top = 65535 if texture.dtype == np.uint16 else 255
    matte = texture[at_y, at_x, 3].astype(np.float32) / top
    if not hold.size:
        return matte, np.ones_like(matte)
    own_x = np.clip((square.x + x * scale).astype(int), 0, width - 1)
    own_y = np.clip((square.y + y * scale).astype(int), 0, height - 1)
    return matte, hold[own_y, own_x].astype(np.float32) / 255


def _gate(flow: Float32, opening: NDArray[np.bool_]) -> Float32:
    """(128, 128) 1 where the picture moves, softly; 0 at the square's border."""
    moved = smoothstep(*STILL, np.abs(flow).max(axis=2).astype(float)).astype(np.float32)
    moved = cv2.blur(np.maximum(moved, opening.astype(np.float32)), (5, 5))
    ramp = np.clip((np.minimum(np.arange(SIZE), np.arange(SIZE)[::-1]) / FADE), 0, 1).astype(np.float32)
    return np.asarray(moved * np.minimum(ramp[:, None], ramp[None]), np.float32)


@cache
def _inner_mouth() -> NDArray[np.bool_]:
    """(T,) the triangles between the lips."""
    mesh = topology()
    between = np.isin(mesh.coarse, (*UPPER_LIP, *LOWER_LIP)).all(axis=1)
    return np.asarray(np.repeat(between, 4) & (mesh.layer == 2))


def _known_mouth(face: FaceSource, posed: Posed, ids: NDArray[np.int16]) -> Float32:
    """(128, 128) 1, and 0 in and about a mouth opened wider than WIDE_MOUTH."""
    moved = face.points + posed.offsets
    wide = smoothstep(*WIDE_MOUTH, np.array([lip_gap(moved) / max(mouth_width(moved), 1e-6)]))[0]
    if wide == 0:
        return np.ones(ids.shape, np.float32)
    mouth = ((ids >= 0) & _inner_mouth()[ids]).astype(np.float32)
    about = cv2.dilate(mouth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * LIPS + 1, 2 * LIPS + 1)))
    return np.asarray(1 - np.float32(wide) * cv2.blur(about, (5, 5)), np.float32)


def _facts(face: FaceSource, posed: Posed) -> Float32:
    before: Camera = face.params.camera
    turn = np.subtract(posed.camera.angles, before.angles)
    moved = face.points + posed.offsets
    lids = [lid_gap(moved, side)[:, 1].mean() for side in (0, 1)]
    facts = [
        *(turn / 30),
        *(np.array(posed.camera.angles) / 30),
        lip_gap(face.points) * 4,
        lip_gap(moved) * 4,
    ]
    return np.array([*facts, float(np.mean(lids)) * 8, *posed.closures], np.float32)
