"""Draws the completion's training samples from prepared files (`data`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.head.completion import SIDE
from app.engine.head.skull import smoothstep
from app.engine.training.completion.template import head_only, other_side, whole
from app.engine.training.completion.trust import learnable, trusted

CLIPS = 0.3  # share of samples whose truth is another frame of a clip: they show few people, but true views


class CompletionSamples:
    """Draws prepared samples, each in another light and colour."""

    def __init__(self, folder: Path, clips: float = CLIPS) -> None:
        self.paths = sorted(folder.glob("*.npz"))
        if not self.paths:
            raise EngineError(f"{folder} holds no prepared training data.", "Prepare a folder of pictures.")
        self.clips = clips
        sizes = {path: _size(path) for path in self.paths}
        self.of_clips = [path for path, (_, truths) in sizes.items() if truths > 1]
        self.of_portraits = [path for path, (_, truths) in sizes.items() if truths == 1] or self.of_clips
        self.head = head_only()
        counts = [sizes[path][0] for path in self.of_portraits]
        self.chances = np.array(counts) / sum(counts)

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return seen (6, S, S), truth (3, S, S) in [-1, 1] and known (1, S, S), 1 where a hidden truth is known."""
        clip = self.of_clips and rng.random() < self.clips
        path = self.of_clips[int(rng.integers(len(self.of_clips)))] if clip else self._portrait(rng)
        with np.load(path, allow_pickle=False) as file:
            views, of, truths = file["seen"], file["of"], file["truth"]
        k = int(rng.integers(len(views)))
        sample = learnable(as_sample(views[k], truths[of[k]], self.head * trusted(truths[of[k]])))
        return relit(swapped(sample) if rng.random() < 0.5 else sample, rng)

    def _portrait(self, rng: np.random.Generator) -> Path:
        """Return one of the portraits' files, drawn in proportion to its views."""
        return self.of_portraits[int(rng.choice(len(self.of_portraits), p=self.chances))]

    def reach(self, most: int = 250) -> NDArray[np.float32]:
        """Return (1, S/2, S/2), how often each texel is hidden and known; 1 stands for one sample in fifty or more."""
        total, count = np.zeros((SIDE, SIDE)), 0
        for path in self.paths[:most]:
            with np.load(path, allow_pickle=False) as file:
                truths = file["truth"]
                own = [self.head * trusted(truth) * truth[..., 3] / 255.0 for truth in truths]
                for view, of in zip(file["seen"], file["of"], strict=True):
                    total += own[of] * (1 - view[..., 3] / 255.0)
                    count += 1
        mean = cv2.GaussianBlur((total / count).astype(np.float32), (0, 0), 2.0)
        half = cv2.resize(mean, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
        return np.asarray(smoothstep(0.004, 0.02, half)[None], np.float32)


def as_sample(
    view: NDArray[np.uint8], truth: NDArray[np.uint8], head: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Return one view and its truth as `draw` gives them, in their own light."""
    planes = view.transpose(2, 0, 1).astype(np.float32) / 255
    planes[:3] = 2 * planes[:3] - 1
    colour = truth[..., :3].transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
    known = head * truth[..., 3].astype(np.float32) / 255 * (1 - planes[3])
    return {"seen": planes, "truth": colour, "known": known[None]}


def swapped(sample: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return the sample with the head's sides swapped: portraits are mostly lit from one side, which heads are not."""
    place = other_side()

    def there(planes: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([cv2.remap(plane, place, None, cv2.INTER_CUBIC) for plane in planes])

    seen, truth, known = (there(sample[name]) for name in ("seen", "truth", "known"))
    seen = np.concatenate([seen[:3].clip(-1, 1), seen[3:].clip(0, 1)])
    return {"seen": seen, "truth": truth.clip(-1, 1), "known": known.clip(0, 1) * whole()}


def relit(sample: dict[str, NDArray[np.float32]], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Change brightness, contrast and tint; one sample in ten becomes grey."""
    gain = np.asarray(rng.uniform(0.8, 1.15) * rng.uniform(0.9, 1.1, (3, 1, 1)), np.float32)
    shift, grey = np.float32(rng.uniform(-0.1, 0.1)), rng.random() < 0.1

    def changed(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        if grey:
            picture = np.repeat(picture.mean(axis=0, keepdims=True), 3, axis=0)
        return np.asarray(np.clip(picture * gain + shift, -1, 1), np.float32)

    view = np.concatenate([changed(sample["seen"][:3]), sample["seen"][3:]])
    return {"seen": view, "truth": changed(sample["truth"]), "known": sample["known"]}


def _size(path: Path) -> tuple[int, int]:
    """Return the number of views and of truths in a prepared file; only a clip has several truths."""
    with np.load(path, allow_pickle=False) as file:
        return len(file["of"]), len(file["truth"])
