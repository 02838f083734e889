"""Reads from a photo what it shows of the inside of its mouth, and the colours around the mouth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FittedFace
from app.engine.imaging.colour import LUMINANCE, largest
from app.engine.warping.curves import Float32, FloatArray, box_around, catmull_rom, soft_inside
from app.engine.warping.light import Light, light_of
from app.engine.warping.light_direction import light_direction
from app.engine.warping.mouth import OPEN, Mouth, enters, lips_shade, mouth_light, mouth_source
from app.engine.warping.posing import FaceSource, face_source, mouth_as_posed, pose
from app.engine.warping.teeth import MouthLight, in_view, inside
from app.engine.warping.topology import LOWER_LIDS, N_FACE, UPPER_LIDS

# IOD is the distance between the eyes. The places are MediaPipe's vertices, in pairs of the person's right and left
# side where there are two: cheeks, beside the nose, forehead, nose, beside the mouth, above the upper lip, chin, and
# both lips' red (LIPS).
PLACES = (50, 280, 205, 425, 108, 337, 9, 4, 57, 287, 164, 199, 72, 302, 12, 180, 404, 16)
LIPS = slice(12, 18)
# The same places, and the eyes' whites after them, on the face's other side.
SWAPPED = (1, 0, 3, 2, 5, 4, 6, 7, 9, 8, 10, 11, 13, 12, 14, 16, 15, 17, 19, 18)
MOST_IOD = 64.0  # px between the eyes: larger photos are made smaller, which leaves a mouth of some 50 px
BLUR = 0.03  # IOD: sigma of the blur with which colours are read; about half of a lip's height
SCLERA = 0.2  # brightest share of an eye's pixels, which is its white rather than iris, lashes or shade
LIPS_OFF = 0.012  # IOD by which the lips may lie inside their landmarks, as seen on sheets of what was read
SHADE = 0.3  # brightness over that of teeth of the shade between lips, as seen on the same sheets
# Weights of a place where an upper or a lower tooth is drawn and the photo shows none, or the other way round. Upper
# teeth are there and lie in shade; lower ones are mostly behind the lower lip, which made them pink on sheets.
UNSURE, UNSURE_LOWER = 0.35, 0.2
UNKNOWN = 0.5  # weight of all places where teeth are not brighter than lips, so that neither is recognised
LEAST = 0.02  # of 1: brightness from which the ratio of two colours says something
ENOUGH = 0.003  # IOD squared of a cell's places from which its colour counts fully; some 10 px at 60 px between eyes
# model units from the mouth's middle at which a canine stands: the border of the cells at the sides
SIDES = 0.11
CELLS = 9  # upper teeth, lower teeth and flesh, each to the person's right, in the middle and to the left


@dataclass(frozen=True, eq=False)
class Sight:
    """What a photo shows between its lips and around them.

    photo: (P, 3) colours, 0 to 1, of the pixels between its lips; vertex: (P,) of `teeth.Inside` that is drawn there;
    drawn: (P, 3) what is drawn in white light, and gloss: (P,) its reflections, 0 to 1; sure: (P,) 0 to 1, how likely
    the photo shows what is drawn; around: (20, 3) colours, 0 to 1, at PLACES and of the whites of the right and left
    eye; skin: (3,) of `light_on`; toward: (3,) of `light_direction`; turned: (2,) degrees of yaw and pitch; own_teeth:
    (3,), teeth, gap: of `Mouth`; asked: (2,) IOD, gap and drawn width of `MouthPose`; iod: px.
    """

    photo: Float32
    vertex: NDArray[np.int32]
    drawn: Float32
    gloss: Float32
    sure: Float32
    around: Float32
    skin: Float32
    toward: Float32
    turned: Float32
    own_teeth: Float32
    teeth: float
    gap: float
    asked: Float32
    iod: float


def sight(pixels: NDArray[Any], face: FittedFace, mouth: Mouth | None = None) -> Sight:
    """Return what a photo (H, W, 3) shows of a face's mouth; mouth: that of the photo, if it is known already."""
    if (factor := MOST_IOD / face.params.camera.scale) < 1:
        size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
        pixels, face = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), face.scaled(factor)
    iod, source = face.params.camera.scale, face_source(face.landmarks[:N_FACE], face.params)
    if mouth is None:
        light, toward = light_of(pixels, face.landmarks), light_direction(pixels, source.photo, iod)
        mouth = mouth_source(pixels, face.landmarks, iod, source.gap, light, toward)
    around = colours_around(pixels, face.landmarks, iod)
    photo, vertex, drawn, gloss, asked = _between_lips(pixels, source, mouth)
    return Sight(
        photo,
        vertex,
        drawn,
        gloss,
        sure(photo, vertex, mouth.own_teeth, np.median(around[LIPS], axis=0), mouth.teeth),
        around,
        mouth.light.skin,
        mouth.toward.astype(np.float32),
        np.array(face.params.camera.angles[:2], np.float32),
        mouth.own_teeth,
        mouth.teeth,
        mouth.gap,
        asked,
        iod,
    )


