"""Lists the handles by which a user drags a face, and finds the controls' values that bring a handle to a point.

Where a landmark of the drawn face lies, only the generator knows: `pull` takes a function from edits to points. It
changes the handle's controls alone, and as little as brings the landmark to the point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.engine.face.controls import BY_NAME, Control
from app.engine.face.parameters import FaceEdit, FloatArray

# Takes an edit and returns (478, 2 or 3) px, where the drawn face's landmarks lie.
Points = Callable[[FaceEdit], FloatArray]
# These values were set by pulls of every handle of the portraits (tools/handle_pulls.py).
ROUNDS = 12  # greatest number of Gauss-Newton rounds
NEAR_PX = 0.02  # px of the photo that weigh as much as a change by one unit
REACHED_PX = 0.05  # px of the photo beyond which a handle counts as not reached
# Weight of a change against the landmark's motion: it decides between controls that could bring the same motion.
RELUCTANCE = 1e-4
# A unit is 10 degrees for angles and 1 for all other controls.
DIFFERENCE = 0.02  # units: the step for derivatives
LONGEST = 1.5  # units by which one round may change a control
LEAST = 1e-4  # units: a smaller change counts as none


@dataclass(frozen=True)
class Handle:
    """A place of the face that the user can drag.

    landmark: its index of the 478; controls: those that a drag changes; turned: those that a drag with Shift changes.
    """

    name: str
    title: str
    landmark: int
    controls: tuple[str, ...]
    turned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pulled:
    """The result of a pull.

    edit: the new edit; off: px of the photo from the landmark to the point where it was pulled; ends: the controls
    whose range ended before the landmark was there; reached: whether it is there.
    """

    edit: FaceEdit
    off: float
    ends: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        return self.off <= REACHED_PX


def _corner(side: str) -> tuple[str, ...]:
    return f"corner_{side}", f"width_{side}", f"smile_{side}"


FOREHEAD = 10  # landmark on the forehead's upper edge, far from the middle of a roll
PROBE = 5.0  # degrees of roll by which levers are compared
LEVER = 0.2  # share of the forehead's lever below which a point is no lever; chosen by pulling heads
HEAD, ROLL = ("yaw", "pitch"), ("roll",)
HEAD_TITLE = "Head"
# Where two handles lie too close to each other on the screen, the later one is left out, on both sides of the face.
HANDLES = (
    Handle("nose", "Nose tip", 1, HEAD, ROLL),
    Handle("corner_right", "Mouth corner right", 61, _corner("right")),
    Handle("corner_left", "Mouth corner left", 291, _corner("left")),
    Handle("iris_right", "Gaze", 468, ("gaze_x", "gaze_y")),
    Handle("iris_left", "Gaze", 473, ("gaze_x", "gaze_y")),
    Handle("lid_right", "Lid right", 159, ("blink_right",)),
    Handle("lid_left", "Lid left", 386, ("blink_left",)),
    Handle("brow_right", "Brow right", 105, ("brow_right",)),
    Handle("brow_left", "Brow left", 334, ("brow_left",)),
    Handle("lower_lip", "Lower lip", 17, ("mouth_open",)),
    Handle("jaw", "Jaw", 152, ("mouth_open", "jaw_side")),
    Handle("forehead", "Forehead", 151, HEAD, ROLL),
    Handle("inner_brow_right", "Inner brow right", 107, ("brow_right", "brows_together")),
    Handle("inner_brow_left", "Inner brow left", 336, ("brow_left", "brows_together")),
    Handle("upper_lip", "Upper lip", 0, ("mouth_open",)),
)


def head_handle(landmark: int) -> Handle:
    """Return the head as a handle that is dragged at a landmark: the head turns about its neck so that this landmark
    follows.
    """
    return Handle("head", HEAD_TITLE, landmark, HEAD, ROLL)


def lever(points: Points, edit: FaceEdit, landmark: int, roll: float) -> int:
    """Return the landmark by which a roll is pulled: the given one, or the forehead's where the given one lies so near
    the middle of the turn that a short pull would turn the head over.

    roll: the edit's roll, degrees.
    """
    here, turned = points(edit), points(edit.with_values({"roll": roll + PROBE}))
    arms = {index: float(np.hypot(*(turned[index] - here[index])[:2])) for index in (landmark, FOREHEAD)}
    return landmark if arms[landmark] >= LEVER * arms[FOREHEAD] else FOREHEAD


def pull(
    points: Points,
    edit: FaceEdit,
    names: Sequence[str],
    landmark: int,
    to: tuple[float, float],
    own: Mapping[str, float],
    linked: Callable[[str], bool] = lambda name: False,
    guess: FaceEdit | None = None,
) -> Pulled:
    """Return the least change of an edit's controls (names) that brings a landmark to a point (px of the photo).

    points: gives where landmarks are drawn for an edit; own: value of a control that the edit leaves unset; linked:
    whether the other side's control changes along; guess: an edit near the answer to start from.
    """
    problem = _Problem(points, edit, tuple(names), landmark, np.asarray(to, float), own, linked)
    values = problem.values(edit if guess is None else guess)
    values, jacobian, miss = problem.solved(values)
    low, high = problem.bounds
    pushed = jacobian.T @ miss
    off = float(np.hypot(*miss))
    ends: tuple[str, ...] = ()
    if off > REACHED_PX:
        at_end = ((values >= high - 1e-6) & (pushed > 0)) | ((values <= low + 1e-6) & (pushed < 0))
        ends = tuple(name for name, is_at in zip(problem.names, at_end) if is_at)
    return Pulled(problem.edited(values), off, ends)


def snapped(edit: FaceEdit, before: FaceEdit, grid: Callable[[Control], float]) -> FaceEdit:
    """Return the edit with each value that differs from `before` rounded to its control's grid."""
    changed = {name: value for name, value in edit.values if value != before.get(name)}
    steps = {name: grid(BY_NAME[name]) for name in changed}
    return edit.with_values(
        {name: round(value / steps[name]) * steps[name] for name, value in changed.items()}
    )


