"""Uses the window with the real engine for a minute and counts the stalls of the GUI.

python tools/gui_stalls.py [--seconds 60] [--side 2048] [--photo FILE] [-o docs/gui_stalls.md]

The script drags, zooms, undoes and switches faces. A stall is a time in which the event loop did not come
round: a timer that is due every 5 ms notes how late it was. The time in which the GUI's thread could have run
but the kernel gave the processor to others is subtracted (Linux counts it: /proc/thread-self/schedstat), so
that a busy machine is not blamed on Mien. Stalls over 50 ms are listed with what the script was doing. Before
that, a slider is dragged with a generator that takes three seconds: this measures how soon its draft is there
and how soon a Cancel acts, and checks that no picture of an older value ever comes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # app.main does the same
# This script must not touch a person's settings and recovery files.
HOME = tempfile.mkdtemp(prefix="mien-stalls-")
os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = os.environ["MIEN_HOME"] = HOME

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer  # noqa: E402
from PySide6.QtGui import QMouseEvent, QWheelEvent  # noqa: E402
from PySide6.QtWidgets import QApplication, QWidget  # noqa: E402

TICK_MS = 5  # milliseconds between two ticks of the timer
LIMIT_MS = 50.0  # milliseconds from which a turn counts as a stall
REST_S = 10.0  # seconds in which nothing is done; a stall then comes from the machine's other work
SETTLING_MS = 1000  # milliseconds; three times what converting a photo of 2048 px for the screen takes
RESTING = "resting"
BINS = (10, 20, 30, 40, 50, 75, 100, 200, 500, 10_000)  # ms; upper ends of the histogram
NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton


class Watch(QObject):
    """Notes how long the event loop was away, and what the script did meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.doing = "start"
        self.gaps: list[tuple[float, str]] = []
        self._last = time.perf_counter()
        self._queued = queued_s()
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now, queued = time.perf_counter(), queued_s()
        late = now - self._last - (queued - self._queued)
        self.gaps.append((late * 1e3 - TICK_MS, self.doing))
        self._last, self._queued = now, queued


