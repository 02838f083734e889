"""mesh-warp with a network of our own on top: a residual flow, and paint where the warp has no texture.

The network sees the head at 256 px (`warping.evidence`); what it says is brought to the photo's size and applied to
the warped photo, whose detail stays. Where it says nothing, and for every small edit's unmoved part, the picture is
mesh-warp's, bit by bit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.contract import GeneratorInfo, Patch, SourceImage, Target
from app.engine.device import Device, Survivor, best_device, multiplies_in_bfloat16
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceParams
from app.engine.generators.mesh_warp import MeshWarp, WarpCode
from app.engine.squares.crop import Square
from app.engine.warping.curves import Float32
from app.engine.warping.evidence import LAYERS, Evidence, cut_square, evidence, portrait_layers
from app.engine.warping.posing import Posed

if TYPE_CHECKING:
    from torch import Tensor

    from app.engine.checkpoints.store import Model
    from app.engine.networks.refiner import Refiner

KIND = "refiner"
WORK = 256  # px of the square that the network sees
STILL = 0.05  # px of the photo: a smaller residual flow moves nothing


@dataclass(frozen=True, eq=False)
class RefinedCode:
    """warp: mesh-warp's own code; portrait: (6, 128, 128) of `portrait_layers`."""

    warp: WarpCode
    portrait: Float32


@dataclass(frozen=True, eq=False)
class Additions:
    """What the network adds in a square of the photo, at 256 px: flow (256, 256, 2) px of the square at 256, and paint
    (256, 256, 3), 2 = the whole range, already shared out by its confidence."""

    flow: Float32
    paint: Float32
    square: Square


