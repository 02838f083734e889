"""Tells the person that is edited from other people in the photo: the matte is that of all of them.

Hair, shoulders and sleeves of somebody beside or behind a head would turn with it otherwise, and be spread behind it.
Every face found gives marks, sure places of a head and a throat, from which the people grow along the photo's edges
(Meyer 1992, flooding from markers) until they meet.
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
CHIN = 152  # landmark
BACKGROUND, OWN = 1, 2  # marks; other people have the numbers from 3 on


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Where other people are: (H, W) share of a pixel that is theirs, and of one that is theirs before this person."""

    theirs: Float32
    before: Float32


def neighbours(
    pixels: NDArray[Any], matte: Float32, face: FittedFace, others: tuple[FittedFace, ...]
) -> Neighbours | None:
    """Find the other people near one face of a photo, None where there are none.

    pixels: (H, W, 3) in 8 or 16 bits; matte: (H, W) of everybody.
    """
    iod = face.params.camera.scale
    middle = face.landmarks[:468, :2].mean(axis=0)
    near = [o for o in others if _distance(o, middle) < REACH * iod + 2 * o.params.camera.scale]
    if not near:
        return None
    height, width = matte.shape
    x0, y0 = (int(max(0, v - REACH * iod)) for v in middle)
    x1, y1 = (int(min(end, v + REACH * iod)) for v, end in zip(middle, (width, height)))
    factor = min(1.0, SHARP / iod)
    size = (max(2, round((x1 - x0) * factor)), max(2, round((y1 - y0) * factor)))
    small = cv2.resize(pixels[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    small = small if small.dtype == np.uint8 else (small >> 8).astype(np.uint8)
    alpha = cv2.resize(matte[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    marks = _marks(alpha, face, near, np.array([x0, y0]), factor)
    label = cv2.watershed(cv2.medianBlur(small, CALM), marks.copy())
    guide = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    radius = max(1, round(SOFT * iod * factor))

    def spread(part: NDArray[np.bool_]) -> Float32:
        soft = guided_filter(guide, part.astype(np.float32), radius, 0.02**2)
        soft = np.clip((soft - FAINT) / (1 - 2 * FAINT), 0, 1)
        found = np.zeros(matte.shape, np.float32)
        found[y0:y1, x0:x1] = cv2.resize(soft, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        return found

    label[_standing(label, alpha, marks, AWAY * iod * factor)] = OWN + 1 + len(near)
    label = _nearest_person(label)
    front = [k for k, other in enumerate(near) if _nearness(other) > _nearness(face)]
    return Neighbours(spread(label > OWN), spread(np.isin(label, np.array(front, int) + OWN + 1)))


def _distance(face: FittedFace, at: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(face.landmarks[:468, :2].mean(axis=0) - at))


def _nearness(face: FittedFace) -> float:
    """Return what is larger of a face that stands before another: it is larger, and its chin is lower."""
    return float(face.landmarks[CHIN, 1] + 4 * face.params.camera.scale)


def _marks(
    alpha: Float32, face: FittedFace, others: list[FittedFace], corner: NDArray[np.int64], factor: float
) -> NDArray[np.int32]:
    """Return (h, w) the marks of `cv2.watershed`, 0 where it is to decide; who is nearer is drawn over the others."""
    marks = np.zeros(alpha.shape, np.int32)
    people = sorted(zip((face, *others), range(OWN, OWN + 1 + len(others))), key=lambda p: _nearness(p[0]))
    for chest in (True, False):
        for person, mark in people:
            if chest:
                _draw_body(marks, person, corner, factor, CHEST, mark)
            else:
                _draw_body(marks, person, corner, factor, THROAT, mark)
                _draw_head(marks, person, corner, factor, mark)
    marks[alpha < NOBODY] = BACKGROUND
    return marks


def _draw_head(
    marks: NDArray[np.int32], face: FittedFace, corner: NDArray[np.int64], factor: float, mark: int
) -> None:
    camera = face.params.camera
    cv2.fillConvexPoly(marks, cv2.convexHull(_placed(face.landmarks[:468, :2], corner, factor)), mark)
    centre = camera.project(np.array([CENTRE]))[:, :2]
    cv2.circle(
        marks, _point(_placed(centre, corner, factor)[0]), round(SKULL * camera.scale * factor), mark, -1
    )


def _draw_body(
    marks: NDArray[np.int32],
    face: FittedFace,
    corner: NDArray[np.int64],
    factor: float,
    size: tuple[float, float],
    mark: int,
) -> None:
    iod = face.params.camera.scale
    chin = face.landmarks[CHIN, :2]
    reach, aside = size
    box = np.array([[-aside, 0.0], [aside, 0.0], [aside, reach], [-aside, reach]]) * iod + chin
    cv2.fillConvexPoly(marks, _placed(box, corner, factor), mark)


def _placed(points: NDArray[np.float64], corner: NDArray[np.int64], factor: float) -> NDArray[np.int32]:
    return np.round((points - corner) * factor).astype(np.int32)


def _point(at: NDArray[np.int32]) -> tuple[int, int]:
    return int(at[0]), int(at[1])


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
