#!/usr/bin/env bash
# Makes dist/mien-VERSION-windows[-light|-cuda].exe with Git Bash, Python 3.11 and Inno Setup 6 (ISCC on the path).
#   build_windows.sh [light|cpu|cuda]
set -euo pipefail
cd "$(dirname "$0")/.."
variant="${1:-cpu}"
PYTHON="${PYTHON:-python}" bash installers/freeze.sh "$variant"
"${PYTHON:-python}" installers/smoke_test.py dist/mien
"build/venv-$variant/Scripts/python.exe" -c \
  'from PIL import Image; Image.open("assets/icons/mien.png").save("build/mien.ico")'
version="$(sed -n 's/^__version__ = "\(.*\)"/\1/p' app/__init__.py)"
suffix=""
[ "$variant" = cpu ] || suffix="-$variant"
MSYS2_ARG_CONV_EXCL='*' ISCC /Qp "/DVersion=$version" "/DSuffix=$suffix" installers/windows/mien.iss
