"""Make assets/head_model/head.npz from ICT-FaceKit's light model (MIT): `build_head_model.py ICT_FOLDER OUT`.

ICT_FOLDER holds `ict_full_fp16.npz` (all of FaceXModel/*.obj in one file: the neutral face as absolute
positions, the shapes as differences from it). The file's fields are described in `app.engine.head.model`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.engine.face.carrying import DenseModel, registered
from app.engine.face.morphable_model import default_model
from app.engine.head.raster import rasterised
from tools.head_atlas import Floats, Ints, cut, flattened, loops, seam
from tools.subdivision import subdivided

HEAD = 11248  # number of ICT's first vertices, which are face, head and neck
PARTS = {
    "socket": (11248, 13294),
    "gums": (14062, 17039),
    "teeth": (17039, 21451),
    "eyeballs": (21451, 24591),
}
# Cm; beyond these the shoulders would begin.
NECK_Y, NECK_SIDE, NAPE_Y, NECK_BACK, NECK_END = -6.3, 6.6, -8.5, -6.0, -12.5
RIGID = (-11.5, -6.5)  # cm of y + 0.25 z; between these, motion goes from the body's to the head's
# cm: height up to which the same lasts on the nape, and the depths (z) between which that goes over to the throat's
# height. Half of a turn lies between the first two vertebrae, the other half is spread over the whole neck.
NAPE_TURNS, THROAT = -3.0, (0.0, 3.0)
EAR_NEAR, EAR_SIDE = 1.5, 7.4  # cm from what ICT's texture calls an ear, and from the head's middle
OPENED = 0.6  # share of jawOpen at which the two lips are told apart
REACH = 9.5  # cm from the face's landmarks at which their motion has died out (1.5 eye distances)
SKY, FROM_ABOVE = 400, 0.6  # directions from which light falls, and how much more of it falls from above
SHADOW_GRID = 20.0  # px per cm of the depth map that finds shadows
SHADOW_BIAS = 0.12  # cm; a place so far behind the nearest one is in shadow


def triangulated(quads: Ints) -> Ints:
    """Return the triangles of quads; a quad whose fourth corner is -1 is a triangle."""
    four = quads[:, 3] >= 0
    return np.concatenate([quads[:, :3], quads[four][:, [0, 2, 3]]])


def neck_cut(points: Floats, triangles: Ints) -> Ints:
    """Return the triangles of the largest piece that is left once the shoulders are cut off."""
    corner = points[triangles]
    y, x, z = corner[..., 1].mean(1), np.abs(corner[..., 0]).mean(1), corner[..., 2].mean(1)
    kept = ~(((y < NECK_Y) & (x > NECK_SIDE)) | ((y < NAPE_Y) & (z < NECK_BACK)) | (y < NECK_END))
    triangles = triangles[kept]
    joined = sparse.coo_matrix(
        (np.ones(len(triangles) * 3), (triangles.ravel(), np.roll(triangles, 1, 1).ravel())),
        (len(points),) * 2,
    )
    _, label = connected_components(joined, directed=False)
    return triangles[label[triangles[:, 0]] == np.bincount(label[triangles[:, 0]]).argmax()]


def closed(points: Floats, triangles: Ints) -> tuple[Ints, list[list[int]], list[int]]:
    """Return the triangles with mouth and eyes closed by fans to new vertices, the loops of these holes, and
    the neck's loop.
    """
    found = sorted(loops(triangles), key=len)
    neck = max(found, key=lambda loop: len(loop) if points[loop][:, 1].mean() < -5 else 0)
    holes = [loop for loop in found if loop is not neck and len(loop) > 20]
    # Mouth, right eye, left eye.
    holes.sort(key=lambda loop: (points[loop][:, 1].mean() > 0, points[loop][:, 0].mean()))
    fans = []
    for k, loop in enumerate(holes):
        fans += [(loop[(i + 1) % len(loop)], loop[i], len(points) + k) for i in range(len(loop))]
    return np.concatenate([triangles, np.array(fans)]), holes, neck


def bound(points: Floats, opened: Floats, triangles: Ints, weights: Floats) -> sparse.csr_matrix:
    """Return (V, 468), which says how each head vertex follows motions of our 468 vertices.

    On the subdivided face it follows them exactly; beyond the face the motion dies out.
    """
    model = default_model()
    ours = weights @ opened
    faces, smooth = subdivided(model.triangles)
    fine = smooth @ ours
    rest = np.asarray(smooth @ (weights @ points))
    corner, share, distance = closest(opened, fine, faces)
    inside = distance < 0.35
    # Only the face's own surface is used: not the ear, and not what lies beyond the oval.
    oval = rim(model.triangles)
    edge = np.where(np.isin(corner, oval), share, 0).sum(1) > 0.999
    inside &= ~edge
    rows = np.repeat(np.flatnonzero(inside), 3)
    direct = sparse.coo_matrix(
        (share[inside].ravel(), (rows, corner[inside].ravel())), (len(points), len(fine))
    )
    direct = (direct.tocsr() @ smooth).tocsr()
    far = cKDTree(rest).query(points)[0] > REACH
    free = np.flatnonzero(~inside & ~far)
    a, b = triangles.ravel(), np.roll(triangles, 1, 1).ravel()
    graph = sparse.coo_matrix((np.ones(len(a)), (a, b)), (len(points),) * 2).tocsr()
    graph = ((graph + graph.T) > 0).astype(float)
    laplace = sparse.diags(np.asarray(graph.sum(1)).ravel()) - graph
    known = np.flatnonzero(inside)
    solved = splu((laplace + 2e-3 * sparse.eye(len(points))).tocsr()[free][:, free].tocsc()).solve(
        np.asarray((-laplace[free][:, known] @ direct[known]).todense())
    )
    solved[np.abs(solved) < 2e-3] = 0
    place = sparse.coo_matrix((np.ones(len(free)), (free, np.arange(len(free)))), (len(points), len(free)))
    return (direct + place.tocsr() @ sparse.csr_matrix(solved)).tocsr()


def openness(points: Floats, triangles: Ints) -> Floats:
    """Return (V,) the ambient occlusion: the share of an overcast sky's light that reaches each vertex past
    the rest of the head.
    """
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normals = np.zeros_like(points)
    for k in range(3):
        np.add.at(normals, triangles[:, k], np.cross(b - a, c - a))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    step = np.arange(SKY) + 0.5
    height, around = 1 - 2 * step / SKY, np.pi * (1 + 5**0.5) * step
    flat = np.sqrt(1 - height**2)
    reached, total = np.zeros(len(points)), np.zeros(len(points))
    for sky in np.stack([flat * np.cos(around), height, flat * np.sin(around)], 1):
        across = np.cross([0.0, 1.0, 0.0] if abs(sky[1]) < 0.9 else [1.0, 0.0, 0.0], sky)
        across /= np.linalg.norm(across)
        seen = points @ np.stack([across, -np.cross(sky, across), sky], 1) * SHADOW_GRID
        seen[:, :2] -= seen[:, :2].min(0) - 2
        width, rows = (int(v) + 3 for v in seen[:, :2].max(0))
        _, depth = rasterised(seen, triangles.astype(np.int32), (0, 0, width, rows), False)
        x, y = np.floor(seen[:, :2]).astype(int).T
        light = np.maximum(normals @ sky, 0) * (1 + FROM_ABOVE * sky[1])
        total += light
        reached += light * (seen[:, 2] > depth[y, x] - SHADOW_BIAS * SHADOW_GRID)
    return np.asarray(reached / np.maximum(total, 1e-9))


def rim(triangles: Ints) -> Ints:
    """Return the vertices of the longest border loop, in order."""
    return np.array(max(loops(triangles.astype(int)), key=len))


def closest(points: Floats, vertices: Floats, faces: Ints) -> tuple[Ints, Floats, Floats]:
    """Return, for each point, the corners of the nearest triangle, the point's barycentric share there, and
    the distance.
    """
    import trimesh

    mesh = trimesh.Trimesh(vertices, faces, process=False)
    corner, share, distance = [], [], []
    for start in range(0, len(points), 1000):
        near, d, index = trimesh.proximity.closest_point_naive(mesh, points[start : start + 1000])
        corner.append(faces[index])
        share.append(trimesh.triangles.points_to_barycentric(vertices[faces[index]], near))
        distance.append(d)
    return np.concatenate(corner), np.concatenate(share), np.concatenate(distance)


def packed(shapes: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return shapes in 8 bits, each with its own step, and the steps."""
    step = np.maximum(np.abs(shapes).max(axis=(1, 2)), 1e-9) / 127
    return np.round(shapes / step[:, None, None]).astype(np.int8), step.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Surface:
    """ICT's head cut at the neck and closed at mouth and eyes.

    points: (V, 3) cm; triangles: (T, 3); shapes: (S, V, 3); holes: the closed loops; neck: the border that
    stays open; kept: the numbers of ICT's vertices that are still here, without the new ones in the middles
    of the loops; index: ICT's vertex -> ours, -1 where it is gone.
    """

    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    shapes: NDArray[np.float32]
    holes: list[NDArray[np.int64]]
    neck: NDArray[np.int64]
    kept: NDArray[np.int64]
    index: NDArray[np.int64]


