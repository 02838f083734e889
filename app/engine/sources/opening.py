"""Opens what can drive a portrait: a clip, pictures or a performance, recognised by its ending."""

from __future__ import annotations

from pathlib import Path

from app.engine.errors import EngineError
from app.engine.files import require_file
from app.engine.imaging.endings import PICTURES
from app.engine.sources import mienclip
from app.engine.sources.animated import AnimatedSource, holds_film, is_animated
from app.engine.sources.frames import FrameSource
from app.engine.sources.performance import PerformanceSource
from app.engine.sources.performance_files import read_performance
from app.engine.sources.pictures import PictureSource
from app.engine.sources.video import VideoSource


def open_source(path: Path) -> FrameSource:
    """Return the source of a clip, a picture (also animated), a folder of pictures, a performance or a compressed clip.

    EngineError where the file is none of them or cannot be read.
    """
    if path.is_dir():
        paths = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
        if not paths:
            raise EngineError(f"The folder {path.name} holds no pictures.", "Choose a folder of frames.")
        return PictureSource(paths)
    require_file(path)
    if path.suffix.lower() in (".performance", ".csv"):
        return PerformanceSource(read_performance(path), path.name)
    if path.suffix.lower() == mienclip.ENDING:
        return PerformanceSource(mienclip.read_clip(path)[1], path.name)
    if path.suffix.lower() in PICTURES:
        if is_animated(path):
            return AnimatedSource(path)
        if not holds_film(path):
            return PictureSource([path])
    return VideoSource(path)
