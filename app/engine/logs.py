"""The log: one rotating file in the user's data folder, and warnings on standard error.

Every module logs to `logging.getLogger(__name__)`; the file holds what happened before a crash, so it says when and
where, and never what is in a picture.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from app.engine.files import data_folder

# Chosen so that all of it fits into a mail.
BYTES = 500_000  # of one log file: some thousand lines, which a mail can carry
KEPT = 2  # older files beside it


def log_path() -> Path:
    return data_folder() / "mien.log"


def start_logging() -> None:
    """Log from now on; a second call does nothing. In an unwritable folder there is no log file, but the program
    runs.
    """
    logger = logging.getLogger("app")
    if logger.handlers:
        return
    logger.setLevel(logging.INFO)
    logger.propagate = False
    words = logging.StreamHandler(sys.stderr)
    words.setLevel(logging.WARNING)
    words.setFormatter(logging.Formatter("mien: %(message)s"))
    logger.addHandler(words)
    with suppress(OSError):
        log_path().parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(log_path(), maxBytes=BYTES, backupCount=KEPT, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(file)
