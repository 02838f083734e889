"""Gives every room's tests the sample portrait and the media beside the checkout, and watches for stray
threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Test processes share the cores out: with a pool of threads each for all of them, networks waited for one another, and
# their tests took more than twice as long. Libraries read this when they are loaded, so it is set before the first one.
if processes := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))

import numpy as np
import pytest
from numpy.typing import NDArray

if TYPE_CHECKING:
    from app.engine.contract import Portrait
    from app.engine.engine import Engine

SHARED = Path(__file__).resolve().parents[2] / "shared"

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of media, portraits and papers that lies beside the checkout and does not belong to
    it.
    """
    if not SHARED.is_dir():
        pytest.skip(f"needs the media of {SHARED}, which are not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def astronaut() -> Iterator[NDArray[np.uint8]]:
    """Yield (512, 512, 3) uint8 sRGB: scikit-image's public-domain portrait. Copy it before writing into it."""
    from skimage.data import astronaut

    pixels: NDArray[np.uint8] = astronaut()
    yield pixels
    assert np.array_equal(pixels, astronaut()), "a test wrote into the shared sample portrait"


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """Return the program's name, which pytest-qt passes to QApplication through this hook."""
    return ["mien"]


@pytest.fixture(autouse=True)
def no_stray_threads() -> Iterator[None]:
    """Fail a test that leaves a non-daemon thread running, which would keep the application from ending."""
    before = set(threading.enumerate())
    yield
    stray = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in stray:
        thread.join(timeout=2)
    assert not [t.name for t in stray if t.is_alive()]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Yield one engine for tests that need a real one. A test that selects a backend must go back to
    mesh-warp.
    """
    from app.engine.engine import Engine

    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def portrait(engine: Engine) -> Portrait:
    """Return the sample portrait, fitted once."""
    from app.engine.sample import sample_path

    return engine.open(sample_path())