def queued_s() -> float:
    """Return the seconds in which this thread has waited for a processor so far; 0 where the kernel does not say."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def two_faces(photo: Path | None, side: int) -> Path:
    """Return a photo of `side` pixels with two faces: the given one, or the sample beside its own mirror image."""
    from PIL import Image, ImageOps

    if photo is not None:
        return photo
    from app.engine.sample import sample_path

    half = Image.open(sample_path()).convert("RGB").resize((side // 2, side // 2), Image.Resampling.LANCZOS)
    both = Image.new("RGB", (side, side), (90, 90, 90))
    both.paste(half, (0, side // 4))
    both.paste(ImageOps.mirror(half), (side // 2, side // 4))
    path = Path(HOME) / f"two faces {side}.png"
    both.save(path)
    return path


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint) -> None:
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else LEFT
    event = QMouseEvent(kind, QPointF(at), QPointF(widget.mapToGlobal(at)), button, held, NONE)
    QApplication.sendEvent(widget, event)


def drag(widget: QWidget, start: QPoint, way: QPoint, steps: int = 30) -> Iterator[None]:
    """Press, move there and half way back, release; one event per turn of the loop."""
    mouse(widget, QEvent.Type.MouseButtonPress, start)
    for step in itertools.chain(range(1, steps + 1), range(steps - 1, steps // 2, -1)):
        mouse(widget, QEvent.Type.MouseMove, start + way * step / steps)
        yield
    mouse(widget, QEvent.Type.MouseButtonRelease, start + way / 2)
    yield


DRAWN: list[tuple[Any, Any]] = []  # the engine's last pictures with their edits
SLOW_S = 3.0  # seconds that the drafted generator takes
TURNS = tuple(float(value) for value in range(3, 15))  # degrees asked one after the other


def with_slow_generator(make: Callable[[], Any]) -> Callable[[], Any]:
    """Return a maker of the real engine with one more generator: the mesh warp after three seconds, which can
    be stopped meanwhile, as networks can.
    """
    from app.engine.contract import GeneratorInfo
    from app.engine.interruption import check

    def made() -> Any:
        engine = make()
        own, select, render, state = engine.generators, engine.select, engine.render, {"slow": False}

        def selected(name: str) -> None:
            state["slow"] = name == "slow"
            select("mesh-warp" if state["slow"] else name)

        def rendered(portrait: Any, edits: Any, side: Any = None, stop: Any = None) -> Any:
            asked = any(not edit.is_identity for edit in edits.values())
            end = time.monotonic() + SLOW_S * (state["slow"] and asked)
            while time.monotonic() < end:
                check(stop)
                time.sleep(0.01)
            picture = render(portrait, edits, side, stop)
            DRAWN[:] = [*DRAWN[-8:], (picture.pixels, edits)]
            ms = picture.ms | {"generate": picture.ms.get("generate", 0.0) + 1e3 * SLOW_S}
            return replace(picture, ms=ms) if state["slow"] and asked else picture

        controls = next(info.controls for info in own() if info.name == "mesh-warp")
        slow = GeneratorInfo("slow", "Three seconds", 512, controls, (), "MIT")
        engine.generators = lambda: (*own(), slow)
        engine.select, engine.render = selected, rendered
        return engine

    return made


def drafted(window: Any) -> str:
    """Return, in milliseconds, the time from a value to its first picture with the mesh warp and with a slow
    generator, and the time that a Cancel takes.
    """
    session, seen, at, stale = window.session, [], [], []

    def note(rendered: Any) -> None:
        asked = next((edits for pixels, edits in DRAWN if pixels is rendered.pixels), None)
        if not rendered.draft and asked is not None and dict(asked) != dict(session.document.edits):
            stale.append(rendered)
        seen.append(rendered)
        at.append(time.perf_counter())

    session.rendered.connect(note)
    shown = {}
    for name in ("mesh-warp", "slow"):
        seen.clear()
        session.set_generator(name)
        wait(lambda name=name: session.document.generator == name and session.scheduler.is_idle)
        if name == "slow":
            wait(lambda: bool(seen))  # its first picture, by whose time the session knows that it is slow
        shown[name] = []
        for turn in TURNS:
            if name == "mesh-warp":
                wait(lambda: session.scheduler.is_idle)
            turn_events(200)
            seen.clear()
            at.clear()
            start = time.perf_counter()
            session.set_value("yaw", turn)
            wait(lambda: bool(seen))
            shown[name].append(1e3 * (at[0] - start))
            if name == "slow" and not seen[0].draft:
                raise SystemExit("The slow generator's picture came without a draft.")
    if stale:
        raise SystemExit("A finished picture of an older value was shown.")
    wait(lambda: not seen[-1].draft)  # the finished picture of the last value
    whole = time.perf_counter() - start
    cancelled = cancel_ms(session)
    session.rendered.disconnect(note)
    session.set_generator("mesh-warp")
    wait(lambda: session.scheduler.is_idle)
    first = {name: sorted(times)[len(times) // 2] for name, times in shown.items()}
    return (
        f"From a value to its first picture: {first['mesh-warp']:.0f} ms with the mesh warp, {first['slow']:.0f} ms "
        f"(a draft) with a generator that takes {SLOW_S:.0f} s, whose own picture was there after {whole:.1f} s; "
        f"medians of {len(TURNS)} values, none ever out of date. Cancel ends its drawing in {cancelled:.0f} ms."
    )


def cancel_ms(session: Any) -> float:
    """Return the milliseconds in which Cancel ends the drawing of a slow generator."""
    drawing: list[Any] = []
    session.scheduler.drawing.connect(drawing.append)
    session.set_value("yaw", 0.0)
    wait(lambda: bool(drawing) and drawing[-1] >= 0)
    turn_events(500)
    start = time.perf_counter()
    session.scheduler.cancel_drawing()
    wait(lambda: drawing[-1] < 0)
    session.scheduler.drawing.disconnect(drawing.append)
    return 1e3 * (time.perf_counter() - start)


def script(window) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """Do what an artist does, over and over; yield what is being done."""
    canvas, edit, session = window.edit_space.canvas, window.edit_space.edit, window.session
    for name in itertools.cycle(("smile", "yaw", "mouth_open", "brow_left", "pitch", "blink_left")):
        row = edit.rows[name].row
        edit.reveal(name)
        knob = QPoint(round(row.track.x_of(row.value)), 10)
        for _ in drag(row.track, knob, QPoint(24, 0)):
            yield f"dragging {name}"
        for landmark in (291, 13, 105):
            handle = 0 if landmark == 13 else landmark
            at = canvas.view.to_view(canvas.active_face.point(handle)).toPoint()
            for _ in drag(canvas, at, QPoint(6, -5), 15):
                yield "dragging a handle"
        cheek = canvas.active_face.point(50)  # away from every handle
        face = canvas.view.to_view(cheek).toPoint()
        for _ in drag(canvas, face, QPoint(20, 8), 15):
            yield "turning the head"
        yield from zooms(canvas)
        for _ in range(3):
            session.undo_stack.undo()
            yield "undoing"
        session.undo_stack.redo()
        yield "redoing"
        canvas.toggle_split()
        yield "comparing"
        for _ in drag(canvas, QPoint(canvas.width() // 2, canvas.height() // 2), QPoint(120, 0), 15):
            yield "comparing"
        canvas.set_split(0.5)
        canvas.toggle_split()
        canvas.face_chosen.emit((canvas.active + 1) % len(canvas.faces))
        yield "switching faces"


def zooms(canvas) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """Zoom in and out by the wheel, then to full size and to the fit; yield what is being done."""
    where = QPointF(canvas.width() * 0.4, canvas.height() * 0.4)
    for notches in (1,) * 6 + (-1,) * 6:
        button, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(where, where, QPoint(), QPoint(0, 120 * notches), button, NONE, phase, False)
        QApplication.sendEvent(canvas, event)
        yield "zooming"
    canvas.actual_size()
    yield "zooming"
    canvas.fit()
    yield "zooming"


def turn_events(milliseconds: int) -> None:
    """Run the event loop as the program does, because QTest.qWait would keep Python's lock from the engine."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def wait(until: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise SystemExit("The window did not come to rest.")
        turn_events(20)


