"""Renders with LivePortrait (Guo et al. 2024), which animates one photo by 21 points, under our controls.

The network reads the photo's own points. A turn of the head moves them by our camera, an expression by a learnt map
(`points.expression`). Stitching keeps shoulders and border in place, and the painted square is pasted into the photo as
every network's is (`squares.patch`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Generator as Steps
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.engine.checkpoints.store import chosen, load_model, several
from app.engine.contract import GeneratorInfo, Learnt, Origin, Patch, SourceImage, Step, Target
from app.engine.cuda_graph import Graphed
from app.engine.device import Device, MemoryFallback, best_device
from app.engine.errors import EngineError
from app.engine.face.controls import COMPONENTS, GAZE, PLACEMENT, POSE, SEMANTIC
from app.engine.files import data_folder
from app.engine.points.crop import turned_square
from app.engine.points.pose import pose_change
from app.engine.squares.crop import shrunk
from app.engine.squares.patch import CutOut, square_patch
from app.engine.warping.calibration import corrected_camera

if TYPE_CHECKING:
    from torch import Tensor

    from app.engine.checkpoints.store import Model
    from app.engine.face.parameters import FloatArray
    from app.engine.networks.live_portrait import LivePortrait as Network
    from app.engine.networks.live_portrait_points import Motion
    from app.engine.points.expression import ExpressionEntries
    from app.engine.squares.crop import FloatPicture
    from app.engine.squares.patch import CutOut, Painted

KIND = "live-portrait"
IMAGE_SIZE = 512  # px of a side of the released network's result
HEAD = tuple(control.name for control in (*POSE, *PLACEMENT))
FACE = tuple(control.name for control in (*GAZE, *SEMANTIC, *COMPONENTS))
UNLEARNT = EngineError(
    "LivePortrait moves the head, but no expression yet: Mien has not learnt how its points move with one.",
    "Let it learn in Help > Models, or with “mien models learn live-portrait”; it takes minutes, once.",
    "models",
)


@dataclass(frozen=True, eq=False)
class LoadedLivePortrait:
    """One LivePortrait model.

    network: on the device, except for its parts that work on points, which are on the CPU in float32; size: px of a
    side of the picture that it animates; model: where it was read from; paint: takes volume, driving and source points
    and returns a picture (1, 3, 2 size, 2 size), float32.
    """

    network: Network
    device: Device
    size: int
    model: Model
    paint: Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class LivePortraitCode:
    """One face of one photo, encoded.

    cut: the face's square in the photo; volume: the network's features of it, on the device; motion: its points, on the
    CPU; before: the network's picture of the unedited face.
    """

    cut: CutOut
    volume: Tensor
    motion: Motion
    before: FloatPicture


class LivePortrait:
    """Renders with one LivePortrait model. name: of the model, None for the newest one."""

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._renderer: tuple[tuple[str, Device], LoadedLivePortrait] | None = None
        self._entries: tuple[tuple[Path, int], ExpressionEntries] | None = None
        self._fallback = MemoryFallback()

    @property
    def info(self) -> GeneratorInfo:
        model = chosen(KIND, self._name)
        if model is None:
            missing = "it needs LivePortrait's five files, which are public and free to use"
            return GeneratorInfo(
                KIND, "LivePortrait", IMAGE_SIZE, HEAD + FACE, (KIND,), "MIT", missing=missing, learns=True
            )
        size = 2 * int(model.config.get("size", IMAGE_SIZE // 2))
        entries = self.entries(model)
        return GeneratorInfo(
            f"{KIND}-{self._name}" if self._name else KIND,
            f"LivePortrait: {self._name}" if self._name else "LivePortrait",
            size,
            HEAD + (FACE if entries else ()),
            (model.name,),
            model.licence,
            note=None if entries else UNLEARNT,
            learns=True,
            learnt=None if entries is None else learnt_of(entries),
        )

    def encode(self, source: SourceImage) -> LivePortraitCode:
        return self._fallback.make(lambda: self._encoded(source))

    def generate(self, code: LivePortraitCode, target: Target) -> Patch:
        def patch(code: LivePortraitCode) -> Patch:
            entries = self.entries(self.renderer().model)
            return square_patch(code.cut, target, lambda: self.painted(code, target, entries))

        return self._fallback.use(code, patch, lambda: self._encoded(code.cut.source))

    def learn(self) -> Steps[Step, None, ExpressionEntries]:
        """Learn how the model's points move with our expressions, check its own pictures, and yield the steps.

        It learns from warped renders of the sample portrait. The result is kept for the model; closing the steps
        cancels, and nothing is kept.
        """
        from app.engine.generators.live_portrait_learning import learnt

        renderer = self.renderer()

        def entries_of(cut: CutOut) -> FloatArray:
            return np.asarray(read(renderer, seen(renderer, cut)).expression.double().numpy().ravel())

        def encoded(source: SourceImage) -> Callable[[Target, ExpressionEntries], Patch]:
            code = self.encode(source)
            return lambda target, entries: square_patch(
                code.cut, target, lambda: self.painted(code, target, entries)
            )

        entries = yield from learnt(entries_of, encoded)
        entries.save(entries_path(renderer.model))
        return entries

    def entries(self, model: Model) -> ExpressionEntries | None:
        """Return what was learnt for a model, None where nothing was; the file is read again when it changes."""
        from app.engine.points.expression import ExpressionEntries

        path = entries_path(model)
        try:
            key = path, path.stat().st_mtime_ns
        except OSError:
            return None
        if self._entries is None or self._entries[0] != key:
            found = ExpressionEntries.load(path)
            if found is None:
                return None
            self._entries = key, found
        return self._entries[1]

    def _encoded(self, source: SourceImage) -> LivePortraitCode:
        """Return the code of a face: its square, with the network's reading of it, drawn unedited."""
        import torch

        renderer = self.renderer()
        device = renderer.device
        cut = CutOut.of(source, turned_square(source.face.landmarks))
        with torch.inference_mode():
            motion = read(renderer, seen(renderer, cut))
            small = as_tensor(seen(renderer, cut, renderer.size)).to(device.torch_device, device.dtype)
            volume = renderer.network.appearance(small)
            points = motion.points()
            before = painted(renderer, volume, renderer.network.stitched(points, points), points)
        return LivePortraitCode(cut, volume, motion, before)

    def painted(self, code: LivePortraitCode, target: Target, entries: ExpressionEntries | None) -> Painted:
        """Return the square drawn for a target; entries: how expressions move the points, None where unknown."""
        import torch

        start = time.perf_counter()
        renderer = self.renderer()
        with torch.inference_mode():
            points = code.motion.points()
            wanted = asked_points(code, target, entries)
            after = painted(renderer, code.volume, renderer.network.stitched(points, wanted), points)
        made = time.perf_counter()
        result = code.cut.painted(code.before, after)
        times = (("network", 1e3 * (made - start)), ("paste", 1e3 * (time.perf_counter() - made)))
        return replace(result, ms=times)

    def renderer(self) -> LoadedLivePortrait:
        """Return the chosen model's network on the best device; EngineError without one."""
        model = chosen(KIND, self._name)
        if model is None:
            raise EngineError(
                "There is no LivePortrait model to render with.",
                "Import its folder with “mien models import FOLDER”.",
                "models",
            )
        key = model.sha256, best_device()
        if self._renderer is None or self._renderer[0] != key:
            self._renderer = None  # the old model's memory is freed before the next model takes its own
            self._renderer = key, loaded_renderer(model)
        return self._renderer[1]

    def close(self) -> None:
        """Release the network."""
        self._renderer = None


