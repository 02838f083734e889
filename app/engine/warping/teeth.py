"""Teeth, gums and tongue in three dimensions, of ICT-FaceKit's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.files import ASSETS
from app.engine.head.skull import smoothstep
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.mouth_kernels import draw_triangles

# Chosen by eye on sheets of mouths (tools/feature_sheets.py). Model units are those of the face model, an eye
# distance each.
FILE = ASSETS / "mouth" / "mouth.npz"  # see tools/build_mouth.py
SUPERSAMPLING = 2  # samples along either side of a pixel
FORM = 0.35  # share of the light that falls from the front only
LIT_RANGE = (0.55, 1.5)  # the photo's light in parts of what falls on a surface that faces the viewer
# Model units behind the front teeth over which light fades on teeth, and on the tongue and the palate, which lie open
# to it: between lips just apart, in wide mouths.
DEEPEST, FLESH_DEEPEST = (0.22, 0.3), (0.37, 0.94)
REDDER = np.array([0.8, 1.15, 1.2], np.float32)  # powers of that fading: what is dark is lit by flesh
INNER_SIDE = 0.55  # share of the light that is kept off the inner sides of the rows
ARCH_CENTRE = -0.35  # z, model units
BESIDE = (0.34, 0.5)  # model units from the middle over which flesh gets dark behind the cheeks
PALATE = 0.1  # model units behind the row of teeth from which flesh is the palate, no gum
GLOSS = 0.16  # share of full light that wet things mirror, where they do
ARCH = 1.7  # per model unit: how a row of teeth bends backwards, z = -ARCH x^2
ARCH_END = 0.36  # model units from the middle at which it ends


@dataclass(frozen=True, eq=False)
class Inside:
    """What lies between lips, in model units from the middle of the upper incisors' edge.

    points, jaw: (V, 3), jaw how far each goes as the lower incisors drop by 1; normals: (V, 3); open_: (V,) how much of
    the light that enters gets there, whatever the depth; tooth: (V,) 1 on teeth,
    0 on gums and tongue; colours: (V, 3) 0 to 255; upper, palate, lower: (T, 3) triangles, of the upper teeth with
    their gum, of what is behind these and of all that goes with the jaw; rest: how far the lower incisors'
    edge lies above the upper's when the teeth are closed.
    """

    points: Float32
    jaw: Float32
    normals: Float32
    open_: Float32
    tooth: Float32
    colours: Float32
    upper: NDArray[np.int32]
    palate: NDArray[np.int32]
    lower: NDArray[np.int32]
    rest: float


@dataclass(frozen=True, eq=False)
class MouthLight:
    """enamel, flesh: (3,) factors on the colours of teeth and of what else is inside; toward: (3,) the photo's light
    in pixels' axes (y down, z to the viewer), over its mean; enters: 0 between lips just apart to 1; dark: (3,) the
    colour of what no light reaches."""

    enamel: Float32
    flesh: Float32
    toward: FloatArray
    enters: float
    dark: Float32


@cache
def inside() -> Inside:
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
    rows = (triangles[still & ~palate], triangles[palate], triangles[~still])
    shade = _reached(points, normals, tooth)
    edge = smoothstep(PALATE, 3 * PALATE, (arch(points[:, 0]) - points[:, 2]).astype(float))
    shade[behind] *= edge[behind].astype(np.float32)  # else its border shows behind the photo's own teeth
    return Inside(points, jaw, normals.astype(np.float32), shade, tooth, colours, *rows, rest)


def _reached(points: Float32, normals: FloatArray, tooth: Float32) -> Float32:
    """Return (V,) less light on the inner sides of the rows and on flesh behind the cheeks."""
    outwards = np.stack([points[:, 0], points[:, 2] - ARCH_CENTRE], axis=1)
    outwards = outwards / np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-6)
    inwards = np.clip(-(normals[:, [0, 2]] * outwards).sum(axis=1), 0, 1)
    beside = smoothstep(BESIDE[0], BESIDE[1], np.abs(points[:, 0]).astype(float))
    return np.asarray((1 - INNER_SIDE * inwards * tooth) * (1 - 0.8 * beside * (1 - tooth)), np.float32)


def drop_of(edge: float, lower_edge: float) -> float:
    """Return how far the jaw drops (`Inside.jaw`) for incisors' edges at these heights in model space."""
    return max(edge - lower_edge + inside().rest, 0.0)


