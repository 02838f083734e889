"""Prepares footage of one person for a personal model: it is checked, cut to one square, and fitted as a whole clip.

The square is fixed for the whole clip, so that the background stands still (Head2Head++, section 4.1).
"""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import DetectedFace, FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, FittedFace, Identity
from app.engine.face.video_fitting import fit_video
from app.engine.files import file_sha256, written
from app.engine.imaging.matte import person_matte
from app.engine.personal.conditioning import Frame2Frame
from app.engine.sources.shots import CUT, thumbnail
from app.engine.sources.video import VideoSource
from app.engine.squares.crop import Square, cut, resized, to_depth, unit_range

# Set on the clips of ../shared/media, so that those with one whole face pass
# (tests/engine/training/test_personal_training.py has those that do not).
LEAST_FRAMES = 30  # frames: a shorter clip teaches no movement
LEAST_SHARE = 0.8  # share of the frames that must show the face
JUMP = 0.5  # sides of the face by which it may move between neighbouring frames
OTHERS = 0.4  # share of the first face's size from which a second face counts
LOOKS = 6  # frames that are searched for further people
MARGIN = 1.7  # the square's side over the face's larger side
INSIDE = 0.9  # share of the face's width and height that the square must show
HELD_OUT = 0.1  # share of the clip, its last part, that is never trained on
# What footage ought to show, per row of `coverage`: edges of its bins, in degrees and standard deviations.
BINS = {"yaw": (-45, 45, 9), "pitch": (-30, 30, 6), "roll": (-30, 30, 6), "exp": (-2, 2, 8)}
ONE_SHOT = "Give one unbroken shot of one person, looking towards the camera."


@dataclass(frozen=True, eq=False)
class Footage:
    """frames: (T, size, size, 3) uint8 sRGB; mattes: (T, size, size) uint8, 255 = person; params: one per frame,
    in the square's pixels, with one identity; portrait: the best frame whole, as filmed, where it was kept; sha256: of
    the clip's file, "" where an older Mien prepared it."""

    frames: NDArray[np.uint8]
    mattes: NDArray[np.uint8]
    params: tuple[FaceParams, ...]
    name: str
    portrait: NDArray[np.uint8] | None = None
    sha256: str = ""

    def shows(self, path: Path) -> bool:
        """Return whether this is the footage of that clip; the name decides only where no hash was kept."""
        return self.sha256 == file_sha256(path) if self.sha256 else self.name == path.name

    @property
    def size(self) -> int:
        return int(self.frames.shape[1])

    @property
    def n_train(self) -> int:
        """Return how many frames are trained on; the rest are held out."""
        return training_share(len(self.frames))

    @property
    def mean_camera(self) -> Camera:
        """Return the mean scale and place of the face in the square."""
        scales = [p.camera.scale for p in self.params]
        x, y = np.mean([p.camera.translation for p in self.params], axis=0)
        return Camera(float(np.mean(scales)), translation=(float(x), float(y)))

    @property
    def best_frame(self) -> int:
        """Return the index of the most frontal, open-eyed, calm training frame, which is the model's portrait."""
        return self.best_frames[0]

    @property
    def best_frames(self) -> list[int]:
        """Return the indices of the frames to train on, the best portrait first."""
        return best_first(self.params[: self.n_train])

    def save(self, path: Path) -> None:
        """Write one .npz beside its place, and then rename it."""
        arrays: dict[str, Any] = {
            "frames": self.frames,
            "mattes": self.mattes,
            "params": _packed(self.params),
            "name": self.name,
            "sha256": self.sha256,
        }
        if self.portrait is not None:
            arrays["portrait"] = self.portrait
        with written(path) as beside:
            np.savez(beside, **arrays)

    @classmethod
    def load(cls, path: Path) -> Footage:
        with np.load(path, allow_pickle=False) as file:
            portrait = file["portrait"] if "portrait" in file.files else None
            params = _unpacked(file["params"])
            sha256 = str(file["sha256"]) if "sha256" in file.files else ""
            return cls(file["frames"], file["mattes"], params, str(file["name"]), portrait, sha256)


def training_share(count: int) -> int:
    """Return how many of a clip's first frames are trained on."""
    return count - max(3, round(HELD_OUT * count))