GENERATOR = LivePortrait


def variants() -> dict[str, Callable[[], LivePortrait]]:
    """Return each model as a backend of its own, where there are several."""
    return {f"{KIND}-{model.name}": partial(LivePortrait, model.name) for model in several(KIND)}


def entries_path(model: Model) -> Path:
    """Return the file in which the learnt map of a model lies."""
    return data_folder() / "calibrations" / f"{KIND}-{model.sha256[:16]}.npz"


def learnt_of(entries: ExpressionEntries) -> Learnt:
    """Return what menus and cards show of a learnt map."""
    readings = tuple((name, r.asked, r.read, r.corrected) for name, r in entries.readings.items())
    return Learnt(entries.count, max(0.0, 1 - entries.error**2), readings)


def loaded_renderer(model: Model) -> LoadedLivePortrait:
    """Return a model on the best device, ready to draw."""
    from app.engine.networks.live_portrait import LivePortrait as Network
    from app.engine.networks.live_portrait import fused

    loaded = load_model(model.name).network
    assert isinstance(loaded, Network)
    device = best_device()
    network = fused(loaded)
    for part in (network.appearance, network.warping, network.generator):
        part.to(device.torch_device, device.dtype).requires_grad_(False)

    def paint(volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        return network.paint(volume, driving, source).float()

    run = Graphed(paint) if device.kind == "cuda" else paint
    return LoadedLivePortrait(network, device, loaded.config.size // device.shrink, model, run)


def seen(renderer: LoadedLivePortrait, cut: CutOut, size: int | None = None) -> FloatPicture:
    """Return the square (size, size, 3) in [0, 1]; size None is the size at which the network reads its motion."""
    size = size or renderer.network.config.size
    return np.clip(shrunk(cut.photo, size, cut.square.turn), 0, 1)


def as_tensor(picture: FloatPicture) -> Tensor:
    """Return a picture (size, size, 3) as a tensor (1, 3, size, size)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))


def read(renderer: LoadedLivePortrait, picture: FloatPicture) -> Motion:
    """Return what the motion extractor reads in a square (size, size, 3) in [0, 1]."""
    return renderer.network.read(as_tensor(picture))


def painted(renderer: LoadedLivePortrait, volume: Tensor, driving: Tensor, source: Tensor) -> FloatPicture:
    """Return the picture (2 size, 2 size, 3) in [0, 1] of a volume whose source points move to the driving points.

    driving, source: (1, 21, 3), on the CPU.
    """
    device = renderer.device.torch_device
    picture = renderer.paint(volume, driving.to(device), source.to(device))
    values: Any = picture[0].permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(values, np.float32)


def asked_points(code: LivePortraitCode, target: Target, entries: ExpressionEntries | None) -> Tensor:
    """Return the driving points (1, 21, 3) of a target, before stitching.

    An edit is corrected so that a fresh fit reads it as asked; filmed movement is followed as it is.
    """
    import torch

    from app.engine.networks.live_portrait_points import placed, rotation

    own, motion = code.cut.source.face.params, code.motion
    edited = target.origin is Origin.ASKED
    camera = target.params.camera
    if edited and entries is not None:
        camera = corrected_camera(own.camera, camera, entries.pose)
    middle = motion.shift[0, :2].double().numpy()
    change = pose_change(own.camera, camera, code.cut.square, motion.points()[0].double().numpy(), middle)
    expression = motion.expression
    if entries is not None:
        moved = entries.entries(own.expression, target.params.expression, calibrate=edited)
        expression = expression + torch.from_numpy(moved).float()
    shift = torch.tensor([[*change.middle, 0.0]], dtype=torch.float32)
    turn = rotation(motion.degrees) @ torch.from_numpy(change.turn.T.copy()).float()
    wanted = replace(motion, expression=expression, scale=motion.scale * change.zoom, shift=shift)
    return placed(wanted, turn)
