"""Generators: what turns a photo and target parameters into a picture.

A backend is one module of this package that defines `GENERATOR`, a class that fits `Generator`; menus, the
models dialog, project files and the contract test find it here by listing the package.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from collections.abc import Generator as Steps
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.parameters import FaceParams, FittedFace

if TYPE_CHECKING:
    from app.engine.results import Step

Picture = NDArray[Any]  # (H, W, 3) uint8 or uint16, in the photo's own colour space


@dataclass(frozen=True)
class LatentControl:
    """A slider of a generator's own: a latent direction."""

    name: str
    title: str
    lower: float
    upper: float


@dataclass(frozen=True)
class GeneratorInfo:
    """What menus and panels need to know.

    image_size: the network's own resolution, 0 if it works at the photo's; controls: names of
    `face.controls` it obeys; weights: names of the models it needs, empty if none; missing: what is not
    there and where to get it, None when it can run; licence: SPDX or a sentence; slow: `encode` takes minutes, and
    the backend is a `SlowGenerator`; note: what works less well for want of something.
    """

    name: str
    title: str
    image_size: int
    controls: tuple[str, ...]
    weights: tuple[str, ...]
    licence: str
    latents: tuple[LatentControl, ...] = ()
    missing: str | None = None
    slow: bool = False
    note: EngineError | None = None


@dataclass(frozen=True, eq=False)
class SourceImage:
    """One face of one photo, at the resolution to work at.

    pixels: (H, W, 3) uint8/uint16; alpha: (H, W) of the same type or None; matte: (H, W) float32 in [0, 1], 1 = person;
    others: the photo's other faces (never to be moved); key: hash of the photo's content and face.
    """

    pixels: Picture
    alpha: NDArray[Any] | None
    face: FittedFace
    matte: NDArray[np.float32]
    others: tuple[FittedFace, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class Target:
    """Where the face shall be, in the source's pixels.

    history: the params of the frames before, oldest first (may be empty: stills); latents: the
    generator's own sliders; audio: (300,) HeadGAN features of this frame or None; observed: the params are a filmed
    face's, to be drawn as they are, not an edit that shall be measured as asked (frames with a history always are);
    driven: they are another face's, filmed, and shall be read off this one.
    """

    params: FaceParams
    history: tuple[FaceParams, ...] = ()
    latents: tuple[tuple[str, float], ...] = ()
    audio: tuple[float, ...] | None = None
    observed: bool = False
    driven: bool = False


@dataclass(frozen=True, eq=False)
class Patch:
    """New pixels for the box at (x, y) of the photo; outside it the photo stays, bit-equal.

    pixels: (h, w, 3) of the photo's type; alpha: (h, w) or None where the photo has none; ms: time by stage.
    """

    pixels: Picture
    x: int
    y: int
    alpha: NDArray[Any] | None = None
    ms: tuple[tuple[str, float], ...] = ()


class Generator(Protocol):
    """One backend. `encode` runs once per portrait and may be slow, `generate` once per frame.

    `generate` at the source's own parameters returns the photo's own pixels, bit-equal.
    """

    @property
    def info(self) -> GeneratorInfo: ...

    def encode(self, source: SourceImage) -> object: ...

    def generate(self, code: Any, target: Target) -> Patch: ...


class SlowGenerator(Generator, Protocol):
    """A backend whose `encode` takes minutes."""

    def prepare(self, source: SourceImage) -> Steps[Step, None, object]:
        """`encode` in steps with previews that end in the code; closing them cancels, and nothing is kept."""

    def meaning(self, latents: Mapping[str, float], size: int) -> NDArray[np.uint8]:
        """(size, size, 3) sRGB: what values of its own sliders make of its mean face."""


def backends() -> dict[str, Callable[[], Generator]]:
    """Every backend's class by its module's name with dashes: {"mesh-warp": ..., "headgan": ...}.

    A module may also have `variants()`: backends that come and go, such as one per trained person.
    """
    found = {}
    for name, module in _modules().items():
        found[name] = module.GENERATOR
        found |= module.variants() if hasattr(module, "variants") else {}
    return found


@cache
def _modules() -> dict[str, Any]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = {name.replace("_", "-"): importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "GENERATOR")}
