"""Decides whether the tracker's find is the driver's face, by how it moved and by how it looks.

Where a skin-coloured board, a hand or a blur covers a face, the tracker finds a face that grows and tilts. Two things
distinguish such a find from a face: it changes faster than heads move, and the brightness at its landmarks is not that
of the frames before. Over 26 clips of people, the look of a frame correlates with the quarter of a second before it by
0.9 and more (0.7 in quick turns); with a board, a blur or a covered half it correlates by 0.5 and less.
A cover over only a part of the face shows in eyes, nose or mouth: one of them has lost its pattern while another has
kept its own. Then the find is refused until the lost parts have their pattern again, as long as it lies where the face
was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.engine.face.morphable_model import MorphableModel
from app.engine.face.parameters import N_VERTICES, Camera, FloatArray

# Where no comment gives another origin, a value was set on the 26 clips of ../shared/media and of tests (people, cut
# clips, hands and boards before faces), so that no driver's own face is refused and every false find is.
NOSE_TIP = 1  # MediaPipe's vertex
# px between the eyes to which a face is reduced before its brightness is measured, so that pores do not count
EYE_DISTANCE = 12.0
# The greatest change of a head in a second, and the greatest by which the fit trembles. People in clips reach speeds of
# 1.8, 5.6 and 200 in the units below.
SCALE_SPEED, SCALE_NOISE = 2.5, 0.04  # change of the logarithm of the scale
PLACE_SPEED, PLACE_NOISE = 12.0, 0.3  # eye distances
TURN_SPEED, TURN_NOISE = 400.0, 5.0  # degrees
QUICK, SLOW = 0.25, 3.0  # seconds over which the quick and the slow remembered look follow the face
QUICK_LEAST, SLOW_LEAST = 0.55, 0.3  # correlation with these two looks from which a find is the same face
SAME = 0.8  # correlation from which a face that jumped is surely the same, as where a clip was cut or began again
# A face is half covered where one half correlates with its remembered look by KNOWN_HALF, and the other half by
# HALVES_APART less. The halves of one person's face differ by 0.44 at most in 26 clips, and mostly by more under boards
# and hands; of a hundred pairs of people, seven differ by more.
KNOWN_HALF, HALVES_APART = 0.5, 0.5
# (vertices, reach around their middle in eye distances, width over height) of both eyes with brows, nose and mouth
PARTS = (
    ((33, 133, 105), 0.34, 1.0),
    ((263, 362, 334), 0.34, 1.0),
    ((1, 4, 5), 0.34, 1.0),
    ((61, 291), 0.34, 1.3),
)
# The next correlations are those of a part's pattern with the better of the two looks, reduced where its contrast is
# weaker. A part is lost below PART_LOST where the whole face has changed too, and below PART_GONE where the whole face
# agrees with itself by CHANGED and more, and for the mouth, which opens. The face is the one that was followed where
# the best part reaches PART_KNOWN. A lost part is there again from PART_BACK on, the nose (part number NOSE), which
# changes least, from NOSE_BACK on. With these values, 6 of 4,397 frames of 28 clips without covers are refused.
PART_LOST, PART_GONE, CHANGED, PART_KNOWN = 0.4, 0.3, 0.85, 0.65
PART_BACK, NOSE_BACK, NOSE = 0.47, 0.55, 2
# Such a correlation below which a further part is lost while others are.
PART_COVERED = 0.2
# Correlation of the whole face with its quick look, and its rise since the cover came, from which the cover has left
# although a part has changed meanwhile.
FACE_BACK, FACE_RISE = 0.75, 0.15
FACED = 40.0  # degrees of yaw beyond which the far eye and the nose stand against the background
THERE_PLACE = 1.0  # eye distances within which a find lies where the face was
THERE_SCALE = 0.4  # change of the logarithm of the scale within which a find has the face's size
TURNED = 40.0  # degrees of yaw from which the parts of the face before no longer tell anything
KNOWN = 0.5  # seconds for which a face must have been seen before any part of it can be found to be covered
# Seconds for which a refused find must be found again in every frame to be believed after all: one with the same look,
# with another look, and with eyes that became dark, as behind glasses or in a shadow. Other lost parts are covered for
# as long as they stay lost.
ACCEPT_SAME, ACCEPT_OTHER, ACCEPT_GLASSES = 0.05, 0.4, 60.0
EYES = frozenset({0, 1})  # numbers of the parts that glasses cover
# Standard deviations of the look by which the mean of a lost eye is darker behind glasses. Covers in the colour of the
# skin make it lighter (0.6 to 1 by boards, -0.03 and more by blurs), and an eye of a_tos_young_man that turned into the
# dark became darker by 0.2.
DARKER = 0.1
# Seconds after which such a find is believed once it has gone elsewhere, or has turned.
ACCEPT_ELSEWHERE = 5.0
GAP = 0.25  # seconds without a find after which these seconds begin anew


@dataclass(frozen=True)
class _Find:
    """A face that the tracker found: its camera, and the seconds at which it was found."""

    camera: Camera
    time: float


class Belief:
    """Judges the finds of one driver in the order of time, and remembers those that it believed."""

    def __init__(self, model: MorphableModel) -> None:
        upper, left = (model.mean[:, axis] > model.mean[NOSE_TIP, axis] for axis in (1, 0))
        self._halves = tuple(tuple(map(np.flatnonzero, (half, ~half))) for half in (upper, left))
        self._parts = tuple(_around(model.mean, *part) for part in PARTS)
        self.reset()

    def reset(self) -> None:
        """Forget the driver and the look that `learn` found, because another person or clip begins."""
        self._last: _Find | None = None
        self._quick: FloatArray | None = None
        self._slow: FloatArray | None = None
        self._doubted: _Find | None = None
        self._since = 0.0
        self._there = True  # whether the doubted find lies where the face was
        self._wait = 0.0  # seconds for which the row of doubted finds must last
        self._lost: frozenset[int] = frozenset()  # numbers of the covered parts
        self._lowest = 1.0  # least correlation of the whole face with its quick look since parts are covered
        self._known = 0.0  # seconds for which the remembered face was seen
        self._whole: FloatArray | None = None  # look of the face before a cover that was believed in the end

    def learn(self, looks: Sequence[FloatArray]) -> list[bool]:
        """Learn the look that most of a clip's frames share, and return which frames have it.

        looks: (468,) of each frame, as `look_of` gives them.
        """
        usual = np.median([_standard(look) for look in looks], axis=0)
        self._slow, self._known = usual, KNOWN
        return [agreement(look, usual) >= SLOW_LEAST for look in looks]

    def judge(self, camera: Camera, look: FloatArray, time: float) -> bool:
        """Return whether a find with this camera (px) and look (468,), at `time` seconds, is the driver's face."""
        find = _Find(camera, time)
        own = _standard(look)
        if self._whole is not None and np.mean(own * self._whole) >= SAME:
            self._quick, self._slow, self._whole = self._whole, self._whole, None
            self._lost = frozenset()
        wait = self._cover(look)
        seen = self._agreement(look) if wait == 0 else -1.0
        calm = self._last is None or _possible(self._last, find)
        if (calm and seen >= 0) or self._persists(find, seen, wait):
            self._whole = self._slow if wait > 0 and self._wait > 0 else self._whole
            self._believe(find, look, other=seen < 0)
            return True
        return False

    def _agreement(self, look: FloatArray) -> float:
        """Return the correlation of a look with the quick look; -1 where it is not the same face."""
        own = _standard(look)
        slow = 1.0 if self._slow is None else float(np.mean(own * _standard(self._slow)))
        quick = slow if self._quick is None else float(np.mean(own * _standard(self._quick)))
        return quick if quick >= QUICK_LEAST and slow >= SLOW_LEAST else -1.0

    def _persists(self, find: _Find, seen: float, wait: float) -> bool:
        """Return whether a doubted find has been found in every frame for long enough, and moved as heads do.

        seen: result of `_agreement`; wait: seconds for which it must last at least.
        """
        before, self._doubted = self._doubted, find
        if before is None or find.time - before.time > GAP or not _possible(before, find):
            self._since, self._wait = find.time, 0.0
        # A find elsewhere is another shot or another person, unless the cover has moved it there. How long the cover
        # was held before the face tells nothing of that.
        stayed, self._there = self._there, self._last is not None and _there(self._last, find)
        if self._wait > 0 and stayed and not self._there:
            self._since = find.time
        self._wait = max(self._wait, wait) if self._there else min(self._wait, ACCEPT_ELSEWHERE)
        return find.time - self._since >= (ACCEPT_SAME if seen >= SAME else max(self._wait, ACCEPT_OTHER))

    def _cover(self, look: FloatArray) -> float:
        """Return the seconds for which a find is doubted, of which one part is the driver's and another is covered; 0
        where nothing is covered, infinity where it cannot be dark glasses.
        """
        known = self._slow if self._quick is None else self._quick
        if known is None or self._known < KNOWN:
            return 0.0
        slow = known if self._slow is None else self._slow
        own = _standard(look)
        quick = [_pattern(own[part], known[part]) for part in self._parts]
        like = [max(one, _pattern(own[part], slow[part])) for one, part in zip(quick, self._parts)]
        total = float(np.mean(own * known))
        if self._lost:
            if self._uncovered(like, total):
                self._lost = frozenset()
                return 0.0
            self._lost |= _below(like, PART_COVERED)
        else:
            self._lowest = total
            self._lost = self._newly_lost(look, known, quick, like, total)
        if not self._lost:
            return 0.0
        dark = all(own[self._parts[k]].mean() < known[self._parts[k]].mean() - DARKER for k in self._lost)
        return ACCEPT_GLASSES if dark and self._lost <= EYES else math.inf

    def _uncovered(self, like: list[float], total: float) -> bool:
        """Return whether the covered parts, or the whole face, look as before the cover.

        like: correlation of each part with the better of its two looks; total: of the whole face with its quick look.
        """
        self._lowest = min(self._lowest, total)
        risen = total >= max(FACE_BACK, self._lowest + FACE_RISE)
        return risen or all(like[k] >= (NOSE_BACK if k == NOSE else PART_BACK) for k in self._lost)

    def _newly_lost(
        self, look: FloatArray, known: FloatArray, quick: list[float], like: list[float], total: float
    ) -> frozenset[int]:
        """Return the numbers of the parts that are covered now, where no part was covered before.

        known: the remembered look; quick: correlation of each part with the quick look; like, total: of `_uncovered`.
        """
        gone = _below(like[:3], PART_LOST if total < CHANGED else PART_GONE) | _below(like, PART_GONE)
        faced = self._last is None or abs(self._last.camera.yaw) < FACED
        if faced and gone and max(quick) >= PART_KNOWN:
            return gone
        pairs = [[agreement(look[half], known[half]) for half in halves] for halves in self._halves]
        apart = any(max(pair) >= KNOWN_HALF and max(pair) - min(pair) > HALVES_APART for pair in pairs)
        return _below(like, NOSE_BACK) or frozenset({int(np.argmin(like))}) if apart else frozenset()

    def _believe(self, find: _Find, look: FloatArray, other: bool) -> None:
        step = GAP if self._last is None else max(0.0, find.time - self._last.time)
        new = _standard(look)
        self._known = (0.0 if other else self._known) + min(step, GAP)
        self._quick = _towards(None if other else self._quick, new, 1 - math.exp(-step / QUICK))
        self._slow = _towards(None if other else self._slow, new, 1 - math.exp(-step / SLOW))
        self._last, self._doubted, self._lost = find, None, frozenset()


