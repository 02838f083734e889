#!/usr/bin/env bash
# Puts Mien into the menu of the user who runs this script, wherever its folder lies; --remove takes it out again.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
data="${XDG_DATA_HOME:-$HOME/.local/share}"
entry="$data/applications/mien.desktop"
icon="$data/icons/hicolor/256x256/apps/mien.png"
command="$HOME/.local/bin/mien"

if [ "${1:-}" = --remove ]; then
  rm -f "$entry" "$icon" "$command"
  echo "Mien is out of the menu. Delete this folder to remove it altogether: $here"
  exit 0
fi
mkdir -p "$(dirname "$entry")" "$(dirname "$icon")" "$(dirname "$command")"
cp "$here/mien.png" "$icon"
ln -sf "$here/mien" "$command"
# The path is quoted; these characters are special in quotes (Desktop Entry Specification, the Exec key).
quoted="$(printf '%s' "$here/mien" | sed -e 's/[\\"`$]/\\\\&/g' -e 's/%/%%/g')"
while IFS= read -r line; do
  case "$line" in
    Exec=*) printf 'Exec="%s" %%f\n' "$quoted" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <"$here/mien.desktop" >"$entry"
echo "Mien is in the menu now, and in a terminal as $command."
