#!/usr/bin/env bash
# Provides what Mien needs from a Linux system besides Python: graphics, sound and window libraries.
# As root on Debian or Ubuntu it installs the missing ones; elsewhere one line says what to install.
#   system_packages.sh          for running
#   system_packages.sh build    and for building the bundle and its smoke test
set -euo pipefail
[ "$(uname -s)" = Linux ] || exit 0

# Each line is: library or command that must be there = Debian package that contains it.
needed="
libGL.so.1=libgl1 libEGL.so.1=libegl1 libEGL_mesa.so.0=libegl-mesa0 libgbm.so.1=libgbm1 libglib-2.0.so.0=libglib2.0-0
libportaudio.so.2=libportaudio2 libpulse.so.0=libpulse0
libdbus-1.so.3=libdbus-1-3 libfontconfig.so.1=libfontconfig1 libxkbcommon-x11.so.0=libxkbcommon-x11-0
libxcb-cursor.so.0=libxcb-cursor0 libxcb-icccm.so.4=libxcb-icccm4 libxcb-image.so.0=libxcb-image0
libxcb-keysyms.so.1=libxcb-keysyms1 libxcb-randr.so.0=libxcb-randr0 libxcb-render-util.so.0=libxcb-render-util0
libxcb-shape.so.0=libxcb-shape0 libxcb-xinerama.so.0=libxcb-xinerama0 libxcb-xkb.so.1=libxcb-xkb1
"
[ "${1:-}" != build ] || needed+=" objdump=binutils Xvfb=xvfb xdotool=xdotool"

libraries="$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)"
missing=()
for pair in $needed; do
  name="${pair%%=*}"
  case "$name" in
    *.so*) grep -qF "$name " <<<"$libraries" || missing+=("${pair#*=}") ;;
    *) command -v "$name" >/dev/null || missing+=("${pair#*=}") ;;
  esac
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
compgen -G '/usr/share/fonts/*/*' >/dev/null || missing+=(fonts-dejavu-core)
[ "${#missing[@]}" -gt 0 ] || exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "Installing system libraries: ${missing[*]}"
  log="$(mktemp)"
  trap 'rm -f "$log"' EXIT
  export DEBIAN_FRONTEND=noninteractive
  install() { apt-get install -qq -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
  install || { apt-get update -qq >"$log" 2>&1 && install; } || {
    tail -n 5 "$log" >&2
    echo "These could not be installed; please run: apt-get install ${missing[*]}" >&2
    exit 1
  }
elif command -v apt-get >/dev/null; then
  echo "Please run: sudo apt-get install ${missing[*]}"
else
  echo "Please install what your system calls these Debian packages: ${missing[*]}"
fi
