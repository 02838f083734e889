"""Finds the faces of a picture: boxes at every scale and rotation, 478 landmarks each, and tracking in videos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.face_networks import CROP, FaceBoxes, Found, LandmarkNet
from app.engine.face.morphable_model import ASSET, load_model
from app.engine.face.regions import (
    CROP_SCALE,
    Box,
    Region,
    at_most,
    corners,
    covered,
    overlap,
    placed,
    tiles,
    turn_back,
)

# Least px of a face's larger side. At this size landmarks err by 1.7 % of the eye distance, at 32 px by 3.4 %.
MIN_SIDE = 48
# Runs of the landmark network on a photo: from the third on, landmarks do not depend on how the photo was turned.
PASSES = 3
SAME_FACE = 0.3  # overlap (intersection over the smaller box) from which two finds are one face
# Least score of the near box network on the face's own upright crop; faces have 0.74 and more, a hand 0.67.
LEAST_VERIFIED = 0.7
# The next four values hold where the far box network does not find the face. Certainty is a score that falls to 1/e
# where a box network's points lie APART, or where landmarks move by MOVED in wider crops, both in sides of the face;
# no motion counts as more than MOST_MOVED. Faces have a certainty of 0.40 and more; a dog, a hand and coins have up to
# 0.31.
LEAST_CERTAIN, APART, MOVED, MOST_MOVED = 0.36, 0.13, 0.05, 0.06
# MediaPipe's vertices of both irises in the order that they have in the mirror image.
IRISES_MIRRORED = (473, 476, 475, 474, 477, 468, 471, 470, 469, 472)


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """One face of a picture.

    landmarks: (478, 3) px as `Camera.project` gives them: x right, y down, z towards the viewer; box: (x, y, w, h) px
    around the landmarks; score: how sure the networks are that this is a face, in [0, 1].
    """

    landmarks: NDArray[np.float64]
    box: Box
    score: float = 1.0

    @property
    def side(self) -> float:
        """Return the larger side of the box in px."""
        return max(self.box[2:])


class FaceTracker:
    """Finds faces, and with `video` follows the largest face from frame to frame; not thread-safe.

    live: whether a followed face and its mirror image are read in one call of the network; else a second call reads a
    mirror image that is cut around the landmarks just found, which follows quick heads more closely. The tracker is a
    context manager; its networks start with the first call.
    """

    def __init__(self, video: bool = False, live: bool = False) -> None:
        self._video, self._live = video, live
        self._near: FaceBoxes | None = None
        self._far: FaceBoxes | None = None
        self._net: LandmarkNet | None = None
        self._last: DetectedFace | None = None

    def __enter__(self) -> FaceTracker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the networks; the next call loads them again."""
        self._near = self._far = self._net = self._last = None

    def reset(self) -> None:
        """Forget the face that was followed, because the next frame is of another clip."""
        self._last = None

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[DetectedFace, ...]:
        """Return the faces of a picture (H, W, 3), uint8 sRGB, left to right, small ones included; () without any.

        In a video it is at most one face: that of the frame before, else the largest.
        """
        if not self._video:
            return tuple(sorted(self._search(pixels, thorough=True), key=_middle))
        face = self._follow(pixels)
        if face is None:
            face = max(self._search(pixels, thorough=False), key=lambda found: found.side, default=None)
        self._last = face
        return () if face is None else (face,)

    def detect_in(self, pixels: NDArray[np.uint8], box: Box) -> DetectedFace | None:
        """Return the face, at any rotation, in a box (x, y, w, h) px that the user drew; None where there is none."""
        tries = [self._landmarks(pixels, Region.of_box(box, angle), 3) for angle in (0, 90, 180, 270)]
        found = [face for face in tries if face is not None and overlap(face.box, box) > 0.1]
        best = max(found, key=lambda face: face.score, default=None)
        return None if best is None else self._steadied(pixels, best)

    def detect_near(self, pixels: NDArray[np.uint8], points: NDArray[np.float64]) -> DetectedFace | None:
        """Return the face near landmarks (468 or more, 2 or 3) px that are known roughly; None where there is none."""
        found = self._landmarks(pixels, Region.of_landmarks(points), 2)
        return None if found is None else self._steadied(pixels, found)

    def _follow(self, pixels: NDArray[np.uint8]) -> DetectedFace | None:
        if self._last is None:
            return None
        region = Region.of_landmarks(self._last.landmarks)
        face = self._paired(pixels, region) if self._live else self._landmarks(pixels, region, 1)
        if face is None or overlap(face.box, self._last.box) <= 0.2:
            return None
        return face if self._live else self._steadied(pixels, face)

    def _search(self, pixels: NDArray[np.uint8], thorough: bool) -> list[DetectedFace]:
        """Return the faces of a picture: upright ones are sought first, turned ones only where none is upright.

        At each place only the box with the greatest score is tried: tried often enough, a dog's face passes for a
        human one. thorough: whether smaller tiles and turned pictures are searched too.
        """
        faces: list[DetectedFace] = []
        for quarter in (0, 1, 2, 3) if thorough else (0,):
            upright = list(faces)
            refused: list[Box] = []
            for found in self._boxes(pixels, quarter, thorough):
                known = upright if quarter else faces
                if any(covered(found.box, face.box) > 0.6 for face in known):
                    continue
                if any(overlap(found.box, box) > 0.5 for box in refused):
                    continue
                region = Region.of_points(corners(found.box), found.points[:2])
                face = self._landmarks(pixels, region, PASSES)
                if face is not None and overlap(face.box, found.box) > 0.25:
                    score = self._verified(pixels, face)
                    faces += [replace(self._steadied(pixels, face), score=score)] if score else []
                    refused += [] if score else [found.box]
            faces = _without_doubles(faces)
        return faces

    def _verified(self, pixels: NDArray[np.uint8], face: DetectedFace) -> float:
        """Return how surely this is a face, 0 where it is none.

        A box network must find it again in an upright crop with its surroundings: tiles show mouths, ears and folds of
        cloth alone, which the networks may take for faces. Where only the near box network finds it again, its
        landmarks must also stay in place in other crops: those of a dog's muzzle move.
        """
        assert self._near is not None and self._far is not None
        region = Region.of_landmarks(face.landmarks)
        wide = replace(region, side=region.side * 1.5)
        crop = wide.crop(pixels)
        share = CROP / (CROP_SCALE * 1.5)
        own = ((CROP - share) / 2, (CROP - share) / 2, share, share)
        again = [item for item in self._near.find(crop) if overlap(item.box, own) > 0.35]
        best = max(again, key=lambda item: item.score, default=None)
        if best is None or best.score * face.score <= LEAST_VERIFIED:
            return 0.0
        score = best.score * face.score
        landmarks = wide.to_crop(face.landmarks[:, :2])
        far = [item for item in self._far.find(crop) if overlap(item.box, own) > 0.5]
        if any(_apart(item, landmarks) < APART * share for item in far):
            return score
        apart = _apart(best, landmarks) / share
        moved = self._moved(pixels, face, region) / face.side
        doubt = (apart / APART) ** 2 + (moved / MOVED) ** 2
        return score if score * math.exp(-doubt) > LEAST_CERTAIN else 0.0

    def _moved(self, pixels: NDArray[np.uint8], face: DetectedFace, region: Region) -> float:
        """Return the mean px by which the landmarks move when they are read in wider crops."""
        wider = (replace(region, side=region.side * more) for more in (1.12, 1.25))
        found = [self._landmarks(pixels, other, 1) for other in wider]
        most = MOST_MOVED * face.side
        return float(np.mean([most if other is None else min(_gap(other, face), most) for other in found]))

    def _boxes(self, pixels: NDArray[np.uint8], quarter: int, thorough: bool) -> list[Found]:
        """Return the finds of the box networks at every scale of the picture turned by `quarter` times 90 degrees, in
        the picture's own px, by falling score.
        """
        self._near = self._near or FaceBoxes(False)
        self._far = self._far or FaceBoxes(True)
        height, width = pixels.shape[:2]
        found = []
        for x, y, side in tiles(width, height, (4 if quarter == 0 else 2) if thorough else 1):
            part = pixels[y : y + side, x : x + side]
            small, scale = at_most(part, 320)
            turned = np.rot90(small, quarter)
            whole = side == max(width, height)
            for net in (self._near, self._far) if whole else (self._far,):
                for item in net.find(turned):
                    back = turn_back(item, turned.shape[1], turned.shape[0], quarter)
                    found.append(placed(back, scale, x, y))
        return sorted(found, key=lambda item: -item.score)

    def _landmarks(self, pixels: NDArray[np.uint8], region: Region, passes: int) -> DetectedFace | None:
        """Return the face in a region, None where there is none; each further pass crops by the landmarks before."""
        self._net = self._net or LandmarkNet()
        landmarks, score = None, 0.0
        for _ in range(passes):
            points, score = self._net.landmarks(region.crop(pixels))
            if points is None:
                return None
            landmarks = region.placed(points)
            region = Region.of_landmarks(landmarks)
        assert landmarks is not None
        face = DetectedFace(landmarks, _box_of(landmarks), score)
        return face if _is_sane(face.box, pixels.shape) else None

    def _paired(self, pixels: NDArray[np.uint8], region: Region) -> DetectedFace | None:
        """Return the face in a region, None where there is none: the mean of the landmarks of the crop and of its
        mirror image, which one call of the network reads.
        """
        self._net = self._net or LandmarkNet()
        crop = region.crop(pixels)
        both = np.stack([crop, cv2.flip(crop, 1)])
        (points, score), (mirrored, _) = self._net.several(both)
        if points is None:
            return None
        if mirrored is not None:
            points = (points + _unmirrored(mirrored)) / 2
        landmarks = region.placed(points)
        face = DetectedFace(landmarks, _box_of(landmarks), score)
        return face if _is_sane(face.box, pixels.shape) else None

    def _steadied(self, pixels: NDArray[np.uint8], face: DetectedFace) -> DetectedFace:
        """Return the face with the mean of its landmarks and of those that the network reads in its mirror image.

        In slightly different crops the same face is then read with a spread of 0.41, 0.64 and 0.17 degrees in yaw,
        pitch and roll instead of 0.60, 0.77 and 0.26, and with a quarter less in expression and gaze (34 photos).
        """
        assert self._net is not None
        region = Region.of_landmarks(face.landmarks)
        points, _ = self._net.landmarks(region.crop(pixels)[:, ::-1])
        if points is None:
            return face
        mean = (face.landmarks + region.placed(_unmirrored(points))) / 2
        return DetectedFace(mean, _box_of(mean), face.score)


