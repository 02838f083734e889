"""Writes the log: one rotating file in the user's data folder, and warnings on standard error.

Every module logs to `logging.getLogger(__name__)`. The file tells what happened before a crash: when and in which
module, and never what a picture shows.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from app.engine.files import data_folder

# These values were chosen so that all log files fit into a mail.
BYTES = 500_000  # greatest size of one log file: some thousand lines
KEPT = 2  # number of older files beside it


def log_path() -> Path:
    return data_folder() / "mien.log"


def start_logging() -> None:
    """Begin to log; a second call does nothing. Where the folder cannot be written, there is no log file."""
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
