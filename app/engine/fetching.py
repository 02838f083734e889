"""Downloads a model when its user asks for it: the download can be resumed, is checked, and leaves no partial model.

A thread of its own reads from the server into `NAME.part`, which a later run continues; `fetch` reports how far the
thread is and imports the finished files. Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`).
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from app.engine.checkpoints.catalogue import Offer, RemoteFile
from app.engine.checkpoints.store import Model, import_model, models_folder
from app.engine.contract import Step
from app.engine.errors import EngineError
from app.engine.files import file_sha256, write_whole

# These values were chosen for slow lines and for the tests' misbehaving server; none of them changes what arrives.
PIECE = 1 << 18  # bytes read at once
TIMEOUT_S = (10.0, 10.0)  # seconds to connect, and between two pieces
TRIES = 5  # breaks in a row without a new byte after which the download gives up
PAUSE_S = 1.0  # seconds before the next try
STEP_S = 0.05  # seconds between two steps: Cancel acts within it
RATE_S = 10.0  # seconds of the newest transfer over which the speed is averaged
RESERVE = 200_000_000  # bytes of the disk that stay free for the system
LOOK_AGAIN = "Check the connection and try again: what has come is kept."


class _Wrong(Exception):
    """The server sent another file than the one that was asked for; what came is deleted."""


class _Download(threading.Thread):
    """A thread that downloads the files of an offer, one after the other, into a folder."""

    def __init__(self, offer: Offer, folder: Path) -> None:
        super().__init__(name="download", daemon=True)
        self.offer, self.folder = offer, folder
        self.done = sum(_present(folder, file) for file in offer.files)  # bytes
        self.file = offer.files[0].name
        self.broken = False  # the connection broke, and the thread waits before it tries again
        self.error: EngineError | None = None
        self.stopped = threading.Event()

    def run(self) -> None:
        try:
            for file in self.offer.files:
                self.file = file.name
                if not (self.folder / file.name).is_file():
                    self._bring(file)
        except EngineError as error:
            self.error = error
        except OSError as error:
            words = f"{self.file} could not be kept: {error.strerror or error}."
            self.error = EngineError(words, "Free space on the disk, or set MIEN_HOME to another one.")

    def _bring(self, file: RemoteFile) -> None:
        part, tries = self.folder / f"{file.name}.part", 0
        while not self.stopped.is_set():
            before = _size(part)
            try:
                self._read(file, part)
                self._check(file, part)
                part.replace(self.folder / file.name)
                return
            except _Wrong as reason:
                self.done -= _size(part)
                part.unlink(missing_ok=True)
                raise EngineError(
                    f"{file.name} is not what its makers published: {reason}.",
                    f"Try again later, or get it by hand from {self.offer.page} and import its folder.",
                ) from reason
            except ConnectionError as error:
                tries = 1 if _size(part) > before else tries + 1
                if tries >= TRIES:
                    host = urlsplit(file.url).hostname
                    raise EngineError(f"{host} does not answer: {error}.", LOOK_AGAIN) from error
                self.broken = True
                self.stopped.wait(PAUSE_S * tries)
                self.broken = False

    def _read(self, file: RemoteFile, part: Path) -> None:
        """Continue the download where `part` ends; ConnectionError where the server breaks off."""
        import requests

        start = _size(part)
        if start == file.size:
            return
        asked = {"Range": f"bytes={start}-"} if start else {}
        asked["Accept-Encoding"] = "identity"
        try:
            with requests.get(file.url, headers=asked, stream=True, timeout=TIMEOUT_S) as answer:
                _refuse(answer.status_code, file, self.offer)
                goes_on = answer.status_code == 206 and _begins_at(answer.headers.get("Content-Range"), start)
                if not goes_on:  # the server sends the whole file
                    self.done -= start
                    start = 0
                length = answer.headers.get("Content-Length", "")
                if length.isdigit() and start + int(length) != file.size:
                    raise _Wrong(f"it is {start + int(length)} bytes long instead of {file.size}")
                with part.open("ab" if goes_on else "wb") as out:
                    self._copy(answer.iter_content(PIECE), out.write, file, start)
        except requests.RequestException as error:
            raise ConnectionError(_plainly(error)) from error
        if _size(part) < file.size and not self.stopped.is_set():
            raise ConnectionError("the connection broke off")

    def _copy(
        self, pieces: Iterator[bytes], write: Callable[[bytes], object], file: RemoteFile, size: int
    ) -> None:
        for piece in pieces:
            if self.stopped.is_set():
                return
            size += len(piece)
            if size > file.size:
                raise _Wrong(f"it is larger than {file.size} bytes")
            write(piece)
            self.done += len(piece)

    def _check(self, file: RemoteFile, part: Path) -> None:
        if self.stopped.is_set():
            return
        found, wanted = file_sha256(part), file.sha256 or _known().get(file.url, "")
        if wanted and found != wanted:
            raise _Wrong("its SHA-256 differs")
        if not wanted:
            write_whole(_known_path(), json.dumps({**_known(), file.url: found}, indent=1).encode())


def fetch(offer: Offer) -> Generator[Step, None, Model]:
    """Download an offer's files, yield steps in megabytes, and return the imported model.

    Where the same files were imported before, the model that is there is returned. Closing the steps cancels; what has
    come by then is kept for the next run. EngineError where the disk is too small, where the server refuses, breaks off
    for good or sends another file, and where the files are no model.
    """
    folder = models_folder() / f".download-{offer.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"The models' folder {models_folder()} cannot be written to: {error.strerror}.",
            "Set MIEN_HOME to a folder that is yours.",
        ) from error
    _check_room(offer, folder)
    yield from _until_left(folder)
    download = _Download(offer, folder)
    yield _step(download, deque())
    download.start()
    try:
        yield from _watched(download)
    finally:
        download.stopped.set()
    if download.error is not None:
        raise download.error
    total = _megabytes(offer.size)
    yield Step(total, total, f"Importing {offer.title}")
    model = import_model(folder if len(offer.files) > 1 else folder / offer.files[0].name)
    shutil.rmtree(folder, ignore_errors=True)
    yield Step(total, total, f"{offer.title} is ready")
    return model


def _until_left(folder: Path) -> Iterator[Step]:
    """Wait for a cancelled run that still waits for its server's last piece: two must not write the same file."""
    for thread in threading.enumerate():
        while isinstance(thread, _Download) and thread.folder == folder and thread.is_alive():
            thread.join(STEP_S)
            yield Step(0, 0, "Waiting for the last run to end")


