"""Makes the head model's atlas: it cuts a seam down the nape and flattens the surface with little stretch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu

STRETCH_ROUNDS = 12  # number of times that triangles are weighted anew by their stretch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def loops(triangles: Ints) -> list[list[int]]:
    """Return the border loops, each in the direction of its triangles."""
    edges = {(int(t[k]), int(t[(k + 1) % 3])) for t in triangles for k in range(3)}
    following: dict[int, list[int]] = {}
    for a, b in edges:
        if (b, a) not in edges:
            following.setdefault(a, []).append(b)
    found = []
    while following:
        start = next(iter(following))
        loop, at = [], start
        while at in following:
            loop.append(at)
            nexts = following[at]
            at2 = nexts.pop()
            if not nexts:
                del following[at]
            at = at2
        found.append(loop)
    return found


def edge_graph(points: Floats, triangles: Ints, cost: Floats) -> sparse.csr_matrix:
    """Return the graph of the mesh's edges, whose lengths grow with their vertices' costs."""
    a, b = triangles.ravel(), np.roll(triangles, 1, 1).ravel()
    length = np.linalg.norm(points[a] - points[b], axis=1) * (1 + cost[a] + cost[b])
    graph = sparse.coo_matrix((length, (a, b)), (len(points),) * 2).tocsr()
    return graph.maximum(graph.T)


def seam(points: Floats, triangles: Ints, neck: list[int]) -> list[int]:
    """Return vertices from the neck's border up the nape to the back of the crown, near the middle."""
    start = min(neck, key=lambda v: abs(points[v, 0]) * 5 + points[v, 2])
    high = points[:, 1].max()
    goal = int(np.argmin(np.abs(points[:, 0]) * 5 + np.abs(points[:, 1] - high * 0.72) + 0.5 * points[:, 2]))
    graph = edge_graph(points, triangles, 20 * np.abs(points[:, 0]) + 50 * (points[:, 2] > 0))
    _, before = dijkstra(graph, indices=start, return_predecessors=True)
    path = [goal]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return path[::-1]


def cut(points: Floats, triangles: Ints, path: list[int]) -> tuple[Ints, Ints]:
    """Return triangles over vertices among which those of the seam occur twice, and the original of each
    vertex.
    """
    extra = {v: len(points) + k for k, v in enumerate(path[:-1])}
    on = set(path)
    out = triangles.copy()
    by_edge = {(int(t[k]), int(t[(k + 1) % 3])): i for i, t in enumerate(triangles) for k in range(3)}
    follow = dict(pairwise(path))
    # Triangles on the left of the path keep the vertices; walk around each vertex on the right side.
    right = set()
    for a, b in follow.items():
        if (b, a) in by_edge:
            right.add(by_edge[(b, a)])
    around: dict[int, list[int]] = {}
    for i, t in enumerate(triangles):
        for v in t:
            if int(v) in on:
                around.setdefault(int(v), []).append(i)
    seam_edges = {frozenset(e) for e in follow.items()}
    for v in path[:-1]:
        side = {i for i in around[v] if i in right}
        grew = True
        while grew:
            grew = False
            for i in around[v]:
                if i in side:
                    continue
                for j in list(side):
                    common = set(map(int, triangles[i])) & set(map(int, triangles[j]))
                    if len(common) == 2 and v in common and frozenset(common) not in seam_edges:
                        side.add(i)
                        grew = True
                        break
        for i in side:
            out[i] = np.where(out[i] == v, extra[v], out[i])
    return out, np.concatenate([np.arange(len(points)), np.array(path[:-1])])


def flattened(points: Floats, triangles: Ints) -> Floats:
    """Return (V, 2) in [0, 1]: an atlas without overlaps, with the least stretch on a disk (Yoshizawa et al.
    2004).
    """
    border = max(loops(triangles), key=len)
    length = np.linalg.norm(points[border] - points[np.roll(border, -1)], axis=1)
    angle = 2 * np.pi * np.concatenate([[0], np.cumsum(length)[:-1]]) / length.sum()
    fixed = np.stack([np.cos(angle), np.sin(angle)], 1)
    a, b = triangles.ravel(), np.roll(triangles, -1, 1).ravel()
    pairs = np.unique(np.sort(np.stack([a, b], 1), 1), axis=0)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1]])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0]])
    weight = 1 / np.maximum(np.linalg.norm(points[rows] - points[columns], axis=1), 1e-3)
    inside = np.setdiff1d(np.arange(len(points)), border)
    area = np.linalg.norm(np.cross(points[triangles[:, 1]] - points[triangles[:, 0]],
                                   points[triangles[:, 2]] - points[triangles[:, 0]]), axis=1)  # fmt: skip
    best, least = None, np.inf
    for _ in range(STRETCH_ROUNDS):
        matrix = sparse.coo_matrix((weight, (rows, columns)), (len(points),) * 2).tocsr()
        matrix = sparse.diags(np.asarray(matrix.sum(1)).ravel()) - matrix
        uv = np.zeros((len(points), 2))
        uv[border] = fixed
        uv[inside] = splu(matrix[inside][:, inside].tocsc()).solve(-matrix[inside][:, border] @ fixed)
        p, q = uv[triangles], points[triangles]
        flat = np.abs((p[:, 1, 0] - p[:, 0, 0]) * (p[:, 2, 1] - p[:, 0, 1])
                      - (p[:, 2, 0] - p[:, 0, 0]) * (p[:, 1, 1] - p[:, 0, 1]))  # fmt: skip
        flat = np.maximum(flat, 1e-12)
        s = (q[:, 0] * (p[:, 1, 1] - p[:, 2, 1])[:, None] + q[:, 1] * (p[:, 2, 1] - p[:, 0, 1])[:, None]
             + q[:, 2] * (p[:, 0, 1] - p[:, 1, 1])[:, None]) / flat[:, None]  # fmt: skip
        t = (q[:, 0] * (p[:, 2, 0] - p[:, 1, 0])[:, None] + q[:, 1] * (p[:, 0, 0] - p[:, 2, 0])[:, None]
             + q[:, 2] * (p[:, 1, 0] - p[:, 0, 0])[:, None]) / flat[:, None]  # fmt: skip
        stretch = np.sqrt((np.square(s).sum(1) + np.square(t).sum(1)) / 2)
        total = float(np.sqrt((stretch**2 * area).sum() / area.sum()) * np.sqrt(flat.sum() / area.sum()))
        print(f"  stretch {total:.3f}")
        if total > least:
            break
        best, least = uv, total
        vertex = np.bincount(triangles.ravel(), np.repeat(stretch**2 * area, 3), len(points))
        vertex = np.sqrt(
            vertex / np.maximum(np.bincount(triangles.ravel(), np.repeat(area, 3), len(points)), 1e-12)
        )
        weight = weight / (vertex / vertex.mean())[columns] ** 0.5
    return best * 0.49 + 0.5
