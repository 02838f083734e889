"""A model arrives whole, or not at all and with a reason, from a server that breaks off, lies, redirects and
cheats.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from app.cli import main
from app.engine import fetching
from app.engine.checkpoints import catalogue
from app.engine.checkpoints.catalogue import OFFERS, Offer, RemoteFile, mirrored
from app.engine.checkpoints.store import models, models_folder
from app.engine.errors import EngineError
from app.engine.fetching import fetch
from tests.engine.checkpoints.server import Files, serving
from tests.steps import drained

PATH = "/models/A_matrix.pt"


@pytest.fixture
def weights(tmp_path: Path) -> bytes:
    """Return a direction matrix in its released layout, about a quarter of a megabyte."""
    torch.manual_seed(0)
    path = tmp_path / "A_matrix.pt"
    matrix = {"linear.weight": torch.randn(4096, 15), "linear.bias": torch.zeros(4096)}
    torch.save({"A_matrix": matrix}, path)
    return path.read_bytes()


@pytest.fixture
def server(weights: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetching, "PAUSE_S", 0.01)
    monkeypatch.setattr(fetching, "PIECE", 4096)
    with serving({PATH: weights}) as server:
        yield server


def offer(server: Files, sha256: str | None = None, size: int | None = None) -> Offer:
    data = server.files[PATH]
    known = hashlib.sha256(data).hexdigest() if sha256 is None else sha256
    file = RemoteFile(server.address + PATH, size or len(data), known)
    return Offer("matrix", "directions", "A matrix", "MIT", "Free.", "https://example.org/page", (file,))


def part(of: Offer) -> Path:
    return models_folder() / f".download-{of.name}" / f"{of.files[0].name}.part"


@pytest.mark.parametrize("faults", [[], ["break"], ["break", "break", "whole"], ["moved"], ["500", "break"]])
def test_it_arrives_whatever_the_connection_does(server: Files, faults: list[str]) -> None:
    server.faults[PATH] = list(faults)
    steps, model = drained(fetch(offer(server)))
    assert model.kind == "directions" and [m.name for m in models("directions")] == [model.name]
    assert steps[-1].done == steps[-1].total and model.source_sha256
    assert not list(models_folder().glob(".download-*")), "what was fetched is kept twice"


def test_a_broken_download_goes_on_where_it_stopped(server: Files) -> None:
    server.faults[PATH] = ["break"]
    drained(fetch(offer(server)))
    half = len(server.files[PATH]) // 2
    (_, first), (_, second) = server.asked
    assert first is None and second is not None
    assert half - 4096 <= int(second.removeprefix("bytes=").rstrip("-")) <= half


def test_a_cancelled_download_goes_on_in_the_next_run(server: Files) -> None:
    server.faults[PATH] = ["slow"]
    steps = fetch(offer(server))
    while not (part(offer(server)).is_file() and part(offer(server)).stat().st_size > 8000):
        assert "MB" in next(steps).message
    steps.close()  # this does not wait for the rest, which the server keeps back
    assert not models("directions")
    server.ended.set()  # now the old connection ends
    _, model = drained(fetch(offer(server)))
    assert model.kind == "directions" and (server.asked[-1][1] or "").startswith("bytes=")


@pytest.mark.parametrize(
    ("faults", "message", "remedy"),
    [
        (["short"], "bytes long instead of", "by hand"),
        (["long"], "is larger than", "by hand"),
        (["404"], "answers 404", "by hand"),
        (["break"] * 1 + ["500"] * 9, "does not answer", "is kept"),
    ],
)
def test_what_cannot_be_had_is_reported(server: Files, faults: list[str], message: str, remedy: str) -> None:
    server.faults[PATH] = list(faults)
    with pytest.raises(EngineError) as raised:
        drained(fetch(offer(server)))
    assert message in raised.value.message and remedy in raised.value.remedy
    assert not models("directions")
    assert part(offer(server)).is_file() == (remedy == "is kept")


def test_a_wrong_file_is_refused_and_thrown_away(server: Files) -> None:
    with pytest.raises(EngineError, match="not what its makers published"):
        drained(fetch(offer(server, sha256="0" * 64)))
    assert not models("directions") and not part(offer(server)).exists()


def test_a_file_without_a_published_hash_must_stay_what_it_was_at_first(
    server: Files, weights: bytes
) -> None:
    drained(fetch(offer(server, sha256="")))
    server.files[PATH] = weights[:-1] + b"x"
    with pytest.raises(EngineError, match="SHA-256 differs"):
        drained(fetch(offer(server, sha256="")))


def test_a_full_disk_is_reported_before_anything_is_fetched(
    server: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 100

    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: Full())
    with pytest.raises(EngineError, match="MB are free"):
        next(fetch(offer(server)))
    assert not server.asked


def test_nobody_at_home_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Files) -> None:
    nowhere = mirrored(offer(server), "http://127.0.0.1:9")
    with pytest.raises(EngineError, match=r"127\.0\.0\.1 does not answer"):
        drained(fetch(nowhere))


def test_the_proxy_of_the_environment_is_asked(server: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", server.address)
    file = RemoteFile("http://models.invalid" + PATH, len(server.files[PATH]))
    with pytest.raises(EngineError):  # a plain file server is no proxy: it is asked for the whole address
        drained(fetch(Offer("m", "directions", "A matrix", "MIT", "Free.", "page", (file,))))
    assert server.asked[0][0] == "http://models.invalid" + PATH


def test_the_catalogue_names_files_with_hashes_at_fixed_revisions() -> None:
    for known in OFFERS:
        assert known.licence and known.use and known.size == sum(file.size for file in known.files)
        for file in known.files:
            assert file.url.startswith("https://") and len(file.sha256) == 64 and "/main/" not in file.url


def test_the_command_says_what_it_fetches_and_imports_it(
    server: Files, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(catalogue, "OFFERS", (offer(server),))
    assert main(["models", "get", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["offers"][0]["name"] == "matrix" and not server.asked
    assert main(["models", "get", "matrix", "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["kind"] == "directions" and "MIT" in out.err and "example.org" in out.err
    assert main(["models", "get", "nothing"]) == 1


def test_no_thread_stays_behind(server: Files) -> None:
    drained(fetch(offer(server)))
    assert not [t for t in threading.enumerate() if t.name == "download" and t.is_alive()]
