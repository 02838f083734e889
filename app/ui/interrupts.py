"""Ends the program, without a question, on Ctrl+C in its terminal and on the system's request to end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier, Slot

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts(QObject):
    """Calls `end` from Qt's event loop; `close` gives the signals back.

    Python runs a signal's handler only between two of its own instructions, and an idle window runs none: the bytes
    that Python writes into a socket when a signal comes wake Qt (documentation of `signal.set_wakeup_fd`).
    """

    def __init__(self, end: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._end = end
        self._read, self._write = socket.socketpair()
        for side in (self._read, self._write):
            side.setblocking(False)
        self._before_fd = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._before = {one: signal.signal(one, lambda *_: None) for one in SIGNALS}
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    @Slot()
    def _on_signal(self) -> None:
        self._read.recv(64)
        self._end()

    def close(self) -> None:
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before_fd)
        for one, handler in self._before.items():
            signal.signal(one, handler)
        self._read.close()
        self._write.close()
