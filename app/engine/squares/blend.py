"""Puts a network's edited picture back into the photo, with the photo's detail that the network's pictures lack.

The network's picture of the photo (an inversion's, say) and its picture of the edit differ by a movement, which the
generator gives or dense optical flow finds. The photo's residual, photo minus the former, follows that movement: its
coarse part (colour and light) everywhere, its fine part where the flow explains the edit. With no
movement and no change the result is the photo.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.engine.squares.crop import FloatPicture, Turn, spread, spread_flow, to_depth

# These values were chosen by eye on inverted portraits and released results.
COARSE = 1 / 24  # share of the square's side: sigma of the blur that makes the residual's coarse part
MATCH = 0.06  # difference of colours in [0, 1] at which the flow no longer explains the edit
EDGE = 0.1  # share of the square's side, from its border, over which the edit fades into the photo
PERSON_BLUR = 1 / 64  # share of the square's side: sigma of the blur that widens the person's matte
PERSON_GAIN = 1.5  # factor on the blurred matte, so that the edit is whole where the person is
# Px of the network's picture: sigma of the blur of the difference that is compared with MATCH.
ERROR_BLUR = 1.5


def backward_flow(edited: FloatPicture, before: FloatPicture) -> NDArray[np.float32]:
    """Return the flow (h, w, 2) px, by DIS, with which edited(x) looks like before(x + flow).

    edited, before: (h, w, 3) in [0, 1].
    """
    import cv2

    def grey(picture: FloatPicture) -> NDArray[np.uint8]:
        return np.asarray(cv2.cvtColor(to_depth(picture, np.dtype(np.uint8)), cv2.COLOR_RGB2GRAY))

    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(solver.calc(grey(edited), grey(before), None), np.float32)


def follow(picture: FloatPicture, flow: NDArray[np.float32]) -> FloatPicture:
    """Return picture(x + flow), bilinear, clamped at the border."""
    import cv2

    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return np.asarray(
        cv2.remap(
            picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.float32,
    )


def blur(picture: FloatPicture, sigma: float) -> FloatPicture:
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.5)), np.float32)


def confidence(edited: FloatPicture, before: FloatPicture, flow: NDArray[np.float32]) -> FloatPicture:
    """Return (h, w) in [0, 1] how well `before`, moved along the flow, explains `edited`."""
    error = np.abs(edited - follow(before, flow)).max(axis=-1)
    return np.asarray(np.exp(-np.square(blur(error, ERROR_BLUR) / MATCH)), np.float32)


def window(side: int, turn: Turn | None = None) -> FloatPicture:
    """Return (side, side) 1 inside the network's square, fading to 0 at its border; turn: how it stands in the box."""
    if turn is not None:
        upright = window(max(1, round(turn.side)))
        return np.clip(spread(upright, side, turn, outside=0.0), 0, 1)
    ramp = np.clip((np.arange(side) + 0.5) / (EDGE * side), 0, 1)
    smooth = ramp * ramp * (3 - 2 * ramp)
    fade = np.minimum(smooth, smooth[::-1])
    return np.asarray(np.outer(fade, fade), np.float32)


def blended(
    photo: FloatPicture,
    matte: FloatPicture,
    before: FloatPicture,
    edited: FloatPicture,
    flow: NDArray[np.float32],
    after: FloatPicture | None = None,
    turn: Turn | None = None,
) -> FloatPicture:
    """Return the edited box at the photo's resolution.

    photo: (s, s, 3) in [0, 1]; matte: (s, s) in [0, 1], 1 on the person; before, edited: (h, h, 3) in [0, 1], the
    generator's pictures of the photo and of the edit; flow: (h, h, 2) px with which edited(x) looks like
    before(x + flow); after: (h, h) the edited person's matte, None to move the photo's; turn: how the network's square
    stands in the box. Outside the person (before and after) and at the square's border the result is the photo.
    """
    side = photo.shape[0]
    trust = confidence(edited, before, flow)
    wide_flow = spread_flow(flow, side, turn)
    residual = photo - spread(before, side, turn)
    coarse = blur(residual, COARSE * side)
    fine = follow(residual - coarse, wide_flow) * spread(trust, side, turn)[..., None]
    result = spread(edited, side, turn) + follow(coarse, wide_flow) + fine
    moved = follow(matte, wide_flow) if after is None else np.clip(spread(after, side, turn), 0, 1)
    person = blur(np.maximum(matte, moved), PERSON_BLUR * side)
    weight = (window(side, turn) * np.clip(PERSON_GAIN * person, 0, 1))[..., None]
    return np.asarray(photo + weight * (result - photo), np.float32)
