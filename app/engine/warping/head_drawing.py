"""Draws a turned head: `head_look` computes once what belongs to a photo, `drawn_head` the pixels of every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera, FittedFace
from app.engine.head import Head, HeadModel, fit_head
from app.engine.head.atlas import (
    Seen,
    completed,
    scalp,
    seen,
)
from app.engine.head.fill import relief
from app.engine.head.gaps import gaps
from app.engine.head.hair_colour import sampled
from app.engine.head.light import light_on, lit, room_above, tilted, tint_of
from app.engine.head.low_colours import low_colours
from app.engine.head.skull import smoothstep
from app.engine.head.texels import atlas_side
from app.engine.imaging.colour import LUMINANCE, largest
from app.engine.warping import holding, own_view
from app.engine.warping.beside import Beside, beside_head
from app.engine.warping.body import Body, body_of, moves, shifted
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.following import Following, following
from app.engine.warping.hair import Sheet, hung_over, retextured, sheet
from app.engine.warping.hats import under_hat
from app.engine.warping.head_kernels import COLUMNS, head_band, head_maps
from app.engine.warping.holding import Hidden, hidden
from app.engine.warping.layers import Box, Layers, around, box_of, in_bands
from app.engine.warping.locks import Loose, locks_in, loose_of
from app.engine.warping.necks import before_the_neck, beside_neck, covered_neck, shown_beside
from app.engine.warping.own_view import OwnView
from app.engine.warping.own_view_kernels import OwnPixels
from app.engine.warping.plate import Places, behind, places
from app.engine.warping.spectacles import Front
from app.engine.warping.topology import N_FACE
from app.engine.warping.unfolding import Skin, face_triangles

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py), except where a comment names
# another origin. IOD is the distance between the eyes. A pair of values is a range: at the first value something
# begins, at the second it is complete.

RIM_WHOLE = (1.0, 1.2)  # factor of `Shares.rim`: a place in its own light to one lit like the skin beside it
# Share of the head's motion up to which the neck fades into the photo. With 0.1, ends of necks that turned into view
# were translucent over 20 px before the background (p13, cut out).
NECK_END = 0.03
CUT = 4.0  # times as steep as in the colours, a neck ends in a cut-out
MIXED = 0.05  # IOD of depth over which the nearer of head and hair takes over
NO_CORNER = np.zeros(2, np.int32)  # px: the corner of a picture that nothing was cut from
COARSE = 192  # texels: side of the atlas from which the brightness of vertices is taken
LIT = 6.0  # cm from the face's landmarks over which the skin's light fades: ears and throat are skin too


@dataclass(frozen=True, eq=False)
class HeadLook:
    """The head of one photo with its colours, computed once.

    seen: what the photo shows of the head; kept, better, rim: of `Shares`; atlas: (S, S, 4) of the photo's type, with a
    fourth channel because four are read at once;
    plate: the photo without the head; beside: what stands beside the head; sheet: the hair there, None where there is
    none; there: (V,) how much of a vertex is drawn; ear: (V,) 1 on a visible ear; hair: (V,) 1 where hair grows; hung:
    of `Shares`, 0 behind spectacles; hidden: what a held outline does to the vertices; light: (9,) harmonics; tint:
    (3,) of `tint_of`; skin: (V,) how much of the light's change a vertex takes; room: (V,) how many times brighter a
    vertex may become; bare: of `beside_neck`; shown: of `shown_beside`; covered: (V,) 1 below the jaw where the photo
    shows clothes instead; loose: how loosely made-up hair ends; clothes: of `before_the_neck`;
    fixed: (A, 4) float32, places in photo and atlas in index coordinates; changed: box of the photo in which the plate
    differs from it; follows: what an expression carries along; body: what the body's motion carries along.
    """

    head: Head
    seen: Seen
    kept: FloatArray
    better: FloatArray
    rim: FloatArray
    atlas: NDArray[Any]
    plate: Layers
    beside: Beside
    sheet: Sheet | None
    there: FloatArray
    ear: FloatArray
    hair: FloatArray
    hung: FloatArray
    hidden: Hidden
    light: FloatArray
    tint: Float32
    skin: FloatArray
    room: FloatArray
    bare: FloatArray
    shown: FloatArray
    covered: FloatArray
    loose: Loose
    clothes: NDArray[np.uint8]
    fixed: Float32
    changed: Box
    follows: Following
    body: Body

    @cached_property
    def drawn(self) -> NDArray[np.int64]:
        """Return (N,) the vertices of which anything is drawn."""
        return np.flatnonzero(self.there > 0)

    @cached_property
    def surface(self) -> Skin:
        own = holding.posed(self.head, self.hidden, self.head.camera, None, np.zeros(2))
        return Skin.of(own, face_triangles())

    @cached_property
    def shaded(self) -> FloatArray:
        """Return (V,) how bright the photo's light makes each vertex in the photo's own view.

        A rim counts as lit like the skin beside it.
        """
        return lit(self.light, tilted(self.seen.normals, smoothstep(*RIM_WHOLE, self.rim)))

    @cached_property
    def made_up(self) -> FloatArray:
        """Return (V,) the same where a vertex' colours are made up."""
        return lit(self.light, tilted(self.seen.normals, np.ones(len(self.rim))))


