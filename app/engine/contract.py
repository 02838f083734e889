"""Defines the contracts between rooms: what a generator is, and the frozen values that the engine gives and takes.

Nothing here imports a heavy library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Generator as Steps
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit, FaceParams, FittedFace
from app.engine.imaging.photo import Photo

if TYPE_CHECKING:
    pass

Edits = Mapping[int, FaceEdit]  # face index (left to right, from 0) -> its edit


Picture = NDArray[Any]  # (H, W, 3) uint8 or uint16, in the photo's own colour space


@dataclass(frozen=True)
class LatentControl:
    """A slider of a generator's own: a latent direction."""

    name: str
    title: str
    lower: float
    upper: float


@dataclass(frozen=True)
class Learnt:
    """What a generator has learnt of its expressions. pictures: it learnt from; explained: share in [0, 1] of what
    moved in pictures it had not seen; readings: (control, asked, read, corrected) of its own pictures by a fresh fit,
    before and after what is lacking was made up for, None where no face was found."""

    pictures: int
    explained: float
    readings: tuple[tuple[str, float, float | None, float | None], ...] = ()

    @property
    def read(self) -> int:
        """Controls that could be read."""
        return sum(value is not None for _, _, value, _ in self.readings)

    @property
    def error(self) -> float | None:
        """Mean error of the readings of corrected pictures, as a share of what was asked; None where nothing was
        read.
        """
        shares = [
            abs(after - asked) / abs(asked) for _, asked, _, after in self.readings if after is not None
        ]
        return sum(shares) / len(shares) if shares else None


@dataclass(frozen=True)
class GeneratorInfo:
    """What menus and panels need to know about a generator.

    image_size: the network's own resolution, 0 if it works at the photo's; controls: names of
    `face.controls` it obeys; weights: names of the models it needs, empty if none; missing: what is not
    there and where to get it, None when it can run; licence: SPDX or a sentence; slow: `encode` takes minutes, and
    the backend is a `SlowGenerator`; note: what works less well for want of something; learns: it learns something
    once on this machine (a `LearningGenerator`); learnt: what it has, None before.
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
    learns: bool = False
    learnt: Learnt | None = None


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


class Origin(Enum):
    """Where the parameters of a target come from, and so how they are to be drawn."""

    ASKED = "asked"  # an artist's edit of this photo: drawn so that a fresh fit measures what was asked
    FILMED = "filmed"  # this face's own, read off a frame: drawn as they are
    DRIVEN = "driven"  # another face's, brought to this one: drawn so that they are read off this one


@dataclass(frozen=True)
class Target:
    """Where the face shall be, in the source's pixels.

    history: the params of the frames before, oldest first (may be empty: stills); latents: the
    generator's own sliders; audio: (300,) HeadGAN features of this frame or None; origin: whose params these are.
    """

    params: FaceParams
    history: tuple[FaceParams, ...] = ()
    latents: tuple[tuple[str, float], ...] = ()
    audio: tuple[float, ...] | None = None
    origin: Origin = Origin.ASKED


@dataclass(frozen=True, eq=False)
class Patch:
    """New pixels for the box at (x, y) of the photo; outside it the photo stays, bit-equal.

    pixels: (h, w, 3) of the photo's type; alpha: (h, w) or None where the photo has none; ms: time by stage; doubts:
    sentences on what is made up or wrong in it, as far as the generator knows.
    """

    pixels: Picture
    x: int
    y: int
    alpha: NDArray[Any] | None = None
    ms: tuple[tuple[str, float], ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Portrait:
    """An opened photo and the faces found in it, left to right."""

    photo: Photo
    faces: tuple[FittedFace, ...]


@dataclass(frozen=True, eq=False)
class Rendered:
    """A render of the whole photo at `scale` (1 = the photo's own resolution).

    pixels: (h, w, 3) of the photo's type; alpha likewise or None; changed: share of pixels that differ
    from the photo; ms: milliseconds by stage, "total" among them; device: what computed, with precision; notice: what
    the user should know of it; draft: the mesh warp drew it, while the generator that was asked for takes longer;
    doubts: what to look at (`Patch.doubts`).
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None
    scale: float
    changed: float
    ms: Mapping[str, float]
    device: str = ""
    notice: EngineError | None = None
    draft: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Flow:
    """Where a render took its pixels from.

    picture: (h, w, 4) uint8, hue by direction of motion, opacity by length; box: (x, y, w, h) of it in the photo's
    px; arrows: (K, 4) px, from where a point was in the photo to where it is now; longest: px.
    """

    picture: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    arrows: NDArray[np.float64]
    longest: float


@dataclass(frozen=True)
class Measurement:
    """A face's edit as target values, and what a fresh fit of the render measures.

    Keys are control names (yaw, pitch, roll, gaze_x, gaze_y, the semantic ones), plus "aperture_left",
    "aperture_right"; identity: likeness in [0, 1] by an imported recogniser, else of the landmark shape
    with expression and pose removed; uncertainty: standard deviation of a measured value, where it is known.
    """

    asked: Mapping[str, float]
    measured: Mapping[str, float]
    expression_asked: tuple[float, ...]
    expression_measured: tuple[float, ...]
    identity: float
    uncertainty: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of long work: done of total (total 0 = unknown), what it is about, and its newest picture.

    error: why the work goes on without this step's part. Work that has more to say has a kind of step of its own.
    """

    done: int
    total: int
    message: str = ""
    picture: NDArray[Any] | None = None
    error: str | None = None

    def figures(self) -> Mapping[str, Any]:
        """Return the numbers of this step, as JSON: for a window that watches the work in another process."""
        return {}


@dataclass(frozen=True, eq=False)
class ExportStep(Step):
    """A step of an export. rendered: the finished render; remarks: on the last step, what of the photo's file the new
    one lacks."""

    rendered: Rendered | None = None
    remarks: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """Where a generator draws a face's landmarks; any thread may ask.

    points: an edit to (478, 3) px of the photo.
    """

    face: FittedFace
    points: Callable[[FaceEdit], NDArray[np.float64]]


OnProgress = Callable[[Step], None]


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

    def encoding_steps(self, source: SourceImage) -> Steps[Step, None, object]:
        """`encode` in steps with previews that end in the code; closing them cancels, and nothing is kept."""

    def meaning(self, latents: Mapping[str, float], size: int) -> NDArray[np.uint8]:
        """Return (size, size, 3) sRGB: what values of its own sliders make of its mean face."""


class LearningGenerator(Generator, Protocol):
    """A backend that learns something once for its weights."""

    def learn(self) -> Steps[Step, None, object]:
        """Steps, with pictures now and then; what was learnt is kept at their end. Closing them cancels."""