def look_of(pixels: NDArray[np.uint8], landmarks: FloatArray) -> FloatArray:
    """Return the look of a face: the smooth brightness (468,) of a picture (H, W, 3) at its landmarks (px).

    It hardly depends on the pose.
    """
    import cv2

    points = landmarks[:N_VERTICES, :2]
    x, y = (max(0, int(value)) for value in points.min(axis=0) - 2)
    right, bottom = (max(1, int(value)) for value in points.max(axis=0) + 3)
    part = pixels[y:bottom, x:right]
    if part.size == 0:
        return np.zeros(N_VERTICES)
    share = min(1.0, EYE_DISTANCE / max(float(np.linalg.norm(points[33] - points[263])), 1.0))
    size = (max(1, round(part.shape[1] * share)), max(1, round(part.shape[0] * share)))
    small = cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    zoom = (size[0] / part.shape[1], size[1] / part.shape[0])
    at = ((points - (x, y) + 0.5) * zoom - 0.5).astype(np.float32)
    read = cv2.remap(grey, at[:, 0], at[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.float64).reshape(-1)


def agreement(one: FloatArray, other: FloatArray) -> float:
    """Return the correlation of two looks in [-1, 1], which brighter light and stronger contrast do not change."""
    return float(np.mean(_standard(one) * _standard(other)))


def _below(like: Sequence[float], limit: float) -> frozenset[int]:
    return frozenset(k for k, one in enumerate(like) if one < limit)


def _around(mean: FloatArray, middle: tuple[int, ...], reach: float, wide: float) -> NDArray[np.intp]:
    """Return the vertices around the middle of some vertices, seen from the front.

    reach: eye distances up and down; wide: width of the region over its height.
    """
    way = (mean[:, :2] - mean[list(middle), :2].mean(axis=0)) / (wide, 1.0)
    return np.flatnonzero(np.linalg.norm(way, axis=1) < reach)


def _pattern(one: FloatArray, other: FloatArray) -> float:
    """Return the correlation of two patterns in [-1, 1], reduced where the first has less contrast."""
    a, b = one - one.sum() / len(one), other - other.sum() / len(other)
    size, known = math.sqrt(a @ a), math.sqrt(b @ b)
    contrast = size / max(known, 1e-6)
    return float(a @ b) / max(size * known, 1e-6) * min(1.0, contrast)


def _standard(look: FloatArray) -> FloatArray:
    """Return the look with mean 0 and standard deviation 1."""
    # A frame needs a dozen of these, and mean() and std() take three times as long.
    centred = look - look.sum() / len(look)
    return np.asarray(centred / max(math.sqrt(centred @ centred / len(look)), 1e-6))


def _towards(old: FloatArray | None, new: FloatArray, share: float) -> FloatArray:
    return new if old is None else old + share * (new - old)


def _there(before: _Find, now: _Find) -> bool:
    """Return whether a find lies near the place of the one before and has nearly its size, as on a covered face."""
    one, other = before.camera, now.camera
    moved = math.dist(one.translation, other.translation) / max(one.scale, other.scale)
    if abs(other.yaw - one.yaw) > TURNED:
        return False
    return moved <= THERE_PLACE and abs(math.log(other.scale / one.scale)) <= THERE_SCALE


def _possible(before: _Find, now: _Find) -> bool:
    """Return whether a head can have moved from one find to the other in the time between."""
    step = max(0.0, now.time - before.time)
    one, other = before.camera, now.camera
    scaled = abs(math.log(other.scale / one.scale))
    size = max(one.scale, other.scale)
    moved = math.dist(one.translation, other.translation) / size
    cosine = (np.trace(one.rotation.T @ other.rotation) - 1) / 2
    turned = math.degrees(math.acos(min(1.0, max(-1.0, float(cosine)))))
    return (
        scaled <= SCALE_NOISE + SCALE_SPEED * step
        and moved <= PLACE_NOISE + PLACE_SPEED * step
        and turned <= TURN_NOISE + TURN_SPEED * step
    )
