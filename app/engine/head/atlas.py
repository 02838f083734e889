"""Colours a head once a photo: from the photo itself, else from the other side in this side's light, else from a fill.

Each vertex is tested for whether the photo shows it: whether it faces the viewer, whether something hides it, and
whether it lies inside the matte. The atlas' texels interpolate the answers. Places that the photo never shows take
their colours from one sparse linear system over the head (`head.fill`), in which the scalp tends to the hair's colour.
Hair takes its strands from the hair that the photo shows (`head.hair_texture`; docs/mesh-warp.md, “Whole head”).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP
from app.engine.head.beard import beard_region
from app.engine.head.completion import improved
from app.engine.head.fill import face_skin, filled, relief
from app.engine.head.grain import beard_edge, beard_grain, grain, stubble_grain
from app.engine.head.hair_colour import hair_colour, sampled
from app.engine.head.hair_texture import LIKE, WELL, continued
from app.engine.head.head import Head
from app.engine.head.light import mirror_gain
from app.engine.head.lips import over_lips
from app.engine.head.low_colours import INSIDE, SMALL_IOD, Low
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.parts import ears_shown, eyes, per_eye, plain
from app.engine.head.raster import carried, rasterised
from app.engine.head.rim import inside_outlines, rim_gain
from app.engine.head.sides import CHEEKS, LEAST, NEAR, Sides, of_hair, sides
from app.engine.head.skull import smoothstep
from app.engine.head.strands import DARK, streaks, unevenness
from app.engine.head.texels import atlas_side, texels
from app.engine.imaging.colour import largest

Planes = Mapping[str, NDArray[np.float32]]  # values (S, S, N) of an atlas' texels, by name

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py), except where a comment names
# another origin. IOD is the distance between the eyes; cm are those of the head model. A pair of values is a range:
# at the first value something begins, at the second it is complete.
BEHIND = (0.07, 0.16)  # IOD that a vertex lies behind another part: visible to hidden
FACING = (0.06, 0.22)  # cosine between normal and view: hardly seen to well seen
EYE_FACING = (0.35, 0.75)  # mean cosine between an eye's normals and the view: hardly seen to well seen
EYE_ENOUGH = 0.7  # share of an eye that is well seen, below which the eye is mirrored
EYE_GAP = 0.15  # share by which the near eye must be seen better than the other
BETTER = (0.1, 0.3)  # cosine by which the other side faces the viewer more than this one: kept to mirrored
ENOUGH = (0.35, 0.6)  # cosine between this side's normal and the view: may be mirrored to always kept
# Cosine by which a lock over a cheek counts as turned further away: it does not lie on the cheek, and turned as a part
# of that it was a dark smear (p02 and p10 of the portraits).
LOCK = 0.3
AWAY = (-0.25, 0.0)  # cosine between an ear's normal and the view: faces away to does not
HOLLOW = 2  # smoothing steps over which an ear's hollow goes over to what the photo shows
SOFTENED = 4  # smoothing steps over which two sources of colour blend
JAGGED = 0.05  # amount of the hairline's field, 0 to 1, by which tufts reach over the line
HAIRLINE = (0.4, 0.6)  # values of the hairline's field, 0 to 1: skin to hair
# Mirrored skin may be this many times as bright as its surroundings: highlights stay on their own side. Strands of hair
# are more uneven: with this limit they became flat patches.
BRIGHTEST, BRIGHTEST_STRAND = 1.2, 1.6
NAPE, NAPE_Z = -4.5, -6.0  # cm: height and depth (z) at which hair ends at the nape
RISES = 0.8  # cm of height by cm of depth: slope of that end from the nape up to the ear


@dataclass(frozen=True, eq=False)
class Seen:
    """What the photo shows of a head's vertices.

    at: (V, 2) px in the photo; normals: (V, 3) unit, in pixels' axes (y down, z to the viewer); smooth: (V, 3) the
    same of the head without its ears; shown: (V,) 1 where nothing stands before the vertex and it lies in the
    picture; person: (V,) 1 well inside the matte; confident: (V,) 1 where the vertex is shown, faces the viewer and
    is the person's; inward: (V, 2) px from the outlines of nose and jaw inwards, by which their colours are taken
    from further inside.
    """

    at: FloatArray
    normals: FloatArray
    smooth: FloatArray
    shown: FloatArray
    person: FloatArray
    confident: FloatArray
    inward: FloatArray

    @property
    def facing(self) -> FloatArray:
        """Return (V,) the cosine of normal and view where the photo shows the person, 0 elsewhere."""
        return self.shown * self.person * np.clip(self.normals[:, 2], 0, 1)


@dataclass(frozen=True, eq=False)
class Shares:
    """Where each vertex takes its colour from.

    kept: (V,) share that comes from the photo; mirrored: (V,) share that comes from the other side; the rest is the
    fill's. better: (V,) 1 where the photo shows the other side so much better that this side is mirrored rather than
    stretched; rim: (V,) factor by which a place seen at a grazing angle is drawn brighter than in the photo; trusted:
    (V,) 0 where skin is seen at so grazing an angle that its colours are worth nothing; hung: (V,) 1 on and near a
    cheek on which the photo shows hair; ears: (V,) of `ears_shown`.
    """

    kept: FloatArray
    mirrored: FloatArray
    better: FloatArray
    rim: FloatArray
    trusted: FloatArray
    hung: FloatArray
    ears: FloatArray

    def known(self, confident: FloatArray) -> FloatArray:
        """Return (V,) how surely the photo or its mirror image shows a place; confident: (V,) of `Seen`."""
        return np.maximum(self.kept + self.mirrored, confident * (1 - self.trusted))


@dataclass(frozen=True, eq=False)
class Unlearned:
    """An atlas before the learned completion.

    atlas: (S, S, 3) of the photo's type; planes: (S, S, 3) float32, the shares kept and mirrored, and the hairline's
    field; shares: by vertex.
    """

    atlas: NDArray[Any]
    planes: NDArray[np.float32]
    shares: Shares


def seen(head: Head, matte: NDArray[np.float32]) -> Seen:
    """Return what the head's photo shows of its vertices; matte: (H, W) in [0, 1] of the person."""
    model = HeadModel.load()
    placed = head.posed(head.camera)
    iod = head.camera.scale
    factor = min(1.0, 2 * SMALL_IOD / iod)
    small = placed * factor
    size = (max(1, round(matte.shape[1] * factor)), max(1, round(matte.shape[0] * factor)))
    ids, depth = rasterised(small, model.triangles, (0, 0, *size))
    x = np.clip(small[:, 0].astype(int), 0, size[0] - 1)
    y = np.clip(small[:, 1].astype(int), 0, size[1] - 1)
    front = np.where(ids[y, x] >= 0, depth[y, x], -np.inf)
    hidden = smoothstep(*BEHIND, (front - small[:, 2]) / (iod * factor))
    normals = head.turned(head.camera)
    person = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    grown = 2 * max(1, round(INSIDE * iod * factor)) + 1
    person = cv2.erode(person, np.ones((grown, grown), np.uint8))[y, x]
    inside = (placed[:, 0] >= 0) & (placed[:, 1] >= 0)
    inside &= (placed[:, 0] < matte.shape[1]) & (placed[:, 1] < matte.shape[0])
    shown = (1 - hidden) * inside
    person = smoothstep(0.3, 0.9, person)
    confident = shown * smoothstep(*FACING, normals[:, 2]) * person
    inward = inside_outlines(model, small, ids, depth, iod * factor)
    bare = model.normals(model.without_ears(head.points)) @ head.camera.rotation.T * FLIP
    return Seen(placed[:, :2], normals, bare, shown, person, confident, inward / factor)


