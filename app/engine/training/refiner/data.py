"""The refiner's training data: pairs of what mesh-warp makes and what the picture really was.

A portrait is edited away by large random turns and expressions, at half more than the work size, so that no second
interpolation is learnt, and warped back from there: what the first edit hid or shut is what the network must bring
back. A clip gives pairs of its frames. One file per person or clip; preparation can be shared out and continued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import Origin, Patch, SourceImage, Step, Target
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import N_EXPRESSION, Camera, FaceParams, FittedFace
from app.engine.files import written
from app.engine.generators.mesh_warp import MeshWarp, WarpCode
from app.engine.imaging.endings import CLIPS
from app.engine.imaging.matte import person_matte
from app.engine.squares.crop import cut
from app.engine.squares.patch import head_square, in_square
from app.engine.training.faces import clip_frames
from app.engine.warping.evidence import LAYERS, cut_square, evidence, portrait_layers

FRAME = 384  # px of the square in which portraits are edited, about their own size
WORK = 256  # px of the stored pictures
PAIRS = 48  # of a clip
EDITS = 4  # of a portrait
LEAST_FACE = 60  # px: smaller faces only teach blur
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
Sample = dict[str, NDArray[Any]]


def prepare(paths: Sequence[Path], folder: Path, shard: tuple[int, int] = (0, 1)) -> Iterator[Step]:
    """Make the data of every file; what is there already is kept; files without a usable face are left out."""
    if not paths:
        raise EngineError(
            "There are no pictures and clips to train on.", "Choose the folder that holds them."
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = paths[shard[0] :: shard[1]]
    with FaceTracker() as tracker:
        for done, path in enumerate(paths, 1):
            goal, error = folder / f"{path.stem}.npz", None
            if not goal.exists():
                try:
                    clip = path.suffix.lower() in CLIPS
                    save_samples(of_clip(path) if clip else of_portrait(path, tracker), goal)
                except EngineError as problem:
                    error = str(problem)
            yield Step(done, len(paths), path.name, error=error)


def of_portrait(path: Path, tracker: FaceTracker, edits: int = EDITS) -> list[Sample]:
    """The portrait from `edits` edited copies of itself; EngineError where there is not exactly one face."""
    from app.engine.imaging.colour import to_srgb8
    from app.engine.imaging.reading import open_photo

    pixels = to_srgb8(open_photo(path))
    found = [face for face in tracker.detect(pixels) if face.box[2] >= LEAST_FACE]
    if len(found) != 1:
        raise EngineError(f"{path.name} shows {len(found)} faces.", "Use pictures of one person.")
    frame, face = enlarged(pixels, fit_face(found[0], default_model()))
    rng = np.random.default_rng(int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16))
    return list(brought_back(frame, face, [edited(face.params, rng) for _ in range(edits)], tracker))


def enlarged(pixels: NDArray[np.uint8], face: FittedFace) -> tuple[NDArray[np.uint8], FittedFace]:
    """The head's square at FRAME px, and the face in it."""
    square = head_square(face)
    filtering = cv2.INTER_AREA if square.side > FRAME else cv2.INTER_CUBIC
    whole = cv2.resize(cut(pixels.astype(np.float32), square), (FRAME, FRAME), interpolation=filtering)
    zoom = FRAME / square.side
    x, y, w, h = face.box
    placed = replace(
        face,
        params=in_square(face.params, square, FRAME),
        landmarks=(face.landmarks - [square.x, square.y, 0.0]) * zoom,
        box=((x - square.x) * zoom, (y - square.y) * zoom, w * zoom, h * zoom),
    )
    return np.clip(np.round(whole), 0, 255).astype(np.uint8), placed


