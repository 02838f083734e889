"""Makes weights and inputs that depend only on their names, for files of published layouts without their
weights.
"""

from __future__ import annotations

import json
import math
import zlib

import torch

Shapes = dict[str, tuple[int, ...]]


def draw(name: str, shape: tuple[int, ...], uniform: bool = False) -> torch.Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return (torch.rand if uniform else torch.randn)(shape, generator=generator)


def weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return weights scaled so that activations keep a sensible size."""
    last = name.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if last == "running_var":
        return 0.5 + draw(name, shape, True)
    if last == "running_mean" or last == "bias":
        return 0.1 * draw(name, shape)
    if last in ("weight_g", "original0"):
        return 0.5 + draw(name, shape, True)
    if len(shape) >= 2:
        return math.sqrt(2 / math.prod(shape[1:])) * draw(name, shape)
    return 0.5 + 0.5 * draw(name, shape, True)


def weights(shapes: Shapes) -> dict[str, torch.Tensor]:
    return {name: weight(name, tuple(shape)) for name, shape in shapes.items()}


def lins(shapes: Shapes) -> dict[str, torch.Tensor]:
    """Return LPIPS's weights, which are not negative."""
    return {name: draw(name, tuple(shape), True) for name, shape in shapes.items()}


def pictures(count: int, size: int, name: str = "pictures") -> torch.Tensor:
    """Return (count, 3, size, size) in [0, 1], smooth enough to have features."""
    coarse = draw(f"{name}{count}", (count, 3, 8, 8), True)
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)


def sound(count: int) -> torch.Tensor:
    """Return (1, count) samples."""
    return 0.3 * draw("sound", (1, count))


def packed(shapes: dict[str, list[int]]) -> str:
    return json.dumps(shapes, separators=(",", ":"))
