"""Lets tests import the build's scripts from `installers/`, which is no package."""

import sys
from pathlib import Path

INSTALLERS = Path(__file__).resolve().parents[2] / "installers"

if str(INSTALLERS) not in sys.path:
    sys.path.append(str(INSTALLERS))
