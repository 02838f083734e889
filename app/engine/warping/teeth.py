"""Draws the teeth, gums and tongue of ICT-FaceKit's head in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.engine.files import ASSETS
from app.engine.head.skull import smoothstep
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.mouth_kernels import (
    ARCH,
    ARCH_END,
    SUPERSAMPLING,
    carried,
    in_sight,
    lay_over,
    lit,
    nearest,
)

# These values were chosen by eye on sheets of mouths (tools/feature_sheets.py). Model units are those of the face
# model, an eye distance each.
FILE = ASSETS / "mouth" / "mouth.npz"  # made by tools/build_mouth.py
# Model units behind the front teeth over which light fades, between lips that are just apart and in wide mouths: on
# teeth, and on tongue and palate, which lie more open to the light. Where light on teeth faded later, back teeth stood
# as a grey block in open mouths seen from the side.
DEEPEST, FLESH_DEEPEST = (0.22, 0.3), (0.37, 0.94)
INNER_SIDE = 0.55  # share of the light that does not reach the inner sides of the rows of teeth
ARCH_CENTRE = -0.35  # model units: depth (z) of the middle of the rows' arch
BESIDE = (0.34, 0.5)  # model units from the middle over which flesh gets dark behind the cheeks
# IOD between the lips, and by which a mouth is drawn wide, for which a photo's own colours of the inside are given.
GAPS, WIDTHS = (0.05, 0.12, 0.22), (0.0, 0.12)
PALATE = 0.1  # model units behind the row of teeth from which flesh is palate rather than gum


@dataclass(frozen=True, eq=False)
class Inside:
    """The inside of a mouth, in model units from the middle of the upper incisors' edge.

    points: (V, 3); jaw: (V, 3) by which a point moves as the lower incisors drop by 1; normals: (V, 3) unit; open_:
    (V,) share of the light in the mouth that reaches a point apart from the fading with depth; tooth: (V,) 1 on teeth,
    0 on gums and tongue; colours: (V, 3), 0 to 255; before: (T, 3) triangles of the upper teeth with their gum;
    behind: (T, 3) triangles of what lies behind these and of all that moves with the jaw; rest: height of the lower
    incisors' edge above the upper incisors' edge where the teeth are closed.
    """

    points: Float32
    jaw: Float32
    normals: Float32
    open_: Float32
    tooth: Float32
    colours: Float32
    before: NDArray[np.int32]
    behind: NDArray[np.int32]
    rest: float


@dataclass(frozen=True, eq=False)
class MouthLight:
    """The light in a mouth.

    enamel, flesh: (3,) factors on the colours of teeth and of all else inside; toward: (3,) direction from which the
    photo's light comes (of `surface.toward`); enters: 0 between lips just apart to 1 in a wide mouth; dark: (3,) the
    colour of places that no light reaches, 0 to 255.
    """

    enamel: Float32
    flesh: Float32
    toward: FloatArray
    enters: float
    dark: Float32


@cache
def inside() -> Inside:
    """Return the inside of a mouth that ships with Mien; it is read once a process."""
    with np.load(FILE, allow_pickle=False) as data:
        points, jaw = data["points"].astype(np.float32), data["jaw"].astype(np.float32)
        triangles = data["triangles"].astype(np.int32)
        part, colours, rest = data["part"], data["colours"].astype(np.float32), float(data["rest"])
    a, b, c = (points[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    normals = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(across[:, k], 3), minlength=len(points)) for k in range(3)],
        axis=1,
    )
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    still = (np.abs(jaw[triangles, 1]) < 0.02).all(axis=1)
    tooth = (part == 0).astype(np.float32)
    behind = (tooth == 0) & (points[:, 2] < arch(points[:, 0]) - PALATE)
    palate = still & behind[triangles].all(axis=1)
    rows = (triangles[still & ~palate], np.concatenate([triangles[palate], triangles[~still]]))
    shade = _reached(points, normals, tooth)
    edge = smoothstep(PALATE, 3 * PALATE, (arch(points[:, 0]) - points[:, 2]).astype(float))
    # The palate's border is dark, because it would show behind the photo's own teeth otherwise.
    shade[behind] *= edge[behind].astype(np.float32)
    return Inside(points, jaw, normals.astype(np.float32), shade, tooth, colours, *rows, rest)


def _reached(points: Float32, normals: FloatArray, tooth: Float32) -> Float32:
    """Return (V,) the share of light that reaches a point: less on the inner sides of the rows of teeth, and on flesh
    behind the cheeks.
    """
    outwards = np.stack([points[:, 0], points[:, 2] - ARCH_CENTRE], axis=1)
    outwards = outwards / np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-6)
    inwards = np.clip(-(normals[:, [0, 2]] * outwards).sum(axis=1), 0, 1)
    beside = smoothstep(BESIDE[0], BESIDE[1], np.abs(points[:, 0]).astype(float))
    return np.asarray((1 - INNER_SIDE * inwards * tooth) * (1 - 0.8 * beside * (1 - tooth)), np.float32)


def drop_of(edge: float, lower_edge: float) -> float:
    """Return the jaw's drop (the factor of `Inside.jaw`) with which the incisors' edges lie at these heights.

    edge, lower_edge: y in model space of the upper and of the lower incisors' edge.
    """
    return max(edge - lower_edge + inside().rest, 0.0)


def opened_by(learnt: Float32, gap: float, width: float) -> Float32:
    """Return (V, 3) the factors for a mouth that is opened by `gap` and drawn wide by `width` IOD; learnt: (GAPS,
    WIDTHS, V, 3).
    """
    for values, at in ((GAPS, gap), (WIDTHS, width)):
        place = float(np.interp(at, values, range(len(values))))
        low = min(int(place), len(values) - 2)
        learnt = learnt[low] + np.float32(place - low) * (learnt[low + 1] - learnt[low])
    return learnt


def drawn(
    over: Float32,
    start: FloatArray,
    axes: FloatArray,
    drop: float,
    light: MouthLight,
    cover: Float32,
    upper: Float32,
    learnt: Float32 | None = None,
) -> Float32:
    """Return colours (h, w, 3), 0 to 255: the inside of a mouth drawn over others.

    over: (h, w, 3) the others; start: (2,) px of the upper incisors' edge; axes: (3, 3) from model units to px; drop:
    of `drop_of`; cover: (h, w) opacity of all inside; upper: (h, w) opacity of the upper row of teeth, 0 to 1; learnt:
    (V, 3) factors on the colours of the inside.
    """
    it, over = inside(), over.copy()
    if learnt is not None:
        it = replace(it, colours=it.colours * learnt)
    points, to_px = np.empty_like(it.points), axes.astype(np.float32)
    carried(it.points, it.jaw, np.float32(drop), to_px, start.astype(np.float32), points)
    shape = SUPERSAMPLING * over.shape[0], SUPERSAMPLING * over.shape[1]
    layers, used = [], np.zeros(len(points), np.bool_)
    for share, triangles in ((cover, it.behind), (cover * upper, it.before)):
        if share.any():
            ids = np.empty(shape, np.int32)
            nearest(points, triangles, np.empty(shape, np.float32), ids)
            in_sight(ids, triangles, share, used)
            layers.append((triangles, ids, share))
    colours = _lit(it, axes, light, used)
    for triangles, ids, share in layers:
        lay_over(points, colours, triangles, ids, share, over)
    return over


def _lit(it: Inside, axes: FloatArray, light: MouthLight, used: NDArray[np.bool_]) -> Float32:
    """Return colours (V, 3), 0 to 255, in the photo's light, of the vertices in used (V,)."""
    half = light.toward * [1, 1, 0] + [0, -0.35, 1.0]
    on_teeth, on_flesh = (low + light.enters * (high - low) for low, high in (DEEPEST, FLESH_DEEPEST))
    rows = (
        axes / max(float(np.linalg.norm(axes[2])), 1e-6),
        light.toward,
        half / np.linalg.norm(half),
        light.enamel,
        light.flesh,
        light.dark,
        [on_flesh, on_teeth, max(1 + float(light.toward[2]), 0.4)],
    )
    colours = np.zeros_like(it.points)
    lit(
        used,
        it.normals,
        it.points,
        it.colours,
        it.tooth,
        it.open_,
        np.vstack(rows).astype(np.float32),
        colours,
    )
    return colours