def measure(seconds: float, photo: Path, size: tuple[int, int]) -> tuple[Watch, str]:
    """Run the script for so many seconds; return what was watched, and what the drafts took."""
    from app.main import SWITCH_S, make_engine
    from app.session.session import Session
    from app.session.settings import Settings
    from app.ui import theme
    from app.ui.main_window import MainWindow

    app = QApplication.instance() or QApplication(["mien"])
    settings = Settings(Path(HOME) / "settings.ini")
    settings.tour_seen = True
    theme.apply(app, "dark")  # type: ignore[arg-type]
    window = MainWindow(Session(with_slow_generator(make_engine)), settings)
    window.resize(*size)
    window.show()
    window.start(photo)
    wait(lambda: window.session.portrait is not None)
    wait(lambda: window.session.scheduler.is_idle)
    turn_events(SETTLING_MS)  # meanwhile another thread makes the canvas's own copy of the photo
    if len(window.session.portrait.faces) < 1:
        raise SystemExit("There is no face in the photo.")
    sys.setswitchinterval(SWITCH_S)
    drafts = drafted(window)
    watch, steps = Watch(), script(window)
    watch.doing = RESTING
    turn_events(round(REST_S * 1e3))
    watch.doing = "start"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        watch.doing = next(steps)
        turn_events(8)  # a mouse reports about every 8 ms
    watch.doing = "end"
    window.autosave.close()
    window.session.stop()
    return watch, drafts


def report(watch: Watch, seconds: float, what: str) -> str:
    """Return the histogram and the stalls, as Markdown."""
    rest = [gap for gap, doing in watch.gaps if doing == RESTING]
    counted = [(gap, doing) for gap, doing in watch.gaps if doing != RESTING]
    gaps = [gap for gap, _ in counted]
    lows = (0, *BINS[:-1])
    counts = [sum(low <= gap < high for gap in gaps) for low, high in zip(lows, BINS)]
    counts[0] += sum(gap < 0 for gap in gaps)
    most = max(counts)
    asked = "`tools/gui_stalls.py` counted how long single turns of the GUI's event loop took:"
    lines = [f"# Stalls of the GUI\n\n{asked}\n{what}, {seconds:.0f} s, {len(gaps)} turns.\n", "```"]
    for low, high, count in zip(lows, BINS, counts):
        label = f"{low:>4} to {high:<4} ms" if high < 10_000 else f"over {low} ms   "
        lines.append(f"{label:<16}{count:>6}  {'#' * -(-count * 50 // most)}")
    lines.append("```\n")
    stalls = sorted(((g, d) for g, d in counted if g > LIMIT_MS), reverse=True)
    lines.append(f"Turns over {LIMIT_MS:.0f} ms: {len(stalls)}; the longest took {max(gaps):.0f} ms.")
    calm = sum(gap > LIMIT_MS for gap in rest)
    lines.append(f"In {REST_S:.0f} s at rest before: {calm}; the longest took {max(rest):.0f} ms.")
    for doing, count in Counter(doing for _, doing in stalls).most_common():
        longest = max(g for g, d in stalls if d == doing)
        lines.append(f"- {doing}: {count}, longest {longest:.0f} ms")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--size", default="1440x900", help="of the window")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    width, height = (int(n) for n in chosen.size.split("x"))
    photo = two_faces(chosen.photo, chosen.side)
    watch, drafts = measure(chosen.seconds, photo, (width, height))
    name = chosen.photo.name if chosen.photo else f"two faces on {chosen.side} x {chosen.side} px"
    text = report(watch, chosen.seconds, f"{name}, window {chosen.size}, {os.cpu_count()} cores")
    text += f"\n{drafts}\n"
    print(text)
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    return int(any(gap > LIMIT_MS for gap, doing in watch.gaps if doing != RESTING))


if __name__ == "__main__":
    sys.exit(main())
