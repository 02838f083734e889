"""Faces of a picture: boxes at every scale and rotation, 478 landmarks each, tracking in videos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.mediapipe_graphs import CROP, FaceBoxes, Found, LandmarkNet

DEPTH_SCALE = 1.2  # MediaPipe's depth is too shallow: without it turned heads are measured 20 % short
CROP_SCALE = 1.5  # side of the network's crop over the face's larger side, as in MediaPipe's own graph
# px of a face's larger side. Here landmarks err by 1.7 % of the eye distance, at 32 px by 3.4 %
MIN_SIDE = 48
# Runs of the landmark network over a photo: by the third, landmarks no longer depend on how it was turned
PASSES = 3
LEAST_BOX_SCORE = 0.45
SAME_FACE = 0.3  # overlap (intersection over the smaller box) from which two finds are one face
LEAST_VERIFIED = 0.64  # score of the near box network on the face's own upright crop
# Where the far network is silent: least certainty, and the disagreement of box and landmark network, and of landmarks
# in wider crops, in face sides, at which certainty falls to 1/e. Faces keep 0.40; a dog, a hand, coins reach 0.31.
LEAST_CERTAIN, APART, MOVED, MOST_MOVED = 0.36, 0.13, 0.05, 0.06
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """One face.

    landmarks: (478, 3) float64 pixels as `Camera.project` gives them: x right, y down, z towards the viewer;
    box: (x, y, w, h) of the landmarks; score: how sure the networks are that this is a face, [0, 1].
    """

    landmarks: NDArray[np.float64]
    box: Box
    score: float = 1.0

    @property
    def side(self) -> float:
        """The larger side of the box, pixels."""
        return max(self.box[2:])


@dataclass(frozen=True)
class Region:
    """A square crop: centre and side in pixels, angle in degrees by which its up is turned clockwise."""

    centre: tuple[float, float]
    side: float
    angle: float

    @classmethod
    def of_points(cls, points: NDArray[np.float64], eyes: NDArray[np.float64]) -> Region:
        """Around (N, 2) points, upright along the line of the (2, 2) eyes (image left to right when upright)."""
        dx, dy = eyes[1] - eyes[0]
        angle = float(np.arctan2(dy, dx))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        upright = points @ turn
        low, high = upright.min(axis=0), upright.max(axis=0)
        centre = turn @ ((low + high) / 2)
        side = float((high - low).max()) * CROP_SCALE
        return cls((float(centre[0]), float(centre[1])), max(side, 1.0), float(np.degrees(angle)))

    @classmethod
    def of_landmarks(cls, landmarks: NDArray[np.float64]) -> Region:
        return cls.of_points(landmarks[:468, :2], landmarks[[RIGHT_EYE_OUTER, LEFT_EYE_OUTER], :2])

    @classmethod
    def of_box(cls, box: Box, angle: float = 0.0) -> Region:
        x, y, w, h = box
        return cls((x + w / 2, y + h / 2), max(w, h) * CROP_SCALE, angle)

    def to_picture(self) -> NDArray[np.float64]:
        """(2, 3): crop coordinates in [0, CROP] to picture pixels (both measured from the outer corner)."""
        angle, scale = np.radians(self.angle), self.side / CROP
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = np.array(self.centre) - turn @ np.full(2, CROP / 2)
        return np.column_stack([turn, offset])

    def to_crop(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) picture pixels to crop coordinates in [0, CROP]."""
        matrix = self.to_picture()
        return np.asarray((points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T)

    def crop(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(CROP, CROP, 3), resampled without aliasing; beyond the picture its border is repeated."""
        import cv2

        reach = self.side * 0.75
        (x0, x1), (y0, y1) = (
            (int(max(0, min(c - reach, n - 1))), int(min(n, max(c + reach, 0) + 1)))
            for c, n in zip(self.centre, pixels.shape[1::-1])
        )
        part: Any = pixels[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        height, width = part.shape[:2]
        shrink = min(1.0, 1.5 * CROP / self.side)
        if shrink < 1:
            size = max(1, round(width * shrink)), max(1, round(height * shrink))
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        matrix = self.to_picture()
        matrix[:, 2] -= (x0, y0)
        matrix *= np.array([[part.shape[1] / width], [part.shape[0] / height]])
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5  # cv2 measures from pixel centres
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(part, matrix, (CROP, CROP), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        )


class FaceTracker:
    """Finds faces; not thread-safe. With `video`, follows the largest face from frame to frame.

    A context manager. The networks start with the first call.
    """

    def __init__(self, video: bool = False) -> None:
        self._video = video
        self._near: FaceBoxes | None = None
        self._far: FaceBoxes | None = None
        self._net: LandmarkNet | None = None
        self._last: DetectedFace | None = None

    def __enter__(self) -> FaceTracker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the networks; the next call starts them again."""
        for part in (self._near, self._far, self._net):
            if part is not None:
                part.close()
        self._near = self._far = self._net = self._last = None

    def reset(self) -> None:
        """Forget the face that was followed: the next frame is of another clip."""
        self._last = None

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[DetectedFace, ...]:
        """Faces of an (H, W, 3) uint8 sRGB picture, left to right, small ones included; () without any.

        In a video at most one: the face of the frame before, else the largest.
        """
        if not self._video:
            return tuple(sorted(self._search(pixels, thorough=True), key=_middle))
        face = self._follow(pixels)
        if face is None:
            face = max(self._search(pixels, thorough=False), key=lambda found: found.side, default=None)
        self._last = face
        return () if face is None else (face,)

    def detect_in(self, pixels: NDArray[np.uint8], box: Box) -> DetectedFace | None:
        """The face in a box (x, y, w, h) the user drew, at any rotation; None if there is none."""
        tries = [self._landmarks(pixels, Region.of_box(box, angle), 3) for angle in (0, 90, 180, 270)]
        found = [face for face in tries if face is not None and overlap(face.box, box) > 0.1]
        return max(found, key=lambda face: face.score, default=None)

    def detect_near(self, pixels: NDArray[np.uint8], points: NDArray[np.float64]) -> DetectedFace | None:
        """The face about where (468 or more, 2 or 3) landmarks in pixels are known to lie; None if there is none."""
        return self._landmarks(pixels, Region.of_landmarks(points), 2)

    def _follow(self, pixels: NDArray[np.uint8]) -> DetectedFace | None:
        if self._last is None:
            return None
        face = self._landmarks(pixels, Region.of_landmarks(self._last.landmarks), 1)
        return face if face is not None and overlap(face.box, self._last.box) > 0.2 else None

    def _search(self, pixels: NDArray[np.uint8], thorough: bool) -> list[DetectedFace]:
        """Upright faces first; turned ones only where none was found upright.

        The surest box at a place decides: tried often enough, a dog's face passes for a human one.
        """
        faces: list[DetectedFace] = []
        for quarter in (0, 1, 2, 3) if thorough else (0,):
            upright = list(faces)
            refused: list[Box] = []
            for found in self._boxes(pixels, quarter, tiles=thorough):
                known = upright if quarter else faces
                if any(covered(found.box, face.box) > 0.6 for face in known):
                    continue
                if any(overlap(found.box, box) > 0.5 for box in refused):
                    continue
                region = Region.of_points(_corners(found.box), found.points[:2])
                face = self._landmarks(pixels, region, PASSES)
                if face is not None and overlap(face.box, found.box) > 0.25:
                    score = self._verified(pixels, face)
                    faces += [replace(face, score=score)] if score else []
                    refused += [] if score else [found.box]
            faces = _without_doubles(faces)
        return faces

    def _verified(self, pixels: NDArray[np.uint8], face: DetectedFace) -> float:
        """How surely this is a face, 0 if it is none: seen upright with its surroundings it must be found again.

        Tiles show mouths, ears and folds of cloth alone, which the networks may take for faces. What only one of
        the two box networks finds again must also hold still: a muzzle's landmarks move with the crop.
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
        """Pixels by which the landmarks move, on the mean, when they are sought in wider crops."""
        wider = (replace(region, side=region.side * more) for more in (1.12, 1.25))
        found = [self._landmarks(pixels, other, 1) for other in wider]
        most = MOST_MOVED * face.side
        return float(np.mean([most if other is None else min(_gap(other, face), most) for other in found]))

    def _boxes(self, pixels: NDArray[np.uint8], quarter: int, tiles: bool) -> list[Found]:
        """Detections at every scale of the picture turned by `quarter` x 90 degrees, in its own pixels."""
        self._near = self._near or FaceBoxes(False, LEAST_BOX_SCORE)
        self._far = self._far or FaceBoxes(True, LEAST_BOX_SCORE)
        height, width = pixels.shape[:2]
        found = []
        for x, y, side in _tiles(width, height, (4 if quarter == 0 else 2) if tiles else 1):
            part = pixels[y : y + side, x : x + side]
            small, scale = _at_most(part, 320)
            turned = np.rot90(small, quarter)
            whole = side == max(width, height)
            for net in (self._near, self._far) if whole else (self._far,):
                for item in net.find(turned):
                    back = _turn_back(item, turned.shape[1], turned.shape[0], quarter)
                    found.append(_placed(back, scale, x, y))
        return sorted(found, key=lambda item: -item.score)

    def _landmarks(self, pixels: NDArray[np.uint8], region: Region, passes: int) -> DetectedFace | None:
        """Landmarks in a region; further passes take the crop from the landmarks of the pass before."""
        self._net = self._net or LandmarkNet()
        landmarks, score = None, 0.0
        for _ in range(passes):
            points, score = self._net.landmarks(region.crop(pixels))
            if points is None:
                return None
            matrix, scale = region.to_picture(), region.side / CROP
            flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
            landmarks = np.column_stack([flat, -points[:, 2] * scale * DEPTH_SCALE])
            region = Region.of_landmarks(landmarks)
        assert landmarks is not None
        low, high = landmarks[:468, :2].min(axis=0), landmarks[:468, :2].max(axis=0)
        box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
        return DetectedFace(landmarks, box, score) if _is_sane(box, pixels.shape) else None


def require_faces(faces: Sequence[DetectedFace]) -> tuple[DetectedFace, ...]:
    """The faces large enough to edit; EngineError if none is."""
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


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes (x, y, w, h)."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def covered(a: Box, b: Box) -> float:
    """Intersection of two boxes over the smaller one."""
    both, areas = overlap(a, b), (a[2] * a[3], b[2] * b[3])
    return both / (1 + both) * sum(areas) / max(min(areas), 1e-9)


def _middle(face: DetectedFace) -> float:
    return face.box[0] + face.box[2] / 2


def _gap(a: DetectedFace, b: DetectedFace) -> float:
    """Mean distance of the landmarks of two faces, pixels."""
    return float(np.linalg.norm((a.landmarks - b.landmarks)[:468, :2], axis=1).mean())


def _apart(found: Found, landmarks: NDArray[np.float64]) -> float:
    """Mean distance of a box network's eyes, nose and mouth from those of (478, 2) landmarks."""
    own = [landmarks[list(vertices)].mean(axis=0) for vertices in ((33, 133), (362, 263), (4,), (13, 14))]
    return float(np.linalg.norm(found.points - own, axis=1).mean())


def _corners(box: Box) -> NDArray[np.float64]:
    x, y, w, h = box
    return np.array([[x, y], [x + w, y], [x, y + h], [x + w, y + h]])


def _is_sane(box: Box, shape: Sequence[int]) -> bool:
    """Not collapsed, and at least half inside the picture."""
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


def _tiles(width: int, height: int, levels: int) -> list[tuple[int, int, int]]:
    """(x, y, side): the whole picture, then squares of 1/2, 1/4, 1/8 of its larger side that overlap by 30 %."""
    tiles = [(0, 0, max(width, height))]
    for level in range(1, levels):
        side = max(width, height) // 2**level
        if side < 160:
            break
        xs, ys = (_starts(n, side) for n in (width, height))
        tiles += [(x, y, side) for y in ys for x in xs]
    return tiles


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (0.7 * side))) + 1
    return [round(k * (length - side) / (count - 1)) for k in range(count)]


def _at_most(pixels: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], float]:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1:
        return pixels, 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), scale


def _turn_back(found: Found, width: int, height: int, quarter: int) -> Found:
    """A find in a picture turned counter-clockwise by np.rot90(., quarter), in the picture as it was."""
    points = np.concatenate([_corners(found.box), found.points])
    for _ in range(quarter):
        points = np.column_stack([height - points[:, 1], points[:, 0]])
        width, height = height, width
    low, high = points[:4].min(axis=0), points[:4].max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return Found(box, points[4:], found.score)


def _placed(found: Found, scale: float, x: int, y: int) -> Found:
    bx, by, bw, bh = (value / scale for value in found.box)
    return Found((bx + x, by + y, bw, bh), found.points / scale + (x, y), found.score)
