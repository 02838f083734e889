"""Edits faces in StyleGAN2's latent space by learned directions ("Finding Directions in GAN's Latent Space for Neural
Face Reenactment").

The photo's face is cut as the generator's training faces were, inverted into W+ (by e4e, or by optimisation without an
encoder) and edited by delta w = A delta p. The inversion of a photo is kept on disk.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Generator as Steps
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.engine.contract import GeneratorInfo, LatentControl, Patch, SourceImage, Step, Target
from app.engine.device import Device, MemoryFallback, best_device, finished
from app.engine.errors import EngineError
from app.engine.face.controls import COMPONENTS, SEMANTIC
from app.engine.face.indices import CHIN
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FaceParams
from app.engine.latent.library import (
    LPIPS,
    N_PRINCIPAL,
    ensemble,
    imported_similarity,
    known_expression_map,
    load_latent_model,
    load_matrix,
    measuring_models,
)
from app.engine.latent.parameters import A, expression_change, pose_change
from app.engine.squares.crop import face_square, resized, to_depth
from app.engine.squares.patch import CutOut, patch_of

if TYPE_CHECKING:
    from torch import Tensor

    from app.engine.latent.expression_map import ExpressionMap
    from app.engine.latent.inversion import InversionSettings, LatentModel
    from app.engine.latent.library import Ensemble
    from app.engine.networks.directions import DirectionMatrix
    from app.engine.squares.crop import FloatPicture
    from app.engine.squares.patch import CutOut

LICENCE = "The imported generator's own"
DIRECTION, PRINCIPAL = "direction_", "pca_"
PRINCIPAL_REACH = 3.0  # standard deviations of W: end of a principal component's slider; our own choice
# Eye distances from the jaw's hinge to the chin; chosen by eye on inverted portraits.
JAW_LENGTH = 1.5
TITLES = {"yaw": "Yaw", "pitch": "Pitch", "roll": "Roll", "jaw": "Jaw"}


@dataclass(frozen=True, eq=False)
class Editor:
    """The networks of one ensemble.

    chosen: the ensemble; model: generator and encoder; matrix: learned directions, None without them; expression: the
    map from our components to its expression parameters, None where unknown; principal: components of W.
    """

    chosen: Ensemble
    model: LatentModel
    matrix: DirectionMatrix | None
    expression: ExpressionMap | None
    principal: Tensor


@dataclass(frozen=True, eq=False)
class LatentCode:
    """One face of one photo, encoded.

    editor: the networks; cut: the face's square in the photo; model: the generator that was tuned for the photo; wplus:
    the photo's latent code; before: (size, size, 3) in [0, 1], the generator's picture of the unedited face.
    """

    editor: Editor
    cut: CutOut
    model: LatentModel
    wplus: Tensor
    before: FloatPicture


def settings_from_environment() -> InversionSettings:
    """Return the inversion's settings; MIEN_CODE_STEPS and MIEN_TUNE_STEPS set the steps of its two optimisations."""
    from app.engine.latent.inversion import InversionSettings

    usual = InversionSettings()
    code, tune = os.environ.get("MIEN_CODE_STEPS"), os.environ.get("MIEN_TUNE_STEPS")
    return InversionSettings(
        usual.code_steps if code is None else max(0, int(code)),
        usual.tune_steps if tune is None else max(0, int(tune)),
    )


