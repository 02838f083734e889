"""Keeps small pictures of the photos opened last on disk, beside the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage, QPixmap

from app.engine.files import data_folder
from app.engine.imaging.photo import Photo
from app.ui.canvas.display import to_display

SIDE_PX = 192  # px: twice the size shown, for screens of double density


def path_of(file: Path) -> Path:
    """Return where the thumbnail of a photo or project is kept."""
    name = hashlib.sha256(str(file.absolute()).encode()).hexdigest()[:32]
    return data_folder() / "thumbnails" / f"{name}.png"


def keep(file: Path, photo: Photo, others: Iterable[Path]) -> None:
    """Keep thumbnails of the photo opened as `file` and of `others`; delete all other thumbnails."""
    target = path_of(file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # the list then shows no picture
    _square(photo).save(str(target))
    wanted = {target, *map(path_of, others)}
    for old in target.parent.glob("*.png"):
        if old not in wanted:
            old.unlink(missing_ok=True)


def thumbnail_of(file: Path) -> QPixmap | None:
    """Return the thumbnail of a file opened before, if there is one."""
    found = path_of(file)
    picture = QPixmap(str(found)) if found.is_file() else QPixmap()
    return None if picture.isNull() else picture


def _square(photo: Photo) -> QImage:
    """Return the photo's middle square in the screen's colours."""
    width, height = photo.size
    side = min(width, height)
    grid = ((np.arange(SIDE_PX) + 0.5) / SIDE_PX * side).astype(int)
    rows, columns = grid + (height - side) // 2, grid + (width - side) // 2
    at = rows[:, None], columns
    alpha = None if photo.alpha is None else np.ascontiguousarray(photo.alpha[at])
    return to_display(np.ascontiguousarray(photo.pixels[at]), alpha, photo.icc).levels[0].copy()