def require_faces(faces: Sequence[DetectedFace]) -> tuple[DetectedFace, ...]:
    """Return the faces that are large enough to edit; EngineError where none is."""
    if not faces:
        raise EngineError(
            "No face was found in this picture.",
            "Draw a box around the face, or open a photo that shows one.",
            "draw_box",
        )
    large = tuple(face for face in faces if face.side >= MIN_SIDE)
    if not large:
        side = max(face.side for face in faces)
        raise EngineError(
            f"The face is too small: {side:.0f} pixels, and at least {MIN_SIDE} are needed.",
            "Open a larger version of the photo.",
            "open",
        )
    return large


def _middle(face: DetectedFace) -> float:
    return face.box[0] + face.box[2] / 2


def _gap(a: DetectedFace, b: DetectedFace) -> float:
    """Return the mean distance in px between the landmarks of two faces."""
    return float(np.linalg.norm((a.landmarks - b.landmarks)[:468, :2], axis=1).mean())


def _apart(found: Found, landmarks: NDArray[np.float64]) -> float:
    """Return the mean distance in px of a box network's eyes, nose and mouth from those of landmarks (478, 2)."""
    own = [landmarks[list(vertices)].mean(axis=0) for vertices in ((33, 133), (362, 263), (4,), (13, 14))]
    return float(np.linalg.norm(found.points - own, axis=1).mean())