def _between_lips(
    pixels: NDArray[Any], source: FaceSource, mouth: Mouth
) -> tuple[Float32, NDArray[np.int32], Float32, Float32, Float32]:
    """Return photo, vertex, drawn, gloss and asked of `Sight`; they are empty where the lips are shut."""
    none = np.zeros((0, 3), np.float32)
    if source.gap < OPEN:
        return none, np.zeros(0, np.int32), none, none[:, 0], np.zeros(2, np.float32)
    iod = source.params.camera.scale
    posed = mouth_as_posed(source, pose(source, source.params), 0.0, 1.0)
    contour = catmull_rom(posed.contour)
    x0, y0, x1, y1 = box_around(contour, 2, (pixels.shape[1], pixels.shape[0]))
    shape = (y1 - y0, x1 - x0)
    grown = 2 * max(1, round(LIPS_OFF * iod)) + 1
    between = soft_inside(contour, (x0, y0), shape, 0)
    between = cv2.erode(between, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grown, grown)))
    one = np.ones(3, np.float32)
    white = MouthLight(one, one, mouth.toward, enters(posed.gap, posed.drawn), np.zeros(3, np.float32))
    vertex, drawn, gloss = in_view(shape, posed.edge - np.array([x0, y0]), posed.axes, posed.drop, white)
    shade = lips_shade(contour, (x0, y0), shape, posed.gap, iod) / np.float32(255)
    here = (between > 0.5) & (vertex >= 0)
    return (
        pixels[y0:y1, x0:x1][here].astype(np.float32) / np.float32(largest(pixels.dtype)),
        vertex[here],
        (drawn * shade[..., None])[here],
        (gloss * shade)[here],
        np.array([posed.gap, posed.drawn], np.float32),
    )


def sure(
    photo: Float32, vertex: NDArray[np.int32], own_teeth: Float32, lip: Float32, teeth: float
) -> Float32:
    """Return (P,) how likely places of a photo (P, 3) show teeth where vertices (P,) are teeth, and flesh elsewhere.

    own_teeth, lip: (3,) colours of the photo's teeth and lips; teeth: whether the photo shows teeth, 0 to 1.
    """
    to_tooth, to_lip, to_shade = (
        np.abs(photo - colour).sum(axis=1) for colour in (own_teeth, lip, np.float32(SHADE) * own_teeth)
    )
    row = cell_of_vertex()[vertex] // 3
    seen = (to_tooth < np.minimum(to_lip, to_shade)) == (row < 2)
    likely = np.where(seen, 1, np.where(row == 1, UNSURE_LOWER, UNSURE))
    return np.asarray(UNKNOWN + teeth * (likely - UNKNOWN), np.float32)


def unlearned(it: Sight, light: Light, own_teeth: Float32, shown: float) -> tuple[Float32, Float32]:
    """Return (P, 3) the factors of light on what is drawn, and (3,) the least colour, 0 to 1."""
    low = mouth_light(light, own_teeth, shown, enters(*it.asked.tolist()), it.toward.astype(float))
    tooth = inside().tooth[it.vertex][:, None]
    return low.flesh + tooth * (low.enamel - low.flesh), low.dark / np.float32(255)


def cells_of(it: Sight, light: Light) -> Float32:
    """Return (CELLS, 4): by how much the photo's colours differ from what is drawn (log of the ratio, red, green, blue)
    and how much of a cell is seen, 0 to 1; 0 where the photo shows no teeth.
    """
    factor, dark = unlearned(it, light, it.own_teeth, 0.0)
    made = light.coloured(np.maximum((it.drawn + it.gloss[:, None]) * factor, dark))
    least = np.float32(LEAST)
    apart = np.log(np.maximum(it.photo, least) / np.maximum(made, least))
    here = cell_of_vertex()[it.vertex] == np.arange(CELLS)[:, None]
    weight = here * (it.sure * (it.sure > UNSURE))
    total = weight.sum(axis=1, keepdims=True)
    share = np.float32(it.teeth) * np.minimum(total / np.float32(ENOUGH * it.iod**2), 1)
    return np.hstack([weight @ apart / np.maximum(total, 1e-6), share]).astype(np.float32)


@cache
def cell_of_vertex() -> NDArray[np.int64]:
    """Return (V,) the cell of each vertex inside a mouth."""
    it = inside()
    moves = np.abs(it.jaw[:, 1]) > 0.02  # as `inside` tells what moves with the jaw
    row = np.where(it.tooth > 0, np.where(moves, 1, 0), 2)
    column = np.digitize(it.points[:, 0], (-SIDES, SIDES))
    return np.asarray(3 * row + column)


def colours_around(pixels: NDArray[Any], landmarks: FloatArray, iod: float) -> Float32:
    """Return (20, 3) `Sight.around`; pixels: (H, W, 3) uint8 or uint16; landmarks: (478, 3) px."""
    x0, y0, x1, y1 = box_around(landmarks, 0.1 * iod, (pixels.shape[1], pixels.shape[0]))
    crop = pixels[y0:y1, x0:x1].astype(np.float32) / np.float32(largest(pixels.dtype))
    soft = cv2.GaussianBlur(crop, (0, 0), max(0.5, BLUR * iod))
    at = np.round(landmarks[list(PLACES), :2] - [x0, y0]).astype(int)
    x, y = np.clip(at[:, 0], 0, x1 - x0 - 1), np.clip(at[:, 1], 0, y1 - y0 - 1)
    whites = [_white(crop, landmarks, (x0, y0), side) for side in (1, 0)]
    return np.asarray(np.vstack([soft[y, x], *whites]), np.float32)


def _white(crop: Float32, landmarks: FloatArray, corner: tuple[int, int], side: int) -> Float32:
    """Return the (3,) mean colour of the brightest pixels of an eye."""
    contour = landmarks[[*UPPER_LIDS[side], *LOWER_LIDS[side][-2:0:-1]], :2]
    eye = crop[soft_inside(contour, corner, crop.shape[:2], 0) > 0.5]
    if len(eye) < 5:
        middle = np.clip(contour.mean(axis=0) - corner, 0, np.array(crop.shape[1::-1]) - 1).astype(int)
        return np.asarray(crop[middle[1], middle[0]])
    order = np.argsort(eye @ LUMINANCE.astype(np.float32))
    return np.asarray(eye[order[-max(1, int(SCLERA * len(order))) :]].mean(axis=0))
