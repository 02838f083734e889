"""Starts the frozen application: the command `mien`, which without a subcommand opens the window."""

import multiprocessing
import sys

from app.cli import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
