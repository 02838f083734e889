"""Reads LivePortrait's released files: five that make one model, as .pth or as the safetensors in circulation.

The released folder has the subfolders `base_models` and `retargeting_models`; other folders hold the five together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors, check_names, tensors_only
from app.engine.errors import EngineError

if TYPE_CHECKING:
    from torch import nn

Content = Mapping[str, Any]

BASE = {  # the file's name without its ending -> the network's name here
    "appearance_feature_extractor": "appearance",
    "motion_extractor": "motion",
    "warping_module": "warping",
    "spade_generator": "generator",
}
SMALL_FILE = "stitching_retargeting_module"
SMALL = {  # the name in that file -> the network's name here
    "retarget_shoulder": "stitching",
    "retarget_eye": "retarget_eye",
    "retarget_mouth": "retarget_lip",
}
FILES = (*BASE, SMALL_FILE)
ENDINGS = (".safetensors", ".pth")  # where a folder has both, the first is read
# SHA-256 of the files at huggingface.co/KlingTeam/LivePortrait (revision 82a4fa67) and, as safetensors, at
# huggingface.co/Kijai/LivePortrait_safetensors (revision 59f30f36).
PUBLISHED = {
    "appearance_feature_extractor.pth": "5279bb8654293dbdf327030b397f107237dd9212fb11dd75b83dfb635211ceb5",
    "motion_extractor.pth": "251e6a94ad667a1d0c69526d292677165110ef7f0cf0f6d199f0e414e8aa0ca5",
    "warping_module.pth": "2f61a6f265fe344f14132364859a78bdbbc2068577170693da57fb96d636e282",
    "spade_generator.pth": "4780afc7909a9f84e24c01d73b31a555ef651521a1fe3b2429bd04534d992aee",
    "stitching_retargeting_module.pth": "3652d5a3f95099141a56986aaddec92fadf0a73c87a20fac9a2c07c32b28b611",
    "appearance_feature_extractor.safetensors": (
        "38bef5de50a92bf1fc66e8c511051a19dfacdf80c37f8713425ec15dc9ca7d34"
    ),
    "motion_extractor.safetensors": "3568cd410e29d046771acb55ecfdfe4c7c197d345bd8b7f95942ef63130b6c9e",
    "warping_module.safetensors": "f7b7834bd6039b4088f72e5161e60ad366f68a3763df8a3eac0bc0f9d46fdbbf",
    "spade_generator.safetensors": "ca04fbec765745e9eae836d2d7522c274647b277ce5f25104fa1705b75222212",
    "stitching_retargeting_module.safetensors": (
        "60725cf3523ae413880da28ed583c9e84c5c25695a0cef1b77210ea31cc424ea"
    ),
}
LICENCE = "MIT (the card of huggingface.co/KlingTeam/LivePortrait)"
USE = (
    "Free for any use, also commercial; keep the licence's notice. "
    "Mien finds faces itself and needs none of the detectors that LivePortrait's repository brings along"
)
FOREIGN = "These are not the files that its makers published: ask whoever made them what you may do with them"


def files_of(path: Path) -> dict[str, Path] | None:
    """Return the five files by name; `path`: their folder, or any one of them. None where it is something else.

    EngineError where some of the files are missing.
    """
    if path.is_file():
        if path.stem not in FILES or path.suffix not in ENDINGS:
            return None
        path = path.parent.parent if path.parent.name.endswith("_models") else path.parent
    found = {}
    for name in FILES:
        places = [
            place
            for ending in ENDINGS
            for depth in ("", "*/", "*/*/")
            for place in sorted(path.glob(f"{depth}{name}{ending}"))
        ]
        if places:
            found[name] = places[0]
    missing = [name for name in FILES if name not in found]
    if not found:
        return None
    if missing:
        raise EngineError(
            f"Of LivePortrait's five files, these are missing: {', '.join(missing)}.",
            "Put all five into one folder and import that.",
        )
    return found


def published(sha256: Mapping[Path, str]) -> bool:
    """Return whether every file has the SHA-256 of a file that its makers published."""
    return all(PUBLISHED.get(path.name) == value for path, value in sha256.items())


def joined(contents: Mapping[str, Content]) -> Found:
    """Return one model of the five files' contents, with spectral norms folded into the generator's weights."""
    import torch

    from app.engine.networks.blocks import fold_spectral_norm
    from app.engine.networks.live_portrait import LivePortrait, LivePortraitConfig

    with torch.device("meta"):
        released = LivePortrait()
    parts = {part: tensors_only(contents[name]) for name, part in BASE.items()}
    parts |= {part: small_part(contents[SMALL_FILE], name) for name, part in SMALL.items()}
    weights: Tensors = {}
    for part, tensors in parts.items():
        check_names(tensors, released.get_submodule(part), f"LivePortrait's {part} network")
        folded = fold_spectral_norm(tensors) if part == "generator" else tensors
        weights |= {f"{part}.{name}": value for name, value in folded.items()}
    return Found(weights, asdict(LivePortraitConfig(spectral=False)))


def small_part(content: Content, name: str) -> Tensors:
    """Return the weights of one of the small networks.

    In the .pth it has a state dict of its own; in the safetensors its keys begin with `NAME_module.`.
    """
    inner = content.get(name)
    if not isinstance(inner, Mapping):
        start = f"{name}_module."
        inner = {key.removeprefix(start): v for key, v in content.items() if key.startswith(start)}
    return {key.removeprefix("module."): value for key, value in tensors_only(inner).items()}


def read(content: Content) -> Found | None:
    """Recognise no single file: a public one is only a part, and Mien's own files name their kind."""
    marks = ("detector.fc_kp.weight", "dense_motion_network.mask.weight", "G_middle_0.conv_0.bias")
    if any(mark in content for mark in (*marks, "resblocks_3d.3dr0.conv1.weight", *SMALL)):
        raise EngineError(
            "This is one of LivePortrait's five files under another name.",
            f"Import the folder with all five: {', '.join(FILES)}.",
        )
    return None


def network(config: Config) -> nn.Module:
    from app.engine.networks.live_portrait import LivePortrait, LivePortraitConfig

    return LivePortrait(LivePortraitConfig(**config))


def run(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return the points of source and driving (1, 3, 256, 256) in [0, 1], the stitched points, and the picture of the
    source at the driving points without stitching.
    """
    from app.engine.networks.live_portrait import LivePortrait

    assert isinstance(module, LivePortrait)
    source, driving = (module.read(inputs[name]).points() for name in ("source", "driving"))
    image = module.paint(module.appearance(inputs["source"]), driving, source)
    stitched = module.stitched(source, driving)
    return {"source_x": source, "driving_x": driving, "stitched_x": stitched, "image": image}


LIVE_PORTRAIT = Kind("live-portrait", "LivePortrait", LICENCE, USE, read, network, run)
KINDS = (LIVE_PORTRAIT,)
