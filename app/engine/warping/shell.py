"""Builds the source mesh: the face's landmarks, and around them rings of vertices for head, hair and neck."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.indices import CHIN
from app.engine.face.parameters import Camera, FittedFace
from app.engine.head.skull import smoothstep
from app.engine.warping.topology import N_FACE, N_MESH, N_OVAL, N_RINGS, OVAL, RING_DISTANCES

FloatArray = NDArray[np.float64]

# IOD from the middle of the face to the head's centre, whose depth the outline has: an outline moves with the head, not
# with the skin (docs/mesh-warp.md, “Pose”).
HEAD_CENTRE = (0.0, -0.05, -1.5)
# IOD outside the face's oval at which a head ends, least and greatest; chosen by eye on the sheets of tools/sheets.py.
SILHOUETTE = (0.75, 1.05)
# Greatest IOD from the oval to a person's outline; hair further out belongs to the sheet of `warping.hair`.
LONGEST_MARGIN = 1.6


@dataclass(frozen=True, eq=False)
class SourceMesh:
    """The 900 mesh vertices of one photo.

    A spoke is the line of ring vertices that starts at one of the oval's 36 vertices. points: (900, 3) px, z to the
    viewer; rigid: (900,) share of the head's motion that a vertex takes part in; depth: (900,) 0 at the oval's depth to
    1 at that of the head's centre; body: (900,) share of the body's motion; follow: (900,) share of the expression of
    the oval vertex at the spoke's start; spoke: (900,) the index of that vertex; margin: (36,) IOD from the oval to
    where the photo shows the person's outline; camera: the photo's; centre: (3,) the middle of the face in model
    space; iod: px between the eyes.
    """

    points: FloatArray
    rigid: FloatArray
    depth: FloatArray
    body: FloatArray
    follow: FloatArray
    spoke: NDArray[np.int64]
    margin: FloatArray
    camera: Camera
    centre: FloatArray
    iod: float


def _blur_spokes(values: FloatArray, sigma: float) -> FloatArray:
    """Return values (36,) blurred around the oval; sigma: in spokes."""
    offsets = np.arange(-9, 10)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    rolled = np.stack([np.roll(values, int(k)) for k in offsets])
    return np.asarray((kernel / kernel.sum()) @ rolled)


def _directions(oval: FloatArray, centre: FloatArray) -> FloatArray:
    """Return (36, 2) unit directions of the spokes, which turn steadily even where a turned face's oval folds."""
    angles = np.unwrap(np.arctan2(*(oval - centre).T[::-1]))
    turn = np.sign(angles[-1] - angles[0]) or 1.0
    even = angles.mean() + turn * 2 * np.pi * (np.arange(N_OVAL) - (N_OVAL - 1) / 2) / N_OVAL
    offset = np.clip(_blur_spokes(angles - even, 1.5), -0.6, 0.6)
    steady = even + offset
    return np.stack([np.cos(steady), np.sin(steady)], axis=1)


def _hull_reach(points: FloatArray, centre: FloatArray, directions: FloatArray) -> FloatArray:
    """Return the distances (36,) px from the centre to the convex hull of points (N, 2), along directions (36, 2)."""
    hull = cv2.convexHull(points.astype(np.float32))[:, 0].astype(float) - centre
    edge = np.roll(hull, -1, axis=0) - hull
    cross = directions[:, None, 0] * edge[None, :, 1] - directions[:, None, 1] * edge[None, :, 0]
    safe = np.where(np.abs(cross) < 1e-9, 1e-9, cross)
    along = (hull[None, :, 0] * edge[None, :, 1] - hull[None, :, 1] * edge[None, :, 0]) / safe
    share = (hull[None, :, 0] * directions[:, None, 1] - hull[None, :, 1] * directions[:, None, 0]) / safe
    valid = (along > 0) & (share >= -1e-6) & (share <= 1 + 1e-6)
    return np.asarray(np.max(np.where(valid, along, 0), axis=1))


def _margin(matte: NDArray[np.float32], start: FloatArray, directions: FloatArray, iod: float) -> FloatArray:
    """Return (36,) IOD from the oval to where the person ends, at most LONGEST_MARGIN."""
    steps = np.linspace(0, LONGEST_MARGIN, 32)
    at = start[:, None] + directions[:, None] * (steps * iod)[None, :, None]
    x = np.clip(np.round(at[..., 0]).astype(int), 0, matte.shape[1] - 1)
    y = np.clip(np.round(at[..., 1]).astype(int), 0, matte.shape[0] - 1)
    outside = matte[y, x] < 0.5
    return np.asarray(np.where(outside.any(axis=1), steps[np.argmax(outside, axis=1)], LONGEST_MARGIN))