def completed(
    head: Head, own: Seen, pixels: NDArray[Any], matte: NDArray[np.float32], lows: Low
) -> tuple[NDArray[Any], Shares]:
    """Return the (S, S, 3) atlas of the photo's type, and where each vertex takes its colour from.

    own: what the photo shows of the head; pixels: (H, W, 3) the photo, uint8 or uint16; matte: (H, W) in [0, 1].
    """
    made = unlearned(head, own, pixels, matte, lows, atlas_side(head.camera.scale))
    return improved(made.atlas, made.planes), made.shares


def unlearned(
    head: Head,
    own: Seen,
    pixels: NDArray[Any],
    matte: NDArray[np.float32],
    lows: Low,
    side: int,
) -> Unlearned:
    """Return the atlas that the photo, its mirror image and the fill make without the learned completion.

    side: texels on a side; `completed` explains the others.
    """
    model = HeadModel.load()
    low, at_low, colours = lows.picture, lows.factor, lows.vertices
    facing = own.normals[:, 2]
    hair = hair_colour(model, own.at, facing, own.shown, own.confident, lows.fine, at_low, head.ears)
    scale = 255 / largest(pixels.dtype)
    person, hair = own.shown * own.person, None if hair is None else hair * scale
    rim, trusted, hung = rim_gain(model, facing, person, colours * scale, hair, head.ears)
    colours = colours * rim[:, None]
    well = own.confident * plain(model)
    two = sides(model, colours * scale, hair, well, head.ears)
    over = _hair_before(own, lows, hair, scale)
    taken = _shares(model, head, own, rim, trusted, hung, two, _before(model, own, over))
    person = person * (1 - over * relief() * head.ears)
    gain = mirror_gain(model, own.normals, well, colours, face_skin(head.ears), two.unlike)
    gain = gain * rim[model.mirror][:, None]
    mirrored = (colours[model.mirror] * gain * scale, taken.mirrored)
    fill = filled(model, own.normals, own.smooth, person, colours * scale, hair, head.ears, mirrored)
    at = own.at + own.inward
    planes = _over_the_atlas(
        {
            "at": at,
            "at_mirrored": at[model.mirror],
            "kept": taken.kept,
            "mirrored": taken.mirrored,
            "gain": gain,
            "skin": fill.skin / scale,
            "hair": fill.hair / scale,
            "hairline": fill.hairline,
            "rim": rim,
            "beard": beard_region(),
            "facing": np.clip(facing, 0, 1),
            "mirrored_hair": two.hair[model.mirror],
            "like_hair": fill.like,
        },
        side,
    )
    atlas = _mixed(planes, pixels, low, at_low)
    return Unlearned(atlas, np.dstack([planes[name] for name in ("kept", "mirrored", "hairline")]), taken)


