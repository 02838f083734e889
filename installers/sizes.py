"""Prints what a bundle weighs, heaviest parts first: python installers/sizes.py dist/mien"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path


def sizes(bundle: Path) -> Counter[str]:
    """Return bytes by first folder below `_internal`; libraries beside a package (NAME.libs) count with it."""
    weights: Counter[str] = Counter()
    for file in bundle.rglob("*"):
        if file.is_file() and not file.is_symlink():
            parts = file.relative_to(bundle).parts
            inner = parts[1:] if parts[0] == "_internal" else parts
            weights[inner[0].removesuffix(".libs") if len(inner) > 1 else "(single files)"] += (
                file.stat().st_size
            )
    return weights


def main() -> None:
    weights = sizes(Path(sys.argv[1]))
    for name, size in weights.most_common(15):
        print(f"{size / 2**20:8.1f} MB  {name}")
    print(f"{weights.total() / 2**20:8.1f} MB  in all")


if __name__ == "__main__":
    main()