def border_share(points: FloatArray, matte: NDArray[np.float32], margin: float) -> FloatArray:
    """Return shares (N,) of motion: 0 where the photo's edge cuts the person off and outside the photo, 1 from `margin`
    px inside that edge on.

    points: (N, >= 2) px; matte: (H, W) in [0, 1]. Where the edge cuts nobody off nothing could tear, so hair that
    comes near it moves with the head.
    """
    height, width = matte.shape
    x, y = points[:, 0], points[:, 1]
    column, row = (np.clip(v.astype(int), 0, end - 1) for v, end in ((x, width), (y, height)))
    strip = max(1, round(0.1 * margin))
    sides = (
        (x, matte[:, :strip].max(axis=1), row),
        (width - x, matte[:, -strip:].max(axis=1), row),
        (y, matte[:strip].max(axis=0), column),
        (height - y, matte[-strip:].max(axis=0), column),
    )
    share = np.ones(len(points))
    for inside, person, along in sides:
        share = np.minimum(share, 1 - _spread(person, margin)[along] * (1 - smoothstep(0, margin, inside)))
    return share


def _spread(line: NDArray[np.float32], reach: float) -> FloatArray:
    """Return the greatest value along an edge (N,) within reach / 2 px to both sides, with soft ends."""
    wide = cv2.dilate(line.reshape(-1, 1), np.ones((2 * round(reach / 2) + 1, 1)))
    return np.asarray(cv2.blur(wide, (1, 2 * round(reach / 4) + 1)).ravel(), np.float64)


def source_mesh(face: FittedFace, matte: NDArray[np.float32]) -> SourceMesh:
    """Return the source mesh of one face; matte: (H, W) in [0, 1] of the person."""
    camera = face.params.camera
    points = face.landmarks[:N_FACE]
    iod = camera.scale
    middle = camera.unproject(points).mean(axis=0)
    oval = points[list(OVAL)]
    centre = points[:, :2].mean(axis=0)
    directions = _directions(oval[:, :2], centre)
    own = np.einsum("sk,sk->s", oval[:, :2] - centre, directions)
    start = np.maximum(own, _hull_reach(points[:, :2], centre, directions))
    base = centre + directions * start[:, None]
    margin = _margin(matte, base, directions, iod)
    reach = _blur_spokes(np.clip(margin, *SILHOUETTE), 1.2)
    head = camera.project(middle + np.array([HEAD_CENTRE]))[0]

    distance = np.array(RING_DISTANCES)[:, None]
    round_ = np.sqrt(np.clip(1 - (distance / reach[None]) ** 2, 0, 1))
    z = head[2] + (oval[None, :, 2] - head[2]) * round_
    # Near the oval a spoke starts at its own vertex; further out it bends to its steady direction.
    join = smoothstep(0, 0.4, distance)[..., None]
    own_base = oval[None, :, :2] + directions[None] * (start - own)[None, :, None]
    xy = own_base * (1 - join) + base[None] * join + directions[None] * distance[..., None] * iod
    rings = np.concatenate([xy, z[..., None]], axis=2).reshape(-1, 3)
    depth = np.concatenate([np.zeros(N_FACE), (1 - round_).ravel()])
    return _weighted(points, rings, depth, camera, middle, margin, matte)


def _weighted(
    points: FloatArray,
    rings: FloatArray,
    depth: FloatArray,
    camera: Camera,
    middle: FloatArray,
    margin: FloatArray,
    matte: NDArray[np.float32],
) -> SourceMesh:
    """Return the mesh of face points (468, 3) and ring points (432, 3), with their shares of all motions.

    depth: (900,) of `SourceMesh`; middle: (3,) the face's, in model space; margin: (36,) IOD.
    """
    iod = camera.scale
    distance = np.repeat(RING_DISTANCES, N_OVAL)
    down = camera.rotation[:2, 1] * np.array([-1.0, 1.0])
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    below = (rings[:, :2] - points[CHIN, :2]) @ down / iod
    everything = np.concatenate([points, rings])
    border = border_share(everything, matte, 0.6 * iod)
    border[:N_FACE] = border_share(points, matte, 0.15 * iod)
    border[-N_OVAL:] = 0
    rigid = np.ones(N_MESH)
    rigid[N_FACE:] = (1 - smoothstep(-0.4, 0.9, below)) * (1 - smoothstep(1.7, 2.5, distance))
    body = np.zeros(N_MESH)
    body[N_FACE:] = 1 - smoothstep(2, 6, distance)
    follow = np.ones(N_MESH)
    follow[N_FACE:] = np.exp(-((distance / 0.45) ** 2)) * (distance < 0.7)
    spoke = np.concatenate([np.arange(N_FACE), np.tile(OVAL, N_RINGS)])
    return SourceMesh(
        everything, rigid * border, depth, body * border, follow, spoke, margin, camera, middle, iod
    )
