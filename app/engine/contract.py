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
    from app.engine.face.retargeting import RetargetSettings

Edits = Mapping[int, FaceEdit]  # face index (left to right, from 0) -> its edit
Picture = NDArray[Any]  # (H, W, 3) uint8 or uint16, in the photo's own colour space


@dataclass(frozen=True)
class LatentControl:
    """A slider that only one generator has: a latent direction. lower, upper: the slider's range."""

    name: str
    title: str
    lower: float
    upper: float


@dataclass(frozen=True)
class Learnt:
    """What a generator has learnt of the expressions that it draws.

    pictures: the number of pictures it learnt from; explained: share in [0, 1] of the motion that it predicts in
    pictures it did not learn from; readings: (control, asked, read, corrected), where a fresh fit of the generator's
    pictures gave read before and corrected after the correction, None where no face was found.
    """

    pictures: int
    explained: float
    readings: tuple[tuple[str, float, float | None, float | None], ...] = ()

    @property
    def read(self) -> int:
        """Return the number of controls that could be read."""
        return sum(value is not None for _, _, value, _ in self.readings)

    @property
    def error(self) -> float | None:
        """Return the mean error of the corrected readings as a share of what was asked; None where none was read."""
        shares = [
            abs(after - asked) / abs(asked) for _, asked, _, after in self.readings if after is not None
        ]
        return sum(shares) / len(shares) if shares else None


@dataclass(frozen=True)
class GeneratorInfo:
    """What menus and panels need to know about a generator.

    image_size: px of a side of the network's pictures, 0 if the generator works at the photo's size; controls: names of
    the `face.controls` that it obeys; weights: names of the models that it needs, empty if none; licence: SPDX or a
    sentence; latents: sliders that only this generator has; missing: what it lacks and where to get that, None where it
    can run; slow: whether `encode` takes minutes, which makes it a `SlowGenerator`; note: what works less well because
    something is missing; learns: whether it learns something once on this machine, which makes it a
    `LearningGenerator`; learnt: what it has learnt, None before.
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

    pixels: (H, W, 3) uint8 or uint16; alpha: (H, W) of the same type or None; face: in these pixels; matte: (H, W)
    float32 in [0, 1], 1 on the person; others: the photo's other faces, which must not move; key: a hash of the
    photo's content and of the face's place.
    """

    pixels: Picture
    alpha: NDArray[Any] | None
    face: FittedFace
    matte: NDArray[np.float32]
    others: tuple[FittedFace, ...] = ()
    key: str = ""


class Origin(Enum):
    """Where the parameters of a target come from, which decides how they are drawn."""

    ASKED = "asked"  # of an artist's edit of this photo: they are drawn so that a fresh fit measures what was asked
    FILMED = "filmed"  # of this same face in another frame: they are drawn as they are
    # Of another face, transferred to this one: they are drawn so that a fresh fit reads them.
    DRIVEN = "driven"


@dataclass(frozen=True)
class Target:
    """What a face is to look like.

    params: in the source's pixels; history: the parameters of the frames before, oldest first, empty for stills;
    latents: (name, value) of the generator's own sliders; audio: (300,) HeadGAN features of this frame or None; origin:
    where the parameters come from.
    """

    params: FaceParams
    history: tuple[FaceParams, ...] = ()
    latents: tuple[tuple[str, float], ...] = ()
    audio: tuple[float, ...] | None = None
    origin: Origin = Origin.ASKED


@dataclass(frozen=True, eq=False)
class Patch:
    """New pixels for the box at (x, y) px of the photo; outside the box the photo stays, bit-equal.

    pixels: (h, w, 3) of the photo's type; alpha: (h, w) or None where the photo has none; ms: (stage, milliseconds);
    doubts: sentences about what is made up or wrong in the pixels, as far as the generator knows.
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

    @property
    def largest(self) -> int:
        """Return the index of the face whose box has the largest area; ValueError where there is no face."""
        areas = [face.box[2] * face.box[3] for face in self.faces]
        return areas.index(max(areas))


@dataclass(frozen=True, eq=False)
class DrivenFace:
    """A face that another face's movement drives.

    face: its index in the portrait; edits: every face's sliders, of which this face's are added to the movement;
    settings: how the movement is transferred; max_side: px of the longer side of the pictures, None for the photo's.
    """

    portrait: Portrait
    face: int
    edits: Edits
    settings: RetargetSettings
    max_side: int | None = None

    @property
    def edit(self) -> FaceEdit:
        """Return the driven face's own sliders."""
        return self.edits.get(self.face, FaceEdit())


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture of the whole photo with its edits.

    pixels: (h, w, 3) of the photo's type; alpha: (h, w) likewise or None; scale: px of it per px of the photo; changed:
    share of pixels, 0 to 1, that differ from the photo; ms: milliseconds by stage, "total" among them; device: the
    device that computed it and its precision; notice: what the user should know of the device; draft: whether the mesh
    warp drew it because the chosen generator takes longer; doubts: as in `Patch`.
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
    """The motion between the photo and a render.

    picture: (h, w, 4) uint8, whose hue shows the direction and whose opacity shows the length of the motion; box:
    (x, y, w, h) of the picture in the photo's px; arrows: (K, 4) px from where a point was in the photo to where it is
    now; longest: px of the longest motion.
    """

    picture: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    arrows: NDArray[np.float64]
    longest: float


@dataclass(frozen=True)
class Measurement:
    """A face's edit as target values, and what a fresh fit of the render measures.

    asked, measured: by control's name (yaw, pitch, roll, gaze_x, gaze_y, the semantic ones) and by "aperture_left" and
    "aperture_right"; expression_asked, expression_measured: coefficients in sigmas; identity: likeness in [0, 1] by an
    imported recogniser, else of the landmarks' shape without expression and pose; uncertainty: standard deviation of
    measured values, where it is known.
    """

    asked: Mapping[str, float]
    measured: Mapping[str, float]
    expression_asked: tuple[float, ...]
    expression_measured: tuple[float, ...]
    identity: float
    uncertainty: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of long work.

    done, total: how far the work is, total 0 where that is unknown; message: what the step does; picture: the newest
    one; error: why the work goes on without this step's part. Work with more to report has a subclass of its own.
    """

    done: int
    total: int
    message: str = ""
    picture: NDArray[Any] | None = None
    error: str | None = None

    def figures(self) -> Mapping[str, Any]:
        """Return the numbers of this step for JSON, which a window reads that watches the work in another process."""
        return {}


@dataclass(frozen=True, eq=False)
class ExportStep(Step):
    """A step of an export. rendered: the finished render; remarks: in the last step, what the new file lacks of the
    photo's file.
    """

    rendered: Rendered | None = None
    remarks: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class DrawnFace:
    """Where a generator draws a face's landmarks; any thread may call `points`.

    points: takes an edit and returns (478, 3) px of the photo.
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
        """Yield the work of `encode` in steps with previews, and return the code; closing the steps keeps nothing."""

    def meaning(self, latents: Mapping[str, float], size: int) -> NDArray[np.uint8]:
        """Return a picture (size, size, 3) sRGB: what values of the generator's own sliders make of its mean face."""


class LearningGenerator(Generator, Protocol):
    """A backend that learns something once about its weights."""

    def learn(self) -> Steps[Step, None, object]:
        """Yield steps, some with pictures; what was learnt is kept at their end. Closing the steps cancels."""
