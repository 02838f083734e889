"""Records what is shown, with capture times as presentation times, without delaying the view."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.files import check_place, unwritable
from app.engine.film.provenance import Mark
from app.engine.film.sinks import FilmSink, OnShare, PngSink, Sink
from app.engine.imaging.endings import FILMS
from app.engine.sound.audio import SoundClock, SoundTrack

# Number of pictures that may wait for the encoder: half a second, 40 MB at 1024 px. A live film drops further ones and
# counts them.
PICTURES_WAITING = 12
# Seconds of sound that may wait; further sound becomes silence, so that memory cannot fill.
SOUND_WAITING = 20.0
DISK_RESERVE = 32 * 1024 * 1024  # bytes of the disk that stay free: enough to write the film's index


@dataclass(frozen=True)
class Recording:
    """A finished recording.

    path: the file or folder; pictures: the number of those written; dropped: the number of those lost; error: why it
    ended early, None where it did not; duration: seconds from the first picture to the end of the last one, or to the
    last one's start where its own duration is unknown.
    """

    path: Path
    pictures: int
    dropped: int
    duration: float
    error: EngineError | None = None


@dataclass(frozen=True, eq=False)
class _Item:
    data: NDArray
    seconds: float
    is_sound: bool
    lasts: float | None = None


class Recorder:
    """Writes pictures and sound to `path`: .mp4, .webm, or a folder of pictures (see `checked_place`).

    rate: constant frames per second, which are kept exactly, None for capture times; sound: (rate, channels) of
    `write_sound`, None for a silent film; live: whether to encode quickly and, where the encoder cannot follow, to drop
    pictures rather than to wait; trained: whether a trained network makes the pictures.
    """

    def __init__(
        self,
        path: Path,
        rate: Fraction | None = None,
        sound: tuple[int, int] | None = None,
        live: bool = True,
        trained: bool = False,
    ) -> None:
        path = checked_place(path)
        self.path, self._rate, self._sound, self._live = path, rate, sound, live
        self._mark = Mark(trained)
        self._clock = SoundClock(sound[0]) if sound else None
        self._sink: Sink | None = None
        self._start: float | None = None
        self._last, self._lasts = -1.0, 0.0
        self.pictures = self.dropped = 0
        self.error: EngineError | None = None
        self._waiting: deque[_Item] = deque()
        self._pictures_waiting = 0
        self._sound_waiting = 0.0  # seconds
        self._change = threading.Condition()
        self._closing = self._finished = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def duration(self) -> float:
        """Return the seconds recorded so far, as `Recording.duration` counts them."""
        return max(0.0, self._last) + self._lasts

    @property
    def waiting(self) -> int:
        """Return the number of pictures and pieces of sound that are not written yet."""
        return len(self._waiting)

    def write(self, picture: NDArray[np.uint8], time: float, lasts: float | None = None) -> bool:
        """Add a picture (H, W, 3) that is shown at `time` seconds; return False where it was dropped.

        time: on any clock that all pictures and sound share; lasts: seconds for which it is shown, which counts for the
        film's last picture.
        """
        if self.error or self._closing:
            return False
        if self._start is None:
            self._start, self._size = time, picture.shape
        seconds = time - self._start
        if picture.shape != self._size or picture.dtype != np.uint8:
            raise ValueError("a recording's pictures have one size and are uint8")
        if seconds <= self._last:
            return False
        with self._change:
            while not self._live and self._pictures_waiting >= PICTURES_WAITING and not self.error:
                self._change.wait()
            if self._pictures_waiting >= PICTURES_WAITING or self.error:
                self.dropped += 1
                return False
            self._last, self._lasts = seconds, lasts or 0.0
            self._pictures_waiting += 1
            self._put(_Item(picture, seconds, is_sound=False, lasts=lasts))
        return True

    def write_sound(self, samples: NDArray[np.float32], time: float) -> None:
        """Add samples (n, channels) in [-1, 1] that were captured from `time` seconds on (the pictures' clock)."""
        if self._start is None or self._clock is None or self.error or self._closing:
            return
        assert self._sound is not None
        seconds = self._clock.place(time, len(samples)) - self._start
        early = max(0, min(len(samples), round(-seconds * self._sound[0])))
        if early == len(samples) or (self._live and self._sound_waiting > SOUND_WAITING):
            return
        with self._change:
            start = max(0.0, seconds + early / self._sound[0])
            self._sound_waiting += (len(samples) - early) / self._sound[0]
            self._put(_Item(samples[early:].copy(), start, is_sound=True))

    def stop(self, track: SoundTrack | None = None, on_share: OnShare | None = None) -> Recording:
        """Finish the film and return the recording; EngineError where nothing was recorded.

        track: a clip's sound for the film; on_share: called with the share, 0 to 1, of a long film that is finished.
        """
        self._end()
        if self._sink is None:
            raise self.error or EngineError("Nothing was recorded.", "Record for at least one picture.")
        if isinstance(self._sink, FilmSink):
            self._sink.track = track
        path, self._finished = self.path, True
        try:
            path = self._sink.close(keep=True, on_share=on_share)
            if self.error is not None:
                kept = f"{self.error.message} What was recorded until then is in {path}."
                self.error = EngineError(kept, self.error.remedy)
        except EngineError as error:
            self.error = error
        return Recording(path, self.pictures, self.dropped, self.duration, self.error)

    def discard(self) -> None:
        """Stop and leave no file; a film that `stop` has finished stays."""
        self._end()
        if self._sink is not None and not self._finished:
            self._sink.close(keep=False)

    def _end(self) -> None:
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join()

    def _put(self, item: _Item) -> None:
        self._waiting.append(item)
        self._change.notify_all()

    def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._write_out(item)
        except BrokenPipeError:
            self._fail(EngineError("The encoder stopped.", "Choose another folder or name."))
        except OSError as error:
            self._fail(unwritable(self.path, error))
        except Exception as error:  # an error of this thread must reach the user
            self._fail(EngineError(f"The recording stopped: {error}.", "Choose another folder or name."))

    def _next(self) -> _Item | None:
        with self._change:
            while not self._waiting:
                if self._closing:
                    return None
                self._change.wait()
            item = self._waiting.popleft()
            self._pictures_waiting -= not item.is_sound
            if item.is_sound and self._sound is not None:
                self._sound_waiting -= len(item.data) / self._sound[0]
            self._change.notify_all()
            return item

    def _write_out(self, item: _Item) -> None:
        if self._sink is None:
            self._sink = self._open()
        if item.is_sound:
            self._sink.sound(item.data, item.seconds)
            return
        self._sink.picture(item.data, item.seconds, item.lasts)
        self.pictures += 1
        if self.pictures % 30 == 1 and disk_left(self.path) < DISK_RESERVE:
            raise OSError(28, "the disk is full")

    def _open(self) -> Sink:
        if self.path.suffix.lower() == ".png":
            return PngSink(self.path, self._mark)
        height, width = self._size[:2]  # the pictures' size; sound may arrive before the first picture
        return FilmSink(self.path, (width, height), self._rate, self._sound, self._live, self._mark)

    def _fail(self, error: EngineError) -> None:
        with self._change:
            self.error = error
            self._waiting.clear()
            self._change.notify_all()


def checked_place(path: Path) -> Path:
    """Return the path at which a recording is written, checked before any work is done for it.

    A path that ends in .png, one without an ending and one of a folder that is there all mean a folder of pictures,
    whose path is returned with the ending .png. EngineError where no film can be written, or where the folder is not
    empty.
    """
    with suppress(OSError):  # a name that is too long is reported below
        if path.suffix.lower() not in FILMS and (path.is_dir() or not path.suffix):
            path = path.with_name(f"{path.name}.png")
    if path.suffix.lower() not in FILMS:
        raise EngineError(
            f"Films cannot be written as “{path.suffix}”.", f"Use {', '.join(FILMS)}, or name a folder."
        )
    if path.suffix.lower() != ".png":
        check_place(path)
        return path
    folder = path.with_suffix("")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise EngineError(f"The folder {folder} is not empty.", "Choose an empty or a new one.")
    except OSError as error:
        raise unwritable(folder, error) from error
    check_place(folder / "times.csv" if folder.is_dir() else folder)
    return path


def disk_left(path: Path) -> int:
    """Return the free bytes of the disk that a file at `path` would be on."""
    return shutil.disk_usage(path.parent).free