def edited(params: FaceParams, rng: np.random.Generator) -> FaceParams:
    """The same face turned by up to 35 degrees, its expression taken back to rest (a smile shut) or another one."""
    yaw, pitch, roll = params.camera.angles
    turn = rng.choice([-1, 1]) * rng.uniform(4, 35) * (rng.random() < 0.85)
    camera = Camera.from_angles(
        float(np.clip(yaw + turn, -45, 45)),
        float(np.clip(pitch + rng.uniform(-18, 18), -30, 30)),
        roll + float(rng.uniform(-12, 12)),
        params.camera.scale * float(rng.uniform(0.95, 1.05)),
        params.camera.translation,
    )
    own = np.array(params.expression.coefficients)
    if rng.random() < 0.5:
        changed = own * rng.uniform(-0.2, 0.5) + rng.normal(0, 0.25, N_EXPRESSION)
    else:
        changed = own + np.clip(rng.normal(0, 0.7, N_EXPRESSION), -1.5, 1.5)
    aperture = params.expression.aperture
    if rng.random() < 0.4:
        lids = float(rng.uniform(0.12, 0.34))
        aperture = (lids, lids)
    coefficients = tuple(np.clip(changed, -2.5, 2.5).tolist())
    expression = replace(params.expression, coefficients=coefficients, aperture=aperture)
    return replace(params, camera=camera, expression=expression)


def brought_back(
    frame: NDArray[np.uint8], face: FittedFace, edits: Sequence[FaceParams], tracker: FaceTracker
) -> Iterator[Sample]:
    """Each edit of a picture, made and taken back by mesh-warp, as a sample whose truth is the picture.

    Every other one is fitted afresh before, as any photo is: else the way back is the way's own inverse, and the
    outlines and mattes that a real photo gets wrong are never seen.
    """
    warp = MeshWarp()
    for k, source in enumerate(edited_away(frame, face, edits)):
        seen = source if k % 2 else seen_afresh(source, tracker)
        if seen is not None:
            yield sample_of(warp, warp.encode_layers(seen), face.params, frame)


def seen_afresh(source: SourceImage, tracker: FaceTracker) -> SourceImage | None:
    """The picture with the face and matte that are found in it; None where no face is."""
    found = tracker.detect_near(source.pixels, source.face.landmarks)
    if found is None:
        return None
    face = fit_face(found, default_model())
    return replace(source, face=face, matte=person_matte(source.pixels, face))


def edited_away(
    frame: NDArray[np.uint8], face: FittedFace, edits: Sequence[FaceParams]
) -> Iterator[SourceImage]:
    """The picture with each edit, with its face and matte as mesh-warp moved them."""
    warp = MeshWarp()
    matte = np.round(255 * person_matte(frame, face)).astype(np.uint8)
    code = warp.encode_layers(SourceImage(frame, matte, face, matte.astype(np.float32) / np.float32(255)))
    for params in edits:
        target = Target(params, origin=Origin.FILMED)
        patch = warp.generate(code, target)
        assert patch.alpha is not None
        away, moved = _pasted(frame, patch.pixels, patch), _pasted(matte, patch.alpha, patch)
        points = warp.posed(code, target).points[: len(face.residual)]
        irises = params.camera.project(face.params.camera.unproject(face.landmarks[len(points) :]))
        placed = replace(face, params=params, landmarks=np.concatenate([points, irises]))
        yield SourceImage(away, None, placed, moved.astype(np.float32) / np.float32(255))


def of_clip(path: Path, pairs: int = PAIRS) -> list[Sample]:
    """Pairs of a clip's frames, turned as far apart as it has them; EngineError for cuts and small faces."""
    frames, faces, _ = clip_frames(path)
    width = float(np.median([face.box[2] for face in faces]))
    if width < LEAST_FACE:
        raise EngineError(f"The face in {path.name} is {width:.0f} px wide.", "Use clips of larger faces.")
    rng = np.random.default_rng(int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16))
    return list(frame_pairs(frames, faces, apart(faces, pairs, rng)))


