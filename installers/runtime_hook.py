"""Runs in the frozen application before anything else: it keeps compiled kernels in the user's own cache.

Numba would write them into the application's folder, which may be read-only or shared.
"""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache folder for compiled kernels."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "Mien" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "Mien"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mien"


os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder()))
