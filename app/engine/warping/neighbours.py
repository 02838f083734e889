"""Tells the person that is edited from other people in the photo: the matte is that of all of them.

Hair, shoulders and sleeves of somebody beside or behind a head would turn with it otherwise, and be spread behind it.
Every face found gives marks, sure places of a head and a throat, from which the people grow along the photo's edges
(Meyer 1992, flooding from markers) until they meet. People behind a head whose faces are not found (`strangers`) and a
thing held before a face (`held_things`) give marks, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FittedFace
from app.engine.imaging.matte import guided_filter
from app.engine.imaging.nearest import nearest_known
from app.engine.warping.curves import Float32
from app.engine.warping.held_things import held_before
from app.engine.warping.kinds import skin_hue
from app.engine.warping.layers import Box
from app.engine.warping.strangers import REACHES, strangers
from app.engine.warping.topology import LOWER_LIP, N_FACE, UPPER_LIP

# Chosen by eye on group photos. IOD is the distance between the eyes of the face that is edited.
REACH = 7.0  # IOD around that face in which people are told apart; what lies further off hardly moves
SHARP = 20.0  # px between its eyes in the small copy in which they are
CENTRE = (0.0, 0.35, -1.0)  # IOD: the skull's middle from the middle of the eyes
SKULL = 1.15  # IOD: radius around it that is surely head
THROAT = (0.9, 0.3)  # IOD below the chin, and beside its middle, that is surely the same person
CHEST = (2.6, 0.7)  # IOD below the chin, and beside its middle, where nobody stands before it
NOBODY = 0.04  # matte below which nobody is
SOLID = 0.5  # matte from which somebody surely is
AWAY = 0.4  # IOD from the marks: something solid in the background's colours that lies so far off is no hair
CALM = 5  # px of the small copy: what is finer than this is no edge between people
SOFT = 0.08  # IOD: radius within which the border is fitted to the photo's edges
FAINT = 0.15  # share of a border's softness at either end that is cut off: nobody has a trace in someone else
HAND = 1.2  # IOD from a thing held before a face within which skin beside the face is the hand's
HAND_APART = 0.1  # IOD from the face's outline from which skin is surely not the face's
GRIP = 0.4  # IOD beside the face: what lies between a thing and the hand so near is fingers
SHADOW = 0.15  # IOD beside such a thing within which the face is in its shade
OPEN = (
    0.8,
    0.3,
)  # IOD from such a thing, and inside the face's outline, within which edges tell where the face ends
CHIN, FOREHEAD = 152, 10  # landmarks
BACKGROUND, OWN = 1, 2  # marks; other people have the numbers from 3 on


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Where other people and things are: (H, W) share of a pixel that is theirs, and of one that is theirs before this
    person.
    """

    theirs: Float32
    before: Float32


