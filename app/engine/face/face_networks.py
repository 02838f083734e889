"""Runs the four face networks: boxes of near and of far faces, 478 landmarks of an upright crop, a person's matte.

MediaPipe's weights (Bazarevsky et al. 2019, Grishchenko et al. 2020), converted by tools/build_face_networks.py and
run by onnxruntime on one thread: two threads that wait for work take longer than one that does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.face.exact_crop import whole_picture
from app.engine.files import ASSETS

FOLDER = ASSETS / "face_networks"
CROP = 192  # input side of the landmark network; px, as released
NEAR_SIDE, FAR_SIDE, MATTE_SIDE = 128, 192, 256  # px: input sides, as the networks were released
NEAR_SCORE, FAR_SCORE = 0.5, 0.6  # least scores in MediaPipe's graphs of the two box networks
PRESENT = 0.5  # score above which the landmark network has seen a face; as in MediaPipe's graph
OVERLAP = 0.3  # intersection over union above which boxes are merged, as in MediaPipe's graphs
POINTS = 4  # number of a box' points that are used; its last two, the ears, are not


@cache
def session(name: str) -> Any:
    """Return the onnxruntime session of assets/face_networks/NAME.onnx; threads may share it."""
    return opened(FOLDER / f"{name}.onnx", 1)


def opened(path: Path, threads: int) -> Any:
    """Return the onnxruntime session of a file, whose threads do not spin while they wait for work."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Found:
    """One face that a box network found, in px of the picture.

    box: (x, y, w, h); points: (4, 2), in an upright picture the eye on the left, the eye on the right, the tip of the
    nose and the middle of the mouth; score: in [0, 1].
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float64]
    score: float


class FaceBoxes:
    """The box network BlazeFace, of short range (near faces) or of full range (far ones)."""

    def __init__(self, full_range: bool) -> None:
        self._session = session("far_boxes" if full_range else "near_boxes")
        self._side, self._least = (FAR_SIDE, FAR_SCORE) if full_range else (NEAR_SIDE, NEAR_SCORE)
        self._anchors = _anchors(full_range)

    def find(self, pixels: NDArray[np.uint8]) -> list[Found]:
        """Return the faces of a picture (H, W, 3), uint8 RGB, by falling score; boxes of one face are merged."""
        height, width = pixels.shape[:2]
        square = whole_picture(np.ascontiguousarray(pixels), self._side, squeezed=False)
        (raw,), (marks,) = self._session.run(["boxes", "scores"], {"picture": square[None]})
        scores = sigmoid(marks[:, 0])
        sure = np.flatnonzero((scores >= self._least) & (raw[:, 2:4] >= 0).all(axis=1))
        sure = sure[np.argsort(-scores[sure], kind="stable")]
        side = max(width, height)
        beyond = (width - side) / 2, (height - side) / 2
        values = raw[sure].astype(np.float64).reshape(-1, 8, 2) / self._side
        values[:, [0, *range(2, 8)]] += self._anchors[sure][:, None]
        sizes = values[:, 1] * side
        corners = values[:, 0] * side + beyond - sizes / 2
        points = values[:, 2 : 2 + POINTS] * side + beyond
        rows = np.column_stack([corners, corners + sizes, points.reshape(-1, 2 * POINTS)])
        return _merged(rows, scores[sure].astype(np.float64))


def _merged(rows: NDArray[np.float64], scores: NDArray[np.float64]) -> list[Found]:
    """Return faces of which those that overlap are merged, as MediaPipe's weighted suppression does it.

    rows: (N, 4 + 2 POINTS) left, top, right, bottom and points, by falling score; scores: (N,). The box with the
    greatest score and those that overlap it become their mean, weighted by score, which keeps the greatest score.
    """
    found = []
    while len(rows):
        near = _overlaps(rows[0], rows) > OVERLAP
        if not near[0]:  # the box has no size, so it does not even overlap itself
            break
        mean = scores[near] @ rows[near] / scores[near].sum()
        x, y, right, bottom = (float(value) for value in mean[:4])
        found.append(Found((x, y, right - x, bottom - y), mean[4:].reshape(POINTS, 2), float(scores[0])))
        rows, scores = rows[~near], scores[~near]
    return found


def _overlaps(one: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) the intersection over union of one box with each box of rows (N, >= 4)."""
    low, high = np.maximum(one[:2], rows[:, :2]), np.minimum(one[2:4], rows[:, 2:4])
    both = np.clip(high - low, 0, None).prod(axis=1)
    areas = (rows[:, 2:4] - rows[:, :2]).prod(axis=1) + (one[2:4] - one[:2]).prod()
    return np.asarray(both / np.maximum(areas - both, 1e-12))


class LandmarkNet:
    """The landmark network (MediaPipe's attention mesh), which reads crops with an upright face."""

    def __init__(self) -> None:
        self._session = session("landmarks")

    def landmarks(self, crop: NDArray[np.uint8]) -> tuple[NDArray[np.float64] | None, float]:
        """Return the landmarks of a crop (192, 192, 3), uint8 RGB, and the score in [0, 1] that it shows a face.

        Landmarks are (478, 3) px of the crop, with z away from the viewer as in MediaPipe, or None without a face.
        """
        return self.several(crop[None])[0]

    def several(self, crops: NDArray[np.uint8]) -> list[tuple[NDArray[np.float64] | None, float]]:
        """Return the result of `landmarks` for each of several crops (N, 192, 192, 3), in one call of the network."""
        points, presence = self._session.run(None, {"picture": np.ascontiguousarray(crops)})
        return [
            (place.astype(np.float64) if score > PRESENT else None, float(score))
            for place, score in zip(points, presence[:, 0])
        ]


def person_mask(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probability (H, W) that pixels of a picture (H, W, 3), uint8 RGB, show a person.

    The network's answer of 256 x 256 is enlarged to the picture's size.
    """
    square = whole_picture(np.ascontiguousarray(pixels), MATTE_SIDE, squeezed=True)
    (mask,) = session("matte").run(None, {"picture": square[None]})[0]
    size = pixels.shape[1], pixels.shape[0]
    return np.asarray(cv2.resize(mask[:, :, 0], size, interpolation=cv2.INTER_LINEAR), np.float32)


def sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logistic function of values of any shape."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -80, 80))), np.float32)


@cache
def _anchors(full_range: bool) -> NDArray[np.float64]:
    """Return the centres (N, 2) of a box network's anchors, as shares of the square, row by row."""
    grids = ((48, 1),) if full_range else ((16, 2), (8, 6))
    parts = []
    for count, boxes in grids:
        y, x = (np.mgrid[:count, :count] + 0.5) / count
        parts.append(np.stack([x.ravel(), y.ravel()], axis=1).repeat(boxes, axis=0))
    return np.concatenate(parts)
