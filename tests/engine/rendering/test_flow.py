"""The flow that is laid over the picture is the one that made the render."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.contract import Portrait
from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit
from app.engine.rendering.flow import flow_picture


@pytest.mark.parametrize("yaw", [12.0, 32.0])
def test_arrows_lead_from_a_pixel_of_the_photo_to_where_the_render_shows_it(
    engine: Engine, portrait: Portrait, yaw: float
) -> None:
    """What the photo does not show, further away, is left out of the second part."""
    edit = FaceEdit.of(yaw=portrait.faces[0].params.camera.yaw + yaw)
    flow = engine.flow(portrait, 0, edit)
    assert flow is not None and len(flow.arrows) > 50 and flow.longest > 3
    rendered = engine.render(portrait, {0: edit}).pixels.astype(float)
    photo = portrait.photo.pixels.astype(float)
    x, y, w, h = portrait.faces[0].box
    inside = (flow.arrows[:, 2] > x + 0.2 * w) & (flow.arrows[:, 2] < x + 0.8 * w)
    inside &= (flow.arrows[:, 3] > y + 0.2 * h) & (flow.arrows[:, 3] < y + 0.8 * h)
    arrows = flow.arrows[inside].astype(int)
    assert len(arrows) > 10
    followed = np.abs(rendered[arrows[:, 3], arrows[:, 2]] - photo[arrows[:, 1], arrows[:, 0]]).mean()
    stayed = np.abs(rendered[arrows[:, 3], arrows[:, 2]] - photo[arrows[:, 3], arrows[:, 2]]).mean()
    assert followed < 0.6 * stayed
    if yaw < 20:
        return
    ends = np.clip(flow.arrows[:, 2:].astype(int), 0, np.array(photo.shape[1::-1]) - 1)
    changed = np.abs(rendered - photo)[ends[:, 1], ends[:, 0]].max(axis=1) > 0
    assert changed.mean() > 0.9, "what stands behind a head is not said to move"


def test_nothing_asked_moves_nothing(engine: Engine, portrait: Portrait) -> None:
    assert engine.flow(portrait, 0, FaceEdit()) is None


def test_hue_is_the_direction_and_opacity_the_length() -> None:
    displacement = np.zeros((20, 20, 2), np.float32)
    # The upper part moved right, the lower part left and half as far.
    displacement[:10, :, 0], displacement[10:, :, 0] = -4, 2
    flow = flow_picture(displacement, (100, 50), 0.5)
    above, below = flow.picture[2, 5], flow.picture[15, 5]
    assert above[0] > 200 > below[0] and below[2] > 100  # red is right, cyan left
    assert abs(int(above[3]) - 2 * int(below[3])) <= 1
    assert flow.box == (200, 100, 40, 40) and flow.longest == 8
    first = flow.arrows[0]
    assert first[0] == first[2] - 8 and first[1] == first[3]
