"""Keeps the newest inversions in `inversions/` of Mien's data folder, so that a photo is inverted once."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from app.engine.files import data_folder, written
from app.engine.latent.inversion import Inversion, InversionSettings

# Number of files: a tuned generator of 256 px takes some 25 MB, so they stay within half a gigabyte.
KEPT = 20


def cache_path(picture: str, settings: InversionSettings, models: tuple[str, ...]) -> Path:
    """Return the file of a face's inversion; picture: `SourceImage.key`; models: their hashes."""
    digest = hashlib.sha256(repr((picture, settings, models)).encode())
    return data_folder() / "inversions" / f"{digest.hexdigest()[:32]}.safetensors"


def load_inversion(path: Path) -> Inversion | None:
    """Return the stored inversion, None where there is none or it is damaged."""
    try:
        tensors = load_file(path)
        wplus = tensors.pop("wplus")
    except (OSError, SafetensorError, KeyError):
        return None
    path.touch()
    return Inversion(wplus, tensors)


def save_inversion(inversion: Inversion, path: Path) -> None:
    """Write an inversion, and delete the oldest files where there are more than KEPT."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {"wplus": inversion.wplus, **inversion.tuned}
    with written(path) as beside:
        save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, beside)
    stored = sorted(path.parent.glob("*.safetensors"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in stored[KEPT:]:
        old.unlink(missing_ok=True)
