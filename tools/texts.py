"""Lists every English text of the window that a translation needs; `--missing de` lists those without one."""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
MARKERS = ("tr", "_noop", "QT_TRANSLATE_NOOP")


def marked(path: Path) -> Iterator[str]:
    """Texts given to `tr`, to `translate` (second) or to a marker."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        argument = node.args[1] if name == "translate" and len(node.args) > 1 else node.args[0]
        if (
            name in (*MARKERS, "translate")
            and isinstance(argument, ast.Constant)
            and isinstance(argument.value, str)
        ):
            yield argument.value
        if name == "QT_TRANSLATE_NOOP" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            yield str(node.args[1].value)


def texts() -> list[str]:
    """Every text once, sorted."""
    from app.engine.face.controls import CONTROLS
    from app.session.presets import SHIPPED, read_presets
    from app.ui.actions import TABLE

    found: set[str] = set()
    for room in ("ui", "session"):
        for path in (ROOT / "app" / room).rglob("*.py"):
            found.update(marked(path))
    found.update(text for spec in TABLE for text in (spec.title, spec.tip))
    found.update(control.title for control in CONTROLS)
    found.update(preset.name for path in SHIPPED.glob("*.json") for preset in read_presets(path))
    return sorted(text for text in found if any(letter.isalpha() for letter in text))


def missing(language: str) -> list[str]:
    """Texts without a translation."""
    path = ROOT / "assets" / "translations" / f"{language}.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return [text for text in texts() if text not in known]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", metavar="LANGUAGE")
    language = parser.parse_args().missing
    for text in missing(language) if language else texts():
        print(json.dumps(text, ensure_ascii=False))


if __name__ == "__main__":
    main()
