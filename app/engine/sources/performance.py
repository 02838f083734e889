"""Defines a recorded performance: the face parameters of every frame, 35 floats each, with their times and origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.parameters import N_EXPRESSION, Camera, Expression, FaceParams, Identity
from app.engine.sources.frames import Frame

N_FRAME = N_EXPRESSION + 7  # p_exp and the camera, as in HeadGAN
COLUMNS = {
    "frames": (
        *(f"exp{k}" for k in range(1, N_EXPRESSION + 1)),
        *("scale", "quaternion w", "quaternion x", "quaternion y", "quaternion z", "tx", "ty"),
    ),
    "times": ("time",),
    "gaze": ("gaze_x", "gaze_y"),
    "aperture": ("aperture_left", "aperture_right"),
}


@dataclass(frozen=True, eq=False)
class Performance:
    """Parameters over time.

    frames: (N, 35) float32, p_exp in sigmas and then the camera as `Camera.as_array`; times: (N,) seconds from 0,
    rising; gaze: (N, 2) degrees; aperture: (N, 2) left, right; identity: the driver's, one for all frames; neutral:
    the driver's face at rest, None where it was not calibrated; rate: nominal frames per second; size: (width,
    height) of the driving picture in pixels; source: what it was made from.
    """

    frames: NDArray[np.float32]
    times: NDArray[np.float64]
    gaze: NDArray[np.float32]
    aperture: NDArray[np.float32]
    identity: Identity
    neutral: FaceParams | None = None
    rate: Fraction = Fraction(30)
    size: tuple[int, int] = (0, 0)
    source: str = ""

    def __post_init__(self) -> None:
        n = len(self.frames)
        shapes = {"frames": (n, N_FRAME), "times": (n,), "gaze": (n, 2), "aperture": (n, 2)}
        wrong = [name for name, shape in shapes.items() if getattr(self, name).shape != shape]
        if n == 0 or wrong:
            raise EngineError("The performance holds no usable frames.", "Track the clip again.")
        for name, columns in COLUMNS.items():
            self._require_numbers(name, columns)
        late = np.flatnonzero(np.diff(self.times) <= 0)
        if late.size:
            raise EngineError(
                f"Frame {late[0] + 2} of the performance does not come after the one before it.",
                "Track the clip again, or correct its times.",
            )
        if not (self.frames[:, N_EXPRESSION] > 0).all():
            raise EngineError("The performance holds a camera without scale.", "Track the clip again.")

    def _require_numbers(self, name: str, columns: tuple[str, ...]) -> None:
        values = getattr(self, name).reshape(len(self.frames), -1)
        wrong = np.argwhere(~np.isfinite(values))
        if wrong.size:
            row, column = (int(at) for at in wrong[0])
            raise EngineError(
                f"Frame {row + 1} of the performance holds no number as {columns[column]}.",
                "Track the clip again, or leave that frame out.",
            )

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def duration(self) -> float:
        """Return the seconds that the performance lasts, including those of its last frame."""
        return float(self.times[-1] - self.times[0] + 1 / self.rate)

    def params(self, index: int) -> FaceParams:
        """Return the face parameters of one frame."""
        row = self.frames[index].tolist()
        gaze, aperture = self.gaze[index].tolist(), self.aperture[index].tolist()
        expression = Expression(tuple(row[:N_EXPRESSION]), (gaze[0], gaze[1]), (aperture[0], aperture[1]))
        return FaceParams(self.identity, expression, Camera.from_array(row[N_EXPRESSION:]))

    @classmethod
    def of(
        cls,
        params: Sequence[FaceParams],
        times: Sequence[float],
        neutral: FaceParams | None = None,
        rate: Fraction = Fraction(30),
        size: tuple[int, int] = (0, 0),
        source: str = "",
    ) -> Performance:
        """Return a performance of frames; its identity is that of the last frame, which is an average by then."""
        if not params:
            raise EngineError("The performance holds no frames.", "Record for at least one picture.")
        rows = [[*one.expression.coefficients, *one.camera.as_array()] for one in params]
        return cls(
            np.array(rows, np.float32),
            np.asarray(times, np.float64) - times[0],
            np.array([one.expression.gaze for one in params], np.float32),
            np.array([one.expression.aperture for one in params], np.float32),
            params[-1].identity,
            neutral,
            rate,
            size,
            source,
        )

    def resting_at(self, seconds: float) -> Performance:
        """Return the same performance with its frame at `seconds` as the driver's face at rest."""
        index = max(0, int(np.searchsorted(self.times, seconds + 0.5 / float(self.rate), side="right")) - 1)
        return replace(self, neutral=self.params(index))

    def trimmed(self, start: float, end: float) -> Performance:
        """Return the part from `start` to `end` seconds, of at least one frame, with times from 0 on."""
        inside = (self.times >= start) & (self.times < end)
        if not inside.any():
            raise EngineError("Nothing is left between these times.", "Choose a longer part.")
        return self._taking(np.flatnonzero(inside), self.times[inside] - self.times[inside][0])

    def retimed(self, speed: float = 1.0, rate: Fraction | None = None) -> Performance:
        """Return the performance played `speed` times as fast; rate: constant frames per second to resample it to.

        Values between frames are interpolated, rotations along the shorter way.
        """
        if not 0.05 <= speed <= 20:
            raise EngineError(f"The speed {speed} is out of range.", "Choose a speed from 0.05 to 20.")
        slower = replace(
            self, times=self.times / speed, rate=self.rate * Fraction(speed).limit_denominator(1000)
        )
        if rate is None:
            return slower
        count = int(np.floor(slower.times[-1] * float(rate) + 1e-6)) + 1
        wanted = np.arange(count) / float(rate)
        return replace(_sampled(slower, wanted), rate=rate)

    def _taking(self, rows: NDArray, times: NDArray) -> Performance:
        return replace(
            self,
            frames=self.frames[rows],
            times=times,
            gaze=self.gaze[rows],
            aperture=self.aperture[rows],
        )


