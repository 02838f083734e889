#!/usr/bin/env bash
# Makes dist/mien-VERSION-linux-ARCH[-light|-cuda].tar.gz from a clean clone; it is tried out before it is packed.
#   build_linux.sh [light|cpu|cuda]
set -euo pipefail
cd "$(dirname "$0")/.."
variant="${1:-cpu}"
bash installers/system_packages.sh build
bash installers/freeze.sh "$variant"
cp installers/linux/mien.desktop installers/linux/install.sh assets/icons/mien.png dist/mien/
chmod +x dist/mien/install.sh
python3 installers/smoke_test.py dist/mien

name="mien-$(sed -n 's/^__version__ = "\(.*\)"/\1/p' app/__init__.py)-linux-$(uname -m)"
[ "$variant" = cpu ] || name+="-$variant"
tar -C dist --owner=0 --group=0 --transform "s,^mien,$name," -czf "dist/$name.tar.gz.part" mien
mv "dist/$name.tar.gz.part" "dist/$name.tar.gz"
echo "dist/$name.tar.gz: $(du -h "dist/$name.tar.gz" | cut -f1)"