class _Problem:
    """The search of one pull; values (K,) are those of its controls, in units."""

    def __init__(
        self,
        points: Points,
        edit: FaceEdit,
        names: tuple[str, ...],
        landmark: int,
        to: FloatArray,
        own: Mapping[str, float],
        linked: Callable[[str], bool],
    ) -> None:
        self.names, self._points, self._edit, self._landmark, self._to = names, points, edit, landmark, to
        self._own = own
        self._units = np.array([10.0 if BY_NAME[name].unit == "°" else 1.0 for name in names])
        self._mirrors = [m if (m := BY_NAME[name].mirror) and linked(name) else None for name in names]
        self._start = self.values(edit)
        low: FloatArray = np.array([BY_NAME[name].lower for name in names], float) / self._units
        high: FloatArray = np.array([BY_NAME[name].upper for name in names], float) / self._units
        # A photo may begin beyond what can be asked.
        self.bounds = np.minimum(low, self._start), np.maximum(high, self._start)

    def values(self, edit: FaceEdit) -> FloatArray:
        """Return the values (K,) that an edit asks, in units."""
        asked = [edit.get(name) for name in self.names]
        own = [self._own.get(name, 0.0) for name in self.names]
        values = np.asarray([o if a is None else a for a, o in zip(asked, own)])
        return np.asarray(values / self._units)

    def edited(self, values: FloatArray) -> FaceEdit:
        """Return the edit with these values (K,); a control whose value stays is left as it was."""
        changes: dict[str, float | None] = {}
        for name, mirror, value, start, unit in zip(
            self.names, self._mirrors, values, self._start, self._units
        ):
            if abs(value - start) < LEAST:
                continue
            for one in (name, mirror) if mirror else (name,):
                changes[one] = float(value * unit)
        return self._edit.with_values(changes)

    def solved(self, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the values (K,) found, the landmark's derivatives (2, K) by them, and the px (2,) still missing."""
        low, high = self.bounds
        values = np.clip(values, low, high)
        miss = self._miss(values)
        jacobian = self._jacobian(values, miss)
        for _ in range(ROUNDS):
            step = self._step(values, jacobian, miss)
            if np.abs(step).max() < LEAST:
                break
            for _ in range(5):  # a step is halved until it brings the landmark nearer
                tried = np.clip(values + step, low, high)
                after = self._miss(tried)
                if self._cost(tried, after) <= self._cost(values, miss):
                    break
                step = step / 2
            else:
                break
            values, miss = tried, after
            jacobian = self._jacobian(values, miss)
        return values, jacobian, miss

    def _cost(self, values: FloatArray, miss: FloatArray) -> float:
        return float(miss @ miss) + NEAR_PX**2 * float(np.square(values - self._start).sum())

    def _step(self, values: FloatArray, jacobian: FloatArray, miss: FloatArray) -> FloatArray:
        from scipy.optimize import lsq_linear

        low, high = self.bounds
        weight = RELUCTANCE * max(float(np.abs(jacobian).max()), 1e-6)
        rows = np.concatenate([jacobian, weight * np.eye(len(values))])
        wish = np.concatenate([miss, weight * (self._start - values)])
        lower, upper = np.maximum(low - values, -LONGEST), np.minimum(high - values, LONGEST)
        return np.asarray(lsq_linear(rows, wish, (lower - 1e-9, upper + 1e-9), method="bvls").x)

    def _miss(self, values: FloatArray) -> FloatArray:
        at = self._points(self.edited(values))[self._landmark, :2]
        return np.asarray(self._to - at)

    def _jacobian(self, values: FloatArray, miss: FloatArray) -> FloatArray:
        columns = []
        for k in range(len(values)):
            away = np.zeros(len(values))
            away[k] = DIFFERENCE if values[k] + DIFFERENCE <= self.bounds[1][k] else -DIFFERENCE
            columns.append((miss - self._miss(values + away)) / away[k])
        return np.stack(columns, axis=1)