class StyleGan:
    """Edits faces in the latent space of an imported StyleGAN2 generator."""

    def __init__(self) -> None:
        self._editor: Editor | None = None
        self._device: Device | None = None  # where the editor's networks are
        self._fallback = MemoryFallback()

    @property
    def info(self) -> GeneratorInfo:
        chosen = ensemble()
        if chosen is None:
            missing = "it needs a StyleGAN2 generator of faces, such as stylegan-voxceleb.pt"
            return GeneratorInfo("stylegan", "Latent directions", 0, (), ("stylegan2",), LICENCE, (), missing)
        return GeneratorInfo(
            "stylegan",
            "Latent directions",
            chosen.size,
            controls(chosen),
            chosen.names,
            chosen.generator.licence,
            latent_controls(chosen),
            slow=True,
        )

    def encode(self, source: SourceImage) -> LatentCode:
        """Return the code of a face: its inversion, from the disk where it was kept."""
        return finished(self.encoding_steps(source))

    def encoding_steps(self, source: SourceImage) -> Steps[Step, None, LatentCode]:
        """Yield the work of `encode` in steps with previews, and return the code; closing the steps keeps nothing."""
        return self._fallback.steps(lambda: self._inverted(source))

    def _inverted(self, source: SourceImage) -> Steps[Step, None, LatentCode]:
        import torch

        from app.engine.latent.cache import cache_path, load_inversion, save_inversion
        from app.engine.latent.inversion import invert

        editor = self.editor()
        square = face_square(source.face.landmarks, editor.chosen.faces)
        cut = CutOut.of(source, square)
        size = editor.model.generator.size
        small = np.clip(resized(cut.photo, size), 0, 1)
        device = best_device().torch_device
        image = torch.from_numpy(small).permute(2, 0, 1)[None].to(device) * 2 - 1
        settings = settings_from_environment()
        measures = [model.sha256 for kind, model in measuring_models().items() if kind in LPIPS]
        picture = source.key or hashlib.sha256(small.tobytes()).hexdigest()
        path = cache_path(picture, settings, (*editor.chosen.hashes, *measures))
        inversion = load_inversion(path)
        if inversion is None:
            inversion = yield from invert(
                editor.model, image, settings, imported_similarity(device, editor.chosen.faces, LPIPS)
            )
            save_inversion(inversion, path)
        model, wplus = editor.model.tuned(inversion), inversion.wplus.to(device)
        before = rendered(model, shifted_by(editor, wplus, {}))
        return LatentCode(editor, cut, model, wplus, before)

    def generate(self, code: LatentCode, target: Target) -> Patch:
        def again() -> LatentCode:
            return finished(self._inverted(code.cut.source))

        return self._fallback.use(code, lambda code: self._edited(code, target), again)

    def _edited(self, code: LatentCode, target: Target) -> Patch:
        amounts = asked(code.editor, code.cut.source.face.params, target)
        if not any(amounts.values()):
            return patch_of(code.cut, None)
        start = time.perf_counter()
        edited = rendered(code.model, shifted_by(code.editor, code.wplus, amounts))
        made = time.perf_counter()
        painted = code.cut.painted(code.before, edited)
        times = (("network", 1e3 * (made - start)), ("paste", 1e3 * (time.perf_counter() - made)))
        return patch_of(code.cut, replace(painted, ms=times))

    def meaning(self, latents: Mapping[str, float], size: int) -> NDArray[np.uint8]:
        """Return a picture (size, size, 3) sRGB: what values of the generator's own sliders make of its mean face."""
        editor = self.editor()
        mean = editor.model.centre[:, None].repeat(1, editor.model.generator.n_latent, 1)
        made = rendered(editor.model, shifted_by(editor, mean, dict(latents)))
        return to_depth(resized(made, size), np.dtype(np.uint8))

    def editor(self) -> Editor:
        """Return the newest ensemble's networks on the best device; EngineError without one."""
        from app.engine.latent.discovery import principal_directions
        from app.engine.latent.inversion import LatentModel

        chosen = ensemble()
        if chosen is None:
            raise EngineError(
                "There is no StyleGAN2 generator to edit with.",
                "Import one with “mien models import FILE”.",
                "models",
            )
        found = best_device()
        if self._editor is not None and self._editor.chosen == chosen and self._device == found:
            return self._editor
        device = found.torch_device
        on_cpu = load_latent_model(chosen)
        encoder = None if on_cpu.encoder is None else on_cpu.encoder.to(device)
        model = LatentModel(on_cpu.generator.to(device), on_cpu.centre.to(device), on_cpu.truncation, encoder)
        loaded = load_matrix(chosen)
        matrix = None if loaded is None else loaded[0].to(device)
        principal = principal_directions(model.generator, N_PRINCIPAL)
        self._editor = Editor(chosen, model, matrix, known_expression_map(chosen), principal)
        self._device = found
        return self._editor


