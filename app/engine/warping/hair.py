"""Draws hair, a hat or a scarf beside a head as a sheet that stands in the head's depth and turns with the head.

The sheet carries the photo's own pixels with the matte's soft edge. Its share of the head's motion falls to nothing
towards the shoulders, so that what hangs stays attached to the body. The sheet is continued under the head, so that
no background shows between the two when the face turns aside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FLIP, Camera
from app.engine.head import Head, HeadModel
from app.engine.head.atlas import scalp
from app.engine.head.fill import relief
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import largest
from app.engine.imaging.nearest import nearest_known
from app.engine.warping.background import push_pull, reflected_detail, smoothed
from app.engine.warping.beside import BORDER, HANGING, HANGS, TOUCHES, Beside
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.edges import border_share
from app.engine.warping.hair_depth import depth_of, held_share
from app.engine.warping.hats import rounded
from app.engine.warping.holding import carried_along, held
from app.engine.warping.kinds import blurred
from app.engine.warping.plate import Places, enlarged

# These values were chosen by eye on sheets of turned heads with long hair, hats and scarves (tools/head_sheets.py).
# IOD is the distance between the eyes. A pair of values is a range over which something goes from none to all.
HANGS_FROM = 0.3  # share of the head's motion from which hair may hang over a side that is not visible
BELOW_EARS = (1.5, 0.0)  # cm of the model's height: ears, over which no hair hangs, to cheeks, where it may
ASIDE = (2.5, 4.0)  # cm from the head's middle plane: the face to the side over which hair may hang
HANGS_ON = 0.5  # IOD by which hair must reach further down below such a place
CELL = 0.12  # IOD between the sheet's vertices
BODY = (2.0, 6.0)  # IOD from the head: the body moves along to stays where it is
# Opacity of hair under the head above which it replaces the photo's own pixels: the background showed through thinner
# hair as a grey strip behind an ear (p01).
OPAQUE = 0.9
LEAST = 0.02  # share of the head's motion below which a place keeps the photo's pixels
NEAR = 0.12  # IOD beside the head within which the sheet takes only colours of hair
HAIR_ALONE = 0.8  # share of hair from which a place within that shows no skin
THIN = 0.2  # IOD: a strip of hair narrower than this is taken for the head's own outline
INSIDE = 0.08  # IOD inside the matte's edge from which colours may be continued under the head
SOFT_EDGE = 0.02  # matte from which a place beside the head is hair's soft edge
COVERS = 1.5  # cells beyond the hair's soft edge up to which the sheet's vertices lie
LEFT_OUT = (0.2, 0.8)  # cells beyond that edge over which what the matte leaves out fades into the background
# Share of the way from the ears to the chin over which a sheet without hair comes to stand behind the neck, and IOD by
# which it does. Strips of a jaw's edge stood before the necks that come out from behind it (p18, p20 and p29).
NECK_FROM, NECK_DEEP = (0.1, 0.4), 2.0
# Share of its distance from the head's middle by which such a strip goes behind the head that has turned: beside the
# slimmer neck it was a thin line (p09, cut out).
WITHDRAWS = 0.3
HANGING_NEAR = (0.15, 0.45)  # IOD beside hair that hangs down: the sheet stands before a neck to behind it
# IOD beside the head: a jaw's soft edge to blown hair, which stays where it is (p06).
EDGE_ENDS = (0.45, 0.75)
DETAIL = (0.08, 0.35)  # IOD: structure finer than the first is continued under the head, as far as the second


@dataclass(frozen=True, eq=False)
class Sheet:
    """The surface that carries the hair beside one photo's head.

    points: (N, 3) px of the photo, z to the viewer; model: (N, 3) the same points in the head's space; share: (N,)
    share of the head's motion that a vertex takes part in; along: (N,) share of that motion that a held outline
    (`holding`) takes back; body: (N,) share of the body's motion; thin: (N,) 1 where a strip of hair is so narrow that
    it is only the head's outline; bare: (N,) of `_without_hair`; triangles: (T, 3); texture: (h, w, 4) photo and matte,
    continued under the head; goes: (h, w) uint8, 255 where the photo's own pixels go along with the sheet, 0 on what
    stays with the body and where hair is continued under the head; corner: (x, y) px of both in the photo.
    """

    points: FloatArray
    model: FloatArray
    share: FloatArray
    along: FloatArray
    body: FloatArray
    thin: FloatArray
    bare: FloatArray
    triangles: NDArray[np.int32]
    texture: NDArray[Any]
    goes: NDArray[np.uint8]
    corner: tuple[int, int]

    @cached_property
    def values(self) -> Float32:
        """Return (N, 3) where each vertex lies in the photo, in index coordinates, and how thin the hair is there."""
        return np.column_stack([self.points[:, :2] - 0.5, self.thin]).astype(np.float32)

    @cached_property
    def used(self) -> NDArray[np.int64]:
        """Return the vertices that belong to any triangle."""
        return np.unique(self.triangles)

    def posed(
        self,
        head: Head,
        camera: Camera,
        shift: FloatArray,
        steady: float = 0.0,
        moved: FloatArray | None = None,
    ) -> FloatArray:
        """Return (N, 3) px under another camera.

        shift: (2,) px by which the body moves; steady: share, 0 to 1, of the outline's motion that is not drawn;
        moved: (N, 3) in model space by which the hair follows an expression.
        """
        still = self.points.copy()
        still[:, :2] += self.body[:, None] * shift
        share = self.share[:, None]
        turned = camera.project(self.model)
        share = share * (1 - steady * self.along[:, None])
        if (keeps := held(head.camera, camera)) > 0:
            turned += (keeps * self.along)[:, None] * (carried_along(head, camera, self.model) - turned)
        placed = share * turned + (1 - share) * still
        placed[:, 2] -= camera.scale * NECK_DEEP * self.bare
        if (out := 1 - held(head.camera, camera)) > 0 and self.bare.any():
            across = camera.rotation[:2, 0] * FLIP[:2] / max(float(np.hypot(*camera.rotation[:2, 0])), 1e-6)
            apart = (placed[:, :2] - camera.project(head.centre[None])[0, :2]) @ across
            placed[:, :2] -= np.outer(WITHDRAWS * out * self.bare * self.share * apart, across)
        return np.asarray(
            placed if moved is None else placed + camera.scale * (moved @ camera.rotation.T) * FLIP
        )


def hung_over(hair: Sheet, beside: Beside, at: FloatArray, known: FloatArray) -> FloatArray:
    """Return (V,) 1 where hair is taken to hang over a side of the head that the photo does not show.

    at: (V, 2) px of the vertices in the photo; known: (V,) how well the photo shows a vertex or the one mirroring it.
    """
    model = HeadModel.load()
    sides = smoothstep(*BELOW_EARS, model.points[:, 1]) * smoothstep(*ASIDE, np.abs(model.points[:, 0]))
    # Where hair grows, made-up hair covers the head: without it there was a gap behind a bob (p24).
    sides = sides * (1 - smoothstep(0.2, 0.5, known)) * (1 - relief()) * (1 - scalp(model))
    where = beside.where
    free = where.head == 0
    strands = free & (where.matte > 0.5) & (beside.like > 0.5) & (beside.share > HANGS_FROM)
    # Only what hangs down from the height of the ears counts: a dark collar is no hair.
    hangs = _hanging(strands, where, HANGS * where.iod**2)
    # Hair that ends here covers nothing of what turns into view below it, so hair must also be there further down.
    rows = max(1, round(HANGS_ON * where.iod))
    on = cv2.erode(hangs.astype(np.uint8), np.ones((rows, 1), np.uint8), anchor=(0, 0), borderValue=1)
    on = on.astype(np.float32).take(nearest_known(free)[0])
    beside_it = _at(blurred(on, 0.05 * where.iod), at * where.factor - 0.5)
    under = np.ascontiguousarray(hair.texture[..., 3]) / np.float32(largest(hair.texture.dtype))
    return sides * smoothstep(0.4, 0.8, beside_it) * smoothstep(0.7, 0.95, _at(under, at - hair.corner - 0.5))


def sheet(
    pixels: NDArray[Any],
    background: NDArray[Any],
    matte: Float32,
    head: Head,
    hidden: FloatArray,
    beside: Beside,
) -> Sheet | None:
    """Return the sheet of one photo's hair; None where no hair stands beside the head.

    pixels, background: (H, W, 3); matte: (H, W) in [0, 1]; hidden: (V,) of `holding.Hidden.unseen`.
    """
    where, share = beside.where, beside.share
    moves = ((share > LEAST) & ((where.matte > SOFT_EDGE) | (where.head > 0))).astype(np.uint8)
    if not moves.any():
        return None
    box = _box_of(moves, where, matte.shape)
    points, triangles = _grid(box, CELL * head.camera.scale)
    at = points * where.factor - 0.5
    held = _at(_covering(moves, where), at)
    placed = np.column_stack(
        [points, _at(rounded(depth_of(head, where, beside.tuft), beside.hat, where), at) / where.factor]
    )
    border = border_share(points, matte, BORDER * head.camera.scale)
    body = (1 - smoothstep(*BODY, _at(where.distance, at))) * border
    own = _at(share, at) * smoothstep(0.0, 2 * LEAST, _at(share, at))
    texture, goes = _texture(pixels, background, matte, beside, _beside_matte(beside), box)
    seen = _at(_opaque_cells(texture, matte, where, box[:2]), at)
    triangles = triangles[(held[triangles] > 0).any(axis=1) & (seen[triangles] > 0).any(axis=1)]
    thin = _at(_thin_strips(where), at)
    # A hat is rigid: nothing of it waits behind the head's outline.
    along = _at(held_share(head, where, hidden) * (1 - beside.hat), at)
    bare = _at(_without_hair(beside), at)
    model = head.camera.unproject(placed)
    return Sheet(placed, model, own, along, body, thin, bare, triangles, texture, goes, box[:2])


def _without_hair(beside: Beside) -> Float32:
    """Return a small (h, w) field: 1 on a lower face and its neck and close beside them, where no hair hangs down, 0
    elsewhere.
    """
    where = beside.where
    low = smoothstep(*NECK_FROM, where.level)
    hair = (where.head == 0) & (where.matte > 0.5) & (beside.like > 0.5) & (beside.share > LEAST)
    hangs = _hanging(hair, where, 0.0)
    apart = cv2.distanceTransform((~hangs | (low == 0)).astype(np.uint8), cv2.DIST_L2, 5)
    edge = low * (1 - smoothstep(*EDGE_ENDS, where.distance))
    return np.asarray(edge * smoothstep(*HANGING_NEAR, apart / where.iod), np.float32)


def _hanging(hair: NDArray[np.bool_], where: Places, least: float) -> NDArray[np.bool_]:
    """Return (h, w) where hair (h, w) hangs down from above the ears, of which more than `least` px are there.

    A strip narrower than THIN is an outline: it joined a beard below the jaw to the temples, and the beard counted as
    hair that hangs over the jaw, in which holes showed the wall behind (p17).
    """
    size = 2 * max(1, round(THIN * where.iod / 2)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    thick = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, part = cv2.connectedComponents(thick)
    high = np.bincount(part[where.level < 0], minlength=count) > least
    high[0] = False
    return np.asarray(high[part])


def _thin_strips(where: Places) -> Float32:
    """Return a small (h, w) field: 1 on strips of the person along the head's outline that are narrower than THIN."""
    strip = ((where.matte > 0.5) & (where.head == 0)).astype(np.uint8)
    size = 2 * max(1, round(THIN * where.iod / 2)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    thick = cv2.dilate(cv2.morphologyEx(strip, cv2.MORPH_OPEN, kernel), np.ones((3, 3), np.uint8))
    return blurred(1.0 - thick, 0.04 * where.iod)


def _opaque_cells(texture: NDArray[Any], matte: Float32, where: Places, corner: tuple[int, int]) -> Float32:
    """Return a small (h, w) field: 1 on every cell in which the texture or the matte is not transparent everywhere."""
    some = (matte > 1 / 128).astype(np.float32)
    h, w = texture.shape[:2]
    alpha = texture[..., 3]
    some[corner[1] : corner[1] + h, corner[0] : corner[0] + w] += alpha > alpha.max() // 128
    size = (where.matte.shape[1], where.matte.shape[0])
    small = (cv2.resize(some, size, interpolation=cv2.INTER_AREA) > 0).astype(np.float32)
    return _covering(small, where)


def _covering(mask: NDArray[Any], where: Places) -> Float32:
    """Return a mask (h, w) grown by so much that the sheet's cells around it cover it with a margin."""
    reach = 2 * max(1, round(COVERS * CELL * where.iod)) + 1
    return np.asarray(cv2.dilate(mask, np.ones((reach, reach), np.uint8)), np.float32)


def _box_of(moves: NDArray[np.uint8], where: Places, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the box (x0, y0, x1, y1) of the photo around all that moves."""
    pad = round(2 * CELL * where.iod) + 1
    x, y, w, h = cv2.boundingRect(moves)
    low = np.maximum([x - pad, y - pad], 0) / where.factor
    high = np.array([x + w + pad, y + h + pad]) / where.factor
    x0, y0 = (int(v) for v in np.floor(low))
    x1, y1 = (min(int(np.ceil(v)), end) for v, end in zip(high, (shape[1], shape[0])))
    return x0, y0, x1, y1


def retextured(
    old: Sheet, pixels: NDArray[Any], background: NDArray[Any], matte: Float32, beside: Beside
) -> Sheet:
    """Return the same sheet with the texture of another picture; pixels, background: (H, W, 3); matte: (H, W)."""
    x, y = old.corner
    h, w = old.texture.shape[:2]
    near = np.ones_like(
        beside.where.matte
    )  # whether something is opaque does not depend on the background's colour
    texture, goes = _texture(pixels, background, matte, beside, near, (x, y, x + w, y + h))
    return replace(old, texture=texture, goes=goes)


def _at(field: NDArray[Any], at: FloatArray) -> FloatArray:
    """Return the values (N,) of a field (h, w) at places (N, 2) in the field's index coordinates."""
    x, y = (np.ascontiguousarray(at[:, k], np.float32)[None] for k in (0, 1))
    found = cv2.remap(np.asarray(field, np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found[0], float)


def _grid(box: tuple[int, int, int, int], cell: float) -> tuple[FloatArray, NDArray[np.int32]]:
    """Return points (N, 2) px every `cell` px of a box of the photo, and triangles (T, 3) that face the viewer."""
    x0, y0, x1, y1 = box
    columns, rows = (max(2, round((end - start) / cell) + 1) for start, end in ((x0, x1), (y0, y1)))
    x, y = np.meshgrid(np.linspace(x0, x1, columns), np.linspace(y0, y1, rows))
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (
        part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:])
    )
    triangles = np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])])
    return np.column_stack([x.ravel(), y.ravel()]), triangles.astype(np.int32)


