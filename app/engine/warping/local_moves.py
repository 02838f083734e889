"""Draws each semantic control only in the part of the face that it names.

The face model's 28 components move a whole face: a corner of the mouth lifts together with the brows, a jaw goes
sideways together with the temples. What a control asks is therefore drawn as a field of offsets of its own. Inside
the control's region the field is the control's most probable expression; outside it is 0.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from app.engine.face import indices
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Expression
from app.engine.face.response import response
from app.engine.face.semantic import MOVEMENTS, directions
from app.engine.head.skull import smoothstep
from app.engine.warping.calibration import MADE_INDICES
from app.engine.warping.curves import FloatArray
from app.engine.warping.topology import BROWS

# These values were chosen by eye on sheets of single movements (tools/sheets.py). x and y are those of the face model's
# mean face; their unit, as that of all lengths here, is IOD, the distance between the eyes.
MADE = ("jaw_side", "brows_together", "cheeks")  # controls whose fields are made by hand
# For each index of the mouth, a control that moves it alone: its field adds what the landmark network does not read.
_ALONE = {"lift_left": "corner_left", "lift_right": "corner_right", "mouth_gap": "mouth_open"}
_ALONE |= {"out_left": "width_left", "out_right": "width_right", "protrusion": "pucker"}
NOSE_BASE = -0.65  # y below which the jaw moves
BROW_REACH, CHEEK_REACH = (
    0.35,
    0.28,
)  # sigma of a frown's reach beyond the brows' inner ends, and of a cheek's reach
FROWN_RISE = 0.22  # sigma of a frown's reach above the brows
MOUTH_TOP = (-0.2, -0.75)  # y at the cheeks and at the nose, above which the mouth's controls move nothing
MOUTH_FADE = 0.35  # length below MOUTH_TOP over which the mouth's movements set in
CORNER_REACH = 0.42  # sigma of the reach of a mouth corner's movement
SIDE_FADE = 0.18  # length to either side of the middle over which one side's movement ends
CHEEK_END, CHIN_END = (0.6, 1.0), (-1.85, -1.4)  # |x| and y over which a mouth corner's movement ends
TEMPLE_END = (0.7, 0.98)  # |x| over which a brow's movement ends
RIM_FOOT, RIM_TOP = (
    (0.0, 0.08),
    (0.22, 0.36),
)  # y over which what is behind spectacles' upper rims begins and ends
DARK_TOP = (0.33, 0.46)  # RIM_TOP of dark glasses, which stand higher; chosen by eye on two wearers
# y over which a brow's movement sets in above the lids, and over which it ends below the hair line
BROW_FOOT, BROW_TOP = (0.13, 0.3), (0.5, 0.85)


def drawn_moves(asked: Expression, spectacles: float = 0.0, dark: float = 0.0) -> FloatArray:
    """Return the offsets (468, 3), in model space, of an expression's semantic controls.

    spectacles: 0 without to 1 with them. Their upper rims stay, and a brow moves out from behind them.
    dark: 0 without to 1 with dark glasses, which reach up to the brows.

    A control of 1 is one natural movement, as large in truth as people's own. Beyond 1 a movement hardly grows, so
    that no sum of sliders makes brows meet or a mouth narrower than people's.
    """
    if not asked.moves:
        return np.zeros((len(default_model().mean), 3))
    fields, total, moved = control_fields(), np.zeros((len(default_model().mean), 3)), dict[str, float]()
    for name, amount in asked.moves:
        total = total + amount * fields[name]
        for index, change in sides(name).items():
            moved[index] = moved.get(index, 0.0) + amount * change
    for index, change in moved.items():
        lacking = _unread(index, change)
        if lacking:
            total = total + lacking * _index_fields()[index]
    y = default_model().mean[:, 1]
    low, high = (rim + dark * (top - rim) for rim, top in zip(RIM_TOP, DARK_TOP))
    behind = smoothstep(*RIM_FOOT, y) * (1 - smoothstep(low, high, y))
    return np.asarray((1 - spectacles * behind)[:, None] * total)


def sides(control: str) -> dict[str, float]:
    """Return by index how far a control's full movement changes it, with the mouth's width as that of both corners."""
    changes = dict(MOVEMENTS[control].changes)
    if (width := changes.pop("mouth_width", None)) is not None:
        changes |= {"out_left": width / 2, "out_right": width / 2}
    return changes


def _unread(index: str, change: float) -> float:
    """Return the eye distances by which an index changes more in truth than the landmark network reads."""
    return response().true_movement(index, change) - change


def local_lift(worn: Expression, asked: Expression) -> FloatArray:
    """Return offsets (468, 3), in model space, to add to the change from the worn to the asked components.

    The movements that are made by hand (`calibration.MADE_INDICES`) are larger in truth than the landmark network
    reads them.
    """
    change = np.subtract(asked.coefficients, worn.coefficients)
    moved = _rows() @ change if change.any() else ()
    total = np.zeros((len(default_model().mean), 3))
    for index, value in zip(MADE_INDICES, moved):
        total = total + _unread(index, float(value)) * _index_fields()[index]
    return total


@cache
def _rows() -> FloatArray:
    """Return (4, 28): the change of each index of MADE_INDICES per sigma of each component."""
    rows = indices.rows(default_model())
    return np.stack([rows[name] for name in MADE_INDICES])


@cache
def control_fields() -> dict[str, FloatArray]:
    """Return by control the offsets (468, 3) of its full movement, which changes its indices by a natural amount."""
    model = default_model()
    made, fields = _made(), dict[str, FloatArray]()
    for name in MOVEMENTS:
        if name in MADE:
            fields[name] = sum(
                (change * made[index] for index, change in MOVEMENTS[name].changes.items()), 0 * model.mean
            )
        elif name not in ("smile", "mouth_width"):
            fields[name] = _windowed(name)
    for both, side in (("smile", "smile"), ("mouth_width", "width")):
        fields[both] = fields[f"{side}_left"] + fields[f"{side}_right"]
    return fields


@cache
def _index_fields() -> dict[str, FloatArray]:
    """Return by index the (468, 3) field that changes it by one eye distance."""
    fields = dict(_made())
    for index, control in _ALONE.items():
        fields[index] = control_fields()[control] / sides(control)[index] if control != "pucker" else _lips()
    for index in ("brow_left", "brow_right"):
        fields[index] = control_fields()[index] / sides(index)[index]
    return fields


def _windowed(control: str) -> FloatArray:
    """Return offsets (468, 3): a control's most probable expression inside its region, scaled to its index changes."""
    model = default_model()
    field = np.tensordot(directions(model)[control] * model.expression_sigma, model.expression_basis, 1)
    field = _window(control, model.mean)[:, None] * field
    for axis in range(3):
        wanted = {name: c for name, c in sides(control).items() if indices.axis_of(name) == axis}
        if not wanted:
            continue
        read = indices.read(field)
        found = sum(read[name] * change for name, change in wanted.items())
        field[:, axis] *= sum(change**2 for change in wanted.values()) / found
    return np.asarray(field)


