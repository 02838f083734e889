"""Opens portraits, fits their faces, and renders, measures and exports edits, all on one thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from app.engine.checkpoints.store import hashes
from app.engine.compositing import composite
from app.engine.contract import (
    DrawnFace,
    Edits,
    ExportStep,
    Flow,
    Generator,
    GeneratorInfo,
    LearningGenerator,
    Measurement,
    OnProgress,
    Patch,
    Portrait,
    Rendered,
    SlowGenerator,
    SourceImage,
    Step,
    Target,
)
from app.engine.device import best_device, has_torch, notice
from app.engine.errors import LIGHT, EngineError
from app.engine.face.controls import POSE
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import N_VERTICES, FaceEdit, FaceParams, FittedFace
from app.engine.generators import backends
from app.engine.imaging.colour import to_srgb8
from app.engine.imaging.options import USUAL, ExportOptions
from app.engine.imaging.photo import Photo
from app.engine.imaging.reading import open_photo
from app.engine.imaging.writing import remarks_on, save_photo
from app.engine.interruption import interruptible
from app.engine.measuring.speed import remember
from app.engine.rendering.nmfc import make_renderer
from app.engine.stopwatch import Stopwatch
from app.engine.views import LruCache, WorkingView, at_scale, scaled

if TYPE_CHECKING:
    from app.engine.face.landmarks import DetectedFace, FaceTracker
    from app.engine.face.morphable_model import MorphableModel
    from app.engine.head import Head
    from app.engine.measuring.recognition import Recogniser
    from app.engine.rendering.nmfc import NmfcRenderer

WARP = "mesh-warp"  # the default generator, which draws within milliseconds
# Number of encoded faces that are kept, so that undo between sizes and faces encodes nothing twice.
CODES_KEPT = 8
VIEWS_KEPT = 4  # number of photos at one size that are kept: the photo, preview, live view and export


class Portraits:
    """Everything that is done with photos that nothing drives. The first call that needs a heavy library loads it."""

    def __init__(self, generator: str = WARP) -> None:
        self._generators: dict[str, Generator] = {}
        self._tracker: FaceTracker | None = None
        self._recogniser: Recogniser | None = None
        self._renderer: NmfcRenderer | None = None
        self._views: LruCache[object, WorkingView] = LruCache(VIEWS_KEPT)
        self._codes: LruCache[object, object] = LruCache(CODES_KEPT)
        self._heads: LruCache[object, Head] = LruCache(VIEWS_KEPT)
        self.select(generator)

    def close(self) -> None:
        """Close the tracker and the GL contexts, on the thread that used them."""
        for part in (self._tracker, self._renderer, *self._generators.values()):
            close = getattr(part, "close", None)
            if close is not None:
                close()
        self._tracker = self._renderer = None

    # -- backends ------------------------------------------------------------------------------------

    def generators(self) -> tuple[GeneratorInfo, ...]:
        return tuple(self._info(name) for name in backends())

    def _info(self, name: str) -> GeneratorInfo:
        info = self._backend(name).info
        return replace(info, missing=LIGHT) if info.weights and not has_torch() else info

    def select(self, generator: str) -> None:
        if generator not in backends():
            known = ", ".join(backends())
            raise EngineError(f"There is no generator “{generator}”.", f"Choose one of: {known}.")
        info = self._info(generator)
        if info.missing == LIGHT:
            raise EngineError(f"{info.title} cannot run: {LIGHT}.", "Install the full Mien.")
        if info.missing:
            raise EngineError(
                f"{info.title} cannot run yet: {info.missing}.",
                "Import it with “mien models import FILE”.",
                "models",
            )
        self._name = generator

    def _backend(self, name: str) -> Generator:
        if name not in self._generators:
            self._generators[name] = backends()[name]()
        return self._generators[name]

    @property
    def generator(self) -> Generator:
        return self._backend(self._name)

    @property
    def device(self) -> str:
        if not self.generator.info.weights:
            return "CPU float32"
        return str(best_device())

    @property
    def notice(self) -> EngineError | None:
        """Return what the user should know of the device, such as that a graphics card's memory was full."""
        return notice() if self.generator.info.weights else None

    # -- faces ---------------------------------------------------------------------------------------

    @property
    def model(self) -> MorphableModel:
        return default_model()

    @property
    def tracker(self) -> FaceTracker:
        from app.engine.face.landmarks import FaceTracker

        self._tracker = self._tracker or FaceTracker()
        return self._tracker

    def open(self, path: Path, on_progress: OnProgress | None = None) -> Portrait:
        on_progress = on_progress or (lambda step: None)
        on_progress(Step(0, 10, "reading"))
        photo = open_photo(path)
        on_progress(Step(2, 10, "searching"))
        found = self.tracker.detect(to_srgb8(photo))
        on_progress(Step(9, 10, "fitting"))
        return Portrait(photo, tuple(self._fitted(face) for face in found))

    def portrait(self, photo: Photo) -> Portrait:
        """Return a photo with all faces that are found and fitted in it."""
        return Portrait(photo, self.fit(to_srgb8(photo)))

    def fit(self, srgb: NDArray[np.uint8]) -> tuple[FittedFace, ...]:
        """Return every face of an (H, W, 3) sRGB picture, left to right."""
        return tuple(self._fitted(found) for found in self.tracker.detect(srgb))

    def _fitted(self, found: DetectedFace) -> FittedFace:
        from app.engine.face.fitting import fit_face

        return fit_face(found, self.model)

    def add_face(self, portrait: Portrait, box: tuple[float, float, float, float]) -> Portrait:
        found = self.tracker.detect_in(to_srgb8(portrait.photo), box)
        if found is None:
            raise EngineError(
                "No face was found in that box.",
                "Draw the box so that it holds the whole face, chin to forehead.",
                "draw_box",
            )
        faces = sorted((*portrait.faces, self._fitted(found)), key=lambda face: face.box[0] + face.box[2] / 2)
        return replace(portrait, faces=tuple(faces))

    # -- pictures ------------------------------------------------------------------------------------

    def render(
        self,
        portrait: Portrait,
        edits: Edits,
        max_side: int | None = None,
        stop: threading.Event | None = None,
    ) -> Rendered:
        watch = Stopwatch()
        with watch.stage("view"):
            view = self.view(portrait, max_side)
        patches = []
        for index, edit in sorted(edits.items()):
            if not edit.is_identity:
                with interruptible(stop):
                    patches.append(self._patch(portrait, view, index, edit, watch))
        with watch.stage("composite"):
            pixels, alpha, changed = composite(view.pixels, view.alpha, patches)
        device, note = (self.device, self.notice) if patches else ("", None)
        doubts = tuple(dict.fromkeys(doubt for patch in patches for doubt in patch.doubts))
        return Rendered(pixels, alpha, view.scale, changed, watch.ms, device, note, doubts=doubts)

    def encode_ahead(self, portrait: Portrait, face: int, max_side: int | None = None) -> None:
        """Encode before the first render, so that it is as quick as the next."""
        view = self.view(portrait, max_side)
        self.code(portrait, view, face)

    def encoding_steps(self, portrait: Portrait, face: int) -> Iterator[Step]:
        """Encode a face at full size with a `slow` generator and yield its steps; other sizes find the work on disk."""
        view = self.view(portrait, None)
        key = self._code_key(portrait, view, face)
        if key not in self._codes:
            generator = cast(SlowGenerator, self.generator)
            code = yield from generator.encoding_steps(self._source(portrait, view, face))
            self._codes[key] = code

    def ensure_encoded(self, portrait: Portrait, edits: Edits, *driven: int) -> Iterator[Step]:
        """Yield the `encoding_steps` of every face that a job edits or drives, where the generator is slow.

        So the job shows progress, and its Cancel acts at once.
        """
        if self.generator.info.slow:
            for face in sorted({*driven, *(k for k, edit in edits.items() if not edit.is_identity)}):
                yield from self.encoding_steps(portrait, face)

    def learning(self, generator: str) -> Iterator[Step]:
        """Yield what a backend learns once on this machine, in steps; closing them cancels."""
        backend = self._backend(generator)
        if not backend.info.learns or backend.info.missing:
            raise EngineError(
                f"{backend.info.title} has nothing to learn.", "Import its model first.", "models"
            )
        yield from cast(LearningGenerator, backend).learn()

    def latent_picture(self, latents: Mapping[str, float], size: int) -> NDArray[np.uint8]:
        return cast(SlowGenerator, self.generator).meaning(latents, size)

    def _patch(
        self, portrait: Portrait, view: WorkingView, index: int, edit: FaceEdit, watch: Stopwatch
    ) -> Patch:
        with watch.stage("encode"):
            code = self.code(portrait, view, index)
        with watch.stage("resolve"):
            params = self.target(portrait, index, edit)
            latents = tuple((name, value * edit.strength) for name, value in edit.latents)
            target = Target(scaled(params, view.scale), latents=latents)
        start = time.perf_counter()
        with watch.stage("generate"):
            patch = self.generator.generate(code, target)
        remember(self._name, 1e3 * (time.perf_counter() - start), self.device)
        for name, ms in patch.ms:
            watch.add(f"generate.{name}", ms)
        return patch

    def target(self, portrait: Portrait, index: int, edit: FaceEdit) -> FaceParams:
        """Return the parameters that an edit asks for, in the photo's own pixels."""
        from app.engine.face.semantic import resolve

        return resolve(edit, self._face(portrait, index), self.model)

    @staticmethod
    def _face(portrait: Portrait, index: int) -> FittedFace:
        if not 0 <= index < len(portrait.faces):
            count = len(portrait.faces)
            raise EngineError(
                f"The photo has no face {index + 1}; {count} found.",
                f"Choose a face from 1 to {count}."
                if count
                else "Draw a box around the face, or use another photo.",
            )
        return portrait.faces[index]

    def view(self, portrait: Portrait, max_side: int | None = None) -> WorkingView:
        """Return the portrait at full size, or with a longer side of `max_side` px at most; it is kept for later."""
        scale = min(1.0, max_side / max(portrait.photo.size)) if max_side else 1.0
        key = (portrait.photo.key, scale, tuple(face.params for face in portrait.faces))
        return self._views.get(key, lambda: at_scale(portrait, scale))

    def code(self, portrait: Portrait, view: WorkingView, index: int) -> object:
        """Return what the generator's `encode` made of a face at a view's resolution; it is kept for later."""
        key = self._code_key(portrait, view, index)
        return self._codes.get(key, lambda: self.generator.encode(self._source(portrait, view, index)))

    def _code_key(self, portrait: Portrait, view: WorkingView, index: int) -> object:
        weights = self.generator.info.weights
        faces = tuple(face.params for face in portrait.faces)
        self._face(portrait, index)
        return portrait.photo.key, self._name, hashes(weights) if weights else (), view.scale, faces, index

    def _source(self, portrait: Portrait, view: WorkingView, index: int) -> SourceImage:
        from app.engine.imaging.matte import person_matte

        face = view.faces[index]
        others = tuple(other for k, other in enumerate(view.faces) if k != index)
        matte = person_matte(to_srgb8(replace(portrait.photo, pixels=view.pixels)), face)
        where = ":".join(str(round(side)) for side in portrait.faces[index].box)
        return SourceImage(view.pixels, view.alpha, face, matte, others, f"{portrait.photo.key}:{where}")

    def measure(self, portrait: Portrait, rendered: Rendered, face: int, edit: FaceEdit) -> Measurement:
        from app.engine.measuring.readout import compare
        from app.engine.measuring.recognition import Recogniser

        target = self.target(portrait, face, edit)
        after = self._face_in(portrait, rendered, target)
        if after is None:
            raise EngineError("No face can be measured in the result.", "Ask for a smaller change.")
        before = self._face(portrait, face)
        turned = self._turned(portrait, face, edit, max(rendered.pixels.shape[:2]))
        measurement = compare(before, target, after, edit, self.model, turned)
        self._recogniser = self._recogniser or Recogniser()
        if not self._recogniser.imported:
            return measurement
        srgb = to_srgb8(replace(portrait.photo, pixels=rendered.pixels))
        made = (srgb, after.scaled(rendered.scale))
        return replace(
            measurement, identity=self._recogniser.likeness((to_srgb8(portrait.photo), before), made)
        )

    def _face_in(self, portrait: Portrait, rendered: Rendered, target: FaceParams) -> FittedFace | None:
        """Return the face, in the photo's pixels, that is found where a picture was drawn; None where there is none."""
        from app.engine.measuring.readout import nearest_face

        srgb = to_srgb8(replace(portrait.photo, pixels=rendered.pixels))
        fitted = [found.scaled(1 / rendered.scale) for found in self.fit(srgb)]
        return nearest_face(fitted, target.camera.translation)

    def _turned(self, portrait: Portrait, face: int, edit: FaceEdit, side: int) -> FittedFace | None:
        """Return the face of a picture with a longer side of `side` px in which the edit's pose alone is drawn.

        None where no pose is asked or nothing else, or where another generator than the warp draws, which is slow.
        """
        angles = [control.name for control in POSE]
        pose = replace(edit, values=tuple(v for v in edit.values if v[0] in angles), latents=())
        if not pose.values or pose == edit or self._name != WARP:
            return None
        picture = self.render(portrait, {face: pose}, side)
        return self._face_in(portrait, picture, self.target(portrait, face, pose))

    def nmfc(
        self, portrait: Portrait, face: int, edit: FaceEdit, size: int, mesh: bool = False
    ) -> NDArray[np.uint8]:
        """Return the NMFC (size, size, 3) of an edited face, or with `mesh` its whole head as a shaded mesh."""
        params = self.target(portrait, face, edit)
        if mesh:
            from app.engine.generators.whole_head import picture_of, small_head

            key = portrait.photo.key, tuple(fitted.params for fitted in portrait.faces), face
            head = self._heads.get(key, lambda: small_head(self._source(portrait, self.view(portrait), face)))
            return picture_of(head, portrait.faces[face].params, params, self.model, size)
        self._renderer = self._renderer or make_renderer()
        points = params.camera.project(self.model.shape(params.identity, params.expression))
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        zoom = size / (1.15 * float(np.max(high - low)))
        points[:, :2] = (points[:, :2] - (low + high) / 2) * zoom + size / 2
        points[:, 2] *= zoom
        return np.asarray(np.round(self._renderer.nmfc(points, (size, size)) * 255), np.uint8)

    def export_head(self, portrait: Portrait, face: int, path: Path) -> None:
        """Write a face's whole head with its colours (.glb, .obj, .ply), in the model space of its photo."""
        from app.engine.generators.whole_head import export_head

        export_head(self._source(portrait, self.view(portrait), face), portrait.photo, path)

    def flow(self, portrait: Portrait, face: int, edit: FaceEdit, max_side: int | None = None) -> Flow | None:
        from app.engine.rendering.flow import flow_picture

        flow_of = getattr(self.generator, "flow", None)
        if flow_of is None or edit.is_identity:
            return None
        view = self.view(portrait, max_side)
        params = self.target(portrait, face, edit)
        displacement, corner = flow_of(self.code(portrait, view, face), Target(scaled(params, view.scale)))
        return flow_picture(displacement, corner, view.scale) if displacement.size else None

    def drawn_face(self, portrait: Portrait, face: int, max_side: int | None = None) -> DrawnFace | None:
        """Return where the generator draws a face's landmarks, in the photo's pixels; None where it cannot tell."""
        from app.engine.face.semantic import resolve

        place = getattr(self.generator, "landmarks", None)
        if place is None:
            return None
        view, fitted, model = self.view(portrait, max_side), self._face(portrait, face), self.model
        code, irises = self.code(portrait, view, face), view.faces[face].landmarks[N_VERTICES:]

        def points(edit: FaceEdit) -> NDArray[np.float64]:
            if edit.is_identity:
                return fitted.landmarks
            params = resolve(edit, fitted, model)
            return np.asarray(place(code, scaled(params, view.scale), irises) / view.scale)

        return DrawnFace(fitted, points)

    def export(
        self, portrait: Portrait, edits: Edits, path: Path, options: ExportOptions = USUAL
    ) -> Iterator[Step]:
        yield from self.ensure_encoded(portrait, edits)
        yield Step(0, 2, "Rendering at full size")
        rendered = self.render(portrait, edits)
        yield ExportStep(1, 2, f"Writing {path.name}", rendered.pixels, rendered=rendered)
        trained = bool(self.generator.info.weights)
        save_photo(portrait.photo, rendered.pixels, rendered.alpha, path, options, trained)
        remarks = remarks_on(portrait.photo, path, options)
        yield ExportStep(2, 2, f"Wrote {path}", rendered.pixels, rendered=rendered, remarks=remarks)
