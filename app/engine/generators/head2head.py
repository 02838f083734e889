"""Renders with personal models: Head2Head++ and Head2HeadFS networks that were trained on one person's footage.

Frames are made one after the other, each from the two frames before it. A still is the frame to which the sequence
converges when its conditions do not change. Only the difference from the network's picture of the unedited face is
pasted into the photo, so an edit of nothing gives the photo.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from app.engine.checkpoints.store import load_model, models, newest
from app.engine.contract import GeneratorInfo, Patch, SourceImage, Target
from app.engine.device import Device, MemoryFallback, best_device
from app.engine.errors import EngineError
from app.engine.face.controls import COMPONENTS, GAZE, PLACEMENT, POSE, SEMANTIC
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FaceParams
from app.engine.personal.record import Person
from app.engine.rendering.nmfc import make_renderer
from app.engine.squares.crop import Square
from app.engine.squares.patch import CutOut, square_patch

if TYPE_CHECKING:
    from torch import Tensor

    from app.engine.checkpoints.store import Model
    from app.engine.networks.head2head import Head2Head
    from app.engine.personal.conditioning import Frame2Frame
    from app.engine.personal.record import Person
    from app.engine.rendering.nmfc import NmfcRenderer
    from app.engine.squares.crop import FloatPicture
    from app.engine.squares.patch import CutOut, Painted

KINDS = ("head2head", "head2headfs")
LICENCE = "The personal model's own"
SETTLING = 4  # frames after which a still has converged: by then the two frames before show the same face
OBEYED = tuple(c.name for c in (*POSE, *PLACEMENT, *GAZE, *SEMANTIC, *COMPONENTS))


@dataclass(frozen=True, eq=False)
class LoadedPerson:
    """One personal model. eyes: whether the network is conditioned on eyes (Head2Head++); nmfc: draws conditions."""

    network: Head2Head
    person: Person
    eyes: bool
    nmfc: NmfcRenderer


@dataclass
class Sequence:
    """The recurrent state: the last frame's parameters and the network's two newest frames."""

    params: FaceParams | None = None
    state: Tensor | None = None


@dataclass(frozen=True, eq=False)
class PersonalCode:
    """One face of one photo, encoded.

    cut: the model's square in the photo; place: from the photo's frame to the footage's; before: (size, size, 3) in
    [0, 1], the network's picture of the unedited face; sequence: the state of a sequence of frames.
    """

    cut: CutOut
    place: Frame2Frame
    before: FloatPicture
    sequence: Sequence = field(default_factory=Sequence)


class PersonalModel:
    """Renders one person. name: of the model, None for the newest one."""

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._renderer: tuple[tuple[str, Device], LoadedPerson] | None = None
        self._fallback = MemoryFallback()

    @property
    def info(self) -> GeneratorInfo:
        model = chosen(self._name)
        if model is None:
            missing = (
                "it needs a model of a person: train one with “mien train head2head FOOTAGE”, or import one"
            )
            return GeneratorInfo(
                "head2head", "Personal model", 0, OBEYED, ("head2head",), LICENCE, (), missing
            )
        name = f"head2head-{self._name}" if self._name else "head2head"
        title = f"Personal model: {model.name}"
        return GeneratorInfo(
            name, title, int(model.config.get("size", 256)), OBEYED, (model.name,), model.licence
        )

    def encode(self, source: SourceImage) -> PersonalCode:
        return self._fallback.make(lambda: self._encoded(source))

    def generate(self, code: PersonalCode, target: Target) -> Patch:
        def patch(code: PersonalCode) -> Patch:
            return square_patch(code.cut, target, lambda: self._painted(code, target))

        return self._fallback.use(code, patch, lambda: self._encoded(code.cut.source))

    def _encoded(self, source: SourceImage) -> PersonalCode:
        from app.engine.personal.conditioning import Frame2Frame

        renderer = self.renderer()
        size = renderer.person.size
        ideal = Frame2Frame.of_cameras(source.face.params.camera, renderer.person.camera)
        x, y, side = ideal.square(size)
        square = Square(round(x), round(y), max(round(side), 1))
        code = PersonalCode(
            CutOut.of(source, square),
            Frame2Frame.of_square(square.x, square.y, square.side, size),
            np.zeros((0, 0, 3), np.float32),
        )
        return replace(code, before=frame(renderer, code, source.face.params, (), Sequence())[0])

    def _painted(self, code: PersonalCode, target: Target) -> Painted:
        start = time.perf_counter()
        edited, mask = frame(self.renderer(), code, target.params, target.history, code.sequence)
        made = time.perf_counter()
        painted = code.cut.painted(code.before, edited, after=mask)
        times = (("network", 1e3 * (made - start)), ("paste", 1e3 * (time.perf_counter() - made)))
        return replace(painted, ms=times)

    def renderer(self) -> LoadedPerson:
        """Return the chosen model's network on the best device; EngineError without one."""
        from app.engine.networks.head2head import Head2Head

        model = chosen(self._name)
        if model is None:
            raise EngineError(
                "There is no personal model to render with.", "Train one with “mien train head2head FOOTAGE”."
            )
        key = model.sha256, best_device()
        if self._renderer is None or self._renderer[0] != key:
            self.close()  # the old model's memory is freed before the next model takes its own
            loaded = load_model(model.name)
            network = best_device().place(loaded.network)
            assert isinstance(network, Head2Head)
            person = Person.of_tensors(loaded.extras)
            made = LoadedPerson(network, person, model.kind == "head2head", make_renderer())
            self._renderer = key, made
        return self._renderer[1]

    def close(self) -> None:
        """Release the network and the GL context, on the thread that used them."""
        if self._renderer is not None:
            self._renderer[1].nmfc.close()
        self._renderer = None


