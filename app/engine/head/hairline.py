"""Tells where hair grows on most people."""

from __future__ import annotations

from functools import cache

import numpy as np

from app.engine.head.beard import within
from app.engine.head.model import FloatArray, HeadModel

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py).

# The outline, in cm (z, y), of where hair grows in a view from the side: from the forehead's middle round the temple,
# down the sideburn, over the ear, behind the ear, and along the nape. It was drawn by hand on the template after
# people with short hair, and round the ear it passes under the ear, which is smaller on most people than the
# template's: hair reaches up to it from above and from behind.
HAIRLINE = (
    (9.6, 10.2), (7.6, 9.2), (6.6, 7.6), (6.0, 5.8), (4.9, 4.4), (4.3, 2.6), (4.1, 0.6), (3.1, 0.4), (2.6, 2.4),
    (1.6, 3.2), (0.4, 3.6), (-0.8, 3.2), (-1.5, 2.0), (-2.0, 0.4), (-2.6, -1.2), (-3.8, -3.0), (-5.2, -4.8),
    (-7.2, -6.0), (-14.0, -6.0), (-14.0, 20.0), (9.6, 20.0),
)  # fmt: skip
# The same outline for heads whose ears are hidden by hair.
OVER_EAR = (
    (9.6, 10.2), (7.6, 9.2), (6.6, 7.6), (6.0, 5.8), (4.9, 4.4), (4.3, 2.6), (4.0, 0.0), (3.2, -2.6), (0.0, -3.4),
    (-3.8, -4.4), (-7.2, -6.0), (-14.0, -6.0), (-14.0, 20.0), (9.6, 20.0),
)  # fmt: skip


@cache
def inside_hairline(ears: bool) -> FloatArray:
    """Return (V,) cm by which a vertex lies inside the template's hairline in a view from the side, less than 0 outside
    it; ears: whether ears are visible.
    """
    return within(HeadModel.load().points[:, [2, 1]], np.array(HAIRLINE if ears else OVER_EAR))
