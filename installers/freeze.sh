#!/usr/bin/env bash
# Makes dist/mien (on a Mac also dist/Mien.app) from the locked requirements, in an environment of its own.
#   freeze.sh light|cpu|cuda      light is without torch
set -euo pipefail
cd "$(dirname "$0")/.."
variant="$1"
lock="installers/requirements-$variant.txt"
[ -f "$lock" ] || { echo "Say light, cpu or cuda, not $variant." >&2; exit 2; }

venv="build/venv-$variant"
[ -d "$venv" ] || "${PYTHON:-python3}" -m venv "$venv"
python="$venv/bin/python"
[ -x "$python" ] || python="$venv/Scripts/python.exe"
export PIP_DISABLE_PIP_VERSION_CHECK=1
install() { "$python" -m pip install -q --no-deps "$@" -r "$lock" -r installers/requirements-build.txt; }
# Builds of torch for one processor or CUDA version are on PyTorch's own index, unless pip knows a nearer place.
case "$variant" in light | cpu) index=cpu ;; cuda) index=cu130 ;; esac
install || install --extra-index-url "https://download.pytorch.org/whl/$index"
"$python" -m pip install -q --no-deps --no-build-isolation -e .

"$python" installers/collect_licences.py build/licences
"$python" -m PyInstaller --noconfirm --log-level WARN --distpath dist --workpath "build/pyinstaller-$variant" \
  installers/mien.spec
"$python" installers/sizes.py dist/mien