def _over_the_atlas(values: Mapping[str, FloatArray], side: int) -> Planes:
    """Return each of the vertices' values (V,) or (V, N), by its name, interpolated over the atlas: (S, S, N)."""
    model = HeadModel.load()
    ids, share, _ = texels(side)
    columns = [value.reshape(len(value), -1).astype(np.float32) for value in values.values()]
    table = np.concatenate(columns, axis=1)
    grid = np.zeros((side, side, table.shape[1]), np.float32)
    carried(ids, share, model.corners, model.base, table, grid)
    ends = np.cumsum([column.shape[1] for column in columns])
    return dict(zip(values, np.split(grid, ends[:-1], axis=2), strict=True))


def _shares(
    model: HeadModel,
    head: Head,
    own: Seen,
    rim: FloatArray,
    trusted: FloatArray,
    hung: FloatArray,
    two: Sides,
    before: FloatArray,
) -> Shares:
    """Return where each vertex takes its colour from; an eye with its brow has one source, and so has an ear.

    two: what the photo shows of the two sides, by which hair is not brought onto skin; before: of `_before`.
    """
    smooth = confident = over_lips(own.confident * trusted, own.person)
    for _ in range(4):
        smooth = np.minimum(confident, model.averaging @ smooth)
    alike = 1 - two.hairier * (1 - np.maximum(*eyes(model)))
    better = _better(model, own, two.over) * alike
    kept = per_eye(model, smoothstep(0.35, 0.55, smooth) * (1 - better))
    whole, ear = ears_shown(head, own.confident), relief() * head.ears
    ears = whole * ear * own.person
    before = ears * before
    kept = before + (1 - ear) * kept
    mirrored = per_eye(model, smoothstep(0.2, 0.4, smooth[model.mirror])) * alike
    mirrored = (1 - kept) * (before[model.mirror] * (1 - ears) + (1 - ear) * mirrored)
    # A side that the photo shows no worse than the other takes nothing from there: hair may hang over one temple, and a
    # share of it would be a dark line on the other.
    gap = smoothstep(*BETTER, own.normals[model.mirror, 2] - own.normals[:, 2])
    mirrored = mirrored * (1 - own.confident * (1 - gap))
    return Shares(kept, mirrored, better, rim, trusted, hung, whole)


def _hair_before(own: Seen, lows: Low, hair: FloatArray | None, scale: float) -> FloatArray:
    """Return (V,) 1 where the photo shows hair, if a place is skin: hair (V, 3) in [0, 255] or None.

    It is told by colours that are hardly blurred, because ears are narrow; scale: of those to [0, 255].
    """
    model = HeadModel.load()
    cheeks = (own.confident > 0.5) & (model.distance < CHEEKS)
    if hair is None or cheeks.sum() < LEAST:
        return np.zeros(len(own.at))
    fine = sampled(lows.fine, own.at * lows.factor) * scale
    found = near = of_hair(fine, np.median(fine[cheeks], axis=0), hair)
    for _ in range(HOLLOW):
        near = model.averaging @ near
    return np.maximum(found, smoothstep(*NEAR, near))


def _before(model: HeadModel, own: Seen, hair: FloatArray) -> FloatArray:
    """Return (V,) 0 where something, such as hair (V,), stands before a place or it faces away, 1 where not, softly.

    The photo shows there what stands before it: a hollow of an ear had the colour of a temple or a sideburn, and curls
    before an ear made its lobe black (p25).
    """
    before = own.shown * smoothstep(*AWAY, own.normals[:, 2]) * (1 - hair)
    for _ in range(HOLLOW):
        before = model.averaging @ before
    return np.asarray(before)


