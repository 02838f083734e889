"""The build's scripts are no package: they lie in `installers/`, where Python finds them for these tests."""

import sys
from pathlib import Path

INSTALLERS = Path(__file__).resolve().parents[2] / "installers"

if str(INSTALLERS) not in sys.path:
    sys.path.append(str(INSTALLERS))
