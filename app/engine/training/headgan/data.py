"""Draws HeadGAN's training samples: a reference, an NMFC window rasterised on the fly, and the frame it belongs to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.morphable_model import MorphableModel, default_model
from app.engine.face.parameters import Camera, Expression, FaceParams
from app.engine.generators.nmfc_window import N_WINDOW, head_mesh, nmfc_window
from app.engine.rendering.nmfc import NmfcRenderer, make_renderer
from app.engine.sound.features import silence
from app.engine.training.faces import SIZE, FacesFile

MOUTH_SHARE = 4  # side of the picture over that of the mouth's crop, which is 64 of 256 px
KEPT_FILES = 2000  # files whose content stays in memory; chosen for its size
LIPS = (61, 291, 0, 17)  # corners, upper and lower middle; MediaPipe's vertices


class HeadGanSamples:
    """Draws samples from prepared files at `size` px; the same `rng` gives the same sample.

    A clip gives two of its frames. A portrait is the target and one of its edits the reference, with a window
    that comes from there or stands still; half of all samples are mirrored, all vary in light and colour.
    """

    def __init__(self, folder: Path, size: int, names: Collection[str] | None = None) -> None:
        found = sorted(folder.glob("*.npz"))
        self.paths = [p for p in found if names is None or p.name in names]
        if not self.paths:
            raise EngineError(
                f"{folder} holds no prepared training data.", "Prepare a folder of pictures or clips."
            )
        self.size = size
        self._model: MorphableModel = default_model()
        self._renderer: NmfcRenderer | None = None
        self._file = lru_cache(KEPT_FILES)(FacesFile)

    @property
    def renderer(self) -> NmfcRenderer:
        """Return the renderer, made on the thread that draws."""
        self._renderer = self._renderer or make_renderer()
        return self._renderer

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return a sample.

        nmfc, nmfc_before: (9, s, s), windows of this frame and the one before; reference: (6, s, s); target: (3, s, s)
        in [-1, 1]; mask: (1, s, s), the person in either; mouth: (2,), corner (x, y) of its crop; audio: (300,).
        """
        file = self._file(self.paths[int(rng.integers(len(self.paths)))])
        source, index, frames = _choice(file, rng)
        mirrored = bool(rng.random() < 0.5)
        sample = self.sample(file, source, index, frames)
        if mirrored:
            sample = mirror(sample)
        return relit(sample, rng)

    def unedited(self, index: int) -> dict[str, NDArray[Any]]:
        """Return a file's first frame from itself, at its own parameters."""
        file = self._file(self.paths[index])
        return self.sample(file, 0, 0, [file.params[0]])

    def sample(
        self, file: FacesFile, source: int, index: int, frames: Sequence[FaceParams]
    ) -> dict[str, NDArray[Any]]:
        """Return frame `index` driven from frame `source`; frames: parameters up to the target's, four if there are
        as many.
        """
        placed = [scaled(params, self.size / SIZE) for params in frames]
        reference = self._nmfc(scaled(file.params[source], self.size / SIZE))
        mattes = np.maximum(file.matte(source), file.matte(index))
        audio = silence()[0] if file.audio is None else file.audio[index]
        return {
            "nmfc": nmfc_window(placed, self._model, self.renderer, self.size),
            "nmfc_before": nmfc_window(placed[:-1] or placed, self._model, self.renderer, self.size),
            "reference": np.concatenate([reference, self._picture(file.frame(source))]),
            "target": self._picture(file.frame(index)),
            "mask": (smaller(mattes, self.size)[None] / 255).astype(np.float32),
            "mouth": mouth_corner(head_mesh(placed[-1], self._model), self.size),
            "audio": audio.astype(np.float32),
        }

    def _nmfc(self, params: FaceParams) -> NDArray[np.float32]:
        return nmfc_window([params], self._model, self.renderer, self.size)[:3]

    def _picture(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (3, s, s) in [-1, 1]."""
        small = smaller(frame, self.size).astype(np.float32) / 127.5 - 1
        return np.ascontiguousarray(small.transpose(2, 0, 1))


def scaled(params: FaceParams, factor: float) -> FaceParams:
    return replace(params, camera=params.camera.scaled(factor))


def smaller(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    if picture.shape[0] == size:
        return picture
    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def mouth_corner(mesh: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Return (x, y) of the mouth's crop, kept inside the picture."""
    side = size // MOUTH_SHARE
    centre = mesh[list(LIPS), :2].mean(axis=0)
    return np.asarray(np.clip(np.round(centre - side / 2), 0, size - side), np.int64)


def between(a: FaceParams, b: FaceParams, share: float) -> FaceParams:
    """Return the face a part of the way from a to b."""

    def mixed(x: Any, y: Any) -> NDArray[np.float64]:
        return np.asarray((1 - share) * np.asarray(x) + share * np.asarray(y))

    expression = Expression(
        tuple(mixed(a.expression.coefficients, b.expression.coefficients).tolist()),
        tuple(mixed(a.expression.gaze, b.expression.gaze).tolist()),
        tuple(mixed(a.expression.aperture, b.expression.aperture).tolist()),
    )
    camera = Camera.from_array(mixed(a.camera.as_array(), b.camera.as_array()))
    return replace(b, expression=expression, camera=camera)


def mirror(sample: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the sample of the mirrored person: pictures flipped, NMFC's x counted from the other side."""
    size = sample["target"].shape[-1]
    flipped = {k: np.ascontiguousarray(v[..., ::-1]) if v.ndim == 3 else v for k, v in sample.items()}
    for key, planes in (("nmfc", 3 * N_WINDOW), ("nmfc_before", 3 * N_WINDOW), ("reference", 3)):
        picture = flipped[key]
        for x in range(0, planes, 3):
            face = picture[x : x + 3].sum(axis=0) > 0
            picture[x] = np.where(face, 1 - picture[x], 0)
    side = size // MOUTH_SHARE
    flipped["mouth"] = np.array([size - side - sample["mouth"][0], sample["mouth"][1]])
    return flipped


def relit(sample: dict[str, NDArray[Any]], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Return the sample with reference and target in another light: brightness, contrast and a tint change."""
    gain = rng.uniform(0.8, 1.15) * rng.uniform(0.94, 1.06, (3, 1, 1))
    shift = rng.uniform(-0.1, 0.1)

    def changed(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip(picture * gain + shift, -1, 1).astype(np.float32)

    reference = sample["reference"].copy()
    reference[3:] = changed(reference[3:])
    return {**sample, "reference": reference, "target": changed(sample["target"])}


def _choice(file: FacesFile, rng: np.random.Generator) -> tuple[int, int, list[FaceParams]]:
    """Choose reference, target, and the parameters of the four frames that end with the target."""
    if file.still:
        source = int(rng.integers(1, len(file)))
        a, b = file.params[source], file.params[0]
        if rng.random() < 0.5:
            return source, 0, [b]
        step = float(rng.uniform(0.02, 0.2))
        return source, 0, [between(a, b, 1 - k * step) for k in (3, 2, 1, 0)]
    index, source = (int(k) for k in rng.integers(0, len(file), 2))
    return source, index, list(file.params[max(0, index - N_WINDOW) : index + 1])