GENERATOR = StyleGan


def controls(chosen: Ensemble) -> tuple[str, ...]:
    """Return the names of the controls that the direction matrix obeys: the pose angles that it has, and expressions
    where a map from our components is known.
    """
    parameters = chosen.parameterisation
    if parameters is None:
        return ()
    pose = tuple(name for name in ("yaw", "pitch", "roll") if name in parameters.names)
    if known_expression_map(chosen) is not None:
        faces = tuple(c.name for c in (*SEMANTIC, *COMPONENTS))
        return pose + tuple(name for name in faces if not name.startswith(("blink", "eyes")))
    return (*pose, "mouth_open") if "jaw" in parameters.names else pose


def latent_controls(chosen: Ensemble) -> tuple[LatentControl, ...]:
    """Return the matrix's columns from -6 to 6 and the principal components of W in standard deviations."""
    parameters = chosen.parameterisation
    names = () if parameters is None else parameters.names
    learned = [
        LatentControl(DIRECTION + name, TITLES.get(name, f"Expression {name[3:]}"), -A, A) for name in names
    ]
    found = [
        LatentControl(f"{PRINCIPAL}{k}", f"Component {k} of W", -PRINCIPAL_REACH, PRINCIPAL_REACH)
        for k in range(1, N_PRINCIPAL + 1)
    ]
    return (*learned, *found)


def asked(editor: Editor, before: FaceParams, target: Target) -> dict[str, float]:
    """Return the inputs, by the latent controls' names, of a target: of its change of pose and expression and of its
    latent sliders.
    """
    amounts = dict(target.latents)
    parameters = editor.chosen.parameterisation
    if parameters is None:
        return amounts
    change = expression_change(before, target.params)
    wanted = pose_change(before, target.params)
    if editor.expression is None and np.any(change):
        wanted["jaw"] = jaw_change(change)
    inputs = parameters.shift(wanted)[0].astype(np.float64)
    if editor.expression is not None:
        inputs += editor.expression.inputs(change)
    for name, value in zip(parameters.names, inputs):
        amounts[DIRECTION + name] = amounts.get(DIRECTION + name, 0.0) + float(value)
    return amounts


def jaw_change(change: NDArray[np.float64]) -> float:
    """Return the jaw's turn in radians of an expression's change (28,) sigmas, by how far the chin goes down."""
    model = default_model()
    down = -float((change * model.expression_sigma) @ model.expression_basis[:, CHIN, 1])
    return down / JAW_LENGTH


def shifted_by(editor: Editor, wplus: Tensor, amounts: dict[str, float]) -> Tensor:
    """Return the edited W+; without any amounts only the matrix's bias is added, as in the released code."""
    import torch

    from app.engine.latent.discovery import moved
    from app.engine.networks.directions import shifted

    with torch.no_grad():
        if editor.matrix is not None and editor.chosen.parameterisation is not None:
            names = editor.chosen.parameterisation.names
            inputs = torch.tensor([[amounts.get(DIRECTION + name, 0.0) for name in names]])
            wplus = shifted(wplus, editor.matrix(inputs.to(wplus)))
        along = [amounts.get(f"{PRINCIPAL}{k + 1}", 0.0) for k in range(len(editor.principal))]
        return moved(wplus, editor.principal, torch.tensor([along]).to(wplus)) if any(along) else wplus


def rendered(model: LatentModel, wplus: Tensor) -> FloatPicture:
    """Return the picture (size, size, 3) in [0, 1] of a latent code, drawn in half precision where that is quicker."""
    import torch

    device = best_device()
    half = device.precision == "float16"
    with torch.inference_mode(), torch.autocast(device.kind, torch.float16, enabled=half):
        image = model.render(wplus)[0]
    values: Any = ((image.float().clamp(-1, 1) + 1) / 2).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(values, np.float32)