def _window(control: str, mean: FloatArray) -> FloatArray:
    """Return (468,) in [0, 1]: how much of a control's movement each vertex of the mean face (468, 3) takes."""
    side = {"left": 1.0, "right": -1.0}.get(control.rpartition("_")[2], 0.0)
    half = smoothstep(-SIDE_FADE, SIDE_FADE, side * mean[:, 0]) if side else np.ones(len(mean))
    if control.startswith("brow_"):
        return _brow(mean) * half
    share = _mouth(mean) * half
    if control.startswith(("corner_", "width_")):
        corner = mean[291 if side > 0 else 61]
        share = share * _bump(np.hypot(*(mean - corner)[:, :2].T) / CORNER_REACH)
    # The face's outline stays, because the head beyond would move with it.
    if control.startswith(("corner_", "width_", "smile_")):
        share = share * (1 - smoothstep(*CHEEK_END, np.abs(mean[:, 0])))
        share = share * smoothstep(*CHIN_END, mean[:, 1])
    return np.asarray(share)


def _mouth(mean: FloatArray) -> FloatArray:
    """Return (468,) in [0, 1]: the mouth's region, from the nose's base and the cheeks down."""
    x, y = np.abs(mean[:, 0]), mean[:, 1]
    top = MOUTH_TOP[1] + (MOUTH_TOP[0] - MOUTH_TOP[1]) * smoothstep(0.25, 0.6, x)
    return smoothstep(0, MOUTH_FADE, top - y)