class RefinedWarp:
    """Uses the newest refiner of the user's, else the one that ships with Mien."""

    def __init__(self) -> None:
        self._warp = MeshWarp()
        self._loaded: tuple[str, Refiner, Device] | None = None
        self._survivor = Survivor()

    @property
    def info(self) -> GeneratorInfo:
        own, model = self._warp.info, chosen()
        if model is None:
            missing = "it needs a refiner: train one with “mien train refiner FOLDER”"
            return GeneratorInfo(
                "refined-warp", "Mesh warp, refined (trial)", 0, own.controls, (KIND,), "", (), missing
            )
        return GeneratorInfo(
            "refined-warp", "Mesh warp, refined (trial)", 0, own.controls, (model.name,), model.licence
        )

    def encode(self, source: SourceImage) -> RefinedCode:
        """mesh-warp's code and what the network sees of the portrait. EngineError for a face too small to move."""
        code = self._warp.encode(source)
        return RefinedCode(code, portrait_layers(code.face, code.layers.texture))

    def landmarks(
        self, code: RefinedCode, params: FaceParams, irises: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(478, 3) px: where the warp draws the landmarks."""
        return self._warp.landmarks(code.warp, params, irises)

    def generate(self, code: RefinedCode, target: Target) -> Patch:
        return self._survivor.use(code, lambda code: self._refined(code, target), lambda: code)

    def _refined(self, code: RefinedCode, target: Target) -> Patch:
        start = time.perf_counter()
        posed = self._warp.posed(code.warp, target)
        pose = ("pose", 1000 * (time.perf_counter() - start))
        patch = self._warp.drawn(code.warp, posed)
        if patch.pixels.size == 0:
            return patch
        start = time.perf_counter()
        additions = self._additions(code, posed, patch)
        refined = applied(code.warp.pixels, patch, additions)
        stage = ("refine", 1000 * (time.perf_counter() - start))
        return replace(patch, pixels=refined, ms=(pose, *patch.ms, stage))

    def fold_overs(self, code: RefinedCode, target: Target) -> int:
        """mesh-warp's: the residual flow is too short to fold."""
        return self._warp.fold_overs(code.warp, target)

    def warm_up(self) -> None:
        """Compile mesh-warp's kernels and read the network."""
        self._warp.warm_up()
        if chosen() is not None:
            self._network()

    def _additions(self, code: RefinedCode, posed: Posed, patch: Patch) -> Additions:
        warp = code.warp
        known = evidence(warp.face, posed, warp.surface.hidden, warp.layers.texture, warp.layers.hold)
        network, device = self._network()
        return network_additions(network, device, in_square(warp.pixels, patch, known.square), known, code)

    def _network(self) -> tuple[Refiner, Device]:
        """The chosen model's network on the best device; EngineError without one."""
        import torch

        from app.engine.checkpoints.store import load_model
        from app.engine.networks.refiner import Refiner as Network

        model = chosen()
        if model is None:
            raise EngineError("There is no refiner to refine with.", "Train one with “mien train refiner”.")
        device = best_device()
        if self._loaded is None or (self._loaded[0], self._loaded[2]) != (model.sha256, device):
            network = load_model(model.name).network
            assert isinstance(network, Network)
            network = device.place(network)
            if multiplies_in_bfloat16(device.torch_device):
                network = network.to(torch.bfloat16)
            self._loaded = model.sha256, network, device
        return self._loaded[1:]


GENERATOR = RefinedWarp


def chosen() -> Model | None:
    """The newest model of the user's, else the shipped one."""
    from app.engine.checkpoints.store import models, newest

    return newest(models(KIND))


def in_square(photo: NDArray[Any], patch: Patch, square: Square) -> NDArray[Any]:
    """(256, 256, 3) of the photo with the patch in it."""
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = square.inside(width, height)
    return cut_square(_pasted(photo, patch, (x0, y0, x1, y1)), _moved(square, -x0, -y0), WORK)


def _moved(square: Square, x: int, y: int) -> Square:
    return Square(square.x + x, square.y + y, square.side)


def _pasted(photo: NDArray[Any], patch: Patch, box: tuple[int, int, int, int]) -> NDArray[Any]:
    """The box (x0, y0, x1, y1) of the photo with the patch in it."""
    x0, y0, x1, y1 = box
    part = photo[y0:y1, x0:x1].copy()
    height, width = patch.pixels.shape[:2]
    left, top = max(x0, patch.x), max(y0, patch.y)
    right, bottom = min(x1, patch.x + width), min(y1, patch.y + height)
    if left < right and top < bottom:
        inner = patch.pixels[top - patch.y : bottom - patch.y, left - patch.x : right - patch.x]
        part[top - y0 : bottom - y0, left - x0 : right - x0] = inner
    return part


def network_additions(
    network: Refiner, device: Device, warped: NDArray[Any], known: Evidence, code: RefinedCode
) -> Additions:
    """One run of the network on a warped square (256, 256, 3) and what the warp knows of it."""
    import torch
    import torch.nn.functional as F

    from app.engine.networks.refiner import GATE, share

    top = np.float32(np.iinfo(warped.dtype).max)
    picture = np.ascontiguousarray(warped.transpose(2, 0, 1), np.float32) * (2 / top) - 1
    arrays = (picture, known.planes, known.facts, code.portrait)
    with torch.inference_mode():
        tensors = [torch.from_numpy(a[None]).to(device.torch_device) for a in arrays]
        gate = tensors[1][:, GATE : GATE + 1]
        out = network(*(_as_weights(tensor, network) for tensor in tensors))
        trusted = network.config.trust * (out.confidence.float() - network.config.doubt)
        made = [share(trusted, gate, (WORK, WORK)) * out.paint.float()]
        if network.config.flow:
            flow, opened = (
                F.interpolate(plane, size=(WORK, WORK), mode="bilinear", align_corners=False)
                for plane in (out.flow.float(), gate)
            )
            made.append(flow * opened)
        values: Any = torch.cat(made, dim=1)[0].permute(1, 2, 0).contiguous().cpu().numpy()
    moved = values[..., 3:] if network.config.flow else np.zeros((WORK, WORK, 2), np.float32)
    return Additions(np.ascontiguousarray(moved), np.ascontiguousarray(values[..., :3]), known.square)


def _as_weights(tensor: Tensor, network: Refiner) -> Tensor:
    """In the network's precision and its order in memory."""
    import torch

    layout = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
    return tensor.to(network.first.weight.dtype, memory_format=layout)


def applied(photo: NDArray[Any], patch: Patch, additions: Additions) -> NDArray[Any]:
    """The patch's pixels with the additions at the photo's size; where they are 0 the same, bit by bit.

    A cut-out photo (a patch with alpha) is only painted, so that its outline stays that of its alpha.
    """
    square, (height, width) = additions.square, patch.pixels.shape[:2]
    x0, y0, x1, y1 = _moved(square, -patch.x, -patch.y).inside(width, height)
    if x0 >= x1 or y0 >= y1 or not (additions.flow.any() or additions.paint.any()):
        return patch.pixels
    out = patch.pixels.copy()
    view = out[y0:y1, x0:x1]
    place = np.array([patch.x + x0 - square.x, patch.y + y0 - square.y], np.float32)
    scale = WORK / square.side
    back = np.array([[scale, 0, (place[0] + 0.5) * scale - 0.5], [0, scale, (place[1] + 0.5) * scale - 0.5]])
    top = np.iinfo(out.dtype).max

    def full(picture: Float32) -> Float32:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (view.shape[1], view.shape[0])
        return np.asarray(
            cv2.warpAffine(picture, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
        )

    if patch.alpha is None and additions.flow.any():
        _move(view, full(additions.flow) / np.float32(scale))
    depth = cv2.CV_16U if out.dtype == np.uint16 else cv2.CV_8U
    view[:] = cv2.add(view, full(additions.paint * np.float32(top / 2)), dtype=depth)
    return out


def _move(view: NDArray[Any], flow: Float32) -> None:
    """Fetch the picture anew along a flow (h, w, 2) px, in place, where there is any."""
    dx, dy = cv2.split(flow)
    moves = ((np.abs(dx) > STILL) | (np.abs(dy) > STILL)).view(np.uint8)
    dx += np.arange(view.shape[1], dtype=np.float32)
    dy += np.arange(view.shape[0], dtype=np.float32)[:, None]
    fetched = cv2.remap(view, dx, dy, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    view[:] = cv2.copyTo(fetched, moves, view)


assert LAYERS[-1] == "gate"