@dataclass(frozen=True, eq=False)
class _Copy:
    """A small copy of the photo around a face, in which people are told apart.

    small: (h, w, 3) uint8; alpha: (h, w) matte of everybody; corner: (2,) px of its first pixel in the photo; factor:
    its px per px of the photo; iod: its px between the face's eyes.
    """

    small: NDArray[np.uint8]
    alpha: Float32
    corner: NDArray[np.int64]
    factor: float
    iod: float

    @classmethod
    def of(cls, pixels: NDArray[Any], matte: Float32, box: Box, iod: float) -> _Copy:
        x0, y0, x1, y1 = box
        factor = min(1.0, SHARP / iod)
        size = (max(2, round((x1 - x0) * factor)), max(2, round((y1 - y0) * factor)))
        small = cv2.resize(pixels[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
        small = small if small.dtype == np.uint8 else (small >> 8).astype(np.uint8)
        alpha = cv2.resize(matte[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
        return cls(small, np.asarray(alpha, np.float32), np.array([x0, y0]), factor, iod * factor)

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((points - self.corner) * self.factor)

    def placed(self, points: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.round(self.at(points)).astype(np.int32)

    def oval(self, face: FittedFace) -> NDArray[np.uint8]:
        """Return (h, w) 1 where a face is."""
        oval = np.zeros(self.alpha.shape, np.uint8)
        cv2.fillConvexPoly(oval, cv2.convexHull(self.placed(face.landmarks[:N_FACE, :2])), 1)
        return oval


def neighbours(
    pixels: NDArray[Any], matte: Float32, face: FittedFace, others: tuple[FittedFace, ...]
) -> Neighbours | None:
    """Find what is near one face of a photo and does not belong to it; None where there is nothing.

    pixels: (H, W, 3) in 8 or 16 bits; matte: (H, W) of everybody.
    """
    iod = face.params.camera.scale
    middle = face.landmarks[:N_FACE, :2].mean(axis=0)
    near = [o for o in others if _distance(o, middle) < REACH * iod + 2 * o.params.camera.scale]
    height, width = matte.shape
    x0, y0 = (int(max(0, v - REACH * iod)) for v in middle)
    x1, y1 = (int(min(end, v + REACH * iod)) for v, end in zip(middle, (width, height)))
    copy = _Copy.of(pixels, matte, (x0, y0, x1, y1), iod)
    held = held_before(copy.small, copy.at(face.landmarks[:N_FACE, :2]), face.params.camera.yaw, copy.iod)
    if not near and not held.any():
        return None
    marks = _marks(copy, face, near)
    unknown, thing = OWN + 1 + len(near), OWN + 2 + len(near)
    calm = cv2.medianBlur(copy.small, CALM)
    label = cv2.watershed(calm, marks.copy())
    hidden = _hidden(copy, label, face) if near else np.zeros(label.shape, bool)
    if hidden.any() or held.any():
        marks[hidden] = unknown
        if held.any():
            _mark_held(copy, marks, held, face, thing)
        label = cv2.watershed(calm, marks.copy())
    label[_standing(label, copy.alpha, marks, AWAY * copy.iod)] = unknown
    label = _nearest_person(label)
    guide = cv2.cvtColor(copy.small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    radius = max(1, round(SOFT * copy.iod))

    def spread(part: NDArray[np.bool_]) -> Float32:
        soft = guided_filter(guide, part.astype(np.float32), radius, 0.02**2)
        soft = np.clip((soft - FAINT) / (1 - 2 * FAINT), 0, 1)
        found = np.zeros(matte.shape, np.float32)
        found[y0:y1, x0:x1] = cv2.resize(soft, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        return found

    front = [OWN + 1 + k for k, other in enumerate(near) if _nearness(other) > _nearness(face)]
    rim = 2 * round(SHADOW * copy.iod) + 1
    shaded = cv2.dilate((label == thing).astype(np.uint8), np.ones((rim, rim), np.uint8)) > 0
    return Neighbours(spread((label > OWN) | shaded), spread(np.isin(label, [*front, thing])))


def _hidden(copy: _Copy, label: NDArray[np.int32], face: FittedFace) -> NDArray[np.bool_]:
    """Return (h, w) True on people behind a head whose faces were not found; label: (h, w) OWN on the head so far."""
    centre = copy.at(face.params.camera.project(np.array([CENTRE]))[0, :2])
    low = np.maximum(np.floor(centre - REACHES * copy.iod), 0).astype(int)
    end = np.maximum(np.ceil(centre + REACHES * copy.iod), 0).astype(int)
    near = (slice(low[1], end[1]), slice(low[0], end[0]))
    found = np.zeros(label.shape, bool)
    oval = cv2.erode(copy.oval(face), np.ones((3, 3), np.uint8))[near] > 0
    own = (copy.alpha * (label == OWN))[near]
    found[near] = strangers(copy.small[near], own, oval, centre - low, _up(face), copy.iod)
    return found


def _mark_held(
    copy: _Copy, marks: NDArray[np.int32], held: NDArray[np.bool_], face: FittedFace, mark: int
) -> None:
    """Mark (h, w) a thing held before a face, and the hand that holds it, and leave open where the face ends beside it.

    held: (h, w) where it surely is.
    """
    oval = copy.oval(face)
    away, inside, outside = (
        cv2.distanceTransform(mask, cv2.DIST_L2, 5) / copy.iod
        for mask in ((~held).astype(np.uint8), oval, 1 - oval)
    )
    y, x = np.indices(held.shape)
    up, (chin_x, chin_y) = _up(face), copy.at(face.landmarks[CHIN, :2])
    above = (x - chin_x) * up[0] + (y - chin_y) * up[1] > 0  # lower down there is a neck
    side = (x - chin_x) * up[1] - (y - chin_y) * up[0]
    beside = above & (side * np.median(side[held]) > 0) & (outside > HAND_APART) & (away < HAND)
    hand = skin_hue(copy.small, inside > HAND_APART) & beside & (marks != OWN)
    marks[(marks == OWN) & (away < OPEN[0]) & (inside < OPEN[1])] = 0
    grip = np.argwhere(held | (hand & (outside < GRIP)))[:, ::-1].astype(np.int32)
    whole = (hand | held).astype(np.uint8)
    cv2.fillConvexPoly(whole, cv2.convexHull(grip), 1)
    lips = face.landmarks[[*UPPER_LIP, *LOWER_LIP], :2]
    cv2.fillConvexPoly(whole, cv2.convexHull(copy.placed(lips)), 0)
    marks[(whole > 0) & (marks != BACKGROUND)] = mark


def _up(face: FittedFace) -> NDArray[np.float64]:
    """Return (2,) unit direction in the picture from the chin to the forehead."""
    up = face.landmarks[FOREHEAD, :2] - face.landmarks[CHIN, :2]
    return np.asarray(up / np.linalg.norm(up))


def _distance(face: FittedFace, at: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(face.landmarks[:N_FACE, :2].mean(axis=0) - at))


def _nearness(face: FittedFace) -> float:
    """Return what is larger of a face that stands before another: it is larger, and its chin is lower."""
    return float(face.landmarks[CHIN, 1] + 4 * face.params.camera.scale)


def _marks(copy: _Copy, face: FittedFace, others: list[FittedFace]) -> NDArray[np.int32]:
    """Return (h, w) the marks of `cv2.watershed`, 0 where it is to decide; who is nearer is drawn over the others."""
    marks = np.zeros(copy.alpha.shape, np.int32)
    people = sorted(zip((face, *others), range(OWN, OWN + 1 + len(others))), key=lambda p: _nearness(p[0]))
    for chest in (True, False):
        for person, mark in people:
            if chest:
                _draw_body(copy, marks, person, CHEST, mark)
            else:
                _draw_body(copy, marks, person, THROAT, mark)
                _draw_head(copy, marks, person, mark)
    marks[copy.alpha < NOBODY] = BACKGROUND
    return marks


def _draw_head(copy: _Copy, marks: NDArray[np.int32], face: FittedFace, mark: int) -> None:
    camera = face.params.camera
    cv2.fillConvexPoly(marks, cv2.convexHull(copy.placed(face.landmarks[:N_FACE, :2])), mark)
    x, y = copy.placed(camera.project(np.array([CENTRE]))[0, :2])
    cv2.circle(marks, (int(x), int(y)), round(SKULL * camera.scale * copy.factor), mark, -1)


def _draw_body(
    copy: _Copy, marks: NDArray[np.int32], face: FittedFace, size: tuple[float, float], mark: int
) -> None:
    iod = face.params.camera.scale
    chin = face.landmarks[CHIN, :2]
    reach, aside = size
    box = np.array([[-aside, 0.0], [aside, 0.0], [aside, reach], [-aside, reach]]) * iod + chin
    cv2.fillConvexPoly(marks, copy.placed(box), mark)


def _standing(
    label: NDArray[np.int32], alpha: Float32, marks: NDArray[np.int32], away: float
) -> NDArray[np.bool_]:
    """Return (h, w) True on solid things that go with the background rather than with anybody, such as a raised hand
    before a wall of skin's colour; away: px from this person's marks.
    """
    solid = ((label == BACKGROUND) & (alpha > SOLID)).astype(np.uint8)
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((CALM, CALM), np.uint8))
    count, part = cv2.connectedComponents(solid)
    far = cv2.distanceTransform((marks != OWN).astype(np.uint8), cv2.DIST_L2, 5)
    size = np.maximum(np.bincount(part.ravel(), minlength=count), 1)
    found = np.bincount(part.ravel(), far.ravel(), minlength=count) / size > away
    found[0] = False
    return np.asarray(found[part], np.bool_)


def _nearest_person(label: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the labels with background, whose soft edge is somebody's, and the lines between people, which
    `cv2.watershed` marks by -1, given to the nearest person.
    """
    return label.take(nearest_known(label >= OWN)[0])
