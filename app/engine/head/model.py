"""Loads the head model's asset, and computes what depends on it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from app.engine.files import ASSETS

FloatArray = NDArray[np.float64]
Indices = NDArray[np.int32]

ASSET = ASSETS / "head_model" / "head.npz"
# Ridge of the regression, as a share of the mean over the shapes of squared motion; chosen by eye on fitted heads.
RIDGE = 0.05
# cm from an ear within which, and cm from the face's landmarks beyond which, a head is smoothed with the ears that hair
# or a scarf hides: the edge of the skull behind an ear, above the neck, looked like an ear's. Chosen by eye on p08 of
# the portraits, frontalised.
BESIDE_EARS, OFF_FACE = 2.5, 1.5
BELOW = 1.0  # cm of height of the ears' middle, below which a head is smoothed so
# Weight of a membrane's tension against its stiffness there: without stiffness the head was pinched.
TENSION = 0.1


@dataclass(frozen=True, eq=False)
class HeadModel:
    """ICT-FaceKit's head (MIT), cut below the neck, with mouth and eyes closed.

    points: (V, 3) cm; triangles: (T, 3), counter-clockwise seen from outside; corners: (T, 3) the same triangles
    over the A atlas vertices, of which the nape's seam has two for each vertex; base: (A,) the vertex that each
    atlas vertex stands for; atlas: (A, 2) the place of each atlas vertex in [0, 1]; mirror: (V,) the vertex on the
    other side; identity (100, V, 3) and expression (57, V, 3): cm that each shape moves the vertices by at weight 1;
    weights: (468, V) barycentric weights that place our vertices on the head; binding: (V, 468) weights by which the
    head follows our vertices; rigid: (V,) share in [0, 1] of the head's motion that a vertex takes part in, 0 at the
    neck's end; ear: (V,) whether a vertex is an ear's; distance: (V,) cm to the nearest of our vertices; loops: the
    borders of the mouth, of the right and of the left eye; face: (V,) whether a vertex is the face's (else scalp, nape
    or neck); openness: (V,) share of an overcast sky's light that reaches a vertex past the rest of the head; inner:
    by the name of a part, ((N, 3) cm, (M, 3) triangles).
    """

    points: FloatArray
    triangles: Indices
    corners: Indices
    base: Indices
    atlas: FloatArray
    mirror: Indices
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    weights: csr_matrix
    binding: csr_matrix
    rigid: FloatArray
    ear: NDArray[np.bool_]
    distance: FloatArray
    loops: tuple[Indices, ...]
    face: NDArray[np.bool_]
    openness: FloatArray
    inner: Mapping[str, tuple[FloatArray, Indices]]

    @classmethod
    def load(cls) -> HeadModel:
        """Return the model that ships with Mien; it is read once a process."""
        return _loaded()

    @cached_property
    def our_shapes(self) -> FloatArray:
        """Return (157, 468 * 3): by how many cm each shape, identity before expression, moves our vertices."""
        shapes = np.concatenate([self.identity, self.expression]).astype(np.float64)
        count, vertices = shapes.shape[:2]
        moved = self.weights @ shapes.transpose(1, 0, 2).reshape(vertices, -1)
        return np.ascontiguousarray(moved.reshape(-1, count, 3).transpose(1, 0, 2).reshape(count, -1))

    @cached_property
    def regression(self) -> FloatArray:
        """Return (157, 468 * 3): a ridge regression's matrix from our vertices' offsets (cm) to the shapes' weights."""
        rows = self.our_shapes
        gram = rows @ rows.T
        return np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), rows)

    @cached_property
    def base_atlas(self) -> FloatArray:
        """Return (V, 2) in [0, 1]: a place of each vertex on the atlas; vertices of the nape's seam have two there."""
        out = np.zeros((len(self.points), 2))
        out[self.base] = self.atlas
        return out

    @cached_property
    def laplacian(self) -> csr_matrix:
        """Return the graph Laplacian (V, V) of the mesh."""
        a, b = self.triangles.ravel(), np.roll(self.triangles, 1, 1).ravel()
        size = (len(self.points),) * 2
        joined = coo_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), size).tocsr()
        joined.data[:] = 1
        return csr_matrix(diags(np.asarray(joined.sum(1)).ravel()) - joined)

    @cached_property
    def averaging(self) -> csr_matrix:
        """Return (V, V): the sparse matrix that takes the mean of each vertex and its neighbours."""
        degree = self.laplacian.diagonal()
        return csr_matrix(diags(1 / (degree + 1)) @ (diags(degree + 1) - self.laplacian))

    @cached_property
    def incidence(self) -> csr_matrix:
        """Return (V, T): the sparse matrix that sums over the triangles at each vertex."""
        rows, columns = self.triangles.ravel(), np.repeat(np.arange(len(self.triangles)), 3)
        return csr_matrix(
            (np.ones(len(rows)), (rows, columns)), shape=(len(self.points), len(self.triangles))
        )

    def normals(self, points: FloatArray) -> FloatArray:
        """Return (V, 3) unit normals of points (V, 3), outwards, in a space whose y points up."""
        a, b, c = (points[self.triangles[:, k]] for k in range(3))
        total = self.incidence @ np.cross(b - a, c - a)
        return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))

    @cached_property
    def off_ears(self) -> FloatArray:
        """Return (V,) cm from the nearest vertex of an ear."""
        return np.asarray(cKDTree(self.points[self.ear]).query(self.points)[0], float)

    @cached_property
    def _membranes(self) -> tuple[_Membrane, _Membrane]:
        """Return the membranes over the ears, and over the ears with what is beside them off the face."""
        beside = (self.off_ears < BESIDE_EARS) & (self.distance > OFF_FACE) & (self.points[:, 1] < BELOW)
        bent = csr_matrix(self.laplacian.T @ self.laplacian + TENSION * self.laplacian)
        return _Membrane.over(self.ear, self.laplacian), _Membrane.over(self.ear | beside, bent)

    def without_ears(self, points: FloatArray, beside: bool = False) -> FloatArray:
        """Return points (V, 3) with each ear replaced by a smooth membrane over the ear's rim.

        beside: whether what is beside the ears, which juts out above the neck, is replaced too.
        """
        membrane = self._membranes[beside]
        smooth = points.copy()
        smooth[membrane.free] = membrane.solver.solve(-(membrane.known @ points[~membrane.inside]))
        return smooth