def drawn(
    over: Float32,
    start: FloatArray,
    axes: FloatArray,
    drop: float,
    light: MouthLight,
    upper: Float32,
) -> Float32:
    """Return (h, w, 3) colours, 0 to 255: what lies between lips, over what is behind it.

    start: (2,) px in the picture of the upper incisors' edge; axes: (3, 3) from model units to px; drop: of the jaw;
    upper: (h, w) 0 without the upper row of teeth to 1.
    """
    it = inside()
    points = np.asarray((it.points + np.float32(drop) * it.jaw) @ axes.T, np.float32)
    points[:, :2] = (points[:, :2] + start.astype(np.float32)) * np.float32(SUPERSAMPLING) - np.float32(0.5)
    colours = np.ones((len(points), 4), np.float32)
    colours[:, :3] = _lit(it, axes, light)
    for share, rows in ((np.ones_like(upper), (it.palate, it.lower)), (upper, (it.upper,))):
        if share.any():
            layer = _layer(points, colours, rows, (over.shape[0], over.shape[1]))
            added = layer[..., :3] - over * layer[..., 3:]
            over = np.asarray(over + share[..., None] * added, np.float32)
    return over


def _layer(
    points: Float32, colours: Float32, rows: Sequence[NDArray[np.int32]], shape: tuple[int, int]
) -> Float32:
    """Return (h, w, 4) premultiplied colours and coverage of sets of triangles with one depth."""
    out = np.zeros((shape[0] * SUPERSAMPLING, shape[1] * SUPERSAMPLING, 4), np.float32)
    depth = np.full(out.shape[:2], -1e9, np.float32)
    for triangles in rows:
        draw_triangles(points, colours, triangles, depth, out)
    return np.asarray(cv2.resize(out, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)


def _lit(it: Inside, axes: FloatArray, light: MouthLight) -> Float32:
    """Return (V, 3) colours in the photo's light, by its direction and by how dark the mouth is inside."""
    turn = axes / max(float(np.linalg.norm(axes[2])), 1e-6)
    normals = it.normals @ turn.T.astype(np.float32)
    toward = light.toward.astype(np.float32)
    front = max(1 + float(toward[2]), 0.4)
    direction = np.clip((1 + normals @ toward) / np.float32(front), *LIT_RANGE)
    form = 1 - np.float32(FORM) * (1 - np.clip(normals[:, 2], 0, 1))
    on_teeth, on_flesh = (low + light.enters * (high - low) for low, high in (DEEPEST, FLESH_DEEPEST))
    reaches = np.float32(on_flesh) + it.tooth * np.float32(on_teeth - on_flesh)
    dark = np.exp(np.minimum(it.points[:, 2], 0) / reaches)
    light_on = direction * form * it.open_
    half = toward * [1, 1, 0] + [0, -0.35, 1.0]
    half = (half / np.linalg.norm(half)).astype(np.float32)
    gloss = np.clip(normals @ half, 0, 1) ** 24 * dark * np.float32(GLOSS * 255)
    lit = np.empty((len(it.points), 3), np.float32)
    for k in range(3):  # rows of three are slow to go through
        factor = light.flesh[k] + it.tooth * (light.enamel[k] - light.flesh[k])
        shaded = it.colours[:, k] * factor * (light_on * dark ** REDDER[k])
        lit[:, k] = np.maximum(shaded + gloss * factor.clip(0, 1), light.dark[k])
    return lit


def arch(x: Float32) -> Float32:
    """Model units by which a row of teeth lies behind its middle, <= 0, at x from it."""
    return np.asarray(-np.float32(ARCH) * np.minimum(np.abs(x), np.float32(ARCH_END)) ** 2, np.float32)