def _brow(mean: FloatArray) -> FloatArray:
    """Return (468,) in [0, 1]: the brows' region, which fades to the lids and to the hair line."""
    y = mean[:, 1]
    share = smoothstep(*BROW_FOOT, y) * (1 - smoothstep(*BROW_TOP, y))
    share = share * (1 - smoothstep(*TEMPLE_END, np.abs(mean[:, 0])))
    share[[v for row in BROWS for v in row]] = 1
    return np.asarray(share)


def _lips() -> FloatArray:
    """Return offsets (468, 3) that move the lips towards the viewer by one eye distance."""
    field = control_fields()["pucker"] * (0, 0, 1)
    return np.asarray(field / indices.read(field)["protrusion"])


@cache
def _made() -> dict[str, FloatArray]:
    """Return by index the offsets (468, 3), made by hand, that change it by one eye distance."""
    mean = default_model().mean
    made = {"jaw_side": _jaw(mean), "brow_gap": _frown(mean)}
    made |= {name: _cheek(mean, name) for name in ("cheek_left", "cheek_right")}
    return {name: field / indices.read(field)[name] for name, field in made.items()}


def _jaw(mean: FloatArray) -> FloatArray:
    """Return offsets (468, 3) of a jaw that moves to the side: the chin moves most, the lips a third as far, the jaw's
    angles less, and nothing moves from the nose upwards.
    """
    x, y = mean[:, 0], mean[:, 1]
    share = smoothstep(0, 1, (NOSE_BASE - y) / (NOSE_BASE - np.min(y))) * (
        1 - 0.5 * (x / np.abs(x).max()) ** 2
    )
    return np.stack([share, 0 * x, 0 * x], axis=1)


def _frown(mean: FloatArray) -> FloatArray:
    """Return offsets (468, 3) of a frown: the brows' inner ends move towards each other and press together what lies
    between them; the eyes stay.
    """
    x, y = mean[:, 0], mean[:, 1]
    inner = list(indices.vertices("brow_gap"))
    at_x, at_y = np.abs(x[inner]).mean(), y[inner].mean()
    beyond = _bump((np.abs(x) - at_x) / BROW_REACH)
    share = np.where(np.abs(x) < at_x, np.sin(np.pi / 2 * np.abs(x) / at_x), beyond)
    share = share * smoothstep(0.08, 0.25, y) * _bump(np.maximum(y - at_y, 0) / FROWN_RISE)
    share = share * (1 - smoothstep(*BROW_TOP, y)) * (1 - smoothstep(*TEMPLE_END, np.abs(x)))
    return np.stack([-np.sign(x) * share, -0.15 * share * np.minimum(np.abs(x) / at_x, 1), 0 * x], axis=1)


def _cheek(mean: FloatArray, index: str) -> FloatArray:
    """Return offsets (468, 3) of one cheek (an index's name), up and forwards about the cheek bone; the lids stay."""
    x, y = mean[:, 0], mean[:, 1]
    at = mean[[vertex for vertex, weight in indices.vertices(index).items() if weight > 0]].mean(axis=0)
    share = _bump(np.hypot(x - at[0], y - at[1]) / CHEEK_REACH) * smoothstep(0.1, 0.25, -y)
    return np.stack([0 * x, share, 0.3 * share], axis=1)


def _bump(x: FloatArray) -> FloatArray:
    """Return exp(-x^2 / 2)."""
    return np.asarray(np.exp(-0.5 * x**2))
