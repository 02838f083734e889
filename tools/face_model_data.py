"""Reads the landmarks of the portraits and clips from which the face model is built, and caches them."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.face.landmarks import FaceTracker  # noqa: E402

SHARED = ROOT.parent / "shared"
CACHE = Path(tempfile.gettempdir()) / "mien-face-landmarks"
MOST_FRAMES = 400  # frames of one clip at most, evenly spread
LEAST_SIDE = 60  # px; a smaller face is left out
Array = NDArray[np.float64]


def picture(path: Path) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8, upright."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of a clip in order, every n-th of a long one."""
    import imageio_ffmpeg

    count, _ = imageio_ffmpeg.count_frames_and_secs(str(path))
    step = -(-count // MOST_FRAMES)
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    for k, data in enumerate(reader):
        if k % step == 0:
            yield np.frombuffer(data, np.uint8).reshape(height, width, 3)


def landmarks(path: Path) -> Array:
    """Return (N, 478, 3) in pixels, z to the viewer, of a picture's largest face or that of each frame of a
    clip.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    kept = CACHE / f"{digest}.npy"
    if kept.exists():
        return np.asarray(np.load(kept, allow_pickle=False))
    moving = path.suffix.lower() in {".mp4", ".mkv", ".mpg"}
    with FaceTracker(video=True) as tracker:
        found = [tracker.detect(item) for item in (frames(path) if moving else [picture(path)])]
    points = [faces[0].landmarks for faces in found if faces and faces[0].side >= LEAST_SIDE]
    array = np.array(points) if points else np.zeros((0, 478, 3))
    CACHE.mkdir(parents=True, exist_ok=True)
    beside = kept.with_suffix(f".{os.getpid()}.tmp.npy")
    np.save(beside, array)
    os.replace(beside, kept)
    return array


def portraits() -> tuple[list[str], Array]:
    """Return (names, (N, 478, 3)): one picture of each person of `shared/portraits`."""
    paths = sorted((SHARED / "portraits").glob("*/*.jpg"))
    return _stack(paths)


def stills(prefix: str = "a_") -> tuple[list[str], Array]:
    """Return the same as `portraits`, for the photos of `shared/media/images` whose names start with the
    prefix.
    """
    return _stack(sorted((SHARED / "media" / "images").glob(prefix + "*")))


def clips(prefix: str) -> dict[str, Array]:
    """Return clip name -> (frames, 478, 3) for the clips whose names start with the prefix ("a_" or "b_")."""
    paths = sorted((SHARED / "media" / "videos").glob(prefix + "*"))
    found = {path.stem: landmarks(path) for path in paths if "original" not in path.stem}
    return {name: points for name, points in found.items() if len(points)}


def _stack(paths: list[Path]) -> tuple[list[str], Array]:
    found = [(path.stem, landmarks(path)) for path in paths]
    kept = [(name, points[0]) for name, points in found if len(points)]
    return [name for name, _ in kept], np.array([points for _, points in kept])
