"""Builds the triangles of the warp's mesh: face, fills of eyes and mouth, rings around, and one subdivision."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from app.engine.face.morphable_model import default_model

# MediaPipe's oval, clockwise in the picture from the top of the forehead.
# fmt: off
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
        150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
# IOD of the rings outside the oval, chosen by eye: close together at the skin, wide apart where only background is.
RING_DISTANCES = (0.10, 0.22, 0.36, 0.55, 0.80, 1.1, 1.45, 1.9, 2.5, 3.4, 4.6, 6.0)
# Lids from the outer to the inner corner (both corners in both rows); the person's left eye, then the right.
UPPER_LIDS = ((263, 466, 388, 387, 386, 385, 384, 398, 362), (33, 246, 161, 160, 159, 158, 157, 173, 133))
# The same for the lower lids.
LOWER_LIDS = ((263, 249, 390, 373, 374, 380, 381, 382, 362), (33, 7, 163, 144, 145, 153, 154, 155, 133))
# MediaPipe's vertices, the person's left one first.
BROWS = ((300, 293, 334, 296, 336, 285, 295, 282, 283, 276), (70, 63, 105, 66, 107, 55, 65, 52, 53, 46))
# The inner edges, from the person's right corner to the left one.
UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)  # the same of the lower lip
EYE_CORNERS = (263, 362, 33, 133)  # the left eye's, then the right one's
# fmt: on
N_FACE = 468  # MediaPipe's vertices without the irises
N_OVAL = len(OVAL)
N_RINGS = len(RING_DISTANCES)
N_MESH = N_FACE + N_OVAL * N_RINGS


@dataclass(frozen=True, eq=False)
class Topology:
    """The mesh after one subdivision.

    triangles: (T, 3) int32, all of one orientation (counter-clockwise seen from the front, y down); layer: (T,) 0 in
    the rings around the face, 1 in the face, 2 in the fills of eyes and mouth; smooth: (V, 900) sparse matrix that
    takes values of the 900 coarse vertices to the fine ones (rows sum to 1); coarse: (C, 3) triangles before the
    subdivision; neighbours: those of each coarse vertex; averaging: (900, 900) sparse matrix that takes the mean of a
    vertex and its neighbours.
    """

    triangles: NDArray[np.int32]
    layer: NDArray[np.int8]
    smooth: csr_matrix
    coarse: NDArray[np.int32]
    neighbours: tuple[tuple[int, ...], ...]
    averaging: csr_matrix


def ring_vertex(ring: int, spoke: int) -> int:
    """Return the index of the vertex of a ring (0 is the oval itself, 12 the outermost) on a spoke."""
    spoke %= N_OVAL
    return OVAL[spoke] if ring == 0 else N_FACE + (ring - 1) * N_OVAL + spoke


def _strip(upper: Sequence[int], lower: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the triangles between two rows that share both ends."""
    found = []
    for k in range(len(upper) - 1):
        a, b, c, d = upper[k], upper[k + 1], lower[k + 1], lower[k]
        found += [t for t in ((a, b, c), (a, c, d)) if len(set(t)) == 3]
    return found


def _fills() -> list[tuple[int, int, int]]:
    """Return the triangles that fill eyes and mouth."""
    rows = (*zip(UPPER_LIDS, LOWER_LIDS), (UPPER_LIP, LOWER_LIP))
    return [triangle for upper, lower in rows for triangle in _strip(upper, lower)]


def _shell() -> list[tuple[int, int, int]]:
    """Return the triangles between the oval and the outermost ring."""
    found = []
    for ring in range(N_RINGS):
        for spoke in range(N_OVAL):
            a, b = ring_vertex(ring, spoke), ring_vertex(ring, spoke + 1)
            c, d = ring_vertex(ring + 1, spoke + 1), ring_vertex(ring + 1, spoke)
            found += [(a, b, c), (a, c, d)]
    return found


def _edges(triangle: Sequence[int]) -> tuple[tuple[int, int], ...]:
    a, b, c = (int(v) for v in triangle)
    return (a, b), (b, c), (c, a)


