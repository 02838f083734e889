#!/usr/bin/env bash
# Makes the installer for the system on which it runs: package.sh [light|cpu|cuda]
set -euo pipefail
cd "$(dirname "$0")"
case "$(uname -s)" in
  Linux) bash build_linux.sh "$@" ;;
  Darwin) bash build_macos.sh "$@" ;;
  MINGW* | MSYS*) bash build_windows.sh "$@" ;;
  *) echo "There is no recipe for $(uname -s); freeze.sh builds a folder that can be tried." >&2; exit 1 ;;
esac