def _sampled(performance: Performance, times: NDArray[np.float64]) -> Performance:
    """Return a performance at other times (M,), linear between frames.

    Quaternions get one sign first, so that no interpolation passes through zero.
    """
    frames = performance.frames.astype(np.float64)
    rotation = slice(N_EXPRESSION + 1, N_EXPRESSION + 5)
    flips = np.sign((frames[1:, rotation] * frames[:-1, rotation]).sum(axis=1))
    frames[1:, rotation] *= np.cumprod(np.where(flips < 0, -1, 1))[:, None]

    def between(values: NDArray) -> NDArray[np.float32]:
        columns = [np.interp(times, performance.times, column) for column in values.T]
        return np.stack(columns, axis=1).astype(np.float32)

    sampled = between(frames)
    sampled[:, rotation] /= np.linalg.norm(sampled[:, rotation], axis=1, keepdims=True)
    return replace(
        performance,
        frames=sampled,
        times=times,
        gaze=between(performance.gaze),
        aperture=between(performance.aperture),
    )


class PerformanceSource:
    """A performance as a `FrameSource`, whose frames have parameters and no pixels.

    neutral: the driver's face at rest with which the performance was made.
    """

    live = False

    def __init__(self, performance: Performance, name: str = "") -> None:
        self.performance = performance
        self.name = name or performance.source or "Performance"
        self.rate: Fraction | None = performance.rate
        self.total = len(performance)
        self.neutral = performance.neutral
        self._next = 0

    def take(self, timeout: float) -> Frame | None:
        if self.ended:
            return None
        index, self._next = self._next, self._next + 1
        times = self.performance.times
        lasts = float(
            times[index + 1] - times[index] if index + 1 < len(times) else 1 / self.performance.rate
        )
        return Frame(None, float(times[index]), index, params=self.performance.params(index), duration=lasts)

    @property
    def ended(self) -> bool:
        return self._next >= self.total

    def close(self) -> None:
        self._next = self.total