def _unmirrored(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return landmarks (478, 3) of a crop's mirror image as landmarks of the crop itself."""
    return np.asarray((points * (-1, 1, 1) + (CROP, 0, 0))[_mirror()])


@cache
def _mirror() -> NDArray[np.int32]:
    """Return (478,) the index of each landmark's counterpart on the other side."""
    return np.concatenate([load_model(ASSET).mirror, IRISES_MIRRORED]).astype(np.int32)


def _box_of(landmarks: NDArray[np.float64]) -> Box:
    low, high = landmarks[:468, :2].min(axis=0), landmarks[:468, :2].max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def _is_sane(box: Box, shape: Sequence[int]) -> bool:
    """Return whether a face's box is neither tiny nor very narrow and lies mostly inside a picture of this shape."""
    inside = overlap(box, (0, 0, shape[1], shape[0]))
    x, y, w, h = box
    seen_w = min(x + w, shape[1]) - max(x, 0)
    seen_h = min(y + h, shape[0]) - max(y, 0)
    return min(w, h) > 4 and max(w, h) < 4 * min(w, h) and inside > 0 and seen_w * seen_h > 0.4 * w * h


def _without_doubles(faces: list[DetectedFace]) -> list[DetectedFace]:
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda item: -item.score):
        if all(covered(face.box, other.box) < SAME_FACE for other in kept):
            kept.append(face)
    return kept
