"""How long the window is deaf: stalls of the GUI thread while a person drags, zooms, undoes and switches faces.

A timer of 1 ms ticks on the GUI thread; a gap between two ticks is a stall. The photo has 2048 px and the real
engine renders. Prints a histogram of the gaps and every gap over 50 ms with what was being done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
LIMIT_MS = 50.0
EDGES_MS = (2, 5, 10, 20, 33, 50, 100, 200, 500)
SIDE = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument(
        "--photo", type=Path, help="default: the sample twice side by side, so that it has two faces"
    )
    parser.add_argument("--json", type=Path, help="write the result here too")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["MIEN_HOME"] = home
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        photo = chosen.photo or two_faces(Path(home))
        result = Watch(photo, chosen.seconds).run()
    show(result)
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def two_faces(folder: Path) -> Path:
    """The sample portrait and its mirror image, side by side, enlarged to 2048 px."""
    import numpy as np
    from PIL import Image

    from app.engine.sample import sample_path

    with Image.open(sample_path()) as sample:
        pixels = np.asarray(sample.convert("RGB"))
    pair = Image.fromarray(np.concatenate([pixels, pixels[:, ::-1]], axis=1))
    path = folder / "two faces.png"
    pair.resize((SIDE, SIDE // 2), Image.Resampling.LANCZOS).save(path)
    return path


class Watch:
    """One window, one script, one clock."""

    def __init__(self, photo: Path, seconds: float) -> None:
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication

        from app.main import make_engine
        from app.session.session import Session
        from app.session.settings import Settings
        from app.ui import theme
        from app.ui.main_window import MainWindow

        self.app = QApplication([])
        theme.apply(self.app, "dark")
        settings = Settings()
        settings.tour_seen = True
        self.window = MainWindow(Session(make_engine), settings)
        self.photo, self.seconds = photo, seconds
        self.gaps: list[tuple[float, str]] = []
        self.doing = ""
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._tick)
        self._steps = QTimer()
        self._steps.setInterval(8)  # a mouse that sends 125 positions a second
        self._steps.timeout.connect(self._next)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append((1000 * (now - self._last), self.doing))
        self._last = now

    def run(self) -> dict[str, object]:
        self.window.resize(1440, 900)
        self.window.show()
        self.window.start(self.photo)
        session = self.window.session
        self._until(lambda: session.portrait is not None and session.scheduler.is_idle)
        self._until(lambda: self.window.edit_space.canvas.is_shown)
        self._script = self._person()
        self._end = time.perf_counter() + self.seconds
        self._last = time.perf_counter()
        self._timer.start()
        self._steps.start()
        self.app.exec()
        session.undo_stack.setClean()
        self.window.close()
        return self._result()

    def _until(self, there: object) -> None:
        while not there():  # type: ignore[operator]
            self.app.processEvents()
            time.sleep(0.005)

    def _next(self) -> None:
        if time.perf_counter() > self._end:
            self._timer.stop()
            self._steps.stop()
            self.app.quit()
            return
        self.doing = next(self._script)

    def _person(self) -> Iterator[str]:
        """Drags with the mouse where a person would, again and again."""
        while True:
            yield from self._slider("yaw")
            yield from self._head()
            yield from self._zoom()
            yield from self._slider("smile")
            yield from self._undo()
            yield from self._switch()

    def _slider(self, name: str) -> Iterator[str]:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        track = self.window.edit_space.edit.rows[name].row.track
        middle, width = track.height() // 2, track.width()
        QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=QPoint(width // 2, middle))
        for step in range(90):
            x = round(width * (0.5 + 0.35 * (step / 90 if step < 60 else (90 - step) / 45)))
            QTest.mouseMove(track, QPoint(x, middle))
            yield f"slider {name}"
        QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=QPoint(x, middle))
        for _ in range(30):
            yield f"after slider {name}"

    def _head(self) -> Iterator[str]:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        canvas = self.window.edit_space.canvas
        face = canvas.active_face
        if face is None:
            return
        start = canvas.view.to_view(face.point(10)).toPoint() + QPoint(0, 4)
        QTest.mouseMove(canvas, start)
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
        for step in range(60):
            QTest.mouseMove(canvas, start + QPoint(step // 2, step // 4))
            yield "drag on the face"
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(29, 14))
        yield "drag on the face"

    def _zoom(self) -> Iterator[str]:
        canvas = self.window.edit_space.canvas
        for factor in (1.2,) * 8 + (1 / 1.2,) * 8:
            canvas.zoom_by(factor)
            for _ in range(3):
                yield "zoom"
        self.window.actions_["fit"].trigger()
        yield "zoom"

    def _undo(self) -> Iterator[str]:
        for name in ("undo", "undo", "redo", "redo", "undo"):
            self.window.actions_[name].trigger()
            for _ in range(12):
                yield name

    def _switch(self) -> Iterator[str]:
        self.window.actions_["next_face"].trigger()
        for _ in range(40):
            yield "switch face"

    def _result(self) -> dict[str, object]:
        gaps = [gap for gap, _ in self.gaps]
        counts = Counter(next((f"< {edge}" for edge in EDGES_MS if gap < edge), "more") for gap in gaps)
        stalls = sorted(((round(gap, 1), doing) for gap, doing in self.gaps if gap > LIMIT_MS), reverse=True)
        ranked = sorted(gaps)
        return {
            "seconds": self.seconds,
            "histogram_ms": {key: counts[key] for key in [*(f"< {edge}" for edge in EDGES_MS), "more"]},
            "p99_ms": round(ranked[int(0.99 * len(ranked))], 1),
            "longest_ms": round(ranked[-1], 1),
            "over_50_ms": stalls,
        }


def show(result: dict[str, object]) -> None:
    histogram = result["histogram_ms"]
    assert isinstance(histogram, dict)
    most = max(histogram.values()) or 1
    for name, count in histogram.items():
        print(f"{name:>6} ms {count:7d} {'#' * round(50 * count / most)}")
    print(f"p99 {result['p99_ms']} ms, longest {result['longest_ms']} ms over {result['seconds']:.0f} s")
    stalls = result["over_50_ms"]
    assert isinstance(stalls, list)
    print(f"stalls over {LIMIT_MS:.0f} ms: {len(stalls)}")
    for gap, doing in stalls[:20]:
        print(f"  {gap:6.1f} ms  {doing}")


if __name__ == "__main__":
    main()