def apart(faces: Sequence[FittedFace], count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(source, target) frames: of eight random pairs each time the one turned furthest apart."""
    angles = np.array([face.params.camera.angles for face in faces])
    chosen = []
    for _ in range(count):
        tried = rng.integers(0, len(faces), (8, 2))
        turns = np.abs(angles[tried[:, 0]] - angles[tried[:, 1]]).max(axis=1) + (tried[:, 0] != tried[:, 1])
        chosen.append(tuple(int(k) for k in tried[int(np.argmax(turns))]))
    return sorted((a, b) for a, b in chosen if a != b)


def frame_pairs(
    frames: Sequence[NDArray[np.uint8]], faces: Sequence[FittedFace], pairs: Sequence[tuple[int, int]]
) -> Iterator[Sample]:
    """Each pair's target frame from its source frame."""
    warp = MeshWarp()
    code: tuple[int, WarpCode] | None = None
    for source, target in pairs:
        face = faces[source]
        if code is None or code[0] != source:
            matte = person_matte(frames[source], face)
            code = source, warp.encode_layers(SourceImage(frames[source], None, face, matte))
        yield sample_of(warp, code[1], faces[target].params, frames[target])


def sample_of(warp: MeshWarp, code: WarpCode, params: FaceParams, truth: NDArray[np.uint8]) -> Sample:
    """warped, truth (256, 256, 3) uint8; planes (10, 128, 128), facts (11,), portrait (6, 128, 128) float32."""
    target = Target(params, origin=Origin.FILMED)
    patch = warp.generate(code, target)
    known = evidence(
        code.face, warp.posed(code, target), code.surface.hidden, code.layers.texture, code.layers.hold
    )
    made = _pasted(code.pixels, patch.pixels, patch)
    return {
        "warped": cut_square(made, known.square, WORK),
        "truth": cut_square(truth, known.square, WORK),
        "planes": known.planes,
        "facts": known.facts,
        "portrait": portrait_layers(code.face, code.layers.texture),
    }


def _pasted(frame: NDArray[np.uint8], pixels: NDArray[Any], patch: Patch) -> NDArray[np.uint8]:
    result = frame.copy()
    result[patch.y : patch.y + pixels.shape[0], patch.x : patch.x + pixels.shape[1]] = pixels
    return result


SIGNED = tuple(LAYERS.index(name) for name in ("flow_x", "flow_y", "stretch"))


def save_samples(samples: Sequence[Sample], path: Path) -> None:
    """Pictures as JPEG, layers as 8-bit PNG in one .npz, written beside and then moved."""
    blobs = []
    for sample in samples:
        layers = np.concatenate([sample["planes"], (sample["portrait"] + 1) / 2])
        layers[len(LAYERS) + 3 :] = sample["portrait"][3:]
        for k in SIGNED:
            layers[k] = layers[k] / 4 + 0.5
        sheet = np.round(255 * np.clip(layers, 0, 1)).astype(np.uint8).reshape(-1, layers.shape[2])
        pair = cv2.cvtColor(np.vstack([sample["warped"], sample["truth"]]), cv2.COLOR_RGB2BGR)
        blobs += [cv2.imencode(".jpg", pair, JPEG)[1].ravel(), cv2.imencode(".png", sheet)[1].ravel()]
    facts = np.stack([sample["facts"] for sample in samples])
    ends = np.cumsum([len(blob) for blob in blobs])
    with written(path) as beside:
        np.savez(beside, data=np.concatenate(blobs), ends=ends, facts=facts)


class SamplesFile:
    """A prepared file; samples are decoded one by one as they are asked for."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            self._data, self._ends, self._facts = file["data"], file["ends"], file["facts"]

    def __len__(self) -> int:
        return len(self._facts)

    def sample(self, index: int) -> Sample:
        pair = cv2.cvtColor(self._decoded(2 * index), cv2.COLOR_BGR2RGB)
        sheet = self._decoded(2 * index + 1)
        layers = sheet.reshape(-1, sheet.shape[1], sheet.shape[1]).astype(np.float32) / 255
        for k in SIGNED:
            layers[k] = 4 * layers[k] - 2
            layers[k][np.abs(layers[k]) < 0.01] = 0  # 0 lies between two of the 256 levels
        portrait = layers[len(LAYERS) :]
        portrait[:3] = 2 * portrait[:3] - 1
        return {
            "warped": pair[: len(pair) // 2],
            "truth": pair[len(pair) // 2 :],
            "planes": layers[: len(LAYERS)],
            "facts": self._facts[index],
            "portrait": portrait,
        }

    def _decoded(self, blob: int) -> NDArray[np.uint8]:
        data = self._data[self._ends[blob - 1] if blob else 0 : self._ends[blob]]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)


class RefinerSamples:
    """Draws crops of prepared samples: half of them mirrored, all in another light and colour."""

    def __init__(self, folder: Path, crop: int, clips: float = 0.3) -> None:
        names = {path.stem for path in folder.glob("*.npz")}
        if not names:
            raise EngineError(f"{folder} holds no prepared training data.", "Prepare a folder of pictures.")
        paths = [folder / f"{name}.npz" for name in sorted(names)]
        self.crop, self.clips = crop, clips
        self.of_clips = [path for path in paths if path.stem.startswith("a_")]
        self.of_portraits = [path for path in paths if not path.stem.startswith("a_")]
        self._file = lru_cache(4000)(SamplesFile)

    def draw(self, rng: np.random.Generator) -> Sample:
        """warped, truth (3, c, c) in [-1, 1]; planes (10, c/2, c/2), facts (11,), portrait (6, c/2, c/2)."""
        clip = self.of_clips and (rng.random() < self.clips or not self.of_portraits)
        paths = self.of_clips if clip else self.of_portraits
        file = self._file(paths[int(rng.integers(len(paths)))])
        sample = as_tensors(file.sample(int(rng.integers(len(file)))))
        if rng.random() < 0.5:
            sample = mirrored(sample)
        return relit(cropped(sample, self.crop, rng), rng)


def as_tensors(sample: Sample) -> Sample:
    """The pictures as (3, 256, 256) in [-1, 1]."""
    pictures = {key: sample[key].transpose(2, 0, 1) / np.float32(127.5) - 1 for key in ("warped", "truth")}
    return {**sample, **pictures}


def mirrored(sample: Sample) -> Sample:
    """The sample of the mirrored person."""
    flipped = {k: np.ascontiguousarray(v[..., ::-1]) if v.ndim == 3 else v.copy() for k, v in sample.items()}
    for key, x in (("planes", LAYERS.index("x")), ("portrait", 3)):
        nmfc = flipped[key][x : x + 3]
        nmfc[0] = np.where(nmfc.sum(axis=0) > 0, 1 - nmfc[0], 0)
    flipped["planes"][LAYERS.index("flow_x")] *= -1
    flipped["facts"][[0, 2, 3, 5]] *= -1  # yaw and roll
    flipped["facts"][[9, 10]] = sample["facts"][[10, 9]]  # the lids
    return flipped


def cropped(sample: Sample, size: int, rng: np.random.Generator) -> Sample:
    """A crop where much is to be done: of four random ones that with most moved, unseen or opened."""
    side = sample["warped"].shape[-1]
    if size >= side:
        return sample
    x, y = LAYERS.index("opening"), LAYERS.index("valid")
    planes = sample["planes"]
    wanted = planes[LAYERS.index("gate")] * (0.2 + 4 * planes[x] + (1 - planes[y]))
    corners = rng.integers(0, (side - size) // 2 + 1, (4, 2))
    half = size // 2
    worth = [float(wanted[v : v + half, u : u + half].sum()) for u, v in corners]
    u, v = (int(k) for k in corners[int(np.argmax(worth))])
    cut_ = {key: sample[key][:, 2 * v : 2 * v + size, 2 * u : 2 * u + size] for key in ("warped", "truth")}
    layers = {key: sample[key][:, v : v + half, u : u + half] for key in ("planes", "portrait")}
    return {**sample, **cut_, **layers}


def relit(sample: Sample, rng: np.random.Generator) -> Sample:
    """Every picture under one other light: brightness, contrast and a tint; one in ten grey."""
    gain = rng.uniform(0.8, 1.15) * rng.uniform(0.88, 1.12, (3, 1, 1))
    shift = rng.uniform(-0.1, 0.1)
    grey = rng.random() < 0.1

    def changed(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        if grey:
            picture = np.repeat(picture.mean(axis=0, keepdims=True), 3, axis=0)
        return np.ascontiguousarray(np.clip(picture * gain + shift, -1, 1), np.float32)

    portrait = sample["portrait"].copy()
    portrait[:3] = changed(portrait[:3])
    pictures = {key: changed(sample[key]) for key in ("warped", "truth")}
    return {**sample, **pictures, "planes": np.ascontiguousarray(sample["planes"]), "portrait": portrait}