@dataclass(frozen=True, eq=False)
class _Membrane:
    """A smooth surface over some of the vertices: inside (V,) whether over one, free (N,) their numbers; solver: the
    factorised Laplacian over them; known: its columns of all other vertices.
    """

    inside: NDArray[np.bool_]
    free: NDArray[np.int64]
    solver: Any
    known: csr_matrix

    @classmethod
    def over(cls, inside: NDArray[np.bool_], laplacian: csr_matrix) -> _Membrane:
        free = np.flatnonzero(inside)
        rows = laplacian[free]
        return cls(inside, free, splu(rows[:, free].tocsc()), csr_matrix(rows[:, np.flatnonzero(~inside)]))


@cache
def _loaded() -> HeadModel:
    with np.load(ASSET, allow_pickle=False) as file:
        shapes = file["shapes"].astype(np.float32) * file["step"][:, None, None]
        count, vertices = int(file["n_identity"]), len(file["points"])
        where = (file["weight_rows"].astype(np.int32), file["weight_columns"].astype(np.int32))
        bind = (file["bind_values"].astype(float), file["bind_indices"].astype(np.int32), file["bind_indptr"])
        label, names = file["inner_label"], [str(name) for name in file["inner_names"]]
        inner = {}
        for number, name in enumerate(names):
            first, size = int(np.argmax(label == number)), int((label == number).sum())
            faces = file["inner_triangles"]
            own = faces[(faces[:, 0] >= first) & (faces[:, 0] < first + size)] - first
            inner[name] = (file["inner_points"][first : first + size].astype(float), own)
        ends = np.cumsum(file["loop_sizes"])[:-1]
        return HeadModel(
            points=file["points"].astype(float),
            triangles=file["triangles"],
            corners=file["corners"],
            base=file["base"],
            atlas=file["atlas"].astype(float),
            mirror=file["mirror"],
            identity=shapes[:count],
            expression=shapes[count:],
            weights=csr_matrix((file["weight_values"].astype(float), where), shape=(468, vertices)),
            binding=csr_matrix(bind, shape=(vertices, 468)),
            rigid=file["rigid"].astype(float),
            ear=file["ear"],
            distance=file["distance"].astype(float),
            loops=tuple(np.split(file["loops"], ends)),
            face=file["face"],
            openness=file["openness"].astype(float),
            inner=inner,
        )
