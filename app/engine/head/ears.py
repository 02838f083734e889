"""Finds where a photo shows the ears, or finds that hair hides them.

Many places, sizes and spreads of the ears are tried. The best one has skin inside the ears' outlines and something
else around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.head.model import FloatArray, HeadModel

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py): with them every ear of the
# portraits is found where one sees it, and taken as hidden where one does not. IOD is the distance between the eyes.
HEIGHTS = (-0.05, -0.15, -0.25, -0.35, -0.45)  # IOD above the template's ears: the heights that are tried
SIZES = (0.76, 0.88, 1.0)  # times the template's height: the sizes that are tried
# times the template's: how far the ears that are tried stand out from the head
SPREADS = (0.5, 0.7, 0.9, 1.15)
DEPTHS = (-0.2, 0.0, 0.2)  # IOD from the template's ears towards the face: the depths that are tried
FRONTAL = 20.0  # degrees of yaw up to which a photo shows how far the ears stand out
TURNED = 12.0  # degrees of yaw from which a photo shows the ears' depth
# Height (IOD), size, spread and depth (IOD) of most people's ears, as the values above count them: of the ears of 28
# people, measured by eye from the front, and of 12 of them from both sides too, at 40 degrees. The template's ears are
# right in depth, and end 0.35 IOD too high at the top and 0.17 at the lobe, each with a standard deviation of 0.1.
USUAL = (-0.25, 0.88, 0.85, 0.0)
# Steps of height (IOD), size and spread by which both ears are then moved, and each by itself, in turn.
FINER = ((0.08, 0.08, 0.2), (0.08, 0.08, 0.2), (0.04, 0.05, 0.1), (0.04, 0.05, 0.1), (0.02, 0.03, 0.05))
APART = ((0.03, 0.0, 0.15), (0.03, 0.0, 0.15), (0.015, 0.0, 0.07))
SIZED, SPREAD = (0.6, 1.2), (0.2, 1.4)  # times the template's: least and greatest size and spread of an ear
# Times the template's: least spread, and step by which an ear is laid nearer to the head.
FLATTEST, LESS = 0.2, 0.05
# Mean label inside an ear from which that ear shows by itself; else it lies as the other one does.
SHOWS = 0.35
BEYOND = 0.04  # share of an ear that may lie outside the person
# Deviations of height (IOD), size, spread and depth (IOD) from USUAL, each of which takes ODD off the score; twice as
# large ones take four times as much. The first two are the standard deviations of the same people, the others were
# chosen by eye. Of 0.015 to 0.08, this ODD brings ears nearest to theirs.
UNUSUAL = (0.1, 0.12, 0.35, 0.2)
ODD = 0.05
# Share of an ear's relief that is left at least where the skull under it grew; chosen by the same people's ears.
LEFT = 0.5
AROUND = 0.75  # IOD around an ear within which the head moves with the ear
RINGS = 30  # steps over the mesh by which the rest of an ear's motion spreads around it
OFF_FACE = 1.0  # cm from the face's landmarks from which a place goes along with an ear that far
RING = 0.14  # IOD: width of the ring around an ear that must not be skin
UPPER = (
    0.75  # share of an ear's height, from above, that the ring surrounds: the jaw's skin begins below that
)
OUTSIDE = 0.8  # weight of the ring around an ear against the inside of the ear
CHEEKS = (50, 280, 205, 425, 118, 347)  # MediaPipe's vertices on the cheeks, which give the skin's colour
BEFORE_EARS = (234, 454, 93, 323, 127, 356, 132, 361)  # MediaPipe's vertices of the oval before both ears
# Shares of the light that reach skin: skin in such shade is sought too, because ears lie in the head's shade.
SHADES = (1.0, 0.65, 0.4, 0.25)
LIGHTNESS = 0.5  # weight of lightness against hue in a distance between colours
# The next three are distances in OpenCV's 8-bit Lab with its lightness halved.
ALIKE = 14.0  # places before an ear that are nearer than this to the cheeks' colour are skin
BALD = 22.0  # up to this distance from skin a scalp has no hair
STRANGE = 45.0  # beyond this distance from skin a colour is cloth's
SIDE = 40.0  # px between the eyes in the picture whose colours are compared
# Mean label around a place above which hair or a scarf has the skin's colour, so that an ear cannot be distinguished.
INDISTINCT = 0.9
LEAST = 0.63  # score below which hair hides the ears, where any hangs
BELOW_EARS = (0.0, 0.25, 0.5)  # IOD below the lobes: rows in which hair would hang beside the head
LEVEL = 0.1  # IOD above and below a row within which vertices give the head's outline in it
HANGS = 0.15  # IOD beyond the outline of a bare head at which the person is still there in such a row

Place = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class _Scene:
    """The picture in which ears are sought, and the head that has them.

    points: (V, 3) the head in model space; relief: (V, 3) how far they stand out from the head without its ears; label:
    (H, W) from 1 on skin to -1 on hair or background; outside: (H, W) 1 outside the person; camera: the face's in this
    picture; visible: by side of the head (-1 the image's left, 1 its right), 0 where that side is turned away to 1.
    """

    points: FloatArray
    relief: FloatArray
    label: NDArray[np.float32]
    outside: NDArray[np.float32]
    camera: Camera
    visible: dict[int, float]


def placed_ears(
    model: HeadModel, points: FloatArray, camera: Camera, matte: NDArray[np.float32], srgb: NDArray[Any]
) -> tuple[FloatArray, bool]:
    """Return (V, 3) points with both ears where the photo shows them, and whether the photo shows any.

    points: (V, 3) the head in model space; matte: (H, W) in [0, 1] of the person; srgb: (H, W, 3) uint8.
    """
    factor = min(1.0, SIDE / camera.scale)
    if factor < 1:
        shape = (max(1, round(matte.shape[1] * factor)), max(1, round(matte.shape[0] * factor)))
        matte, srgb = (cv2.resize(a, shape, interpolation=cv2.INTER_AREA) for a in (matte, srgb))
        camera = camera.scaled(factor)
    # A head turned by yaw > 0 shows its side x < 0.
    visible = {side: float(np.clip(1 - side * camera.yaw / 12, 0, 1)) for side in (-1, 1)}
    labels = _skin_labels(points, model, camera, matte, srgb)
    relief = points - model.without_ears(points)
    scene = _Scene(points, relief, labels, np.asarray(matte < 0.5, np.float32), camera, visible)
    spreads = SPREADS if abs(camera.yaw) < FRONTAL else (USUAL[2],)
    depths = DEPTHS if abs(camera.yaw) > TURNED else (0.0,)
    best, place = -np.inf, None
    for tried in product(HEIGHTS, SIZES, spreads, depths):
        score = _score(scene, tried)
        if score > best:
            best, place = score, tried
    places = None if place is None else _each(scene, place)
    if places is None or ((best < LEAST or _lost(scene, places)) and _hair_hangs(scene, matte)):
        return model.without_ears(points), False
    return _moved(scene, places), True


def held_in(model: HeadModel, placed: FloatArray, grown: FloatArray) -> FloatArray:
    """Return a head (V, 3) grown out to its hair, with ears that stand out no further from its middle, and lie no
    further back, than where they were placed; placed: (V, 3) the head before it grew, with the skull under the ears.
    """
    out, relief = grown.copy(), placed - model.without_ears(placed)
    back = np.zeros_like(placed)
    for side in (-1, 1):
        own = np.flatnonzero(model.ear & (np.sign(model.points[:, 0]) == side))
        further = np.max(side * grown[own, 0]) - np.max(side * placed[own, 0])
        most = max(float(np.max(side * relief[own, 0])), 1e-6)
        out[own, 0] -= np.clip(further / most, 0, 1 - LEFT) * relief[own, 0]
        back[own, 2] = np.mean(placed[own, 2] - grown[own, 2])
    return np.asarray(out + _with_surroundings(model, back))


def _lost(scene: _Scene, places: dict[int, Place]) -> bool:
    """Return whether more skin than anything else seems to be around every ear that shows, at its place by side: hair
    of the skin's colour does.
    """
    shown = (side for side in (-1, 1) if scene.visible[side] > 0.5)
    return all(_labels(scene, side, places[side], lobe=True)[1] > 0 for side in shown)


def _each(scene: _Scene, place: Place) -> dict[int, Place]:
    """Return the place of each ear by itself, by side; place: the one that fits both best.

    Both ears are of one size. An ear that does not show by itself lies as the other one does, but no further out than
    the person.
    """

    def shows(side: int) -> bool:
        return scene.visible[side] > 0.5 and _labels(scene, side, place)[0] > SHOWS

    shown = [side for side in (-1, 1) if shows(side)]
    both = _finer(scene, shown, place, FINER) if shown else place
    own = {side: _finer(scene, [side], both, APART) for side in shown}
    out = {}
    for side in (-1, 1):
        height, size, spread, depth = own.get(side, own.get(-side, both))
        while scene.visible[side] > 0 and spread > FLATTEST:
            at = _seen_at(scene, side, (height, size, spread, depth))
            if _mean_labels(scene.outside, scene.camera.scale, at, side)[0] < BEYOND:
                break
            spread -= LESS
        out[side] = (height, size, spread, depth)
    return out


def _finer(
    scene: _Scene,
    sides: list[int],
    place: Place,
    steps: tuple[tuple[float, float, float], ...],
) -> Place:
    """Return the place near a place that fits the ears on some sides best; steps: of FINER."""

    def score(tried: Place) -> float:
        fit = 0.0
        for side in sides:
            within, around = _labels(scene, side, tried, lobe=True)
            fit += (within - OUTSIDE * around) / len(sides)
        return fit - _strange(tried)

    best = score(place)
    for step in steps:
        ways = product((0, -1, 1), (0, -1, 1), (0,)) if step[1] else product((0, -1, 1), (0,), (0,))
        found = place
        for way in (*ways, (0, 0, -1), (0, 0, 1)):
            moved = [value + sign * size for value, sign, size in zip(place, way, step)]
            size = float(np.clip(moved[1], *SIZED))
            tried = (moved[0], size, float(np.clip(moved[2], *SPREAD)), place[3])
            if any(way) and (value := score(tried)) > best:
                best, found = value, tried
        place = found
    return place


def _hair_hangs(scene: _Scene, matte: NDArray[np.float32]) -> bool:
    """Return whether the person, matte (H, W), is wider than a bare head below an ear that the photo may show.

    Otherwise nothing hides that ear, however much it looks like the hair behind it.
    """
    model = HeadModel.load()
    bare, ears = (scene.camera.project(p)[:, :2] for p in (scene.points - scene.relief, scene.points))
    for side in (side for side, share in scene.visible.items() if share > 0):
        lobe = ears[model.ear & (np.sign(model.points[:, 0]) == side), 1].max()
        for row in lobe + np.array(BELOW_EARS) * scene.camera.scale:
            level = np.abs(bare[:, 1] - row) < LEVEL * scene.camera.scale
            if not level.any():
                return True
            column = side * ((side * bare[level, 0]).max() + HANGS * scene.camera.scale)
            x, y = int(column), int(row)
            if not (0 <= x < matte.shape[1] and 0 <= y < matte.shape[0]) or matte[y, x] > 0.5:
                return True
    return False


def _placed(own: FloatArray, relief: FloatArray, side: int, place: Place) -> FloatArray:
    """Return (N, 3) points of one ear moved to a place.

    own: (N, 3) where the points are now; relief: (N, 3) how far they stand out from the head; side: -1 or 1.
    """
    height, size, spread, depth = place
    out = own.copy()
    out[:, 0] += (spread - 1) * side * np.maximum(side * relief[:, 0], 0)
    middle = own[:, 1].mean()
    out[:, 1] = middle + size * (out[:, 1] - middle)
    return np.asarray(out + [0, height, depth])


def _score(scene: _Scene, place: Place) -> float:
    """Return how well ears at this place fit the photo; -inf where the photo cannot tell.

    The score is high where the labels say skin inside the ears and none around them, and where the place is near the
    one that most people's ears have.
    """
    inside, outside, seen = 0.0, 0.0, 0.0
    for side, share in scene.visible.items():
        if share <= 0:
            continue
        within, around = _labels(scene, side, place)
        inside, outside, seen = inside + share * within, outside + share * around, seen + share
    inside, outside = inside / max(seen, 1e-6), outside / max(seen, 1e-6)
    if outside > INDISTINCT:
        return -np.inf
    return inside - OUTSIDE * outside - _strange(place)


def _strange(place: Place) -> float:
    """Return what a place takes off the score by being unlike most people's."""
    return ODD * sum(((a - b) / w) ** 2 for w, a, b in zip(UNUSUAL, place, USUAL, strict=True))


def _seen_at(scene: _Scene, side: int, place: Place) -> FloatArray:
    """Return (N, 2) px of what stands out of one ear at a place."""
    model = HeadModel.load()
    own = np.flatnonzero(model.ear & (np.sign(model.points[:, 0]) == side))
    own = own[np.abs(scene.relief[own]).sum(axis=1) > 0.02]
    return scene.camera.project(_placed(scene.points[own], scene.relief[own], side, place))[:, :2]


def _labels(scene: _Scene, side: int, place: Place, lobe: bool = False) -> tuple[float, float]:
    """Return `_mean_labels` of one ear at a place; lobe: whether the ring goes on around the lobe."""
    return _mean_labels(scene.label, scene.camera.scale, _seen_at(scene, side, place), side, lobe)


def _mean_labels(
    label: NDArray[np.float32], iod: float, at: FloatArray, side: int, lobe: bool = False
) -> tuple[float, float]:
    """Return the mean label (H, W) inside the hull of points (N, 2) px, and that in the ring around it.

    iod: px between the eyes; side: that of the head (-1, 1): the ring surrounds the outer half, since skin lies before
    an ear; lobe: whether it surrounds the lower part, too. A hull outside the picture has (-1, 0).
    """
    hull = cv2.convexHull(np.round(at * 4).astype(np.int32))
    ring = RING * iod
    height, width = label.shape
    x0, y0 = (int(max(0, v)) for v in np.floor(at.min(axis=0) - ring - 1))
    x1, y1 = (int(v) for v in np.ceil(at.max(axis=0) + ring + 2))
    part = label[y0 : min(y1, height), x0 : min(x1, width)]
    if part.size == 0 or min(part.shape) < 2:
        return -1.0, 0.0
    mask = np.zeros(part.shape, np.uint8)
    cv2.fillConvexPoly(mask, hull - [4 * x0 + 2, 4 * y0 + 2], 1, shift=2)
    near = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3)
    y, x = np.ogrid[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]]
    around = (near > 0.5) & (near < ring) & (side * (x - at[:, 0].mean()) > 0)
    if not lobe:
        around = around & (y < np.min(at[:, 1]) + UPPER * np.ptp(at[:, 1]))
    within = float(part[mask > 0].mean()) if mask.any() else -1.0
    return within, float(part[around].mean()) if around.any() else 0.0


