"""Searches a clip or performance, before it drives, for the driver's identity and face at rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine.contract import Step
from app.engine.driving.driver import Driver
from app.engine.driving.neutral import best_neutral
from app.engine.driving.steps import RestStep
from app.engine.errors import EngineError
from app.engine.face.landmarks import FaceTracker
from app.engine.face.parameters import FaceParams
from app.engine.sources.frames import Frame, FrameSource
from app.engine.sources.opening import open_source
from app.engine.sources.performance import Performance, PerformanceSource

if TYPE_CHECKING:
    from app.engine.face.morphable_model import MorphableModel

# Number of frames in which identity and neutral are sought; chosen so that the search takes seconds.
LOOKED_AT = 40
LONGEST_LOOK = 1500  # frames, which is a minute at 25 a second
UNSURE = 0.5  # certainty, 0 to 1: below it the chosen frame has a smile, a turn or parted lips; chosen by eye


class Look:
    """A search through the clip or performance at `path`.

    driver: knows identity and face at rest once the steps are done; rest: the step that says what was found, None
    where no face was seen; rest_at: seconds into the clip at which the face is at rest, None to find the frame. The
    caller owns `tracker` and closes it.
    """

    def __init__(
        self, model: MorphableModel, tracker: FaceTracker, path: Path, rest_at: float | None = None
    ) -> None:
        self._model, self._path, self._rest_at = model, path, rest_at
        self.driver = Driver(model, tracker)
        self.rest: RestStep | None = None

    def steps(self) -> Iterator[Step]:
        """Yield a step a frame, then `rest`; EngineError where the frame at `rest_at` shows no face."""
        yield Step(0, 0, f"Looking through {self._path.name}")
        with closing(open_source(self._path)) as source:
            if isinstance(source, PerformanceSource):
                self.rest = self._rest_of_performance(source.performance)
            else:
                yield from self._rest_of_clip(source)
        if self.rest is not None:
            yield self.rest

    def _rest_of_clip(self, source: FrameSource) -> Iterator[Step]:
        asked, newest, shows = self._rest_at, None, False
        for frame in sampled(source, asked):
            seen = self.driver.look(frame)
            if asked is not None and frame.time <= asked + _half_a_frame(source):
                newest, shows = frame, seen
            yield Step(0, 0, f"Looking through {self._path.name}")
        if asked is not None and not shows:
            what = f"No face was found at {asked:.1f} s of {self._path.name}."
            raise EngineError(what, "Choose another moment for the face at rest.")
        found = self.driver.settle(newest)
        if found is not None:
            frame, rest = found
            words, picture = self._words(frame.time, rest.sure), self.driver.calibration.picture
            length = source.total / float(source.rate) if source.rate else frame.time
            self.rest = RestStep(0, 0, words, seconds=frame.time, sure=rest.sure, face=picture, length=length)

    def _rest_of_performance(self, performance: Performance) -> RestStep:
        if self._rest_at is not None:
            performance = performance.resting_at(self._rest_at)
        self.driver.calibration.set(neutral_of(performance, self._model))
        return RestStep(0, 0, seconds=self._rest_at, length=performance.duration)

    def _words(self, seconds: float, sure: float | None) -> str:
        """Return the sentence that tells users of the command line what was found."""
        where = f"Face at rest: {seconds:.2f} s into {self._path.name}"
        if sure is None:
            return f"{where}, as chosen"
        return f"{where}, {100 * sure:.0f} % sure{'' if sure >= UNSURE else '; choose another with --neutral-at'}"


def acquainted_driver(model: MorphableModel, tracker: FaceTracker, path: Path) -> Driver:
    """Return a driver that knows identity and neutral from a search through its clip or performance."""
    look = Look(model, tracker, path)
    for _ in look.steps():
        pass
    return look.driver


def rest_in(model: MorphableModel, path: Path, rest_at: float | None = None) -> Iterator[Step]:
    """Yield the steps of a search whose driver is not needed; EngineError where no face is seen."""
    with FaceTracker(video=True) as tracker:
        look = Look(model, tracker, path, rest_at)
        yield from look.steps()
    if look.rest is None:
        raise no_face(path)


def no_face(path: Path) -> EngineError:
    """Return the error for a clip in which no face was found."""
    return EngineError(f"No face was found in {path.name}.", "Choose a clip of one person's face.")


def neutral_of(performance: Performance, model: MorphableModel) -> FaceParams:
    """Return a performance's calibrated neutral, else the mean of its most restful frames."""
    if performance.neutral is not None:
        return performance.neutral
    return best_neutral([performance.params(k) for k in range(len(performance))], model)


def sampled(source: FrameSource, also_at: float | None = None) -> Iterator[Frame]:
    """Yield evenly spaced frames of the whole clip, or of the beginning of a long one, and the frame at `also_at`
    seconds.
    """
    length = min(source.total or LONGEST_LOOK, LONGEST_LOOK)
    every = max(1, length // LOOKED_AT)
    before: Frame | None = None
    while (frame := source.take(1.0)) is not None and (frame.index < length or also_at is not None):
        if also_at is not None and frame.time > also_at + _half_a_frame(source):
            also_at = None
            if before is not None:
                yield before
        before = None
        if frame.index < length and frame.index % every == 0:
            yield frame
        elif also_at is not None:
            before = frame
    if before is not None:
        yield before


def _half_a_frame(source: FrameSource) -> float:
    """Return half the seconds of a frame, by which a moment given in tenths of a second may miss its frame."""
    return 0.5 / float(source.rate) if source.rate else 0.0
