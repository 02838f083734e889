"""Prepares training data: one file per person or clip, with frames, mattes, parameters and sound.

A clip becomes its frames in one fixed square, as the released preprocessing cuts it. A portrait becomes itself and
copies that the mesh warp edited: a network that learns from a single photo learns to bring the original back. No
result depends on the order, so preparation can be shared out (`shard`) and continued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import SourceImage, Step, Target
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import N_EXPRESSION, Camera, Expression, FaceParams, FittedFace, Identity
from app.engine.files import written
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.endings import CLIPS, PICTURES
from app.engine.imaging.matte import person_matte
from app.engine.imaging.reading import open_photo
from app.engine.sound import ffmpeg
from app.engine.sound.audio import clip_sound
from app.engine.sound.features import audio_features
from app.engine.sound.hearing import clip_letters
from app.engine.sources.video import VideoSource
from app.engine.squares.crop import Square, cut, unit_range
from app.engine.squares.patch import head_square, in_square

SIZE = 256  # px: side of the stored frames, as in the papers
MOST_FRAMES = 300  # frames of a clip at most; ten seconds, so that no clip outweighs the others
JUMP = 0.45  # face sizes by which a box moves between two frames at a cut; the released code's value
QUALITY = 95  # JPEG quality of the stored frames, at which no blocks are seen


@dataclass(frozen=True, eq=False)
class Faces:
    """One file's training data.

    frames: (N, 256, 256, 3) uint8 sRGB; mattes: (N, 256, 256) uint8, 255 = person; params: one per frame, in the
    frame's pixels; audio: (N, 300) or None; still: frame 0 is a portrait, the others are edits of it.
    """

    frames: NDArray[np.uint8]
    mattes: NDArray[np.uint8]
    params: tuple[FaceParams, ...]
    audio: NDArray[np.float32] | None
    still: bool


def prepare(
    sources: Path, folder: Path, shard: tuple[int, int] = (0, 1), edits: int = 4, seed: int = 0
) -> Iterator[Step]:
    """Make the data of every picture and clip under `sources`; what is there already is kept.

    shard: (i, n) makes every n-th file from the i-th on. A file without a usable face is left out, and its step
    has the error.
    """
    paths = sorted(p for p in sources.rglob("*") if p.suffix.lower() in PICTURES + CLIPS)
    if not paths:
        raise EngineError(f"{sources} holds no pictures and no clips.", "Choose the folder that holds them.")
    paths = paths[shard[0] :: shard[1]]
    folder.mkdir(parents=True, exist_ok=True)
    with FaceTracker() as tracker:
        for done, path in enumerate(paths, 1):
            goal = folder / _name(path, sources)
            error = None
            if not goal.exists():
                try:
                    save_faces(_faces(path, tracker, edits, seed), goal)
                except EngineError as problem:
                    error = str(problem)
            yield Step(done, len(paths), path.name, error=error)


def save_faces(faces: Faces, path: Path) -> None:
    """Write JPEG frames into one .npz, beside its place, and then move it there."""
    pictures = [_jpeg(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)) for frame in faces.frames]
    mattes = [_jpeg(matte) for matte in faces.mattes]
    arrays: dict[str, Any] = {
        "pictures": np.concatenate(pictures),
        "picture_ends": np.cumsum([len(p) for p in pictures]),
        "mattes": np.concatenate(mattes),
        "matte_ends": np.cumsum([len(m) for m in mattes]),
        "params": np.stack([params_row(p) for p in faces.params]),
        "still": np.array(faces.still),
    }
    if faces.audio is not None:
        arrays["audio"] = faces.audio
    with written(path) as beside:
        np.savez(beside, **arrays)


class FacesFile:
    """Reads a file of training data; each frame is decoded when it is asked for."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            self._arrays = {key: file[key] for key in file.files}
        self.params = tuple(params_of_row(row) for row in self._arrays["params"])
        self.still = bool(self._arrays["still"])
        self.audio: NDArray[np.float32] | None = self._arrays.get("audio")

    def __len__(self) -> int:
        return len(self.params)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Return a frame, (256, 256, 3) sRGB."""
        return np.asarray(cv2.cvtColor(self._decode("picture", index), cv2.COLOR_BGR2RGB), np.uint8)

    def matte(self, index: int) -> NDArray[np.uint8]:
        """Return a frame's matte, (256, 256), 255 = person."""
        return self._decode("matte", index)

    def _decode(self, kind: str, index: int) -> NDArray[np.uint8]:
        ends = self._arrays[f"{kind}_ends"]
        data = self._arrays[f"{kind}s"][ends[index - 1] if index else 0 : ends[index]]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)


