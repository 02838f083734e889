"""Brings a head's skull out to the outline of the person's hair, in depth too (docs/mesh-warp.md, “Whole head”)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.model import FloatArray, HeadModel

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py), and by how near drawn heads come to
# photos of the same people from other sides (tools/multiview_ratio.py). IOD is the distance between the eyes. A pair of
# values is a range: at the first value something begins, at the second it is complete.
RAYS = 120  # rays around the skull's middle, three degrees apart
PERSON = 0.2  # matte at which a person ends
MARGIN = 0.03  # IOD beyond the person's end, so that the matte and not the mesh cuts the hair
START, END, STEP = 0.9, 3.2, 0.015  # IOD along a ray: where the search starts and ends, and its step
EAR_LEVEL = 0.55  # IOD above and below the ears within which an outline is an ear's
UPWARDS = (62.0, 88.0)  # degrees off the downward direction: an outline of shoulders to one of the head
# Least and greatest distance from the skull's middle over the template's; beyond these, heads looked boxy.
RATIO = (0.8, 1.25)
SPREAD = 0.06  # radians: how near another direction must be to share a direction's ratio
# Weights of an outline, of its mirror image, and of the face, which stays as it is.
OWN, MIRRORED, FACE = 1.0, 0.2, 0.15
ROUNDS = 3  # rounds, each of which measures the outline and then moves the mesh
SMOOTHING = 8  # steps that smooth one round's motion over the mesh
# Steps that smooth the whole growth over the mesh, so that the skull has no corners where hair stands out further than
# RATIO allows; the sheet of hair (`warping.hair`) draws hair beyond.
ROUNDING = 32
# IOD by which a head that has hair reaches further at the back than its outline in the photo says, and the cosine of
# normal and view, on both sides of the head, over which that begins. In 102 true three-quarter views of 51 people heads
# grown from the front view ended too far in by 0.16 IOD at the back (median), and the shaved ones by 0.05.
THICK, BEHIND = 0.11, (-0.15, -0.6)
# Cosine of a place's direction from the skull's middle and the direction backwards over which the same begins: crowns
# ended no further in than the true ones.
REAR = (0.4, 0.75)
# Logarithm of the growth of a head's upper sides, in the mean, from which there is hair or a hat: white hair and cloth
# may be as smooth and as bright as skin (p11, p28 and p08 of the portraits). In cm, these lie this far aside, between
# these heights, and this far before and behind the middle.
STANDS_OUT, UPPER_SIDES = (0.0, 0.02), (5.0, 6.0, 10.0, 3.0)
# IOD by which the head lies further in just behind the photo's outline, where the mesh reaches beyond the hair; and the
# cosines of normal and view over which that begins and ends. Without it made-up crowns began with a wedge. Farther
# behind it is not so: heads that ended further in lay 1.2 levels further from true views.
TRIM, TRIMMED, UNTRIMMED = 0.03, (0.15, -0.05), (-0.5, -0.15)
ABOVE_CHIN = (0.5, 1.3)  # IOD above the chin: no growth to the whole growth
# cm from the ears: no growth to the whole growth. The outline at an ear is the ear's; with the growth of the hair above
# them, ears stood out 0.1 to 0.2 IOD further than in the photo.
OFF_EARS = (0.3, 3.0)
BEYOND_EAR = 0.12  # IOD beyond an ear at which hair behind it is still there
# cm behind the ears' middle over which hair grows again: it stood behind the ears of people with hair, and without it
# the background took its place.
BEHIND_EARS = (1.0, 3.0)
# Share of the ears' heights at which the person ends with the ear: hair behind them to ears alone.
ALONE = (0.3, 0.6)
OFF_FACE = (0.03, 0.8)  # IOD from the face's landmarks: no growth to the whole growth


def smoothstep(low: float, high: float, x: NDArray[Any]) -> FloatArray:
    """Return 0 up to low, 1 from high on, and a cubic between; low may exceed high, and x may have any shape."""
    t = np.clip((np.asarray(x, float) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def eased(low: float, high: float, x: float) -> float:
    """Return the `smoothstep` of one number, in a tenth of the time."""
    t = min(max((float(x) - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def inflated(
    model: HeadModel,
    points: FloatArray,
    camera: Camera,
    matte: NDArray[np.float32],
    centre: FloatArray,
    chin: float,
    has_ears: bool,
    haired: float,
) -> tuple[FloatArray, FloatArray]:
    """Return the head (V, 3) grown out to the matte's outline, and (V,) how far each vertex went away from the
    centre, as a share of its distance before.

    points: (V, 3) in model space; matte: (H, W) in [0, 1]; centre: (3,) the skull's middle; chin: its height in model
    space; has_ears: whether the photo shows ears; haired: of `hairline.haired`.
    """
    skull = model.without_ears(points)
    relief = points - skull if has_ears else np.zeros_like(points)
    unit = model.weights @ model.points
    iod = float(np.linalg.norm(unit[[33, 133]].mean(0) - unit[[263, 362]].mean(0)))
    gate = smoothstep(*ABOVE_CHIN, skull[:, 1] - chin) * smoothstep(*OFF_FACE, model.distance / iod)
    ears = float(camera.project(points[model.ear].mean(axis=0)[None])[0, 1])
    if has_ears:
        alone = smoothstep(*ALONE, np.array(_ends_with_ears(model, points, camera, matte)))
        behind = smoothstep(*BEHIND_EARS, model.points[model.ear, 2].mean() - model.points[:, 2])
        gate = gate * (1 - alone * (1 - behind) * (1 - smoothstep(*OFF_EARS, model.off_ears)))
    total = np.zeros(len(points))
    grown = skull
    for number in range(ROUNDS):
        log, weight, vertex = _ratios(camera, grown, matte, centre, ears if has_ears else None)
        rows = _spread(model, grown - centre, log, weight, vertex, 0.35 if number == 0 else MIRRORED / 2)
        rows = rows * gate
        for _ in range(SMOOTHING):
            rows = model.averaging @ rows
        total = np.clip(total + rows, np.log(RATIO[0]), np.log(RATIO[1]))
        grown = centre + (skull - centre) * np.exp(total)[:, None]
    rounded = total
    for _ in range(ROUNDING):
        rounded = model.averaging @ rounded
    total = np.minimum(total, rounded)
    grown = centre + (skull - centre) * np.exp(total)[:, None]
    haired = max(haired, eased(*STANDS_OUT, float(total[_upper_sides(model)].mean())))
    further = _behind(model, grown, camera, centre, haired)
    total = total + np.log(1 + gate * further / np.linalg.norm(skull - centre, axis=1))
    # An ear's many vertices hang together with few others: what they grew by themselves had an ear's shape.
    grown = model.without_ears(centre + (skull - centre) * np.exp(total)[:, None], beside=not has_ears)
    return np.asarray(grown + relief), np.asarray(np.exp(total) - 1)


def _behind(
    model: HeadModel, points: FloatArray, camera: Camera, centre: FloatArray, haired: float
) -> FloatArray:
    """Return (V,) IOD by which a head reaches further behind the photo's outline than that outline says.

    points: (V, 3); haired: 1 for a head with hair, 0 for a shaved one.
    """
    facing = model.normals(points) @ camera.rotation[2]
    backwards = (centre - points)[:, 2] / np.linalg.norm(points - centre, axis=1)
    thick = smoothstep(*BEHIND, np.maximum(facing, facing[model.mirror])) * smoothstep(*REAR, backwards)
    away = smoothstep(*TRIMMED, facing) * smoothstep(*UNTRIMMED, facing)
    return np.asarray(THICK * haired * thick - TRIM * away)


def _upper_sides(model: HeadModel) -> NDArray[np.bool_]:
    """Return (V,) whether a vertex lies at a side of the head, above the ears."""
    aside, low, high, about = UPPER_SIDES
    x, y, z = model.points.T
    return np.asarray((np.abs(x) > aside) & (y > low) & (y < high) & (np.abs(z) < about))


def _ends_with_ears(
    model: HeadModel, points: FloatArray, camera: Camera, matte: NDArray[np.float32]
) -> float:
    """Return the share of the ears' heights at which the person of a matte (H, W) ends with the ear, and not with hair
    that stands out further behind it; points: (V, 3) the head.
    """
    at, iod = camera.project(points)[:, :2], camera.scale
    ends = []
    for side in (-1, 1):
        own = at[model.ear & (np.sign(model.points[:, 0]) == side)]
        for row in own[:, 1].min() + np.linspace(0.3, 0.8, 6) * np.ptp(own[:, 1]):
            level = own[np.abs(own[:, 1] - row) < 0.1 * iod, 0]
            x = int(side * ((side * level).max() + BEYOND_EAR * iod)) if len(level) else -1
            y = int(row)
            inside = 0 <= x < matte.shape[1] and 0 <= y < matte.shape[0]
            ends.append(not inside or matte[y, x] < 0.5)
    return float(np.mean(ends))


def _ratios(
    camera: Camera, points: FloatArray, matte: NDArray[np.float32], centre: FloatArray, ears: float | None
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return of each ray (RAYS,) the logarithm of the matte's distance from the middle over the mesh's, the weight of
    this ratio, and the vertex at the mesh's outline.

    ears: row of the picture at which the ears lie, px; None without ears.
    """
    iod = camera.scale
    at = camera.project(points)[:, :2]
    middle = camera.project(centre[None])[0, :2]
    offset = (at - middle) / iod
    radius = np.hypot(*offset.T)
    ray = np.round(np.arctan2(offset[:, 1], offset[:, 0]) / (2 * np.pi) * RAYS).astype(int) % RAYS
    order = np.lexsort((radius, ray))
    last = np.searchsorted(ray[order], np.arange(RAYS), side="right") - 1
    vertex = order[np.clip(last, 0, len(order) - 1)]
    known = (last >= 0) & (ray[vertex] == np.arange(RAYS))
    angle = 2 * np.pi * np.arange(RAYS) / RAYS
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    reach = np.arange(START, END, STEP)
    x, y = np.moveaxis(middle + direction[:, None] * (reach * iod)[None, :, None], 2, 0)
    height, width = matte.shape
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    outside = (column < 0) | (row < 0) | (column >= width) | (row >= height)
    value = matte[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    ends = (value < PERSON) | outside
    first = np.argmax(ends, axis=1)
    rays = np.arange(RAYS)
    known &= ends.any(axis=1) & ~outside[rays, first]
    end = reach[first] + MARGIN
    down = (camera.rotation[:2, 1] * [-1, 1]) / max(float(np.linalg.norm(camera.rotation[:2, 1])), 1e-6)
    off = np.degrees(np.arccos(np.clip(direction @ down, -1, 1)))
    weight = smoothstep(*UPWARDS, off) * known
    place = middle + direction * (end * iod)[:, None]
    if ears is not None:
        weight *= smoothstep(0.8 * EAR_LEVEL, 1.1 * EAR_LEVEL, np.abs((place[:, 1] - ears) / iod))
    log = np.log(np.clip(end / np.maximum(radius[vertex], 0.3), 0.6, 1.7))
    kernel = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
    taps = range(-4, 5)
    total = sum(k * np.roll(weight, t) for k, t in zip(kernel, taps))
    log = sum(k * np.roll(weight * log, t) for k, t in zip(kernel, taps)) / np.maximum(total, 1e-6)
    return np.asarray(log), weight, vertex


def _spread(
    model: HeadModel,
    offsets: FloatArray,
    log: FloatArray,
    weight: FloatArray,
    vertex: NDArray[np.int64],
    mirrored: float,
) -> FloatArray:
    """Return (V,) logarithms of ratios, interpolated from the rays over the sphere of directions by inverse distances,
    0 at the face.

    offsets: (V, 3) from the skull's middle; log, weight, vertex: (RAYS,) as `_ratios` gives them; mirrored: weight of
    the outline's mirror image.
    """
    direction = (offsets / np.linalg.norm(offsets, axis=1, keepdims=True)).astype(np.float32)
    face = np.unique(model.weights.tocoo().col)[::6]
    sites = np.concatenate([vertex, model.mirror[vertex], face])
    value = np.concatenate([log, log, np.zeros(len(face))]).astype(np.float32)
    share = np.concatenate([OWN * weight, mirrored * weight, np.full(len(face), FACE)]).astype(np.float32)
    kept = share > 1e-3
    sites, value, share = sites[kept], value[kept], share[kept]
    square = np.maximum(2 - 2 * direction @ direction[sites].T, 0)
    near = share / (square + np.float32(SPREAD**2)) ** 2
    return np.asarray((near @ value) / near.sum(axis=1), float)