def _moved(scene: _Scene, places: dict[int, Place]) -> FloatArray:
    """Return (V, 3) the head's points with each ear moved to its place, by side, and the head around it moved along."""
    model, points, relief = HeadModel.load(), scene.points, scene.relief
    out = points.copy()
    ears = np.zeros_like(points)
    for side in (-1, 1):
        place, half = places[side], np.sign(model.points[:, 0]) == side
        own = model.ear & half
        middle = points[own].mean(axis=0)
        near = np.exp(-np.square(points[:, 1:] - middle[1:]).sum(axis=1) / AROUND**2)
        near = near * np.clip(model.distance / 3.0, 0, 1) * half
        out[:, 1] += place[0] * near
        out[:, 2] += place[3] * near
        ears[own] = _placed(points[own], relief[own], side, place) - out[own]
    return np.asarray(out + _with_surroundings(model, ears))


def _with_surroundings(model: HeadModel, ears: FloatArray) -> FloatArray:
    """Return (V, 3) the motion of the ears' vertices, with which the head around them goes along but for the face.

    Otherwise a ring of long triangles around an ear was half skin and half hair.
    """
    along = ears.copy()
    for _ in range(RINGS):
        along = model.averaging @ along
        along[model.ear] = ears[model.ear]
    off = np.where(model.ear, 1.0, np.clip(model.distance / OFF_FACE, 0, 1))
    return np.asarray(off[:, None] * along)


