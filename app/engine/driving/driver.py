"""Reads the driver's face parameters in driving frames: it tracks, fits, smooths and calibrates a face, and holds one
that is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.driving.belief import Belief, look_of
from app.engine.driving.easing import Presence, mean_identity
from app.engine.driving.neutral import Calibration, Quality, Rest, quality, rest_of
from app.engine.face.fitting import fit_face
from app.engine.face.parameters import FaceParams, FittedFace, FloatArray, Identity
from app.engine.face.smoothing import FaceSmoother, Smoothing
from app.engine.sources.frames import Frame
from app.engine.stopwatch import Stopwatch

if TYPE_CHECKING:
    from app.engine.face.landmarks import DetectedFace, FaceTracker
    from app.engine.face.morphable_model import MorphableModel

IDENTITY_FRAMES = 25  # frames whose mean is a clip's identity (docs/mesh-warp.md, “Fit”)
# px between the eyes. Up to the first value, apertures have errors of a quarter, so both eyes get the mean of the two
# and nobody winks by mistake; from the second value on each eye keeps its own.
BOTH_LIDS, OWN_LIDS = 20.0, 40.0
PICTURE_SIDE = 96  # px: side of the picture that shows the face at rest
QUALITY_EVERY = 5  # frames between two measurements of the quality, because one takes a millisecond


@dataclass(frozen=True, eq=False)
class Reading:
    """The result of reading the newest frame.

    found: whether the driver's face was found and believed; doubted: whether a face was found and is not believed, as
    behind a hand; landmarks: (478, 3) px where found; quality: how well the
    frame serves as face at rest; calibrating: seconds until the neutral is taken, None where none was asked; settled:
    whether the parameters are this frame's own, rather than held or eased; ms: (stage, milliseconds); rest_picture:
    (96, 96, 3) uint8, the frame that was taken for the face at rest; rest_sure: how sure that choice is, in [0, 1],
    None where the user set it or a performance contains it.
    """

    found: bool = False
    doubted: bool = False
    landmarks: FloatArray | None = None
    quality: Quality | None = None
    calibrating: float | None = None
    settled: bool = False
    ms: tuple[tuple[str, float], ...] = ()
    rest_picture: NDArray[np.uint8] | None = None
    rest_sure: float | None = None


class Driver:
    """One driving person. Not thread-safe; the caller owns `tracker` and closes it."""

    def __init__(self, model: MorphableModel, tracker: FaceTracker) -> None:
        self._model, self._tracker = model, tracker
        self.calibration = Calibration(model)
        self.reading = Reading()
        self._presence = Presence()
        self._smoother = FaceSmoother()
        self._belief = Belief(model)
        self._newest: tuple[FaceParams, Frame, FittedFace] | None = None
        self._looked: list[tuple[DetectedFace, Frame]] = []
        self._identities: list[Identity] = []
        self._identity: Identity | None = None
        self._count = 0

    @property
    def neutral(self) -> FaceParams | None:
        """Return the driver's face at rest: the calibrated one, else the best so far; None before a face was seen."""
        return self.calibration.neutral

    def smooth(self, amounts: Smoothing) -> None:
        """Smooth by these amounts from the next frame on."""
        self._smoother.set(amounts)

    def look(self, frame: Frame) -> bool:
        """Keep a frame for `settle`; return whether it shows a face."""
        faces = self._faces(frame)
        if faces:
            self._looked.append((max(faces, key=lambda face: face.side), frame))
        return bool(faces)

    def settle(self, at: Frame | None = None) -> tuple[Frame, Rest] | None:
        """Learn identity and neutral from the frames that `look` kept, and return the most restful frame with the face
        at rest; None where no face was seen.

        at: the frame that the user chose for the face at rest, None to find one.
        """
        self._belief.reset()
        seen, self._looked = self._looked, []
        self._tracker.reset()
        looks = [look_of(f.pixels, face.landmarks) for face, f in seen if f.pixels is not None]
        usual = self._belief.learn(looks) if looks else []
        found = [one for one, kept in zip(seen, usual) if kept or one[1] is at]
        if not found:
            return None
        self._identity = mean_identity([fit_face(one, self._model).params.identity for one, _ in found])
        self._identities = [self._identity] * IDENTITY_FRAMES
        fits = [fit_face(one, self._model, self._identity) for one, _ in found]
        rested = [with_sure_lids(fit.params) for fit in fits]
        chosen = next((k for k, (_, frame) in enumerate(found) if frame is at), None)
        rest = rest_of(rested, self._model) if chosen is None else Rest(rested[chosen], chosen, None)
        frame = found[rest.frame][1]
        self.calibration.take(rest, face_picture(frame, fits[rest.frame]))
        return frame, rest

    def drive(self, frame: Frame) -> FaceParams | None:
        """Return the driver's smoothed parameters in this frame's pixels; None until a face has been seen.

        A face that is lost stays for half a second and then eases to the neutral one.
        """
        watch = Stopwatch()
        if frame.params is not None:
            return self._given(frame.params, frame.time)
        with watch.stage("track"):
            found = self._faces(frame)
        with watch.stage("fit"):
            fitted = self._fit(max(found, key=lambda face: face.side), frame) if found else None
        if fitted is None:
            self._smoother.reset()
            calibrating = self.calibration.seconds_left(frame.time)
            self.reading = Reading(doubted=bool(found), calibrating=calibrating, ms=tuple(watch.ms.items()))
            return self._presence.lost(self.neutral, frame.time)
        with watch.stage("smooth"):
            params = self._smoother.smooth(fitted.params, frame.time)
        self._newest = params, frame, fitted
        picture = face_picture(frame, fitted) if self.calibration.searching else None
        self.calibration.add(params, frame.time, picture=picture)
        shown = self._presence.found(params, frame.time)
        self._read(frame, fitted, watch)
        return shown

    def reset(self) -> None:
        """Forget identity, neutral and the face that was followed, because another person comes."""
        self._tracker.reset()
        self._identities, self._identity = [], None
        self.calibration.set(None)
        self._smoother.reset()
        self._presence = Presence()
        self._belief.reset()

    @property
    def _averages_identity(self) -> bool:
        return len(self._identities) < IDENTITY_FRAMES

    def _faces(self, frame: Frame) -> tuple[DetectedFace, ...]:
        return self._tracker.detect(frame.pixels) if frame.pixels is not None else ()

    def _given(self, params: FaceParams, time: float) -> FaceParams:
        self.reading = Reading(found=True, settled=True, calibrating=self.calibration.seconds_left(time))
        self.calibration.add(params, time, filmed=False)
        return params

    def _fit(self, found: DetectedFace, frame: Frame) -> FittedFace | None:
        """Return the face fitted to its landmarks; None where the find is not believed, and then forget it.

        The identity is averaged over the first frames and then kept, as in the papers.
        """
        free = fit_face(found, self._model, None if self._averages_identity else self._identity)
        assert frame.pixels is not None
        look = look_of(frame.pixels, found.landmarks)
        if not self._belief.judge(free.params.camera, look, frame.time):
            self._tracker.reset()
            return None
        fitted = free
        if self._averages_identity:
            self._identities.append(free.params.identity)
            self._identity = mean_identity(self._identities)
            fitted = fit_face(found, self._model, self._identity)
        return replace(fitted, params=with_sure_lids(fitted.params))

    def _read(self, frame: Frame, fitted: FittedFace, watch: Stopwatch) -> None:
        self._count += 1
        seen = self.reading.quality
        if frame.pixels is not None and (seen is None or self._count % QUALITY_EVERY == 0):
            seen = quality(frame.pixels, fitted.box, fitted.params)
        self.reading = Reading(
            found=True,
            landmarks=fitted.landmarks,
            quality=seen,
            calibrating=self.calibration.seconds_left(frame.time),
            settled=self._presence.settled,
            ms=tuple(watch.ms.items()),
            rest_picture=self.calibration.picture,
            rest_sure=self.calibration.sure,
        )

    def use_frame(self) -> None:
        """Take the newest frame in which the face was found as the face at rest."""
        if self._newest is not None:
            params, frame, fitted = self._newest
            self.calibration.use(params, face_picture(frame, fitted))