def head_look(
    face: FittedFace, layers: Layers, matte: Float32, srgb: NDArray[np.uint8], front: Front, soft: float
) -> HeadLook:
    """Return the head of one photo with its colours.

    matte: (H, W) in [0, 1] of the person; srgb: (H, W, 3) uint8, the photo; front: what stands before the face; soft:
    0 where the person's outline is sharp to 1 where it is soft.
    """
    model, head = HeadModel.load(), fitted(face, matte, srgb, front)
    head, loose = loose_of(head, matte, srgb, soft)
    where = places(head, matte)
    beside = beside_head(where, srgb)
    own, covered = _shown_of(head, layers, beside, matte)
    pixels = layers.texture[..., :3]
    uncovered = cv2.resize(1 - beside.clothes, matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
    low = low_colours(pixels, matte * uncovered, head.camera.scale, own.at, own.facing)
    atlas, shares = completed(head, own, pixels, matte, low)
    skin = np.exp(-((model.distance / LIT) ** 2)) * model.face
    bright = low.vertices @ LUMINANCE / largest(pixels.dtype)
    light = light_on(own.normals, bright, own.confident * skin)
    plate, changed = plate_of(layers, beside.where, beside)
    behind_it = hidden(head, own, shares.ears)
    hung = sheet(pixels, layers.background, matte, head, behind_it.unseen, beside)
    there = smoothstep(0.0, NECK_END, head.rigid)
    if hung is not None:
        there = there * (1 - under_hat(beside.hat, where, own.at, own.normals[:, 2]))
        there = there * (1 - hung_over(hung, beside, own.at, shares.known(own.confident)))
    tint = tint_of(own.normals, low.vertices / largest(pixels.dtype), own.confident * skin, light)
    return HeadLook(
        head=head,
        seen=own,
        kept=shares.kept,
        better=shares.better,
        rim=shares.rim,
        atlas=np.asarray(cv2.cvtColor(atlas, cv2.COLOR_RGB2RGBA)),
        plate=plate,
        beside=beside,
        sheet=hung,
        there=there,
        ear=relief() * head.ears,
        hair=scalp(model),
        hung=shares.hung * (1 - front.worn),
        hidden=behind_it,
        light=light,
        tint=tint.astype(np.float32),
        skin=skin,
        room=room_above(bright * shares.rim, brightness(atlas), own.confident * skin),
        bare=beside_neck(own.at, where, head.rigid),
        shown=shown_beside(own.shown, own.person),
        covered=covered,
        loose=loose,
        clothes=before_the_neck(beside, plate.texture[..., 3]),
        fixed=fixed_places(head, own.at),
        changed=changed,
        follows=following(head, own, beside.where, hung),
        body=body_of(where, matte.shape),
    )


def _shown_of(head: Head, layers: Layers, beside: Beside, matte: Float32) -> tuple[Seen, FloatArray]:
    """Return what the photo shows of the head, without what stands before its neck or behind its hair, and (V,) how far
    clothes cover a neck; the other arguments are those of `head_look`.
    """
    own, where = seen(head, matte), beside.where
    covered = covered_neck(own.at, beside, head.rigid)
    pixels, background = layers.texture[..., :3], layers.background[..., :3]
    between = gaps(own.at, own.confident, pixels, background, where.matte, where.factor, where.iod, head.ears)
    bare = (1 - covered) * (1 - between)
    return replace(own, shown=own.shown * bare, confident=own.confident * bare), covered


def fitted(face: FittedFace, matte: Float32, srgb: NDArray[np.uint8], front: Front) -> Head:
    """Return the fitted head with the spectacles' front raised from it; the arguments are those of `head_look`."""
    head = fit_head(face, matte, srgb)
    if front.worn <= 0:
        return head
    points = front.raised(head.points)
    return replace(head, points=points, normals=HeadModel.load().normals(points))


def fixed_places(head: Head, at: FloatArray) -> Float32:
    """Return `HeadLook.fixed`; at: (V, 2) px of the head's vertices in the photo."""
    model = HeadModel.load()
    atlas = model.atlas * atlas_side(head.camera.scale)
    return np.column_stack([at[model.base] - 0.5, atlas - 0.5]).astype(np.float32)


def plate_of(layers: Layers, where: Places, beside: Beside) -> tuple[Layers, Box]:
    """Return the photo without the head, and the box (x0, y0, x1, y1) px in which that differs from the photo.

    beside: what stands beside the head.
    """
    part, (x, y, w, h) = behind(layers.texture[..., :3], layers.background, where, beside.share, beside.stays)
    if not w or not h:
        return layers, (0, 0, 0, 0)
    texture, zone = layers.texture.copy(), layers.zone.copy()
    box = (slice(y, y + h), slice(x, x + w))
    texture[box] = part
    top = largest(part.dtype)
    solid = cv2.erode((texture[box][..., 3] == top).astype(np.uint8), np.ones((5, 5), np.uint8))
    zone[box] = (part[..., 3] > 0).astype(np.uint8) + solid
    return replace(layers, texture=texture, zone=zone), (x, y, x + w, y + h)


def for_alpha(look: HeadLook, layers: Layers, matte: Float32) -> HeadLook:
    """Return the same head with the photo's alpha channel (of layers) as its colours.

    The head is opaque where the photo does not show it, and its neck's end is as sharp as a cut-out.
    """
    top = largest(layers.texture.dtype)
    plate = plate_of(layers, places(look.head, matte), look.beside)[0]
    pixels = layers.texture[..., :3]
    hung = look.sheet and retextured(look.sheet, pixels, layers.background, matte, look.beside)
    atlas = np.full_like(look.atlas, top)
    there = np.clip(CUT * (look.there - 0.5) + 0.5, 0, 1)
    light, rim = np.eye(1, 9)[0], np.ones_like(look.rim)
    return replace(look, atlas=atlas, plate=plate, sheet=hung, light=light, rim=rim, there=there)


@dataclass(frozen=True, eq=False)
class HeadFrame:
    """What one frame is drawn from.

    points: (V, 3) px of the head's vertices; hair: (N, 3) px of the sheet's; camera: the target's; shift: (2,) px by
    which the body moves.
    """

    points: FloatArray
    hair: FloatArray
    camera: Camera
    shift: FloatArray


def view_of(
    look: HeadLook,
    camera: Camera,
    offsets: FloatArray,
    shift: FloatArray,
    along: FloatArray,
    steady: float = 0.0,
) -> HeadFrame:
    """Return what a frame is drawn from; offsets: (468, 3) of the face; along, steady: of `Posed`."""
    moved = look.follows.of_head(offsets, along)
    points = holding.posed(look.head, look.hidden, camera, moved, shift, steady)
    if moved is not None:
        points = look.surface.unfolded(points, look.surface.turned(look.head.camera, camera))
    if look.sheet is None:
        return HeadFrame(points, np.zeros((0, 3)), camera, shift)
    follow = None if moved is None else look.follows.of_hair(moved)
    return HeadFrame(points, look.sheet.posed(look.head, camera, shift, steady, follow), camera, shift)


def own_view_of(look: HeadLook, layers: Layers, values: Float32) -> OwnView:
    """Return how the head stands in the photo, and what the photo has beyond what is drawn of it there; values: of
    `table` for the photo's own camera.
    """
    camera = look.head.camera
    still = np.zeros((N_FACE, 3))
    view = view_of(look, camera, still, np.zeros(2), still)
    shape = layers.zone.shape
    used = np.zeros(0, np.int64) if look.sheet is None else look.sheet.used
    box = around(box_of(view.points[look.drawn], shape), box_of(view.hair[used], shape), look.changed)
    kind = np.int16 if layers.texture.dtype == np.uint8 else np.int32
    bare = own_view.placed(view.points, view.hair, look.sheet, box, kind)
    x0, y0, x1, y1 = box
    drawn = np.array(look.plate.texture[y0:y1, x0:x1, :3])
    draw_head(drawn, box[:2], look, layers, view, values, bare.unknown)
    return bare.with_beyond(layers.texture[y0:y1, x0:x1, :3], drawn)


def drawn_head(
    look: HeadLook, layers: Layers, own: OwnView, view: HeadFrame, values: Float32, also: Box = (0, 0, 0, 0)
) -> tuple[NDArray[Any], Box]:
    """Return (h, w, 3) pixels of the box that changes, and the box; also: a box that it holds; values: of `table`."""
    shape = layers.zone.shape
    box = around(also, own.box(view.points, view.hair, look.there, shape))
    if view.camera != look.head.camera:
        box = around(box, look.changed, look.body.box if moves(view.shift) else box)
    out = shifted(look.plate, look.body, view.shift, box)
    lasts = holding.photo_lasts(look.head.camera, view.camera)
    shown = own.pixels(view.points, view.hair, lasts, layers.iod, stands=not moves(view.shift))
    draw_head(out, box[:2], look, layers, view, values, shown)
    return out, box


def brightness(atlas: NDArray[Any]) -> FloatArray:
    """Return (V,) the low-pass brightness, in [0, 1], of an atlas (S, S, 3) at the head's vertices."""
    small = cv2.resize(atlas, (COARSE, COARSE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(sampled(small, HeadModel.load().base_atlas * COARSE) @ LUMINANCE / largest(atlas.dtype))


def draw_head(
    out: NDArray[Any],
    corner: tuple[int, int],
    look: HeadLook,
    layers: Layers,
    view: HeadFrame,
    values: Float32,
    own: OwnPixels,
) -> None:
    """Draw the head into out (h, w, 3), which holds what stands behind the head, in place.

    corner: (x, y) px of its first pixel in the photo; values: of `table`; own: the photo's own view.
    """
    model = HeadModel.load()
    moved = np.ascontiguousarray(view.points - [0.5, 0.5, 0.0])
    maps = np.empty((len(model.triangles), 2 + 3 * COLUMNS), np.float32)
    x0, y0 = corner
    y1, x1 = y0 + out.shape[0], x0 + out.shape[1]
    box = np.array([x0, y0, x1, y1])
    chosen = head_maps(moved, model.triangles, model.corners, values, box, maps)
    hair = hair_maps(look.sheet, view.hair, box)
    top = np.float32(largest(out.dtype))
    mixed = np.float32(MIXED * layers.iod)
    shown = np.float32(holding.edge_shown(look.head.camera, view.camera))
    right, down = (int(v) for v in np.round(view.shift))
    locks = locks_in(look.loose, look.head.centre, view.camera, layers.iod)

    def band(start: int, end: int) -> None:
        head_band(
            start, end, x0, x1, moved, model.triangles, chosen, maps, layers.texture, layers.background, look.atlas,
            layers.hold, look.clothes, down, right, *hair, shown, mixed, top, look.tint, locks, own,
            out[start - y0 : end - y0],
        )  # fmt: skip

    in_bands(band, y0, y1)


def hair_maps(
    beside: Sheet | None, points: FloatArray, box: NDArray[np.int64]
) -> tuple[
    FloatArray,
    NDArray[np.int32],
    NDArray[np.int64],
    Float32,
    NDArray[Any],
    NDArray[np.uint8],
    NDArray[np.int32],
]:
    """Return what `head_band` takes of the hair: points, triangles, the chosen ones, maps, texture, `Sheet.goes` and
    their corner.

    points: (N, 3) px of the sheet in the frame. Without a sheet all of them are empty.
    """

    if beside is None:
        none, maps = np.zeros((0, 3)), np.zeros((0, 11), np.float32)
        no_triangles, chosen = np.zeros((0, 3), np.int32), np.zeros(0, np.int64)
        texture, goes = np.zeros((0, 0, 4), np.uint8), np.zeros((0, 0), np.uint8)
        return none, no_triangles, chosen, maps, texture, goes, NO_CORNER
    moved = np.ascontiguousarray(points - [0.5, 0.5, 0.0])
    maps = np.empty((len(beside.triangles), 11), np.float32)
    chosen = head_maps(moved, beside.triangles, beside.triangles, beside.values, box, maps)
    corner = np.array(beside.corner, np.int32)
    return moved, beside.triangles, chosen, maps, beside.texture, beside.goes, corner