def params_row(params: FaceParams) -> NDArray[np.float64]:
    """Return one row of parameters: camera (7), expression (28), gaze (2), apertures (2), identity (the rest)."""
    e = params.expression
    return np.concatenate(
        [params.camera.as_array(), e.coefficients, e.gaze, e.aperture, params.identity.coefficients]
    )


def params_of_row(row: NDArray[np.float64]) -> FaceParams:
    values = [float(v) for v in row]
    expression, gaze, aperture, identity = np.split(
        np.array(values[7:]), [N_EXPRESSION, N_EXPRESSION + 2, N_EXPRESSION + 4]
    )
    return FaceParams(
        Identity(tuple(identity)),
        Expression(tuple(expression), (gaze[0], gaze[1]), (aperture[0], aperture[1])),
        Camera.from_array(values[:7]),
    )


def random_edit(params: FaceParams, rng: np.random.Generator) -> FaceParams:
    """Return the face edited at random: turned by up to 25 degrees, with another expression, a little moved."""
    yaw, pitch, roll = params.camera.angles
    turn = rng.uniform(-1, 1, 3) * (25, 14, 12)
    shift = rng.uniform(-0.12, 0.12, 2) * params.camera.scale
    tx, ty = params.camera.translation
    camera = Camera.from_angles(
        float(np.clip(yaw + turn[0], -35, 35)),
        float(np.clip(pitch + turn[1], -25, 25)),
        roll + float(turn[2]),
        params.camera.scale * float(rng.uniform(0.95, 1.05)),
        (tx + float(shift[0]), ty + float(shift[1])),
    )
    change = np.clip(rng.normal(0, 0.7, N_EXPRESSION), -1.5, 1.5)
    coefficients = np.clip(np.array(params.expression.coefficients) + change, -2.5, 2.5)
    lids = float(rng.uniform(0.06, 0.34)) if rng.random() < 0.4 else None
    aperture = params.expression.aperture if lids is None else (lids, lids)
    expression = replace(params.expression, coefficients=tuple(coefficients.tolist()), aperture=aperture)
    return replace(params, camera=camera, expression=expression)


def _faces(path: Path, tracker: FaceTracker, edits: int, seed: int) -> Faces:
    if path.suffix.lower() in CLIPS:
        return _of_clip(path)
    number = int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16)
    return _of_portrait(path, tracker, edits, np.random.default_rng([seed, number]))


def _of_portrait(path: Path, tracker: FaceTracker, edits: int, rng: np.random.Generator) -> Faces:
    from app.engine.generators.mesh_warp import MeshWarp

    pixels = to_srgb8(open_photo(path))
    found = tracker.detect(pixels)
    if len(found) != 1:
        raise EngineError(f"{path.name} shows {len(found)} faces.", "Use pictures of one person.")
    face = fit_face(found[0], default_model())
    frame, matte, face = _in_frame(pixels, face, head_square(face))
    warp = MeshWarp()
    code = warp.encode(SourceImage(frame, matte, face, unit_range(matte)))  # the matte moves as transparency
    frames, mattes, params = [frame], [matte], [face.params]
    for _ in range(edits):
        target = random_edit(face.params, rng)
        patch = warp.generate(code, Target(target))
        frames.append(_pasted(frame, patch.pixels, patch.x, patch.y))
        mattes.append(_pasted(matte, patch.alpha, patch.x, patch.y))
        params.append(target)
    return Faces(np.stack(frames), np.stack(mattes), tuple(params), None, True)