def _watched(download: _Download) -> Iterator[Step]:
    seen: deque[tuple[float, int]] = deque([(time.monotonic(), download.done)])
    while download.is_alive():
        download.join(STEP_S)
        seen.append((time.monotonic(), download.done))
        while seen[-1][0] - seen[0][0] > RATE_S:
            seen.popleft()
        yield _step(download, seen)


def _step(download: _Download, seen: deque[tuple[float, int]]) -> Step:
    done, total = download.done, download.offer.size
    name, here, whole = download.file, _megabytes(done), _megabytes(total)
    words = f"{name}: {here} of {whole} MB"
    if download.broken:
        words = f"{name}: {here} of {whole} MB, the connection broke; trying again"
    elif len(seen) > 1 and (gained := done - seen[0][1]) > 0 and done < total:
        seconds = (total - done) * (seen[-1][0] - seen[0][0]) / gained
        words = f"{name}: {here} of {whole} MB, {_time_left(seconds)} left"
    return Step(here, whole, words)


def _time_left(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _check_room(offer: Offer, folder: Path) -> None:
    """Raise EngineError where the disk has no room for twice the files' size: they and their converted copy lie there
    together for a while.
    """
    there = sum(_present(folder, file) for file in offer.files)
    needed = 2 * offer.size - there + RESERVE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EngineError(
            f"{offer.title} needs {_megabytes(needed)} MB, and {_megabytes(free)} MB are free.",
            "Free space on the disk, or set MIEN_HOME to a folder on another one.",
        )


def _refuse(status: int, file: RemoteFile, offer: Offer) -> None:
    if status in (200, 206):
        return
    if status >= 500 or status == 429:
        raise ConnectionError(f"it answers {status}")
    if status == 416:
        raise _Wrong("the server's file is shorter")
    raise EngineError(
        f"{urlsplit(file.url).hostname} refuses {file.name} (it answers {status}).",
        f"Get it by hand from {offer.page} and import its folder.",
    )


def _begins_at(header: str | None, start: int) -> bool:
    return bool(header) and str(header).startswith(f"bytes {start}-")


def _plainly(error: Exception) -> str:
    """Return in plain words why a request failed."""
    import requests

    kinds = {
        requests.exceptions.SSLError: "its certificate is not trusted",
        requests.exceptions.ProxyError: "the proxy refuses",
        requests.exceptions.Timeout: "it is silent",
        requests.exceptions.ConnectionError: "the connection cannot be made",
    }
    return next(
        (words for kind, words in kinds.items() if isinstance(error, kind)), "the connection broke off"
    )


def _present(folder: Path, file: RemoteFile) -> int:
    return _size(folder / file.name) or _size(folder / f"{file.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _megabytes(count: int) -> int:
    return round(count / 1e6)


def _known_path() -> Path:
    return models_folder() / "known_files.json"


def _known() -> dict[str, str]:
    """Return, by address, the SHA-256 that files without a published hash had when they were first downloaded."""
    with suppress(OSError, ValueError):
        return {str(url): str(value) for url, value in json.loads(_known_path().read_text()).items()}
    return {}
