"""Names rows of MediaPipe's vertices (oval, lids, brows, lips), and says which vertices are neighbours."""

from __future__ import annotations

from functools import cache

from app.engine.face.morphable_model import default_model

# MediaPipe's oval, clockwise in the picture from the top of the forehead.
# fmt: off
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
        150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
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


@cache
def joined_vertices() -> tuple[tuple[int, ...], ...]:
    """Return the vertices that share an edge with each of the face's 468."""
    around: list[set[int]] = [set() for _ in range(N_FACE)]
    for a, b, c in default_model().triangles.tolist():
        around[a] |= {b, c}
        around[b] |= {a, c}
        around[c] |= {a, b}
    return tuple(tuple(sorted(ring)) for ring in around)
