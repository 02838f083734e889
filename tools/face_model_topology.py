"""Gives MediaPipe's surface: its 852 triangles, the mirror permutation, and named groups of vertices."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]
Edge = tuple[int, int]


def connections() -> Any:
    """Return MediaPipe's module of edge sets, read out of the wheel (`pip download --no-deps
    mediapipe==0.10.21`) whose path the variable MEDIAPIPE_WHEEL gives.
    """
    folder = f"{os.environ['MEDIAPIPE_WHEEL']}/mediapipe/python/solutions"
    sys.path.insert(0, folder)
    return importlib.import_module("face_mesh_connections")


def triangles(canonical: NDArray[np.float64]) -> Indices:
    """Return (852, 3): the cliques of three of the tesselation's edges, counter-clockwise to the viewer.

    False cliques are left out: those whose three edges each belong to two other triangles.
    """
    edges = {(min(e), max(e)) for e in connections().FACEMESH_TESSELATION}
    near: dict[int, set[int]] = {}
    for a, b in edges:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    cliques = sorted({tuple(sorted((a, b, c))) for a, b in edges for c in near[a] & near[b]})
    use = dict.fromkeys(edges, 0)
    for clique in cliques:
        for edge in combinations(clique, 2):
            use[edge] += 1
    kept = [c for c in cliques if not all(use[edge] > 2 for edge in combinations(c, 2))]
    faces = np.array(kept, np.int32)
    a, b, c = (canonical[faces[:, k]] for k in range(3))
    behind = np.cross(b - a, c - a)[:, 2] < 0
    faces[behind] = faces[behind][:, [0, 2, 1]]
    return faces


def mirror(canonical: NDArray[np.float64]) -> Indices:
    """Return (468,): the vertex nearest to each vertex's mirror image; the permutation is its own inverse."""
    reflected = canonical * (-1.0, 1.0, 1.0)
    found = np.linalg.norm(canonical[None] - reflected[:, None], axis=2).argmin(1).astype(np.int32)
    if not np.array_equal(found[found], np.arange(len(found))):
        raise ValueError("the canonical face is not symmetric")
    return found


def canonical_face(path: Path) -> NDArray[np.float64]:
    """Return (468, 3) vertices of MediaPipe's canonical_face_model.obj (Apache-2.0)."""
    rows = [line.split()[1:4] for line in path.read_text().splitlines() if line.startswith("v ")]
    return np.array(rows, np.float64)


def groups() -> dict[str, Indices]:
    """Return vertex indices by name; outlines are closed and in order, and "left" is the person's own left."""
    c = connections()
    loops = {"oval": c.FACEMESH_FACE_OVAL, "left_eye": c.FACEMESH_LEFT_EYE, "right_eye": c.FACEMESH_RIGHT_EYE}
    found = {name: _loop(edges) for name, edges in loops.items()}
    lips = _loops(c.FACEMESH_LIPS)
    found["lips_outer"], found["lips_inner"] = (next(loop for loop in lips if k in loop) for k in (61, 78))
    sets = {
        "left_brow": c.FACEMESH_LEFT_EYEBROW,
        "right_brow": c.FACEMESH_RIGHT_EYEBROW,
        "nose": c.FACEMESH_NOSE,
        "lips": c.FACEMESH_LIPS,
    }
    found |= {name: np.array(sorted({i for e in edges for i in e}), np.int32) for name, edges in sets.items()}
    return found


def _loop(edges: Iterable[Edge]) -> Indices:
    (loop,) = _loops(edges)
    return loop


def _loops(edges: Iterable[Edge]) -> list[Indices]:
    """Return the closed outlines of an edge set, each beginning at its smallest index."""
    near: dict[int, list[int]] = {}
    for a, b in sorted({(min(e), max(e)) for e in edges}):
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    loops, left = [], set(near)
    while left:
        loop = [min(left)]
        while True:
            left.discard(loop[-1])
            ahead = [k for k in near[loop[-1]] if k in left]
            if not ahead:
                break
            loop.append(ahead[0])
        loops.append(np.array(loop, np.int32))
    return loops
