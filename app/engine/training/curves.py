"""Keeps a run's loss curves: as JSON lines that survive a kill, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.files import write_whole, written

FILE = "curves.jsonl"
# One colour for each loss: matplotlib's ten, red, green and blue of 255.
COLOURS = (
    *((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75)),
    *((227, 119, 194), (127, 127, 127), (188, 189, 34), (23, 190, 207)),
)


class Curves:
    """Appends one line per step. Lines after `step`, left by a run that was killed, are cut off, because these steps
    are taken again.
    """

    def __init__(self, folder: Path, step: int, rank: int = 0) -> None:
        self._file = None
        if rank != 0:
            return
        kept = [line for line in read_curves(folder) if line["step"] <= step]
        write_whole(folder / FILE, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self._file = (folder / FILE).open("a", encoding="utf-8")

    def add(self, step: int, seconds: float, losses: Mapping[str, float]) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"step": step, "seconds": round(seconds, 2), **losses}) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def read_curves(folder: Path) -> list[dict[str, float]]:
    """Return the number, seconds and losses of each step; a line cut short by a kill is left out."""
    path = folder / FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def smoothed(values: Sequence[float], window: int) -> NDArray[np.float64]:
    """Return the running mean over `window` values, over fewer at the start."""
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(values, np.float64)]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def save_pictures(folder: Path, samples: NDArray[np.uint8] | None) -> None:
    """Write the run's curves.png and, if there are samples, samples.png."""
    from PIL import Image

    pictures = {"curves.png": curve_picture(read_curves(folder)), "samples.png": samples}
    for name, picture in pictures.items():
        if picture is not None:
            with written(folder / name) as beside:
                Image.fromarray(picture).save(beside, "PNG")


def curve_picture(
    lines: Sequence[Mapping[str, float]], size: tuple[int, int] = (900, 540)
) -> NDArray[np.uint8]:
    """Return (h, w, 3), a chart of the smoothed losses over the steps, each scaled to its own range and labelled
    with its first and last value.
    """
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", size, "white")
    draw: Any = ImageDraw.Draw(picture)
    names = [key for key in (lines[0] if lines else {}) if key not in ("step", "seconds")]
    left, top, right, bottom = 10, 20 + 16 * len(names), size[0] - 10, size[1] - 20
    draw.rectangle((left, top, right, bottom), outline=(180, 180, 180))
    for k, name in enumerate(names):
        values = smoothed([line.get(name, 0.0) for line in lines], max(1, len(lines) // 50))
        low, high = float(np.min(values)), float(np.max(values))
        xs = np.linspace(left, right, len(values))
        ys = bottom - (values - low) / max(high - low, 1e-9) * (bottom - top)
        colour = COLOURS[k % len(COLOURS)]
        draw.line([(float(x), float(y)) for x, y in zip(xs, ys)], fill=colour, width=2)
        draw.text((left, 8 + 16 * k), f"{name}: {values[0]:.4g} -> {values[-1]:.4g}", fill=colour)
    if lines:
        draw.text((left, bottom + 4), f"step 1 to {int(lines[-1]['step'])}", fill=(90, 90, 90))
    return np.asarray(picture)