GENERATOR = PersonalModel


def variants() -> dict[str, Callable[[], PersonalModel]]:
    """Return every person's model as a backend of its own."""
    return {f"head2head-{model.name}": partial(PersonalModel, model.name) for model in personal_models()}


def personal_models() -> tuple[Model, ...]:
    """Return the installed models of persons."""
    return tuple(model for model in models() if model.kind in KINDS)


def chosen(name: str | None) -> Model | None:
    """Return the personal model of a name, or the newest one for None; None where there is no such model."""
    candidates = [model for model in personal_models() if name in (None, model.name)]
    return newest(candidates)


def frame(
    renderer: LoadedPerson,
    code: PersonalCode,
    params: FaceParams,
    history: tuple[FaceParams, ...],
    sequence: Sequence,
) -> tuple[FloatPicture, FloatPicture | None]:
    """Return the next frame (size, size, 3) in [0, 1] and, from Head2HeadFS, its person's mask (size, size), else None.

    history: the parameters before, oldest first. Where the last of them is the sequence's last frame, the new frame
    follows that one; otherwise it is a still.
    """
    past = history[-2:] if history else (params, params)
    goes_on = bool(history) and sequence.state is not None and sequence.params == history[-1]
    still = np.stack([conditions(renderer, code, p) for p in (*past, params)])
    state = sequence.state if goes_on else None
    picture, mask, sequence.state = next_frame(renderer, still, state, 1 if goes_on else SETTLING)
    sequence.params = params
    return picture, mask


def next_frame(
    renderer: LoadedPerson, newest: FloatPicture, state: Tensor | None, times: int = 1
) -> tuple[FloatPicture, FloatPicture | None, Tensor]:
    """Return the network's frame (size, size, 3) in [0, 1], Head2HeadFS's mask of the person (size, size) or None, and
    the state after that frame.

    newest: (n, C, size, size) conditions of the newest n frames, of which the network sees three; state: of the frame
    before, None starts from zeros; times: how many times the frame is made, each time following itself.
    """
    import torch

    from app.engine.networks.head2head import next_state, start_state
    from app.engine.personal.conditioning import windows

    device = best_device()
    window = torch.from_numpy(windows(newest)[-1:]).to(device.torch_device, device.dtype)
    state = start_state(window) if state is None else state
    with torch.inference_mode():
        for _ in range(times):
            output = renderer.network(window, state)
            state = next_state(state, output)
    values: Any = ((output[0].float().clamp(-1, 1) + 1) / 2).permute(1, 2, 0).cpu().numpy()
    picture = np.ascontiguousarray(values[..., :3], np.float32)
    return picture, np.ascontiguousarray(values[..., 3]) if values.shape[2] > 3 else None, state


def conditions(renderer: LoadedPerson, code: PersonalCode, params: FaceParams) -> FloatPicture:
    """Return the conditions (3 or 6, size, size) of one frame: NMFC, and eyes for Head2Head++, with the person's own
    identity.
    """
    from app.engine.personal.conditioning import condition

    person = renderer.person
    own = replace(
        params, identity=person.identity or params.identity, camera=code.place.camera(params.camera)
    )
    return condition(own, default_model(), renderer.nmfc, person.size, renderer.eyes)