def surface_of(ict: Any) -> Surface:
    """Return ICT's head cut at the neck and closed at mouth and eyes."""
    quads = ict["faces"].astype(np.int64)
    points = ict["neutral"].astype(float)[:HEAD]
    triangles = neck_cut(points, triangulated(quads[(quads < HEAD).all(1)]))
    kept = np.unique(triangles)
    index = np.full(HEAD, -1)
    index[kept] = np.arange(len(kept))
    points, triangles = points[kept], index[triangles]
    triangles, holes, neck = closed(points, triangles)
    print(
        f"{len(points)} vertices, {len(triangles)} triangles, loops {[len(h) for h in holes]}, neck {len(neck)}"
    )
    own = np.concatenate([ict["id_delta"], ict["expr_delta"]]).astype(np.float32)[:, kept]
    centres = [points[hole].mean(0) for hole in holes]
    own = np.concatenate([own, np.stack([own[:, hole].mean(1) for hole in holes], 1)], 1)
    return Surface(np.concatenate([points, centres]), triangles, own, holes, neck, kept, index)


def ears_of(ict: Any, head: Surface) -> NDArray[np.bool_]:
    """Return (V,) which vertices are ears, by their place in ICT's texture, or by being near such a vertex
    and as far out.
    """
    quads, points, kept = ict["faces"].astype(np.int64), head.points, head.kept
    head_quads = quads[(quads < HEAD).all(1)]
    uv = np.zeros((HEAD, 2))
    uv[head_quads.ravel()] = 0
    faces_uv = ict["faces_uv"].astype(np.int64)[(quads < HEAD).all(1)]
    used = head_quads >= 0
    uv[head_quads[used]] = ict["uv"][faces_uv[used]]
    u, v = uv[kept].T
    ear = np.zeros(len(points), bool)
    ear[: len(kept)] = ((u < 0.125) | ((u > 0.875) & (u <= 1))) & (v > 0.44) & (v < 0.70) & (kept < 9409)
    near = cKDTree(points[ear]).query(points)[0] < EAR_NEAR
    return np.asarray(ear | (near & (np.abs(points[:, 0]) > EAR_SIDE)))


