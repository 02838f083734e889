"""Maps our expressions linearly to the entries by which LivePortrait's points move; the map is learnt from pictures.

An expression's change is 28 sigmas, the gaze and the lids' apertures. The motion extractor reads pictures of one person
with many expressions; ridge regression finds the map, whose error is measured on pictures that were kept aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.engine.errors import EngineError
from app.engine.face import indices
from app.engine.face.parameters import N_EXPRESSION, Expression, FloatArray
from app.engine.files import written
from app.engine.warping.calibration import PoseResponse, index_lift

N_POINTS = 21  # of LivePortrait
# The entries that move in the published motion templates (standard deviation within a clip above 0.001) are x and y of
# these points and z of four. Point 5, which moves there too, marks the neck.
FLAT = (0, 1, 2, 3, 4, 7, 10, 11, 13, 14, 15, 16, 17, 19, 20)
DEEP = (10, 17, 19, 20)  # points whose z moves in the templates
MOVING = np.array(sorted([3 * k + axis for k in FLAT for axis in (0, 1)] + [3 * k + 2 for k in DEEP]))
GAZE_UNIT, APERTURE_UNIT = 10.0, 0.1  # degrees of gaze, and aperture, that count as much as one sigma
N_FEATURES = N_EXPRESSION + 4  # components, two angles of gaze and two apertures
RIDGE = 0.01  # share of the mean squared feature; our choice
KEPT_ASIDE = 5  # every fifth picture is kept aside to measure the error
LEAST = 2 * N_FEATURES  # least number of pictures: twice as many as unknowns
# Random expressions from which the map is learnt; our choice, within what the landmark network reads of people.
SPREAD, FARTHEST = 1.2, 3.5  # sigmas: deviation of a component from the photo's own, and its greatest value
GAZES = (20.0, 12.0)  # degrees: greatest gaze across and up
APERTURES = (0.06, 0.36)  # from shut to wide open
TOGETHER = 0.7  # share of the pictures in which both lids are equally open
GAINS = (0.6, 2.5)  # least and greatest measured gain that is believed; our choice


@dataclass(frozen=True)
class Reading:
    """A check of one control in LivePortrait's own pictures.

    asked: the control's value; read: what a fresh fit reads; corrected: what it reads with the gains that follow from
    all readings. The latter two are None where no face was found.
    """

    asked: float
    read: float | None
    corrected: float | None = None


@dataclass(frozen=True, eq=False)
class ExpressionEntries:
    """A learnt map with which the change of the 63 entries is matrix @ the change of our expression.

    matrix: (63, 32); error: root mean square of what the map does not explain in pictures that were kept aside, over
    that of the entries' changes; count: number of pictures it was learnt from; pose: how a fresh fit reads the turns of
    the network's heads, None where unknown; gains: (14,) factors on asked changes of `face.indices`; eyes: (3,) factors
    on gaze x, gaze y and apertures; readings: the last check, by control.
    """

    matrix: FloatArray
    error: float
    count: int
    pose: PoseResponse | None = None
    gains: FloatArray = field(default_factory=lambda: np.ones(len(indices.NAMES)))
    eyes: FloatArray = field(default_factory=lambda: np.ones(3))
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def entries(self, own: Expression, asked: Expression, calibrate: bool = True) -> FloatArray:
        """Return the change (21, 3) of the photo's own entries for an asked expression.

        own: the photo's expression; calibrate: whether to correct it so that a fresh fit reads what is asked.
        """
        change = features(own, asked)
        if calibrate:
            change = self._amplified(change)
        return np.asarray((self.matrix @ change).reshape(N_POINTS, 3))

    def _amplified(self, change: FloatArray) -> FloatArray:
        jacobian, lift = index_lift()
        sigmas = change[:N_EXPRESSION]
        more = lift @ ((self.gains - 1) * (jacobian @ sigmas))
        eyes = change[N_EXPRESSION:] * self.eyes[[0, 1, 2, 2]]
        return np.concatenate([sigmas + more, eyes])

    def save(self, path: Path) -> None:
        """Write the map, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        pose = {} if self.pose is None else {f"pose_{key}": value for key, value in vars(self.pose).items()}
        with written(path) as beside:
            np.savez(
                beside,
                matrix=self.matrix,
                error=self.error,
                count=self.count,
                gains=self.gains,
                eyes=self.eyes,
                read_names=np.array(list(self.readings), str),
                read_values=np.array(
                    [(r.asked, r.read, r.corrected) for r in self.readings.values()], float
                ).reshape(-1, 3),
                **pose,
            )

    @classmethod
    def load(cls, path: Path) -> ExpressionEntries | None:
        """Return the map in a file, None where there is none or another version wrote it."""
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {name: file[name] for name in file.files}
            pose = {name[5:]: value for name, value in values.items() if name.startswith("pose_")}
            readings = {
                str(name): Reading(float(asked), *(None if np.isnan(read) else float(read) for read in reads))
                for name, (asked, *reads) in zip(values["read_names"], values["read_values"], strict=True)
            }
            return cls(
                values["matrix"],
                float(values["error"]),
                int(values["count"]),
                PoseResponse(**pose) if pose else None,
                values["gains"],
                values["eyes"],
                readings,
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None


def features(own: Expression, asked: Expression) -> FloatArray:
    """Return features (32,) of a change: of components in sigmas, of gaze and of both apertures in their units."""
    return np.concatenate(
        [
            np.subtract(asked.coefficients, own.coefficients),
            np.subtract(asked.gaze, own.gaze) / GAZE_UNIT,
            np.subtract(asked.aperture, own.aperture) / APERTURE_UNIT,
        ]
    )


def fitted_map(changes: FloatArray, entries: FloatArray) -> ExpressionEntries:
    """Return the map from features (n, 32) to the changes of entries (n, 63) that were read in pictures.

    EngineError for too few pictures.
    """
    if len(changes) < LEAST:
        raise EngineError(
            f"Only {len(changes)} pictures could be read, and at least {LEAST} are needed.", "Learn again."
        )
    aside = np.arange(len(changes)) % KEPT_ASIDE == 0
    tried = _regressed(changes[~aside], entries[~aside])
    left = (entries[aside] - changes[aside] @ tried.T)[:, MOVING]
    size = float(np.square(entries[aside][:, MOVING]).mean())
    error = float(np.sqrt(np.square(left).mean() / max(size, 1e-12)))
    return ExpressionEntries(_regressed(changes, entries), error, len(changes))


def _regressed(changes: FloatArray, entries: FloatArray) -> FloatArray:
    """Return the regression's matrix (63, 32), with rows of zeros for entries that do not move with expressions."""
    ridge = RIDGE * float(np.square(changes).mean()) * len(changes) * np.eye(N_FEATURES)
    found = np.linalg.solve(changes.T @ changes + ridge, changes.T @ entries).T
    matrix = np.zeros_like(found)
    matrix[MOVING] = found[MOVING]
    return matrix


def drawn_expression(own: Expression, rng: np.random.Generator) -> Expression:
    """Return a random expression near the photo's own: with components as people's faces have them, and with gaze and
    apertures over their range.
    """
    coefficients = np.array(own.coefficients) + SPREAD * rng.normal(size=N_EXPRESSION)
    across, up = (rng.uniform(-most, most) for most in GAZES)
    left, right = rng.uniform(*APERTURES, size=2)
    if rng.random() < TOGETHER:
        right = left
    return Expression(
        tuple(float(value) for value in np.clip(coefficients, -FARTHEST, FARTHEST)),
        (float(across), float(up)),
        (float(left), float(right)),
    )


def gain(asked: float, read: float | None) -> float:
    """Return the factor on an asked value so that the asked value is read; 1 where the reading is not believed."""
    if read is None or read * asked <= 0:
        return 1.0
    return float(np.clip(asked / read, *GAINS))