def face_picture(frame: Frame, fitted: FittedFace) -> NDArray[np.uint8] | None:
    """Return a picture (96, 96, 3) of a frame's face with some of its surroundings; None for a frame without pixels."""
    if frame.pixels is None:
        return None
    x, y, w, h = fitted.box
    step = max(1, round(1.3 * max(w, h)) // PICTURE_SIDE)
    side = -(-round(1.3 * max(w, h)) // step) * step  # for `shrunk`
    left, top = round(x + (w - side) / 2), round(y + (h - side) / 2)
    right, bottom = left + side, top + side
    height, width = frame.pixels.shape[:2]
    beyond = max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width)
    square = frame.pixels[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if any(beyond) and square.size:
        square = cv2.copyMakeBorder(square, *beyond, cv2.BORDER_REPLICATE)
    if not square.size:
        return None
    return shrunk(square, (PICTURE_SIDE, PICTURE_SIDE))


def shrunk(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture at a smaller size (width, height), by area averages.

    Where the picture's sides are multiples of a whole step, it is reduced by that step first, which takes a third of
    the time.
    """
    step = min(picture.shape[1] // size[0], picture.shape[0] // size[1])
    if step > 1 and not any(n % step for n in picture.shape[:2]):
        steps = picture.shape[1] // step, picture.shape[0] // step
        picture = np.asarray(cv2.resize(picture, steps, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def with_sure_lids(params: FaceParams) -> FaceParams:
    """Return the parameters with both apertures of a small face moved to their mean: there, two eyes differ by a pixel
    at most.
    """
    shared = min(max((OWN_LIDS - params.camera.scale) / (OWN_LIDS - BOTH_LIDS), 0.0), 1.0)
    left, right = params.expression.aperture
    mean = (left + right) / 2
    lids = (left + shared * (mean - left), right + shared * (mean - right))
    return replace(params, expression=replace(params.expression, aperture=lids))