def inner_parts(ict: Any) -> dict[str, NDArray[Any]]:
    """Return eyeballs, teeth, gums, tongue and the mouth's socket, in the form in which the asset has them."""
    everything, quads = ict["neutral"].astype(float), ict["faces"].astype(np.int64)
    points, triangles, label, offset = [], [], [], 0
    for number, (first, last) in enumerate(PARTS.values()):
        faces = triangulated(quads[((quads >= first) | (quads == -1)).all(1) & (quads < last).all(1)])
        points.append(everything[first:last])
        triangles.append(faces - first + offset)
        label.append(np.full(last - first, number))
        offset += last - first
    return {
        "inner_points": np.concatenate(points).astype(np.float32),
        "inner_triangles": np.concatenate(triangles).astype(np.int32),
        "inner_label": np.concatenate(label).astype(np.int8),
        "inner_names": np.array(list(PARTS)),
    }


def ties(ict: Any, head: Surface, names: list[str]) -> dict[str, NDArray[Any]]:
    """Return how our 468 vertices lie on the head, how they carry it, and how far each head vertex is from
    them.
    """
    landmarks = head.index[ict["landmarks68"]]
    identity, none = head.shapes[:100].astype(float), np.zeros((0, len(head.points), 3))
    _, weights, _, _ = registered(
        DenseModel(head.points, identity, none, landmarks=landmarks), default_model().mean
    )
    opened = head.points + OPENED * head.shapes[100 + names.index("jawOpen")]
    binding = bound(head.points, opened, head.triangles, weights)
    print(f"binding: {binding.nnz} weights")
    binding.sort_indices()
    rows, columns = np.nonzero(weights)
    return {
        "weight_rows": rows.astype(np.int16),
        "weight_columns": columns.astype(np.int16),
        "weight_values": weights[rows, columns].astype(np.float32),
        "bind_indptr": binding.indptr.astype(np.int32),
        "bind_indices": binding.indices.astype(np.int16),
        "bind_values": binding.data.astype(np.float32),
        "distance": cKDTree(weights @ head.points).query(head.points)[0].astype(np.float32),
    }


