"""Renders with HeadGAN (Doukas et al.), which animates one photo by the NMFCs of a 3D face, through a learned flow.

The network paints the head's square at its own size. The photo's detail, which that size loses, is moved along the flow
that the network predicts, at the photo's resolution, so an edit of nothing gives the photo.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from app.engine.checkpoints.store import chosen, load_model, several
from app.engine.contract import GeneratorInfo, Patch, SourceImage, Target
from app.engine.cuda_graph import Graphed
from app.engine.device import Device, MemoryFallback, best_device
from app.engine.errors import EngineError
from app.engine.face.controls import COMPONENTS, PLACEMENT, POSE, SEMANTIC
from app.engine.face.dense import imported_dense
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FaceParams
from app.engine.rendering.nmfc import make_renderer
from app.engine.squares.crop import resized
from app.engine.squares.patch import CutOut, head_square, in_square, square_patch

if TYPE_CHECKING:
    from torch import Tensor

    from app.engine.checkpoints.store import Model
    from app.engine.face.dense import DenseFace
    from app.engine.face.morphable_model import MorphableModel
    from app.engine.networks.fused import FusedHeadGan
    from app.engine.rendering.nmfc import NmfcRenderer
    from app.engine.squares.crop import FloatPicture, Square
    from app.engine.squares.patch import CutOut, Painted

KIND = "headgan"
# px of a side of the released network's picture; networks trained here may have another size in their extras
IMAGE_SIZE = 256
OBEYED = tuple(control.name for control in (*POSE, *PLACEMENT, *SEMANTIC, *COMPONENTS))


@dataclass(frozen=True, eq=False)
class LoadedHeadGan:
    """One HeadGAN model.

    network: encodes references; paint: draws a frame (see `painter`); device: where both are; size: px of a side of the
    network's picture; silence: (1, 300) audio features of a still, None for a network without sound; nmfc: draws the
    conditions; mesh: the one that nmfc draws.
    """

    network: FusedHeadGan
    paint: Callable[..., Tensor]
    device: Device
    size: int
    silence: Tensor | None
    nmfc: NmfcRenderer
    mesh: MorphableModel | DenseFace


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of the network.

    picture: (size, size, 3) in [0, 1]; flow: (size, size, 2) px, from a place of the picture to its place in the
    reference.
    """

    picture: FloatPicture
    flow: FloatPicture


@dataclass(frozen=True, eq=False)
class HeadGanCode:
    """One face of one photo, encoded.

    cut: the head's square in the photo; reference: the network's features of it; before: the network's picture of the
    unedited face.
    """

    cut: CutOut
    reference: Any  # networks.fused.Reference, on the device
    before: Frame


class HeadGan:
    """Renders with one HeadGAN model. name: of the model; None takes the newest one, else the one that Mien ships."""

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._renderer: tuple[tuple[str, Device], LoadedHeadGan] | None = None
        self._fallback = MemoryFallback()

    @property
    def info(self) -> GeneratorInfo:
        from app.engine.sound.speech import UNHEARD, can_recognise

        model = chosen(KIND, self._name)
        if model is None:
            missing = "it needs a HeadGAN checkpoint, such as the authors' latest_net_G.pth"
            return GeneratorInfo(KIND, "HeadGAN", IMAGE_SIZE, OBEYED, (KIND,), "", (), missing)
        deaf = model.config.get("audio") and not can_recognise()
        note = UNHEARD if deaf else None
        name, title = (f"{KIND}-{self._name}", f"HeadGAN: {self._name}") if self._name else (KIND, "HeadGAN")
        return GeneratorInfo(name, title, IMAGE_SIZE, OBEYED, (model.name,), model.licence, note=note)

    def encode(self, source: SourceImage) -> HeadGanCode:
        return self._fallback.make(lambda: self._encoded(source))

    def generate(self, code: HeadGanCode, target: Target) -> Patch:
        def patch(code: HeadGanCode) -> Patch:
            return square_patch(code.cut, target, lambda: self._painted(code, target))

        return self._fallback.use(code, patch, lambda: self._encoded(code.cut.source))

    def _encoded(self, source: SourceImage) -> HeadGanCode:
        """Return the code of a face: its square, encoded as the reference and drawn unedited."""
        renderer = self.renderer()
        cut = CutOut.of(source, head_square(source.face))
        own = window(renderer, cut.square, (source.face.params,))
        reference = encoded(renderer, cut.photo, own[6:])
        return HeadGanCode(cut, reference, rendered(renderer, reference, own, None))

    def _painted(self, code: HeadGanCode, target: Target) -> Painted:
        start = time.perf_counter()
        renderer = self.renderer()
        conditions = window(renderer, code.cut.square, (*target.history[-2:], target.params))
        drawn = time.perf_counter()
        after = rendered(renderer, code.reference, conditions, target.audio)
        made = time.perf_counter()
        flow = after.flow - code.before.flow
        painted = code.cut.painted(code.before.picture, after.picture, flow)
        times = (
            ("nmfc", 1e3 * (drawn - start)),
            ("network", 1e3 * (made - drawn)),
            ("paste", 1e3 * (time.perf_counter() - made)),
        )
        return replace(painted, ms=times)

    def renderer(self) -> LoadedHeadGan:
        """Return the chosen model's network on the best device; EngineError without one."""
        model = chosen(KIND, self._name)
        if model is None:
            raise EngineError(
                "There is no HeadGAN model to render with.",
                "Import one with “mien models import FILE”.",
                "models",
            )
        key = model.sha256, best_device()
        if self._renderer is None or self._renderer[0] != key:
            self.close()  # the old model's memory is freed before the next model takes its own
            self._renderer = key, loaded_renderer(model)
        return self._renderer[1]

    def close(self) -> None:
        """Release the network and the GL context, on the thread that used them."""
        if self._renderer is not None:
            self._renderer[1].nmfc.close()
        self._renderer = None