def _skin_labels(
    points: FloatArray, model: HeadModel, camera: Camera, matte: NDArray[np.float32], srgb: NDArray[Any]
) -> NDArray[np.float32]:
    """Return (H, W) labels from 1, where the person's skin may be, to -1, where hair or background is."""
    lab = cv2.cvtColor(cv2.GaussianBlur(srgb, (0, 0), max(0.6, 0.02 * camera.scale)), cv2.COLOR_RGB2LAB)
    lab = lab.astype(np.float32) * np.array([LIGHTNESS, 1, 1], np.float32)
    person = matte > 0.5
    normals = (model.normals(points) @ camera.rotation.T)[:, 2]
    ours, seen = camera.project(model.weights @ points), (model.weights @ normals) > 0.15
    skin, side = (
        _colours_at(lab, ours[[k for k in part if seen[k]]], person) for part in (CHEEKS, BEFORE_EARS)
    )
    if len(skin):
        skin = np.concatenate([skin, side[[bool(nearest(c[None, None], skin)[0, 0] < ALIKE) for c in side]]])
    band = (
        (model.distance > 2.5) & (model.points[:, 1] > 3.0) & ~model.ear & (normals > 0.3) & (normals < 0.9)
    )
    scalp = _colours_at(lab, camera.project(points[band]), matte > 0.9)
    to_skin = nearest(lab, shaded(skin))
    label = np.where(to_skin > STRANGE, -0.5, 1.0)
    middle = np.median(skin, axis=0) if len(skin) else np.zeros(3)
    bald = len(scalp) < 8 or float(np.median(np.linalg.norm(scalp - middle, axis=1))) < BALD
    if not bald:
        scalp = scalp[np.linalg.norm(scalp - middle, axis=1) > BALD]
        order = np.argsort(scalp[:, 0])
        hair = np.stack([np.median(part, axis=0) for part in np.array_split(scalp[order], 4)])
        to_hair = nearest(lab, hair)
        likeness = 2.5 * (to_hair - to_skin) / np.maximum(to_hair + to_skin, 1e-3)
        label = np.minimum(label, np.clip(likeness, -1, 1))
    return np.where(person, label, -1).astype(np.float32)


