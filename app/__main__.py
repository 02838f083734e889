"""`python -m app` is `mien`."""

import sys

from app.cli import main

sys.exit(main())
