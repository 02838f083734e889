#!/usr/bin/env bash
# Makes dist/mien-VERSION-macos-ARCH[-light].dmg on Apple silicon (onnxruntime has no wheel for Intel Macs):
#   build_macos.sh [light|cpu]
# With MIEN_SIGN="Developer ID Application: ..." the application is signed with the hardened runtime. Without it, the
# application is signed ad hoc, and the user has to allow it in System Settings at the first start.
set -euo pipefail
cd "$(dirname "$0")/.."
variant="${1:-cpu}"
bash installers/freeze.sh "$variant"
app="dist/Mien.app"
codesign --force --deep --timestamp=none --options runtime --entitlements installers/macos/entitlements.plist \
  --sign "${MIEN_SIGN:--}" "$app"
codesign --verify --deep --strict "$app"
python3 installers/smoke_test.py "$app/Contents/MacOS"

name="mien-$(sed -n 's/^__version__ = "\(.*\)"/\1/p' app/__init__.py)-macos-$(uname -m)"
[ "$variant" = cpu ] || name+="-$variant"
image="dist/$name.dmg"
stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
cp -R "$app" "$stage/"
ln -s /Applications "$stage/Applications"
hdiutil create -quiet -ov -volname Mien -srcfolder "$stage" -format UDZO "$image"
echo "$image: $(du -h "$image" | cut -f1)"
