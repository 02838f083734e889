"""Puts the window's program together: the settings, the session, and the engine on its thread."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from app import __version__
from app.engine.logs import start_logging
from app.engine.sample import sample_path

if TYPE_CHECKING:
    from app.engine.engine_like import EngineLike


LOG = logging.getLogger(__name__)

# Seconds for which the engine's thread may keep Python's lock while the GUI waits for it, which happens at every
# call between Qt and Python. Python's default is 0.005; tools/gui_stalls.py measures the stalls.
SWITCH_S = 0.0001


def make_engine() -> EngineLike:
    """Build the engine on its own thread, because importing it takes longer than showing the window."""
    from app.engine.engine import Engine
    from app.engine.face.morphable_model import default_model

    engine = Engine()
    default_model()
    return engine


def has_display() -> bool:
    """Return whether Qt can show a window; on Linux it aborts the program where no display is there."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in names)


def main(argv: list[str] | None = None) -> int:
    """Open the window: `mien [--sample | PHOTO]`, with Qt's own options too; return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="mien", description="Open the window on a photo or a project.")
    parser.add_argument("photo", nargs="?", type=Path, help="a photo, a project (.mien) or a folder")
    parser.add_argument("--sample", action="store_true", help="open the sample portrait")
    chosen, rest = parser.parse_known_args(arguments)
    if "-platform" not in rest and not has_display():
        print("mien: There is no display. Log in to a desktop, or see “mien fit --help”.", file=sys.stderr)
        return 1
    # A KeyboardInterrupt while Qt is imported is lost, or ends in a crash of Qt's.
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    start_logging()
    LOG.info("The window of Mien %s starts on %s.", __version__, platform.platform())
    # Matrices are small here, so OpenBLAS gains nothing by threads, and its waiting threads slow the GUI.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.setswitchinterval(SWITCH_S)

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app.session.session import Session
    from app.session.settings import Settings
    from app.ui import i18n, icons, theme
    from app.ui.interrupts import Interrupts
    from app.ui.main_window import MainWindow

    if asked:
        raise KeyboardInterrupt
    application = QApplication([sys.argv[0], *rest])
    application.setApplicationName("Mien")
    application.setDesktopFileName("mien")
    application.setWindowIcon(icons.app_icon())
    settings = Settings()
    i18n.install(application, settings.language)
    theme.apply(application, settings.theme)
    window = MainWindow(Session(make_engine), settings)
    _report_crashes_to(window)
    window.show()
    QTimer.singleShot(0, window, lambda: window.start(_path(chosen)))
    interrupts = Interrupts(window.end, window)
    if asked:
        QTimer.singleShot(0, window, window.end)
    status = application.exec()
    interrupts.close()
    signal.signal(signal.SIGINT, before)
    return status


def _path(chosen: argparse.Namespace) -> Path | None:
    if chosen.sample:
        return sample_path()
    photo: Path | None = chosen.photo
    return photo.absolute() if photo else None


def _report_crashes_to(window: object) -> None:
    """Show an exception that nobody caught in the window, so that it is not lost."""

    def hook(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, where)
        LOG.error("Nobody caught this.", exc_info=(kind, error, where))
        if not issubclass(kind, KeyboardInterrupt):
            window.show_crash("".join(traceback.format_exception(kind, error, where)))  # type: ignore[attr-defined]

    sys.excepthook = hook


if __name__ == "__main__":
    sys.exit(main())
