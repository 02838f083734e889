"""Decides which parts of a photo hold for the head in other light and from other sides, too.

Hair and collars hide skin, and another picture has other light: neither can be known from the visible parts.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.head.ears import LIGHTNESS, nearest, shaded
from app.engine.training.completion.template import template

# Chosen by eye on sheets of 24 training people, so that ears, necks and beards are kept and hair and collars are not.
SKIN_ONLY = 0.15  # the template's hairline below which a place bears no hair
# cm: largest |x|, least and largest y of the part of a face with brows, eyes and mouth
MIDDLE = (5.6, -4.5, 6.3)
SHOWN = 200  # of 255, from which a texel shows the photo
STRANGE = 32.0  # distance from the skin's colour, in Lab with lightness halved, beyond which nothing is skin
NEARER = 0.9  # a colour is hair's where its distance to hair is less than this share of that to skin
# texels; changes of colour over longer ways are taken for another photo's light. On people held out 30 gained over 10,
# and 60 over 30 (docs/completion.md, “Training”)
LIGHT = 60.0
LEAK = 0.02  # share of the photo from which the view's colour betrays what is hidden
OUTLINE, HOLE = 7, 15  # texels left out along a photo's outline; texels up to which a gap is a hole
GROWN = 5  # texels by which hair is widened, because what lies beside hair is blurred with it


def trusted(truth: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (S, S) in [0, 1]: 0 where truth (S, S, 4) shows hair or cloth on a place of skin alone, and near the
    photo's own outline, where heads are darker than another photo shows them."""
    return _no_hair_or_cloth(truth) * _off_the_outline(truth[..., 3])


def _off_the_outline(kept: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (S, S), 0 within OUTLINE texels of what the photo does not show; holes, such as mouths, count as shown."""
    closed = cv2.morphologyEx(
        (kept > SHOWN).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((HOLE, HOLE), np.uint8)
    )
    far = cv2.distanceTransform(closed, cv2.DIST_L2, 5)
    return np.asarray(np.clip((far - OUTLINE + 2) / 4, 0, 1), np.float32)


def _no_hair_or_cloth(truth: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (S, S) in [0, 1]: 0 where truth (S, S, 4) shows hair or cloth on a place of skin alone."""
    lab = cv2.cvtColor(np.ascontiguousarray(truth[..., :3]), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab *= np.array([LIGHTNESS, 1, 1], np.float32)
    cheeks, scalp, bare = _places()
    shown = truth[..., 3] > SHOWN
    skin = lab[cheeks & shown]
    if len(skin) < 20:
        return np.ones(shown.shape, np.float32)
    skin = np.stack([np.median(part, axis=0) for part in np.array_split(skin[np.argsort(skin[:, 0])], 4)])
    to_skin = nearest(lab, shaded(skin))
    strange = to_skin > STRANGE
    hair = lab[scalp & shown]
    hair = hair[nearest(hair[None], skin)[0] > 12] if len(hair) else hair
    if len(hair) >= 20:
        hair = np.stack([np.median(part, axis=0) for part in np.array_split(hair[np.argsort(hair[:, 0])], 4)])
        strange |= nearest(lab, hair) < NEARER * to_skin
    strange = (strange & bare).astype(np.uint8)
    grown = cv2.dilate(strange, np.ones((GROWN, GROWN), np.uint8)) * bare
    return np.asarray(1 - cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 1.0) * bare, np.float32)


@cache
def _places() -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return three masks (S, S): cheeks, scalp, and where there is skin alone."""
    x, y, z, face, _, hairline = template().repeat(2, axis=1).repeat(2, axis=2)
    x, y, z = 10 * x, 10 * y, 10 * z
    cheeks = (face > 0.5) & (abs(x) > 2) & (abs(x) < 5) & (abs(y) < 2.5)
    middle = (face > 0.5) & (abs(x) < MIDDLE[0]) & (y > MIDDLE[1]) & (y < MIDDLE[2])
    beard = (y < -1) & (z > 1.0)
    return cheeks, hairline > 0.6, (hairline < SKIN_ONLY) & ~middle & ~beard


def learnable(sample: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return the sample with its truth in the fill's own light, and known only where the view shows nothing and nothing
    is mirrored.

    seen (6, S, S), truth (3, S, S), known (1, S, S), as `CompletionSamples.draw` gives them. Between the truth and the
    fill, what is slower than LIGHT texels is not compared: another photo of a person would have another light, and a
    network that learns it from another part of the same photo is wrong there (docs/completion.md)."""
    seen, known = sample["seen"], sample["known"]
    known = known * (seen[3:4] < LEAK) * (1 - seen[4:5])
    apart = ((seen[:3] - sample["truth"]) * known).transpose(1, 2, 0)
    weight = cv2.GaussianBlur(known[0], (0, 0), LIGHT)[..., None] + 1e-3
    offset = (cv2.GaussianBlur(apart, (0, 0), LIGHT) / weight).transpose(2, 0, 1)
    truth = np.clip(sample["truth"] + offset, -1, 1).astype(np.float32)
    return {"seen": seen, "truth": truth, "known": np.ascontiguousarray(known, np.float32)}
