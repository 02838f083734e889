"""Render the tooth sprites of `assets/teeth` from ICT-FaceKit (MIT): python tools/build_teeth.py [ICT_NPZ].

Each sprite is an RGBA picture of PIXELS_PER_IOD pixels per inter-ocular distance, its middle column the mid-line of the
face; the incisal edge is the upper sprite's last row and the lower sprite's first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parents[1]
PIXELS_PER_IOD = 320
SUPERSAMPLING = 2
# Vertex ranges of the light model (vertex_indices.json): gums with tongue, upper teeth, lower teeth.
GUMS, UPPER, LOWER = (14062, 17039), (17039, 19247), (19247, 21451)
IVORY, GUM = np.array([238.0, 226.0, 206.0]), np.array([172.0, 98.0, 92.0])
FLOAT = NDArray[np.float64]


def triangles_of(faces: NDArray[np.int32], ranges: tuple[tuple[int, int], ...]) -> NDArray[np.int32]:
    """Triangles of the quads whose vertices lie in one of the ranges."""
    first = faces[:, 0]
    keep = np.zeros(len(faces), bool)
    for low, high in ranges:
        keep |= (first >= low) & (first < high)
    quads = faces[keep]
    halves = np.concatenate([quads[:, [0, 1, 2]], quads[quads[:, 3] >= 0][:, [0, 2, 3]]])
    return np.asarray(halves, np.int32)


def smooth_normals(vertices: FLOAT, triangles: NDArray[np.int32]) -> FLOAT:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(total, triangles[:, k], flat)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9))


def shade(vertices: FLOAT, normals: FLOAT) -> FLOAT:
    """Per-vertex colour: ivory or gum, lit from the front and above, darker towards the back of the mouth."""
    index = np.arange(len(vertices))
    base = np.where(((index >= GUMS[0]) & (index < GUMS[1]))[:, None], GUM, IVORY)
    facing = np.clip(normals @ np.array([0.0, 0.25, 0.97]), 0, 1)
    front = vertices[UPPER[0] : LOWER[1], 2].max()
    depth = np.exp(-np.clip(front - vertices[:, 2], 0, None) / 3.2)
    light = (0.42 + 0.58 * facing**0.7) * (0.25 + 0.75 * depth)
    gloss = 26 * np.clip(facing, 0, 1) ** 40
    return np.asarray(base * light[:, None] + gloss[:, None])


def render(points: FLOAT, colours: FLOAT, triangles: NDArray[np.int32], shape: tuple[int, int]) -> FLOAT:
    """(h, w, 4) of triangles in pixel coordinates (x, y down, z to the viewer) with a depth buffer."""
    picture, depth = np.zeros((*shape, 4)), np.full(shape, -np.inf)
    for a, b, c in triangles:
        p = points[[a, b, c]]
        x0, y0 = np.maximum(np.floor(p[:, :2].min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(p[:, :2].max(axis=0)).astype(int) + 1, [shape[1], shape[0]])
        (ux, uy), (vx, vy) = p[1, :2] - p[0, :2], p[2, :2] - p[0, :2]
        det = ux * vy - uy * vx
        if x1 <= x0 or y1 <= y0 or abs(det) < 1e-9:
            continue
        y, x = np.mgrid[y0:y1, x0:x1] + 0.5
        s = ((x - p[0, 0]) * vy - (y - p[0, 1]) * vx) / det
        t = ((y - p[0, 1]) * ux - (x - p[0, 0]) * uy) / det
        z = p[0, 2] + s * (p[1, 2] - p[0, 2]) + t * (p[2, 2] - p[0, 2])
        view = depth[y0:y1, x0:x1]
        hit = (s >= -1e-6) & (t >= -1e-6) & (s + t <= 1 + 1e-6) & (z > view)
        view[hit] = z[hit]
        mixed = (1 - s - t)[..., None] * colours[a] + s[..., None] * colours[b] + t[..., None] * colours[c]
        picture[y0:y1, x0:x1][hit] = np.concatenate([mixed, np.full((*s.shape, 1), 255.0)], axis=2)[hit]
    return picture


def save(picture: FLOAT, path: Path) -> None:
    """Average the supersamples, premultiplied, and write beside, then rename."""
    n = SUPERSAMPLING
    h, w = picture.shape[0] // n, picture.shape[1] // n
    cells = picture[: h * n, : w * n].reshape(h, n, w, n, 4)
    alpha = cells[..., 3:].mean(axis=(1, 3))
    colour = (cells[..., :3] * cells[..., 3:]).mean(axis=(1, 3)) / np.maximum(alpha, 1e-6)
    image = Image.fromarray(
        np.clip(np.concatenate([colour, alpha], axis=2) + 0.5, 0, 255).astype(np.uint8), "RGBA"
    )
    temporary = path.with_suffix(".tmp.png")
    image.save(temporary, optimize=True)
    os.replace(temporary, path)


def main(source: Path) -> None:
    with np.load(source, allow_pickle=False) as data:
        vertices, faces = data["neutral"].astype(float), data["faces"]
        eyes = vertices[data["landmarks68"][[36, 39, 42, 45]]]
    iod = np.linalg.norm((eyes[0] + eyes[1]) / 2 - (eyes[2] + eyes[3]) / 2)
    scale = PIXELS_PER_IOD * SUPERSAMPLING / iod
    everything = triangles_of(faces, (GUMS, UPPER, LOWER))
    colours = shade(vertices, smooth_normals(vertices, everything))
    folder = ROOT / "assets" / "teeth"
    folder.mkdir(parents=True, exist_ok=True)
    upper_edge, lower_edge = vertices[slice(*UPPER), 1].min(), vertices[slice(*LOWER), 1].max()
    half_width = 3.3
    for name, teeth, top, bottom, gums in (
        ("upper", UPPER, -1.3, upper_edge, lambda y: y > -3.2),
        ("lower", LOWER, lower_edge, -5.0, lambda y: y < -3.6),
    ):
        triangles = triangles_of(faces, (teeth, GUMS))
        centre_y = vertices[triangles[:, 0], 1]
        is_gum = triangles[:, 0] < GUMS[1]
        triangles = triangles[~is_gum | gums(centre_y)]
        points = np.stack([vertices[:, 0] + half_width, top - vertices[:, 1], vertices[:, 2]], axis=1) * scale
        shape = (round((top - bottom) * scale), round(2 * half_width * scale))
        save(render(points, colours, triangles, shape), folder / f"{name}.png")


if __name__ == "__main__":
    default = ROOT.parent / "shared" / "models3d" / "ict_facekit" / "ict_full_fp16.npz"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