def shaded(skin: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the skin's colours (N, 3) in every shade of SHADES, (N * len(SHADES), 3); Lab, lightness halved."""
    return np.concatenate([_darker(skin, share) for share in SHADES]) if len(skin) else skin


def _darker(lab: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Return (N, 3) colours (Lab, lightness halved) of which `share` of the light is left."""
    whole = np.clip(lab / np.array([LIGHTNESS, 1, 1], np.float32), 0, 255).astype(np.uint8)[None]
    linear = np.power(cv2.cvtColor(whole, cv2.COLOR_LAB2RGB).astype(np.float32) / 255, 2.2) * share
    dark = np.round(255 * np.power(linear, 1 / 2.2)).astype(np.uint8)
    found = cv2.cvtColor(dark, cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    return np.asarray(found * np.array([LIGHTNESS, 1, 1], np.float32))


def _colours_at(
    picture: NDArray[np.float32], points: FloatArray, inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return (N, 3) colours of a picture (H, W, 3) at those of points (M, >= 2) px where inside (H, W) is true."""
    height, width = inside.shape
    x, y = (np.floor(points[:, k]).astype(int) for k in (0, 1))
    kept = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    x, y = x[kept], y[kept]
    return np.asarray(picture[y, x][inside[y, x]], np.float32)


def nearest(picture: NDArray[np.float32], colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (H, W) distances of a picture's colours (H, W, 3) from the nearest of (N, 3) colours."""
    out = np.full(picture.shape[:2], np.inf, np.float32)
    for colour in colours:
        out = np.minimum(out, np.sqrt(np.square(picture - colour).sum(axis=2)))
    return out