def _better(model: HeadModel, own: Seen, over: FloatArray) -> FloatArray:
    """Return (V,) 1 where the mirror image is better than the photo: this side is seen at a grazing angle, and the
    other side faces the viewer much more; over: of `Sides`, where that begins at less grazing angles.
    """
    facing = own.normals[:, 2]
    gap = smoothstep(*BETTER, facing[model.mirror] - facing) * smoothstep(
        0.5, 0.9, own.confident[model.mirror]
    )
    better = gap * (1 - smoothstep(*ENOUGH, facing - LOCK * over))
    for _ in range(SOFTENED):
        better = model.averaging @ better
    well = smoothstep(*EYE_FACING, facing) * own.confident
    for near in eyes(model):
        mean, other = (float(near @ side / near.sum()) for side in (well, well[model.mirror]))
        better = near * float(mean < min(EYE_ENOUGH, other - EYE_GAP)) + (1 - near) * better
    return np.asarray(better)


def _mixed(planes: Planes, pixels: NDArray[Any], low: NDArray[np.float32], at_low: float) -> NDArray[Any]:
    """Return the (S, S, 3) atlas: each texel mixes the photo, its mirror image and the fill.

    planes: what `unlearned` interpolates, by name; low: (h, w, 3) the low-pass picture; at_low: its px per px of the
    photo.
    """
    side = planes["kept"].shape[0]
    top = largest(pixels.dtype)

    def fetched(picture: NDArray[Any], at: NDArray[np.float32], factor: float = 1.0) -> NDArray[np.float32]:
        x, y = (np.ascontiguousarray(at[..., k] * factor - 0.5) for k in (0, 1))
        # Straight lines between pixels take a quarter of the finest contrast, which low-pass colours do not have.
        between = cv2.INTER_LINEAR if picture is low else cv2.INTER_CUBIC
        found = cv2.remap(picture, x, y, between, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.float32)

    kept, mirrored, beard, hairline = (planes[name] for name in ("kept", "mirrored", "beard", "hairline"))
    at, opposite = planes["at"], planes["at_mirrored"]
    brightest = BRIGHTEST + planes["mirrored_hair"] * (BRIGHTEST_STRAND - BRIGHTEST)
    other = np.minimum(fetched(pixels, opposite), brightest * fetched(low, opposite, at_low)) * planes["gain"]
    own = fetched(pixels, at)
    shown = own / np.float32(top)
    tufts = streaks(side)
    shares = np.asarray(kept[..., 0] * (beard[..., 0] > 0.5), np.float32)
    hairs = beard_grain(shown, shares)
    line = np.asarray(hairline + JAGGED * beard_edge(tufts, hairs, beard) * (hairline > 0.02), float)
    hair = smoothstep(*HAIRLINE, line).astype(np.float32)
    uneven = unevenness(shown, (kept * hair)[..., 0])
    well = kept * hair * (beard < 0.5) * (planes["facing"] > WELL) * (planes["like_hair"] > LIKE)
    strand, known = continued(shown, well[..., 0], ((kept < 1) & (hair > 0))[..., 0])
    known = known * (1 - beard)
    strand = 1 + known * (strand - 1) + (1 - known) * (np.exp(uneven * tufts) - 1)
    if hairs is not None:
        strand = strand + beard * (hairs - strand)
    fine = grain(shown, np.asarray((kept * (1 - hair))[..., 0], np.float32))
    fine = fine + beard * (stubble_grain(shown, shares, fine) - fine)
    skin = np.asarray(planes["skin"] * fine, np.float32)
    dark = np.float32(DARK * top)
    fill = skin + hair * ((planes["hair"] + dark) * strand - dark - skin)
    out = kept * planes["rim"] * own + mirrored * other + (1 - kept - mirrored) * fill
    out = np.clip(out + 0.5, 0, top).astype(pixels.dtype)
    _, _, nearest = texels(side)
    return np.ascontiguousarray(out.reshape(-1, 3)[nearest.ravel()].reshape(side, side, 3))


def scalp(model: HeadModel) -> FloatArray:
    """Return (V,) 1 where hair grows: off the face, behind the ears, above the nape."""
    _, y, z = model.points.T
    behind = np.maximum(smoothstep(1.0, -1.0, z), smoothstep(2.0, 4.0, y))
    above = smoothstep(-1.0, 1.0, y - (NAPE + RISES * (z - NAPE_Z)))
    return np.asarray(smoothstep(2.0, 3.5, model.distance) * above * behind * ~model.ear)
