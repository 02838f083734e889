"""Lists the controls that an edit can set: names, units, ranges. `semantic.resolve` turns them into parameters."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.face.parameters import N_EXPRESSION


@dataclass(frozen=True)
class Control:
    """One control, as a slider shows it.

    group: pose, placement, gaze, mouth, eyes, brows, cheeks or components; unit: as shown beside the value; lower,
    upper: the range that can be asked; safe: the range in which photos still look right; absolute: whether an unset
    control stands for the photo's own value rather than for 0; mirror: the name of the other side's control, None
    where the control is not one of a pair.
    """

    name: str
    title: str
    group: str
    unit: str
    lower: float
    upper: float
    safe: tuple[float, float]
    absolute: bool = False
    mirror: str | None = None


# The numbers are a slider's ends, and the range in which photos still look right, judged by eye on sheets
# (tools/sheets.py). Angles are in degrees, components in standard deviations; 1 is a natural full movement.
POSE = (
    Control("yaw", "Yaw", "pose", "°", -60, 60, (-40, 40), absolute=True),
    Control("pitch", "Pitch", "pose", "°", -45, 45, (-25, 25), absolute=True),
    Control("roll", "Roll", "pose", "°", -90, 90, (-30, 30), absolute=True),
)
PLACEMENT = (
    Control("scale", "Scale", "placement", "px", 8, 4000, (8, 4000), absolute=True),
    Control("tx", "Across", "placement", "px", -20000, 20000, (-20000, 20000), absolute=True),
    Control("ty", "Down", "placement", "px", -20000, 20000, (-20000, 20000), absolute=True),
)
GAZE = (
    Control("gaze_x", "Gaze across", "gaze", "°", -40, 40, (-25, 25), absolute=True),
    Control("gaze_y", "Gaze up", "gaze", "°", -30, 30, (-15, 15), absolute=True),
)
SEMANTIC = (
    Control("smile", "Smile", "mouth", "", -1.5, 2, (-1, 1.2)),
    Control("mouth_open", "Mouth open", "mouth", "", -1, 2, (-0.5, 1.2)),
    Control("mouth_width", "Mouth width", "mouth", "", -1.5, 1.5, (-1, 1)),
    Control("corner_left", "Corner left", "mouth", "", -1.5, 1.5, (-1, 1), mirror="corner_right"),
    Control("corner_right", "Corner right", "mouth", "", -1.5, 1.5, (-1, 1), mirror="corner_left"),
    Control("smile_left", "Smile left", "mouth", "", -1.5, 2, (-1, 1.2), mirror="smile_right"),
    Control("smile_right", "Smile right", "mouth", "", -1.5, 2, (-1, 1.2), mirror="smile_left"),
    Control("width_left", "Width left", "mouth", "", -1.5, 1.5, (-1, 1), mirror="width_right"),
    Control("width_right", "Width right", "mouth", "", -1.5, 1.5, (-1, 1), mirror="width_left"),
    Control("pucker", "Pucker", "mouth", "", -1, 2, (-0.5, 1.2)),
    Control("jaw_side", "Jaw sideways", "mouth", "", -1.5, 1.5, (-1, 1)),
    Control("brow_left", "Brow left", "brows", "", -1.5, 2, (-1, 1.2), mirror="brow_right"),
    Control("brow_right", "Brow right", "brows", "", -1.5, 2, (-1, 1.2), mirror="brow_left"),
    Control("brows_together", "Brows together", "brows", "", -1, 2, (-0.5, 1)),
    Control("cheeks", "Cheeks", "cheeks", "", -1, 2, (-0.5, 1.2)),
    Control("blink_left", "Blink left", "eyes", "", -0.5, 1, (0, 1), mirror="blink_right"),
    Control("blink_right", "Blink right", "eyes", "", -0.5, 1, (0, 1), mirror="blink_left"),
    Control("eyes_wide", "Eyes wide", "eyes", "", -1, 2, (-0.6, 1)),
)
COMPONENTS = tuple(
    Control(f"exp{k}", f"Component {k}", "components", "σ", -4, 4, (-2.5, 2.5))
    for k in range(1, N_EXPRESSION + 1)
)
CONTROLS = POSE + PLACEMENT + GAZE + SEMANTIC + COMPONENTS
BY_NAME = {control.name: control for control in CONTROLS}
