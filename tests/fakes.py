"""A quick, deterministic engine for the session's and the window's tests: yaw shifts the picture, smile lights it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import (
    DrawnFace,
    DrivenFace,
    Edits,
    ExportStep,
    Flow,
    GeneratorInfo,
    LatentControl,
    Measurement,
    OnProgress,
    Portrait,
    Rendered,
    Step,
)
from app.engine.driving.steps import LiveStep, RecordingState, RestStep
from app.engine.errors import EngineError
from app.engine.face.parameters import Camera, Expression, FaceEdit, FaceParams, FittedFace, Identity
from app.engine.imaging.options import USUAL, ExportOptions
from app.engine.imaging.photo import Photo

WARP = GeneratorInfo("mesh-warp", "Mesh warp", 0, ("yaw", "smile"), (), "MIT")
LATENT = GeneratorInfo(
    "stylegan", "StyleGAN2", 256, (), (), "MIT", (LatentControl("w1", "Direction 1", -3, 3),), slow=True
)
MISSING = GeneratorInfo("headgan", "HeadGAN", 256, ("yaw",), ("headgan",), "MIT", missing="its weights")


def fake_face(x: float, y: float, size: float, yaw: float = 0.0) -> FittedFace:
    camera = Camera.from_angles(yaw, 0, 0, size / 2, (x + size / 2, y + size / 2))
    angle = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1) * size / 2
    landmarks = ring + (x + size / 2, y + size / 2, 0)
    params = FaceParams(Identity(), Expression(), camera)
    return FittedFace(params, landmarks, (x, y, size, size), np.zeros((468, 3)))


class FakeEngine:
    """Fits `EngineLike`.

    `calls` lists what was asked; while `gate` is cleared, renders wait for it.
    """

    def __init__(self, faces: int = 2, size: tuple[int, int] = (160, 120)) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self._faces, self._size, self._name = faces, size, "mesh-warp"
        self.closed = False
        self.animation: FakeAnimation | None = None
        self.ending = False  # when True, the running clip ends before its next frame
        self.removed: set[str] = set()  # generators whose weights were removed after the start
        self.driven_by: list[str] = []  # the generator that was selected at each step of a film

    def __call__(self) -> FakeEngine:
        """Return itself, so that an instance is its own factory."""
        self._note("build")
        return self

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        self.threads.add(threading.get_ident())

    def count(self, name: str) -> int:
        return sum(call[0] == name for call in self.calls)

    def close(self) -> None:
        self._note("close")
        self.closed = True

    def generators(self) -> tuple[GeneratorInfo, ...]:
        return WARP, LATENT, MISSING

    def select(self, generator: str) -> None:
        self._note("select", generator)
        if generator == MISSING.name or generator in self.removed:
            raise EngineError("HeadGAN's weights are missing.", "Import them in the models dialog.")
        self._name = generator

    @property
    def device(self) -> str:
        return "CPU float32"

    def open(self, path: Path, on_progress: OnProgress | None = None) -> Portrait:
        self._note("open", path)
        if on_progress is not None:
            on_progress(Step(2, 10, "searching"))
            assert self.gate.wait(10)
            on_progress(Step(9, 10, "fitting"))
        if not path.exists() or path.read_bytes()[:6] == b"broken":
            raise EngineError(f"{path.name} is not a picture.", "Choose another file.", "open")
        width, height = self._size
        ramp = np.linspace(40, 200, width).astype(np.uint8)
        pixels = np.repeat(np.tile(ramp, (height, 1))[:, :, None], 3, axis=2)
        faces = tuple(fake_face(10 + 70 * i, 20, 60, 5.0 * i) for i in range(self._faces))
        return Portrait(Photo(pixels, path=path, key=hashlib.sha256(path.read_bytes()).hexdigest()), faces)

    def add_face(self, portrait: Portrait, box: tuple[float, float, float, float]) -> Portrait:
        self._note("add_face", box)
        faces = sorted((*portrait.faces, fake_face(box[0], box[1], box[2])), key=lambda face: face.box[0])
        return replace(portrait, faces=tuple(faces))

    def render(
        self,
        portrait: Portrait,
        edits: Edits,
        max_side: int | None = None,
        stop: threading.Event | None = None,
    ) -> Rendered:
        self._note("render", dict(edits), max_side)
        assert self.gate.wait(10)
        pixels = portrait.photo.pixels
        scale = 1.0 if max_side is None else min(1.0, max_side / max(portrait.photo.size))
        if scale < 1:
            step = round(1 / scale)
            pixels, scale = pixels[::step, ::step], 1 / step
        out = pixels.copy()
        for index, edit in edits.items():
            own = portrait.faces[index].params.camera.yaw
            yaw = edit.get("yaw")
            out = np.roll(out, round((own if yaw is None else yaw) - own), axis=1)
            out = np.clip(out + 40.0 * (edit.get("smile") or 0.0), 0, 255).astype(out.dtype)
        changed = float(np.mean(np.any(out != pixels, axis=2)))
        return Rendered(out, None, scale, changed, {"total": 1.0})

    def encode_ahead(self, portrait: Portrait, face: int, max_side: int | None = None) -> None:
        self._note("encode_ahead", face, max_side)

    def encoding_steps(self, portrait: Portrait, face: int) -> Iterator[Step]:
        self._note("encoding_steps", face)
        for done in range(1, 4):
            assert self.gate.wait(10)
            yield Step(done, 3, "looking", np.full((8, 8, 3), 60 * done, np.uint8))
        self._note("encoded", face)

    def learning(self, generator: str) -> Iterator[Step]:
        self._note("learning", generator)
        for done in range(1, 4):
            assert self.gate.wait(10)
            yield Step(done, 3, "learning")

    def latent_picture(self, latents: Mapping[str, float], size: int) -> NDArray[np.uint8]:
        self._note("latent_picture", dict(latents))
        return np.full((size, size, 3), round(100 + 10 * sum(latents.values())), np.uint8)

    def measure(self, portrait: Portrait, rendered: Rendered, face: int, edit: FaceEdit) -> Measurement:
        self._note("measure", face, edit)
        asked = dict(edit.values)
        measured = {name: 0.9 * value for name, value in asked.items()}
        return Measurement(asked, measured, (0.0,) * 28, (0.0,) * 28, 0.98)

    def nmfc(
        self, portrait: Portrait, face: int, edit: FaceEdit, size: int, mesh: bool = False
    ) -> NDArray[np.uint8]:
        self._note("nmfc", face, edit, size, mesh)
        yy, xx = np.mgrid[0:size, 0:size] / size
        disc = ((xx - 0.5) ** 2 + (yy - 0.5) ** 2 < 0.16)[:, :, None]
        picture: NDArray[np.uint8] = (np.stack([xx, 1 - yy, 0 * xx + 0.6], axis=2) * 255 * disc).astype(
            np.uint8
        )
        return picture

    def flow(self, portrait: Portrait, face: int, edit: FaceEdit, max_side: int | None = None) -> Flow | None:
        self._note("flow", face, edit, max_side)
        if edit.is_identity:
            return None
        x, y, w, h = portrait.faces[face].box
        picture = np.full((8, 8, 4), 200, np.uint8)
        return Flow(picture, (x, y, w, h), np.array([[x, y, x + w, y + h]]), 9.0)

    def drawn_face(self, portrait: Portrait, face: int, max_side: int | None = None) -> DrawnFace | None:
        self._note("drawn_face", face, max_side)
        return None

    def export(
        self, portrait: Portrait, edits: Edits, path: Path, options: ExportOptions = USUAL
    ) -> Iterator[Step]:
        self._note("export", path, options)
        yield Step(0, 1, path.name)
        rendered = self.render(portrait, edits)
        path.write_bytes(rendered.pixels.tobytes())
        yield ExportStep(1, 1, path.name, rendered=rendered, remarks=portrait.photo.remarks)

    def animate(
        self,
        driven: DrivenFace,
        source: Any,
        on_begin: Any = None,
    ) -> Iterator[Step]:
        self._note("animate", driven.face, driven.settings)
        self.animation = FakeAnimation(driven.settings)
        if on_begin is not None:
            on_begin(self.animation)
        try:
            for number in range(100_000):
                if self.ending:  # the clip has ended
                    self.ending = False
                    if self.animation.recorder is not None:
                        self.animation.end_empty()
                    return
                recording = self.animation.recording()
                yield LiveStep(number, 0, "", driven.portrait.photo.pixels, fps=25.0, recording=recording)
        finally:
            self.animation = None
            self._note("animation closed")

    def drive(
        self,
        driven: DrivenFace,
        driver: Path,
        output: Path,
        audio: bool = False,
        rest_at: float | None = None,
    ) -> Iterator[Step]:
        """Yield a film of three frames, each of which waits for the gate; a film that is stopped leaves no
        file.
        """
        chosen = [] if rest_at is None else [rest_at]
        self._note("drive", driven.face, dict(driven.edits), driver, output, audio, *chosen)
        for number in range(3):
            assert self.gate.wait(10)
            self.driven_by.append(self._name)
            yield Step(number + 1, 3)
        output.write_bytes(b"a film")

    def rest(self, driver: Path, at: float | None = None) -> Iterator[Step]:
        """Yield the search for the face at rest, which is at 1.5 s of a clip of 4 s; from 3 s on nobody is
        seen.
        """
        self._note("rest", driver, at)
        yield Step(0, 0, "Looking through")
        if at is not None and at >= 3:
            raise EngineError(f"No face was found at {at:.1f} s of {driver.name}.", "Choose another moment.")
        sure = 0.87 if at is None else None
        face = np.full((96, 96, 3), 200 if at is None else 60, np.uint8)
        yield RestStep(0, 0, seconds=1.5 if at is None else at, sure=sure, face=face, length=4.0)


class FakeAnimation:
    """Offers what `app.engine.driving.animation.Animation` does, and notes what was asked of it."""

    def __init__(self, settings: Any) -> None:
        self.controls = SimpleNamespace(settings=settings, edit=FaceEdit(), nmfc_size=0)
        self.paused = False
        self.recorder: Path | None = None
        self.source = None
        self.output = None
        self.listening: tuple[bool, Any] = (False, None)
        self.neutrals = 0
        self.loops: list[bool] = []

    def calibrate(self) -> None:
        self.neutrals += 1

    def use_frame(self) -> None:
        self.neutrals += 100

    def forget_driver(self) -> None:
        self.neutrals = 0

    def set_loop(self, loop: bool) -> None:
        self.loops.append(loop)

    def send(self, on: bool) -> None:
        if on:
            raise EngineError("There is no virtual camera.", "Install one.")

    def keep_performance(self) -> None:
        self.kept: list[int] = []

    def save_performance(self, path: Path) -> None:
        path.write_bytes(b"a performance")

    def recording(self) -> RecordingState | None:
        return RecordingState(1.0, 0, 5e9) if self.recorder else None

    def record(self, path: Path, on_saving: Any = None, performance: Path | None = None) -> None:
        if path.suffix != ".mp4":
            raise EngineError("This is no film.", "Choose another name.")
        if performance is not None:
            performance.write_bytes(b"a performance")
        self.recorder, self.on_saving = path, on_saving

    def stop_recording(self, clip: Path | None = None) -> Any:
        path, self.recorder = self.recorder, None
        if path is None:
            return None
        recording = SimpleNamespace(path=path, duration=1.0, pictures=25, error=None)
        self.on_saving(SimpleNamespace(done=False, share=0.4))
        done = SimpleNamespace(done=True, share=1.0, recording=recording, error=None)
        self.on_saving(done)
        return done

    def end_empty(self) -> None:
        """End a film that has no picture."""
        path, self.recorder = self.recorder, None
        error = EngineError("Nothing was recorded.", "Record for at least one picture.")
        self.on_saving(SimpleNamespace(done=True, share=1.0, recording=None, error=error, path=path))

    def listen(self, on: bool, device: Any = None) -> None:
        if on:
            raise EngineError("The microphone cannot be opened.", "Plug it in.")