GENERATOR = HeadGan


def variants() -> dict[str, Callable[[], HeadGan]]:
    """Return each model as a backend of its own, where there are several."""
    return {f"{KIND}-{model.name}": partial(HeadGan, model.name) for model in several(KIND)}


def loaded_renderer(model: Model) -> LoadedHeadGan:
    """Return a model on the best device, ready to draw."""
    import torch

    from app.engine.networks.fused import FusedHeadGan
    from app.engine.networks.headgan import HeadGan as Network
    from app.engine.sound.features import silence

    loaded = load_model(model.name)
    assert isinstance(loaded.network, Network)
    device = best_device()
    network: FusedHeadGan = device.place(FusedHeadGan(loaded.network))
    size = int(loaded.extras["image_size"]) if "image_size" in loaded.extras else IMAGE_SIZE
    size = size // device.shrink // 4 * 4
    quiet = torch.from_numpy(silence()) if loaded.network.config.audio else None
    released = "image_size" not in loaded.extras
    dense = imported_dense() if released else None  # the mesh that the authors' networks were trained with
    nmfc = make_renderer() if dense is None else make_renderer(dense.coordinates, dense.triangles)
    return LoadedHeadGan(
        network, painter(network, device), device, size, quiet, nmfc, dense or default_model()
    )


def window(renderer: LoadedHeadGan, square: Square, frames: tuple[FaceParams, ...]) -> FloatPicture:
    """Return the NMFCs (9, size, size) of the newest three frames in the square; frames: in the photo's pixels."""
    from app.engine.generators.nmfc_window import nmfc_window

    placed = [in_square(params, square, renderer.size) for params in frames]
    return nmfc_window(placed, renderer.mesh, renderer.nmfc, renderer.size)


def painter(network: FusedHeadGan, device: Device) -> Callable[..., Tensor]:
    """Return the function that draws a frame as float32 (1, 5, size, size): picture in [0, 1] and flow.

    It takes a reference's tensors, NMFCs and, for a network with sound, audio features. On CUDA it runs as one graph.
    """
    import torch

    from app.engine.networks.fused import Reference

    def paint(
        full: Tensor, half: Tensor, quarter: Tensor, photo: Tensor, normal: Tensor, *rest: Tensor
    ) -> Tensor:
        out = network.animate(Reference((full, half, quarter), photo, normal), *rest)
        return torch.cat([(out.image.float().clamp(-1, 1) + 1) / 2, out.flow.float()], dim=1)

    return Graphed(paint) if device.kind == "cuda" else paint


def encoded(renderer: LoadedHeadGan, photo: FloatPicture, nmfc: FloatPicture) -> Any:
    """Return the reference of a portrait; photo: (side, side, 3) in [0, 1]; nmfc: (3, size, size)."""
    import torch

    small = 2 * np.clip(resized(photo, renderer.size), 0, 1).transpose(2, 0, 1) - 1
    tensor = torch.from_numpy(np.concatenate([nmfc, small])[None])
    with torch.inference_mode():
        return renderer.network.encode(tensor.to(renderer.device.torch_device, renderer.device.dtype))


def rendered(
    renderer: LoadedHeadGan, reference: Any, conditions: FloatPicture, audio: tuple[float, ...] | None
) -> Frame:
    """Return one frame, with one transfer to the device and one back.

    conditions: (9, size, size) NMFCs; audio: (300,) features, None for silence.
    """
    import torch

    device = renderer.device
    sound = renderer.silence if audio is None else torch.tensor([audio])
    with torch.inference_mode():
        nmfc = torch.from_numpy(conditions[None]).to(device.torch_device, device.dtype)
        heard = (
            ()
            if renderer.silence is None or sound is None
            else (sound.to(device.torch_device, device.dtype),)
        )
        both = renderer.paint(*reference.levels, reference.photo, reference.normal, nmfc, *heard)
    values: Any = both[0].permute(1, 2, 0).cpu().numpy()
    return Frame(np.ascontiguousarray(values[..., :3]), np.ascontiguousarray(values[..., 3:]))
