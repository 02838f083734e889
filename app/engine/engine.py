"""Joins portraits and what drives them into the engine, all of which runs on one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from app.engine.contract import DrivenFace, Step
from app.engine.driving.animation import Animation, scene_of
from app.engine.driving.clip_driving import drive_clip
from app.engine.driving.driver import Driver
from app.engine.driving.live import Controls
from app.engine.driving.resting import rest_in
from app.engine.engine_like import LiveAnimation
from app.engine.face.landmarks import FaceTracker
from app.engine.portraits import Portraits
from app.engine.sources.frames import FrameSource


class Engine(Portraits):
    """Portraits that can also be driven, live or to a film; this class fits `EngineLike`."""

    animation: Animation | None = None  # the live animation that runs

    def animate(
        self,
        driven: DrivenFace,
        source: FrameSource,
        on_begin: Callable[[LiveAnimation], None] | None = None,
    ) -> Iterator[Step]:
        """Drive a face live and yield a step a frame; while it runs, `animation` records, calibrates and pauses it."""
        yield from self.ensure_encoded(driven.portrait, driven.edits, driven.face)
        with FaceTracker(video=True, live=True) as tracker:
            scene = scene_of(self, driven.portrait, driven.face, driven.edits, driven.max_side)
            controls = Controls(driven.settings, driven.edit)
            self.animation = Animation(scene, source, Driver(self.model, tracker), controls)
            try:
                if on_begin is not None:
                    on_begin(self.animation)
                yield from self.animation.steps()
            finally:
                self.animation.close()
                self.animation = None

    def drive(
        self,
        driven: DrivenFace,
        driver: Path,
        output: Path,
        audio: bool = False,
        rest_at: float | None = None,
    ) -> Iterator[Step]:
        """Let a clip or a performance drive a face, write the film, and yield a step a frame."""
        yield from self.ensure_encoded(driven.portrait, driven.edits, driven.face)
        yield from drive_clip(self, driven, driver, output, audio, rest_at)

    def rest(self, driver: Path, at: float | None = None) -> Iterator[Step]:
        """Look through a clip or a performance for its driver's face at rest; the last step is a `RestStep`."""
        yield from rest_in(self.model, driver, at)
