"""Take teeth, gums and tongue out of ICT-FaceKit (MIT) for `app.engine.warping.teeth`.

    python tools/build_mouth.py [ICT_NPZ]

It writes assets/mouth/mouth.npz in eye distances: y points up, z to the viewer, and the origin is the middle
of the upper incisors' edge. Its fields are points (V, 3); jaw (V, 3), how far each point goes when the jaw
drops by one eye distance at the lower incisors' edge; part (V,), 0 for tooth, 1 for gum and 2 for tongue;
colours (V, 3), 0 to 255 in white light; triangles (T, 3); and rest, how far the lower incisors' edge lies
above the upper's when the teeth are closed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.face.carrying import DenseModel, registered  # noqa: E402
from app.engine.face.morphable_model import default_model  # noqa: E402

FACE = 9409  # number of ICT's first vertices, which are the face
# Vertex ranges of the light model (vertex_indices.json).
GUMS, UPPER, LOWER = (14062, 17039), (17039, 19247), (19247, 21451)
BACK = 3.5  # cm; what lies further back is never seen
IVORY, ROOT_IVORY, EDGE_IVORY = np.array(
    [[239.0, 231.0, 214.0], [226.0, 207.0, 176.0], [224.0, 222.0, 216.0]]
)
GUM, TONGUE = np.array([186.0, 108.0, 104.0]), np.array([182.0, 100.0, 98.0])
FLOAT = NDArray[np.float64]


def triangles_of(faces: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the triangles of the quads inside the mouth."""
    first = faces[:, 0]
    quads = faces[(first >= GUMS[0]) & (first < LOWER[1])]
    halves = np.concatenate([quads[:, [0, 1, 2]], quads[quads[:, 3] >= 0][:, [0, 2, 3]]])
    return np.asarray(halves, np.int32)


def colours_of(points: FLOAT, part: NDArray[np.uint8], tooth: NDArray[np.int64]) -> FLOAT:
    """Return colours (V, 3): teeth are warmer at the root and clearer at the edge, and back teeth are darker."""
    colours = np.where((part == 2)[:, None], TONGUE, GUM) * np.ones((len(points), 1))
    for k in np.unique(tooth[tooth >= 0]):
        own = tooth == k
        y = points[own, 1]
        upper = y.mean() > -3.5
        crown = 0.95  # cm
        from_edge = np.clip(((y - y.min()) if upper else (y.max() - y)) / crown, 0, 1)[:, None]
        body = IVORY + np.clip((from_edge - 0.45) / 0.55, 0, 1) * (ROOT_IVORY - IVORY)
        body = body + np.clip(1 - from_edge / 0.18, 0, 1) * (EDGE_IVORY - body)
        colours[own] = body * (1 - 0.05 * abs(points[own, 0].mean()) / 3)
    return colours


def main(source: Path) -> None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    with np.load(source, allow_pickle=False) as data:
        vertices, faces = data["neutral"].astype(float), data["faces"]
        names = [str(name) for name in data["expr_names"]]
        jaw = data["expr_delta"][names.index("jawOpen")].astype(float)
        dense = DenseModel(
            vertices[:FACE],
            data["id_delta"][:, :FACE].astype(float),
            np.zeros((0, FACE, 3)),
            landmarks=data["landmarks68"].astype(np.int64),
        )
    _, _, scale, rotation = registered(dense, default_model().mean)
    triangles = triangles_of(faces)
    triangles = triangles[(vertices[triangles, 2] > BACK).all(axis=1)]
    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    points, jaw = vertices[used], jaw[used]
    is_tooth = used >= UPPER[0]
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(used), len(used)))
    tooth = np.where(is_tooth, connected_components(graph, directed=False)[1], -1)
    part = np.where(is_tooth, 0, np.where(tongue(points, jaw, is_tooth), 2, 1)).astype(np.uint8)
    colours = colours_of(points, part, tooth)
    upper, lower = is_tooth & (used < UPPER[1]), is_tooth & (used >= LOWER[0])
    front = np.abs(points[:, 0]) < 0.9
    edge = points[upper & front][:, 1].min()
    low_edge = points[lower & front][:, 1].max()
    at = np.array([0.0, edge, points[upper & front][:, 2].max()])
    tip = lower & front & (points[:, 1] > low_edge - 0.05)
    moved = scale * jaw @ rotation.T
    moved /= -moved[tip, 1].mean()
    path = ROOT / "assets" / "mouth" / "mouth.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(
        temporary,
        points=(scale * (points - at) @ rotation.T).astype(np.float32),
        jaw=moved.astype(np.float16),
        part=part,
        colours=np.round(colours).astype(np.uint8),
        triangles=triangles.astype(np.uint16),
        rest=np.float32(scale * (low_edge - edge)),
    )
    os.replace(temporary, path)
    print(path, path.stat().st_size, len(points), len(triangles))


def tongue(points: FLOAT, jaw: FLOAT, is_tooth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (V,) which vertices of the mesh that gums and tongue share are the tongue.

    The tongue lies inside the lower row of teeth and moves with the jaw.
    """
    from scipy.spatial import cKDTree

    distance = cKDTree(points[is_tooth]).query(points)[0]
    return np.asarray(~is_tooth & (distance > 0.5) & (jaw[:, 1] < -0.2) & (np.abs(points[:, 0]) < 2.2))


if __name__ == "__main__":
    default = ROOT.parent / "shared" / "models3d" / "ict_facekit" / "ict_full_fp16.npz"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