def rigid(points: Floats) -> Floats:
    """Return (V,) the share of the head's motion that points (V, 3) cm take part in."""
    _, y, z = points.T
    low, high = (end - 0.25 * z for end in RIGID)
    throat = np.clip((z - THROAT[0]) / (THROAT[1] - THROAT[0]), 0, 1)
    high = np.maximum(high, NAPE_TURNS + throat * (high - NAPE_TURNS))
    share = np.clip((y - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def main(folder: Path, out: Path) -> None:
    ict = np.load(folder / "ict_full_fp16.npz", allow_pickle=False)
    names = [str(n) for n in ict["expr_names"]]
    head = surface_of(ict)
    points, triangles, holes = head.points, head.triangles, head.holes
    path = seam(points, triangles, head.neck)
    corners, base = cut(points, triangles, path)
    print(f"seam of {len(path)}; flattening")
    atlas = flattened(points[base], corners)
    error, mirror = cKDTree(points).query(points * [-1, 1, 1])
    print(
        f"mirror: error {error.max():.4f} cm, involution {np.mean(mirror[mirror] == np.arange(len(mirror))):.4f}"
    )
    shape8, step = packed(head.shapes)
    np.savez_compressed(
        out,
        points=points.astype(np.float32),
        triangles=triangles.astype(np.int32),
        corners=corners.astype(np.int32),
        base=base.astype(np.int32),
        atlas=atlas.astype(np.float32),
        mirror=mirror.astype(np.int32),
        shapes=shape8,
        step=step,
        n_identity=np.int32(100),
        rigid=rigid(points).astype(np.float32),
        ear=ears_of(ict, head),
        loops=np.concatenate(holes).astype(np.int32),
        loop_sizes=np.array([len(h) for h in holes], np.int32),
        openness=openness(points, triangles).astype(np.float32),
        face=np.concatenate([head.kept < 9409, np.ones(len(holes), bool)]),
        **ties(ict, head, names),
        **inner_parts(ict),
    )
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
