"""Finishes a film on a thread of its own, so that the portrait goes on moving meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.engine.errors import EngineError

if TYPE_CHECKING:
    from app.engine.film.recorder import Recorder, Recording
    from app.engine.sound.audio import SoundTrack


class Saving:
    """The work of finishing a recording, for which the program waits before it ends.

    If the program is killed, the growing film stays on the disk and plays. share: share of the work that is done, in
    [0, 1]; recording, error: one of the two is set once `done`; on_change: called on this object's thread whenever one
    of these changes.
    """

    def __init__(
        self, recorder: Recorder, track: SoundTrack | None, on_change: Callable[[Saving], None] | None = None
    ) -> None:
        self.path, self.share = recorder.path, 0.0
        self.recording: Recording | None = None
        self.error: EngineError | None = None
        self._recorder, self._track, self._on_change = recorder, track, on_change
        self._thread = threading.Thread(target=self._run, name="saving", daemon=False)
        self._thread.start()

    @property
    def done(self) -> bool:
        return self.recording is not None or self.error is not None

    def result(self) -> Recording:
        """Wait for the end of the work and return the recording; EngineError where nothing could be kept."""
        self._thread.join()
        if self.recording is None:
            assert self.error is not None
            raise self.error
        return self.recording

    def _run(self) -> None:
        try:
            self.recording = self._recorder.stop(self._track, self._on_share)
        except EngineError as error:
            self.error = error
        except Exception as error:  # an error of this thread must reach the user
            self.error = EngineError(
                f"The film could not be finished: {error}.", f"What was recorded lies beside {self.path}."
            )
        self._changed()

    def _on_share(self, share: float) -> None:
        self.share = share
        self._changed()

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change(self)
