"""Learns about a LivePortrait model how its points move with our expressions, and how a fresh fit reads its pictures.

There are no true pictures of a person with known expressions, but the mesh warp draws the sample portrait with any
expression. The points that the motion extractor reads in such a picture are LivePortrait's points for that expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Generator as Steps
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Patch, SourceImage, Step, Target
from app.engine.errors import EngineError
from app.engine.face import indices
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Expression, FaceEdit, FittedFace, FloatArray
from app.engine.face.semantic import measure_controls, resolve
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.matte import person_matte
from app.engine.imaging.reading import open_photo
from app.engine.points.crop import turned_square
from app.engine.points.expression import (
    ExpressionEntries,
    Reading,
    drawn_expression,
    features,
    fitted_map,
    gain,
)
from app.engine.sample import sample_path
from app.engine.squares.patch import CutOut
from app.engine.warping.calibration import PROBES, Angles, PoseResponse, TurnProbes

# number of pictures from which the map is learnt; docs/live_portrait.md gives the error that is left
PICTURES = 300
SHOWN_EVERY = 10  # pictures from one that is shown to the next
# For each control whose gain fresh fits of LivePortrait's own pictures find: the value that is asked, and the indices
# that get the gain.
CHECKS = {
    "smile": (0.8, ("mouth_width", "lift_left", "lift_right")),
    "mouth_open": (0.7, ("mouth_gap",)),
    "brow_left": (0.8, ("brow_left",)),
    "brow_right": (0.8, ("brow_right",)),
    "jaw_side": (0.8, ("jaw_side", "mouth_side")),
    "gaze_x": (12.0, ()),
    "gaze_y": (8.0, ()),
    "blink_left": (0.8, ()),
}
EYES = ("gaze_x", "gaze_y", "blink_left")  # in the order of `ExpressionEntries.eyes`
# Takes a picture of the sample and returns its 63 entries.
Entries = Callable[[NDArray[np.uint8]], FloatArray]
Paint = Callable[[Target, ExpressionEntries], Patch]
Drawn = Callable[[Expression], NDArray[np.uint8]]


def learnt(
    read: Callable[[CutOut], FloatArray], encoded: Callable[[SourceImage], Paint]
) -> Steps[Step, None, ExpressionEntries]:
    """Yield steps that learn the map and then check the network's own pictures, and return the map.

    read: returns the 63 entries of a square; encoded: encodes a photo and returns a function that paints targets.
    """
    from app.engine.generators.mesh_warp import MeshWarp

    source = sample()
    square = turned_square(source.face.landmarks)
    warp = MeshWarp()
    code = warp.encode(source)

    def drawn(expression: Expression) -> NDArray[np.uint8]:
        params = replace(source.face.params, expression=expression)
        return with_patch(source, warp.generate(code, Target(params)))

    def entries(picture: NDArray[np.uint8]) -> FloatArray:
        return read(CutOut.of(replace(source, pixels=picture), square))

    total = PICTURES + 1 + len(PROBES) + 2 * len(CHECKS)
    own = source.face.params.expression
    found = yield from mapped(own, drawn, entries, PICTURES, total)
    return (yield from checked(encoded, source, found, total))


def mapped(
    own: Expression, drawn: Drawn, entries: Entries, count: int, total: int = 0, seed: int = 0
) -> Steps[Step, None, ExpressionEntries]:
    """Yield a step for each of `count` pictures of random expressions, and return the map fitted to them.

    own: the sample's expression; drawn: draws the sample with an expression; entries: reads a picture.
    """
    rng = np.random.default_rng(seed)
    rest = entries(drawn(own))
    changes, moved = [], []
    for k in range(count):
        expression = drawn_expression(own, rng)
        picture = drawn(expression)
        read = entries(picture) - rest
        if np.isfinite(read).all():
            changes.append(features(own, expression))
            moved.append(read)
        shown = picture if k % SHOWN_EVERY == 0 else None
        yield Step(k + 1, total or count, "Learning how its points move with expressions", shown)
    return fitted_map(np.array(changes).reshape(-1, 32), np.array(moved).reshape(-1, 63))


def checked(
    encoded: Callable[[SourceImage], Paint], source: SourceImage, entries: ExpressionEntries, total: int = 0
) -> Steps[Step, None, ExpressionEntries]:
    """Yield steps, and return the map with two measurements of the network's own pictures.

    These are how a fresh fit reads their turns and expressions, and how it reads them once that error is corrected. The
    map stays as it was where no face is found in the pictures.
    """
    paint = encoded(source)
    done, used = total - len(PROBES) - 2 * len(CHECKS), entries
    with FaceTracker() as tracker:

        def fresh(edit: FaceEdit) -> FittedFace | None:
            target = Target(resolve(edit, source.face, default_model()))
            return fitted(tracker, with_patch(source, paint(target, used)))

        def angles(at: Angles) -> Angles | None:
            face = fresh(FaceEdit.of(yaw=at[0], pitch=at[1], roll=at[2]))
            return None if face is None else face.params.camera.angles

        yield Step(done, total, "Checking what its pictures show")
        probes = TurnProbes(source.face.params.camera.angles, angles)
        for turn in PROBES:
            probes.probe(np.array(turn))
            done += 1
            yield Step(done, total, "Checking what its pictures show")
        pose: PoseResponse | None = probes.fitted() if probes.turns else None
        readings = {}
        for name in CHECKS:
            readings[name] = (
                reading(name, source.face, fresh) if probes.turns else Reading(CHECKS[name][0], None)
            )
            done += 1
            yield Step(done, total, "Checking what its pictures show")
        used = with_gains(replace(entries, pose=pose), readings)
        for name, before in readings.items():
            after = reading(name, source.face, fresh).read if probes.turns else None
            readings[name] = replace(before, corrected=after)
            done += 1
            yield Step(done, total, "Checking what its pictures show")
    return replace(used, readings=readings)


def with_gains(entries: ExpressionEntries, readings: Mapping[str, Reading]) -> ExpressionEntries:
    """Return the map with larger gains for the controls whose measured value was too small."""
    gains = np.ones(len(indices.NAMES))
    for name, (_, measured) in CHECKS.items():
        for index in measured:
            gains[indices.NAMES.index(index)] = gain(readings[name].asked, readings[name].read)
    eyes = np.array([gain(readings[name].asked, readings[name].read) for name in EYES])
    return replace(entries, gains=gains, eyes=eyes)


def reading(name: str, face: FittedFace, fresh: Callable[[FaceEdit], FittedFace | None]) -> Reading:
    """Return what a fresh fit reads of one control at its value of CHECKS, added to the sample's own value."""
    value, model = CHECKS[name][0], default_model()
    start = measure_controls(face, face, model)[name]
    after = fresh(FaceEdit.of(**{name: start + value}))
    return Reading(
        value, None if after is None else float(measure_controls(face, after, model)[name] - start)
    )


def sample() -> SourceImage:
    """Return the sample portrait with its fitted face and its matte."""
    photo = open_photo(sample_path())
    pixels = to_srgb8(photo)
    with FaceTracker() as tracker:
        face = fitted(tracker, pixels)
    if face is None:
        raise EngineError("The sample portrait shows no face.", "Install Mien again.")
    return SourceImage(pixels, None, face, person_matte(pixels, face), key=photo.key)


def fitted(tracker: FaceTracker, pixels: NDArray[np.uint8]) -> FittedFace | None:
    """Return the largest face of a picture, fitted; None where there is none."""
    found = tracker.detect(pixels)
    return fit_face(max(found, key=lambda face: face.side), default_model()) if found else None


def with_patch(source: SourceImage, patch: Patch) -> NDArray[np.uint8]:
    """Return the photo (H, W, 3) with a patch in its place."""
    picture: NDArray[np.uint8] = source.pixels.copy()
    height, width = patch.pixels.shape[:2]
    picture[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
    return picture