def _texture(
    pixels: NDArray[Any],
    background: NDArray[Any],
    matte: Float32,
    beside: Beside,
    near: Float32,
    box: tuple[int, int, int, int],
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return photo and matte (h, w, 4) of a box (x0, y0, x1, y1) px, continued under the head from the hair beside it,
    and `Sheet.goes` (h, w).

    near: a small (h, w) field of how much of the photo is kept, against the background.

    Under the head the texture is laid over the background, as in the photo, because drawing takes that background
    out again.
    """
    size = (matte.shape[1], matte.shape[0])
    found = enlarged(_continued(pixels, beside), size, box)
    hair = 1 - enlarged(beside.stays, size, box)
    x0, y0, x1, y1 = box
    top = largest(pixels.dtype)
    goes = hair * enlarged(near, size, box)
    bare, left = background[y0:y1, x0:x1], 1 - goes[..., None]
    photo = pixels[y0:y1, x0:x1] + left * (bare.astype(np.float32) - pixels[y0:y1, x0:x1])
    own = np.dstack([photo, matte[y0:y1, x0:x1] * hair * top]).astype(np.float32)
    a = found[..., 3:4]
    laid = a * found[..., :3] + (1 - a) * bare
    under = np.dstack([laid, a * top])
    s = found[..., 4:5]
    out = np.clip(own + s * (under - own) + 0.5, 0, top)
    covers = s * np.clip((a - OPAQUE) / (1 - OPAQUE), 0, 1)
    goes = 255 * goes * (1 - covers)[..., 0] + 0.5
    return np.ascontiguousarray(out.astype(pixels.dtype)), np.asarray(goes, np.uint8)


def _beside_matte(beside: Beside) -> Float32:
    """Return a small (h, w) field: 1 on the person and close to it, 0 where the sheet may end."""
    where = beside.where
    apart = cv2.distanceTransform((where.matte < SOFT_EDGE).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(1 - smoothstep(*LEFT_OUT, apart / (CELL * where.iod)), np.float32)


def _continued(pixels: NDArray[Any], beside: Beside) -> Float32:
    """Return a small (h, w, 5) field: colours and matte of hair under the head, and 1 where these replace the photo."""
    where, like = beside.where, beside.like
    iod = where.iod
    size = (where.matte.shape[1], where.matte.shape[0])
    # What is half hair at the edge of a jaw is its soft edge: turned with the hair it was a loop of skin (p23).
    skin = (beside.bare > 0.5) | (like < HAIR_ALONE)
    skin &= (where.distance < NEAR) & (where.below < 0) & (where.level > 0)
    hidden = (where.head > 0) | skin
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = ~hidden & (beside.share > 0.25)
    solid = (known & (where.matte > 0.95) & (like > 0.4)).astype(np.float32)
    smooth = smoothed(small, solid > 0, max(1.0, DETAIL[0] * iod))
    colour = push_pull(smooth, solid) if solid.any() else small
    detail = reflected_detail(small, smooth, ~(solid > 0), max(2.0, DETAIL[1] * iod))
    about = ~hidden & (1 - smoothstep(*HANGING, where.below) > 0.25) & (where.distance < TOUCHES)
    nearby = push_pull((where.matte * like)[..., None], about.astype(np.float32))[..., 0]
    alpha = smoothstep(0.3, 0.7, nearby) if about.any() else np.zeros(nearby.shape)
    grown = 2 * max(1, round(INSIDE * iod)) + 1
    alpha = alpha * blurred(
        cv2.erode(where.matte, np.ones((grown, grown), np.uint8)) > 0.9, 0.5 * INSIDE * iod
    )
    mixed = blurred(hidden, 0.5)
    return np.dstack([colour + detail, alpha, mixed]).astype(np.float32)
