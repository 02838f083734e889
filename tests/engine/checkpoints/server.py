"""A file server on this machine that misbehaves on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Files(ThreadingHTTPServer):
    """files: path -> content; faults: path -> what goes wrong there, one fault a request; asked: (path,
    range).

    The faults are: "break" sends half and hangs up; "short" promises less than it should and keeps that
    promise; "long" sends more without saying how much; "moved" redirects to /moved/PATH; "whole" ignores the
    range; "404" and "500" answer with that status; "slow" sends a little at a time, and the
    last piece never.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.faults: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.ended = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        waiting = self.server.faults.get(self.path, [])
        fault = waiting.pop(0) if waiting else ""
        data = self.server.files.get(self.path.removeprefix("/moved"))
        if fault.isdigit() or data is None:
            return self.send_error(int(fault or 404))
        if fault == "moved":
            self.send_response(302)
            self.send_header("Location", f"/moved{self.path}")
            self.end_headers()
            return None
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked and fault != "whole" else 0
        return self._send(data, start, fault)

    def _send(self, data: bytes, start: int, fault: str) -> None:
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        body = data[start:]
        if fault == "short":
            body = body[: len(body) // 2]
        if fault == "long":
            body += b"and more"
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "slow":
            for k in range(0, len(body), 1000):
                is_last = k + 1000 >= len(body)
                if self.server.ended.wait(None if is_last else 0.05):
                    return
                self.wfile.write(body[k : k + 1000])
            return
        self.wfile.write(body[: len(body) // 2] if fault == "break" else body)

    def log_message(self, *words: object) -> None:
        """Print nothing during tests."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Files]:
    server = Files(files)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
