"""Says where the sheet of hair lies in depth, and how far a held outline holds it."""

from __future__ import annotations

import numpy as np

from app.engine.head import Head, HeadModel, rasterised
from app.engine.head.skull import smoothstep
from app.engine.imaging.nearest import nearest_known
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.kinds import blurred
from app.engine.warping.plate import Places

# These values were chosen by eye on sheets of turned heads with long hair, hats and scarves (tools/head_sheets.py).
# IOD is the distance between the eyes. A pair of values is a range over which something goes from none to all.
JOIN = 0.35  # IOD beside the head over which the sheet goes from the outline's depth to the head's middle
APART = 0.8  # IOD by which the sheet lies before or behind the head's middle at most
# Cosine of the head's sideways axis and the view: a head from the front to one turned by 27 degrees; and IOD by which
# hair that would stand out beside the head in another view lies further back at most. Strips of hair behind an ear
# stood beside it when the head turned to the front.
TURNS, FURTHER_BACK = (0.2, 0.45), 0.6
LEVELS = 40  # heights at which the head's width is taken
CLEAR = 0.1  # IOD by which the sheet lies behind the head where it goes under it


def depth_of(head: Head, where: Places, tuft: Float32) -> Float32:
    """Return the sheet's depth as a small (h, w) field, in px of that field; tuft: of `Beside`.

    Near the head it is the depth of the head's outline, further out, and below the chin, that of the head's middle.
    """
    middle = float(head.camera.project(head.centre[None])[0, 2]) * where.factor
    covered = where.head > 0
    nearest = where.depth.take(nearest_known(covered)[0])
    outline = np.clip(nearest - middle, -APART * where.iod, APART * where.iod)
    near = np.exp(-((where.distance / JOIN) ** 2)) * (1 - smoothstep(-0.3, 0.3, where.below))
    near = np.maximum(near, tuft)
    offset = np.where(covered, 0.0, near * outline)
    weight = np.where(covered, 1e-3, 1.0)
    sigma = 0.08 * where.iod
    found = middle + blurred(offset * weight, sigma) / blurred(weight, sigma)
    clear = CLEAR * where.iod
    found = found - near * beside_the_head(head, where, np.asarray(found, float))
    over = np.where(where.meshed & ~covered, np.maximum(found, where.depth + 0.3 * clear), found)
    return np.asarray(np.where(covered, np.minimum(found, where.depth - clear), over), np.float32)


def beside_the_head(head: Head, where: Places, depth: FloatArray) -> FloatArray:
    """Return by how many px of a small field its places lie further back, so that hair on the side that a turned head
    shows is no wider than the head without the ears that it shows; depth: (h, w) of the field, px.
    """
    camera = head.camera.scaled(where.factor)
    sideways = float(camera.rotation[2, 0])
    turned = smoothstep(*TURNS, np.array(abs(sideways)))
    if turned == 0:
        return np.zeros_like(depth)
    y, x = np.indices(depth.shape) + 0.5
    places = camera.unproject(np.column_stack([x.ravel(), y.ravel(), depth.ravel()]))
    skull = HeadModel.load().without_ears(head.points) if head.ears else head.points
    heights = np.linspace(np.min(skull[:, 1]), np.max(skull[:, 1]), LEVELS)
    half = np.zeros(LEVELS)
    np.maximum.at(half, np.digitize(skull[:, 1], heights) - 1, np.sign(sideways) * skull[:, 0])
    wider = np.sign(sideways) * places[:, 0] - np.interp(places[:, 1], heights, half)
    back = np.clip(wider / abs(sideways), 0, FURTHER_BACK) * camera.scale * turned
    return np.asarray(back.reshape(depth.shape))


def held_share(head: Head, where: Places, hidden: FloatArray) -> Float32:
    """Return a small (h, w) field: 1 where a held outline holds the hair, 0 beside the face, with which hair moves."""
    model = HeadModel.load()
    size = (where.matte.shape[1], where.matte.shape[0])
    ids, _ = rasterised(head.posed(head.camera) * where.factor, model.triangles, (0, 0, *size))
    here = np.append(hidden[model.triangles].mean(axis=1), 1.0)[ids]
    covered = where.head > 0
    nearest = here.take(nearest_known(covered)[0])
    near = np.exp(-((where.distance / JOIN) ** 2)) * (1 - smoothstep(-0.3, 0.3, where.below))
    return blurred(1 - near * (1 - nearest), 0.08 * where.iod)