def best_first(params: tuple[FaceParams, ...]) -> list[int]:
    """Return the indices of frames, the most frontal, open-eyed and calm first."""

    def unrest(one: FaceParams) -> float:
        turned = sum(abs(angle) for angle in one.camera.angles) / 10
        shut = 20 * max(0.0, 0.2 - min(one.expression.aperture))
        return turned + shut + float(np.abs(one.expression.coefficients).mean())

    return sorted(range(len(params)), key=lambda t: unrest(params[t]))


def coverage(params: tuple[FaceParams, ...]) -> dict[str, NDArray[np.float64]]:
    """Return what the footage shows, per frame: yaw, pitch and roll in degrees, and the first expression components."""
    angles = np.array([p.camera.angles for p in params])
    expression = np.array([p.expression.coefficients for p in params])
    return {
        **{name: angles[:, k] for k, name in enumerate(("yaw", "pitch", "roll"))},
        **{f"exp{k + 1}": expression[:, k] for k in range(6)},
    }


def gaps(values: NDArray[np.float64], edges: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the intervals between edges that no value falls into."""
    counts = np.histogram(values, edges)[0]
    return [(float(a), float(b)) for a, b, n in zip(edges[:-1], edges[1:], counts) if n == 0]


def coverage_rows(params: tuple[FaceParams, ...]) -> list[dict[str, Any]]:
    """Return `coverage` as JSON values for a plot: each row's name, edges of bins, frames per bin, and gaps."""
    rows = []
    for name, values in coverage(params).items():
        low, high, bins = BINS[name.rstrip("0123456789")]
        edges = np.linspace(low, high, bins + 1)
        counts = np.histogram(np.clip(values, low, high), edges)[0].tolist()
        rows.append({"name": name, "edges": edges.tolist(), "counts": counts, "gaps": gaps(values, edges)})
    return rows


def prepare(path: Path, size: int, limit: int = 6000) -> Steps[Step, None, Footage]:
    """Yield steps and return the footage; EngineError, which says what to do, for clips that cannot train a model."""
    faces = yield from _tracked(path, limit)
    _check_people(path, len(faces))
    kept = [index for index, face in enumerate(faces) if face is not None]
    yield Step(0, 0, "Fitting the whole clip")
    model = default_model()
    fits = [fit_face(face, model) for face in faces if face is not None]
    square = clip_square(fits)
    inside = [is_inside(face, square) for face in fits]
    _check_place(path, inside)
    kept = [index for index, stays in zip(kept, inside) if stays]
    fits = [face for face, stays in zip(fits, inside) if stays]
    video = fit_video(fits, model)
    place = Frame2Frame.of_square(square.x, square.y, square.side, size)
    params = tuple(replace(p, camera=place.camera(p.camera)) for p in video.frames)
    frames = np.empty((len(kept), size, size, 3), np.uint8)
    mattes = np.empty((len(kept), size, size), np.uint8)
    depth = np.dtype(np.uint8)
    rows = {index: row for row, index in enumerate(kept)}
    best = best_first(params[: training_share(len(params))])[0]
    portrait = None
    for index, pixels in enumerate(_frames(path, len(faces))):
        if (row := rows.get(index)) is None:
            continue
        portrait = pixels if row == best else portrait
        frames[row] = to_depth(resized(cut(unit_range(pixels), square), size), depth)
        mattes[row] = to_depth(resized(cut(person_matte(pixels, fits[row]), square), size), depth)
        yield Step(row + 1, len(kept), "Cutting out the face", frames[row] if row % 25 == 0 else None)
    return Footage(frames, mattes, params, path.name, portrait, file_sha256(path))


def clip_square(fits: list[FittedFace]) -> Square:
    """Return the one square of the clip, which is about the median box, with MARGIN."""
    x, y, w, h = np.median([face.box for face in fits], axis=0)
    side = MARGIN * max(w, h)
    return Square(round(x + w / 2 - side / 2), round(y + h / 2 - side / 2), round(side))


def is_inside(face: FittedFace, square: Square) -> bool:
    """Return whether the square shows nearly the whole face."""
    x, y, w, h = face.box
    across = min(x + w, square.x + square.side) - max(x, square.x)
    down = min(y + h, square.y + square.side) - max(y, square.y)
    return bool(across > INSIDE * w and down > INSIDE * h)


def _check_place(path: Path, inside: list[bool]) -> None:
    """Check that the head stays about where it is, because a square that followed it would move the background."""
    if sum(inside) < LEAST_SHARE * len(inside):
        raise EngineError(
            f"The head stays in one place in only {sum(inside)} of {len(inside)} frames of {path.name}.",
            "Give footage of a camera that stands still, or the part in which it does.",
        )


def _frames(path: Path, limit: int) -> Iterator[NDArray[np.uint8]]:
    source = VideoSource(path)
    try:
        for _ in range(limit):
            frame = source.take(10)
            if frame is None or frame.pixels is None:
                break
            yield frame.pixels
        if source.resized:
            raise EngineError(
                f"{path.name} changes its resolution on the way.", "Convert it to one resolution first."
            )
    finally:
        source.close()


def _tracked(path: Path, limit: int) -> Steps[Step, None, list[DetectedFace | None]]:
    """Yield the face of every frame, None where there is none. EngineError for cuts, absent faces and short clips."""
    faces: list[DetectedFace | None] = []
    before: NDArray[np.float32] | None = None
    with FaceTracker(video=True) as tracker:
        for index, pixels in enumerate(_frames(path, limit)):
            found = tracker.detect(pixels)
            face = found[0] if found else None
            now = thumbnail(pixels)
            if before is not None and _is_cut(before, now, faces[-1], face):
                raise EngineError(
                    f"{path.name} has a cut at frame {index}.", "Cut the clip there and give one part."
                )
            before = now
            faces.append(face)
            yield Step(index + 1, 0, "Looking at the footage")
    _check_faces(path, faces)
    return faces


def _is_cut(
    before: NDArray[np.float32],
    now: NDArray[np.float32],
    face: DetectedFace | None,
    moved: DetectedFace | None,
) -> bool:
    """Return whether there is a cut: the picture changes at once, and the face is not where it was."""
    if np.abs(now - before).mean() < CUT:
        return False
    if face is None or moved is None:
        return True
    gap = np.hypot(moved.box[0] - face.box[0], moved.box[1] - face.box[1])
    return bool(gap > JUMP * face.side or np.abs(now - before).mean() > 2 * CUT)


def _check_faces(path: Path, faces: list[DetectedFace | None]) -> None:
    seen = sum(face is not None for face in faces)
    if len(faces) >= LEAST_FRAMES and seen < LEAST_SHARE * len(faces):
        if seen == 0:
            raise EngineError(f"No face was found in {path.name}.", ONE_SHOT)
        message = f"A face was found in only {seen} of {len(faces)} frames of {path.name}."
        raise EngineError(message, ONE_SHOT)
    if seen < LEAST_FRAMES:
        raise EngineError(
            f"{path.name} has only {seen} frames with a face; at least {LEAST_FRAMES} are needed.",
            "Give at least two seconds of footage, better a minute or more.",
        )


def _check_people(path: Path, total: int) -> None:
    """Look over a few frames thoroughly for a second face."""
    wanted = set(np.linspace(0, total - 1, LOOKS).astype(int).tolist())
    with FaceTracker() as tracker:
        for index, pixels in enumerate(_frames(path, total)):
            if index not in wanted:
                continue
            sides = sorted((face.side for face in tracker.detect(pixels)), reverse=True)
            if len(sides) > 1 and sides[1] > OTHERS * sides[0]:
                raise EngineError(
                    f"{path.name} shows {len(sides)} people at frame {index}.",
                    "Give footage of one person, or crop the others away.",
                )


def _packed(params: tuple[FaceParams, ...]) -> NDArray[np.float64]:
    """Return (T, 39 + I), by frame camera, expression, gaze, apertures, identity."""
    return np.array(
        [
            [
                *p.camera.as_array(),
                *p.expression.coefficients,
                *p.expression.gaze,
                *p.expression.aperture,
                *p.identity.coefficients,
            ]
            for p in params
        ]
    )


def _unpacked(rows: NDArray[np.float64]) -> tuple[FaceParams, ...]:
    return tuple(
        FaceParams(
            Identity(tuple(row[39:].tolist())),
            Expression(tuple(row[7:35].tolist()), (row[35], row[36]), (row[37], row[38])),
            Camera.from_array(row[:7]),
        )
        for row in rows
    )