def in_view(
    shape: tuple[int, int], start: FloatArray, axes: FloatArray, drop: float, light: MouthLight
) -> tuple[NDArray[np.int32], Float32, Float32]:
    """Return, at every pixel (h, w), the vertex that is seen, -1 where there is none, its colour (h, w, 3) without
    reflections and these (h, w), 0 to 255; the arguments are those of `drawn`.
    """
    it = inside()
    points = np.empty_like(it.points)
    carried(it.points, it.jaw, np.float32(drop), axes.astype(np.float32), start.astype(np.float32), points)
    triangles = np.concatenate([it.before, it.behind])
    ids = np.empty((SUPERSAMPLING * shape[0], SUPERSAMPLING * shape[1]), np.int32)
    nearest(points, triangles, np.empty(ids.shape, np.float32), ids)
    ids = ids[::SUPERSAMPLING, ::SUPERSAMPLING]
    y, x = SUPERSAMPLING * np.indices(shape)
    corners = triangles[ids]
    apart = np.square(points[corners, 0] - x[..., None]) + np.square(points[corners, 1] - y[..., None])
    closest = np.take_along_axis(corners, apart.argmin(axis=-1)[..., None], -1)[..., 0]
    everything = np.ones(len(points), np.bool_)
    plain = replace(it, colours=np.zeros_like(it.colours))
    gloss = _lit(plain, axes, light, everything)[:, 0]
    colours = _lit(it, axes, light, everything) - gloss[:, None]
    here = ids >= 0
    return (
        np.where(here, closest, -1).astype(np.int32),
        colours[closest] * here[..., None],
        gloss[closest] * here,
    )


def arch(x: Float32) -> Float32:
    """Return the depth (z, 0 or less, model units) of a row of teeth at x model units from its middle."""
    return np.asarray(-np.float32(ARCH) * np.minimum(np.abs(x), np.float32(ARCH_END)) ** 2, np.float32)
