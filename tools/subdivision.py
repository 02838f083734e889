"""Subdivides the face's mesh once, so that the head's skin follows our 468 vertices smoothly."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from app.engine.warping.topology import LOWER_LIDS, LOWER_LIP, N_FACE, OVAL, UPPER_LIDS, UPPER_LIP

N_OVAL = len(OVAL)
# With a ring around the face, so that the oval is subdivided as if it lay within a surface.
N_ALL = N_FACE + N_OVAL


def subdivided(triangles: NDArray[np.int32]) -> tuple[NDArray[np.int32], csr_matrix]:
    """Return the fine triangles of a face of (852, 3) with eye and mouth holes, and the sparse (V, 468) matrix that
    takes values of its vertices to the fine ones.
    """
    face = [(int(a), int(b), int(c)) for a, b, c in triangles]
    fills, ring = _fills(), _ring()
    coarse = np.array(_oriented(face + fills + ring), np.int32)
    kind = np.repeat(np.array([1, 2, 0]), [len(face), len(fills), len(ring)])
    fine, smooth = _subdivide(coarse, kind == 2)
    return fine[np.repeat(kind, 4) == 1], smooth[:, :N_FACE]


def _strip(upper: Sequence[int], lower: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the triangles between two rows that share both ends."""
    found = []
    for k in range(len(upper) - 1):
        a, b, c, d = upper[k], upper[k + 1], lower[k + 1], lower[k]
        found += [t for t in ((a, b, c), (a, c, d)) if len(set(t)) == 3]
    return found


def _fills() -> list[tuple[int, int, int]]:
    rows = (*zip(UPPER_LIDS, LOWER_LIDS), (UPPER_LIP, LOWER_LIP))
    return [triangle for upper, lower in rows for triangle in _strip(upper, lower)]


def _ring() -> list[tuple[int, int, int]]:
    found = []
    for k in range(N_OVAL):
        a, b, after = OVAL[k], OVAL[(k + 1) % N_OVAL], (k + 1) % N_OVAL
        found += [(a, b, N_FACE + after), (a, N_FACE + after, N_FACE + k)]
    return found


def _edges(triangle: Sequence[int]) -> tuple[tuple[int, int], ...]:
    a, b, c = (int(v) for v in triangle)
    return (a, b), (b, c), (c, a)


def _oriented(triangles: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return the same triangles, all with the orientation of the last one, which is one of the ring (oval,
    outside, outside).
    """
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
    """Do one step of Loop's subdivision (1987) that leaves edges of `creased` triangles and the border as they are."""
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
    for v in range(N_ALL):
        n = len(around[v])
        beta = 0.0 if v in fixed or n < 3 else (3 / 16 if n == 3 else 3 / (8 * n))
        entries.append((v, v, 1 - n * beta))
        entries += [(v, other, beta) for other in around[v] if beta]
    middle: dict[tuple[int, int], int] = {}
    for key, points in opposite.items():
        row = N_ALL + len(middle)
        middle[key] = row
        inside = 1 / 2 if key in hard else 3 / 8
        entries += [(row, v, inside) for v in key]
        if key not in hard:
            entries += [(row, v, 1 / 8) for v in points]
    rows, columns, weights = zip(*entries)
    smooth = csr_matrix((np.array(weights), (rows, columns)), shape=(N_ALL + len(middle), N_ALL))

    fine = []
    for a, b, c in triangles.tolist():
        ab, bc, ca = (middle[min(p, q), max(p, q)] for p, q in ((a, b), (b, c), (c, a)))
        fine += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.array(fine, np.int32), smooth
