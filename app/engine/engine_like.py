"""Defines what the session asks of the engine, so that tests can put a fake in the engine's place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import FaceEdit
from app.engine.imaging.options import USUAL, ExportOptions

if TYPE_CHECKING:
    from app.engine.face.retargeting import RetargetSettings

from app.engine.contract import (
    DrawnFace,
    DrivenFace,
    Edits,
    Flow,
    GeneratorInfo,
    Measurement,
    OnProgress,
    Portrait,
    Rendered,
    Step,
)


class LiveControls(Protocol):
    """Settings of an animation that are read anew before each frame.

    edit: the driven face's sliders, added to the driver's movement; nmfc_size: px of the NMFC preview, 0 for none.
    """

    settings: RetargetSettings
    edit: FaceEdit
    nmfc_size: int


class LiveAnimation(Protocol):
    """A driven portrait that runs; its methods are called between two of its steps."""

    paused: bool

    @property
    def controls(self) -> LiveControls: ...

    def calibrate(self) -> None:
        """Count down, then average the driver's face at rest."""

    def use_frame(self) -> None:
        """Take the newest frame for the driver's face at rest."""

    def forget_driver(self) -> None:
        """Forget what was learnt about the driver, because another person drives from now on."""

    def set_loop(self, loop: bool) -> None:
        """Begin a clip again at its end, or do not; a camera has no end."""

    def listen(self, on: bool, device: str | None = None) -> None:
        """Open the microphone for the meter and the next recording, or close it."""

    def send(self, on: bool) -> None:
        """Show the pictures to other programs as a virtual camera, or stop."""

    def record(
        self,
        path: Path,
        on_saving: Callable[[Any], None] | None = None,
        performance: Path | None = None,
    ) -> None:
        """Record a film from the next frame on.

        on_saving: called on another thread with the progress of finishing the film; performance: the file to which
        what drove the film is written when it stops.
        """

    def stop_recording(self, clip: Path | None = None) -> object | None:
        """Begin to finish the film, with the sound of the driving `clip` if given; None where none was running."""

    def keep_performance(self) -> None:
        """Keep the driver's parameters from the next frame on."""

    def save_performance(self, path: Path) -> None:
        """Write the parameters that were kept, and stop keeping them; EngineError where no frame was kept."""


class EngineLike(Protocol):
    """What the session asks of the engine; `app.engine.engine.Engine` and the tests' fake both fit it.

    Every method may raise `EngineError`. All are called on one thread.
    """

    def generators(self) -> tuple[GeneratorInfo, ...]:
        """Return every backend found, whether it can run or not."""

    def select(self, generator: str) -> None:
        """Use this backend from now on; EngineError when its weights are missing."""

    @property
    def device(self) -> str:
        """Return the device that computes and its precision, such as "CPU float32"."""

    def learning(self, generator: str) -> Iterator[Step]:
        """Yield what a backend that `learns` learns once on this machine; closing the steps cancels."""

    def open(self, path: Path, on_progress: OnProgress | None = None) -> Portrait:
        """Read a photo and find its faces; the portrait has no faces where none was found.

        on_progress: called with each stage as it begins, done and total in tenths of the usual time.
        """

    def add_face(self, portrait: Portrait, box: tuple[float, float, float, float]) -> Portrait:
        """Fit a face in a box (x, y, w, h) that the user drew."""

    def render(
        self,
        portrait: Portrait,
        edits: Edits,
        max_side: int | None = None,
        stop: threading.Event | None = None,
    ) -> Rendered:
        """Return the photo with the edits of its faces.

        max_side: px of the longer side of a preview, None for the photo's size; stop: once another thread sets it, the
        work ends with `interruption.Interrupted`.
        """

    def encode_ahead(self, portrait: Portrait, face: int, max_side: int | None = None) -> None:
        """Encode a face before its first render, so that this render is as quick as the next ones."""

    def encoding_steps(self, portrait: Portrait, face: int) -> Iterator[Step]:
        """Encode a face with a `slow` generator and yield steps with previews; closing the steps cancels."""

    def latent_picture(self, latents: Mapping[str, float], size: int) -> NDArray[np.uint8]:
        """Return a picture (size, size, 3) sRGB: what values of a `slow` generator's sliders make of its mean face."""

    def measure(self, portrait: Portrait, rendered: Rendered, face: int, edit: FaceEdit) -> Measurement:
        """Return what was asked of a face and what a fresh fit of the render measures."""

    def nmfc(
        self, portrait: Portrait, face: int, edit: FaceEdit, size: int, mesh: bool = False
    ) -> NDArray[np.uint8]:
        """Return the NMFC (size, size, 3) of an edited face in a square around it; with `mesh`, its shaded mesh."""

    def flow(self, portrait: Portrait, face: int, edit: FaceEdit, max_side: int | None = None) -> Flow | None:
        """Return the motion by which the generator moves a face; None where nothing moves or it knows no motion."""

    def drawn_face(self, portrait: Portrait, face: int, max_side: int | None = None) -> DrawnFace | None:
        """Return where the generator draws a face's landmarks; None where the generator cannot tell."""

    def export(
        self, portrait: Portrait, edits: Edits, path: Path, options: ExportOptions = USUAL
    ) -> Iterator[Step]:
        """Render at full size, write the file and yield steps, of which the last is an `ExportStep`."""

    @property
    def animation(self) -> LiveAnimation | None:
        """Return the animation that runs, None where none does."""

    def animate(
        self,
        driven: DrivenFace,
        source: Any,
        on_begin: Callable[[LiveAnimation], None] | None = None,
    ) -> Iterator[Step]:
        """Drive a face from a `FrameSource`, a step a frame, until the source ends.

        on_begin: called with the animation before its first frame.
        """

    def drive(
        self,
        driven: DrivenFace,
        driver: Path,
        output: Path,
        audio: bool = False,
        rest_at: float | None = None,
    ) -> Iterator[Step]:
        """Let a clip or a performance drive a face into a film; closing the iterator early leaves no film.

        rest_at: seconds into the clip at which the driver is at rest; None lets the engine find the frame.
        """

    def rest(self, driver: Path, at: float | None = None) -> Iterator[Step]:
        """Look through a clip or a performance for its driver's face at rest; the last step is a `RestStep`.

        at: seconds at which the driver is at rest; None lets the engine find the frame.
        """