def _oriented(triangles: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return the same triangles, all with the orientation of the last one, which lies between the outermost rings."""
    by_edge: dict[frozenset[int], list[int]] = defaultdict(list)
    for index, triangle in enumerate(triangles):
        for edge in _edges(triangle):
            by_edge[frozenset(edge)].append(index)
    result = list(triangles)
    seen = {len(triangles) - 1}
    waiting = deque(seen)
    while waiting:
        index = waiting.popleft()
        directed = set(_edges(result[index]))
        for edge in directed:
            for other in by_edge[frozenset(edge)]:
                if other in seen:
                    continue
                if edge in _edges(result[other]):
                    a, b, c = result[other]
                    result[other] = (a, c, b)
                seen.add(other)
                waiting.append(other)
    return result


def _subdivide(
    triangles: NDArray[np.int32], creased: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], csr_matrix]:
    """Return the triangles (4 T, 3) of one subdivision, and the matrix (V, 900) from coarse vertices to fine ones.

    Edges of creased triangles (T,) and the border keep their shape. Source: Loop, Smooth Subdivision Surfaces Based on
    Triangles, 1987.
    """
    opposite: dict[tuple[int, int], list[int]] = defaultdict(list)
    hard: set[tuple[int, int]] = set()
    for triangle, crease in zip(triangles, creased):
        for k, (a, b) in enumerate(_edges(triangle)):
            key = (min(a, b), max(a, b))
            opposite[key].append(int(triangle[(k + 2) % 3]))
            if crease:
                hard.add(key)
    hard |= {key for key, points in opposite.items() if len(points) == 1}
    fixed = {v for key in hard for v in key}
    around: dict[int, set[int]] = defaultdict(set)
    for a, b in opposite:
        around[a].add(b)
        around[b].add(a)

    entries: list[tuple[int, int, float]] = []
    for v in range(N_MESH):
        n = len(around[v])
        beta = 0.0 if v in fixed or n < 3 else (3 / 16 if n == 3 else 3 / (8 * n))
        entries.append((v, v, 1 - n * beta))
        entries += [(v, other, beta) for other in around[v] if beta]
    middle: dict[tuple[int, int], int] = {}
    for key, points in opposite.items():
        row = N_MESH + len(middle)
        middle[key] = row
        inside = 1 / 2 if key in hard else 3 / 8
        entries += [(row, v, inside) for v in key]
        if key not in hard:
            entries += [(row, v, 1 / 8) for v in points]
    rows, columns, weights = zip(*entries)
    smooth = csr_matrix((np.array(weights), (rows, columns)), shape=(N_MESH + len(middle), N_MESH))

    fine = []
    for a, b, c in triangles.tolist():
        ab, bc, ca = (middle[min(p, q), max(p, q)] for p, q in ((a, b), (b, c), (c, a)))
        fine += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.array(fine, np.int32), smooth


@cache
def topology() -> Topology:
    """Return the mesh over the face model's own triangles; it is built once a process."""
    return build(default_model().triangles)


def build(face_triangles: NDArray[np.int32]) -> Topology:
    """Return the warp's mesh over face triangles (852, 3) that have holes at eyes and mouth."""
    face = [(int(a), int(b), int(c)) for a, b, c in face_triangles]
    fills, shell = _fills(), _shell()
    coarse = np.array(_oriented(face + fills + shell), np.int32)
    layer = np.repeat(np.array([1, 2, 0], np.int8), [len(face), len(fills), len(shell)])
    triangles, smooth = _subdivide(coarse, layer == 2)
    neighbours = _neighbours(coarse, N_MESH)
    return Topology(triangles, np.repeat(layer, 4), smooth, coarse, neighbours, _averaging(neighbours))


def _neighbours(triangles: NDArray[np.int32], count: int) -> tuple[tuple[int, ...], ...]:
    """Return the neighbours of each of `count` vertices."""
    around: list[set[int]] = [set() for _ in range(count)]
    for a, b, c in triangles.tolist():
        around[a] |= {b, c}
        around[b] |= {a, c}
        around[c] |= {a, b}
    return tuple(tuple(sorted(ring)) for ring in around)


def _averaging(neighbours: Sequence[tuple[int, ...]]) -> csr_matrix:
    """Return the sparse matrix that takes the mean of each vertex and its neighbours."""
    rows = np.concatenate([np.full(len(ring) + 1, v) for v, ring in enumerate(neighbours)])
    columns = np.concatenate([np.array([v, *ring]) for v, ring in enumerate(neighbours)])
    weights = np.concatenate([np.full(len(ring) + 1, 1 / (len(ring) + 1)) for ring in neighbours])
    return csr_matrix((weights, (rows, columns)), shape=(len(neighbours), len(neighbours)))