def clip_frames(path: Path) -> tuple[list[NDArray[np.uint8]], list[FittedFace], float]:
    """Return a clip's frames and faces up to the first frame without a face, and its rate; EngineError at a cut."""
    pictures, faces, fps = _tracked(path)
    _refuse_cuts(path, faces)
    return pictures, faces, fps


def _of_clip(path: Path) -> Faces:
    pictures, faces, fps = clip_frames(path)
    boxes = np.median([face.box for face in faces], axis=0)
    square = head_square(replace(faces[0], box=tuple(boxes.tolist())))
    frames, mattes, params = [], [], []
    identity = Identity(tuple(np.mean([f.params.identity.coefficients for f in faces], axis=0).tolist()))
    for picture, face in zip(pictures, faces, strict=True):
        frame, matte, placed = _in_frame(picture, face, square)
        frames.append(frame)
        mattes.append(matte)
        params.append(replace(placed.params, identity=identity))
    return Faces(np.stack(frames), np.stack(mattes), tuple(params), _sound(path, fps, len(frames)), False)


def _tracked(path: Path) -> tuple[list[NDArray[np.uint8]], list[FittedFace], float]:
    """Return the frames and fits up to the first frame without a face."""
    pictures: list[NDArray[np.uint8]] = []
    faces: list[FittedFace] = []
    source = VideoSource(path)
    try:
        with FaceTracker(video=True) as tracker:
            while len(faces) < MOST_FRAMES and (frame := source.take(1.0)) is not None:
                assert frame.pixels is not None
                found = tracker.detect(frame.pixels)
                if found:
                    pictures.append(frame.pixels)
                    faces.append(fit_face(found[0], default_model()))
                elif faces:
                    break
    finally:
        source.close()
    if len(faces) < 8:
        raise EngineError(f"{path.name} shows a face in fewer than 8 frames in a row.", "Use a longer clip.")
    return pictures, faces, float(source.rate or 25)


def _refuse_cuts(path: Path, faces: Sequence[FittedFace]) -> None:
    boxes = np.array([face.box for face in faces])
    moves = np.abs(np.diff(boxes, axis=0)).max(axis=1) / boxes[1:, 2:].mean(axis=1)
    if np.max(moves) > JUMP:
        at = int(np.argmax(moves)) + 1
        raise EngineError(f"{path.name} has a cut at frame {at}.", "Cut the clip there and use its parts.")


def _sound(path: Path, fps: float, frames: int) -> NDArray[np.float32] | None:
    if not ffmpeg.media_info(path).has_sound:
        return None
    rate = 16000
    samples = np.concatenate(list(clip_sound(path, rate)))
    return audio_features(samples, rate, fps, frames, clip_letters(path, fps))


def _in_frame(
    pixels: NDArray[np.uint8], face: FittedFace, square: Square
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], FittedFace]:
    """Return (256, 256, 3) picture, (256, 256) matte and face of the square."""
    zoom = SIZE / square.side
    filtering = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    whole = cut(pixels.astype(np.float32), square)
    frame = np.clip(np.round(cv2.resize(whole, (SIZE, SIZE), interpolation=filtering)), 0, 255)
    x, y, w, h = face.box
    offset = np.array([square.x, square.y, 0.0])
    placed = replace(
        face,
        params=in_square(face.params, square, SIZE),
        landmarks=(face.landmarks - offset) * zoom,
        box=((x - square.x) * zoom, (y - square.y) * zoom, w * zoom, h * zoom),
    )
    picture = frame.astype(np.uint8)
    matte = np.round(255 * person_matte(picture, placed)).astype(np.uint8)
    return picture, matte, placed


def _pasted(frame: NDArray[np.uint8], patch: NDArray[Any] | None, x: int, y: int) -> NDArray[np.uint8]:
    assert patch is not None
    result = frame.copy()
    result[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
    return result


def _jpeg(picture: NDArray[Any]) -> NDArray[np.uint8]:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return np.asarray(data, np.uint8).ravel()


def _name(path: Path, sources: Path) -> str:
    """Return a readable and unique name: the file's name and a hash of its place."""
    place = path.relative_to(sources).as_posix()
    return f"{path.stem}-{hashlib.sha256(place.encode()).hexdigest()[:8]}.npz"
