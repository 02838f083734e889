"""Lists every English text of the window and of the engine's errors that a translation needs.

`--missing de` lists those without one: window texts belong to `assets/translations/de.json`, errors to
`de-errors.json`.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
MARKERS = ("tr", "_noop")
# Names of the constants in which the engine keeps its other sentences, besides errors.
SPOKEN = ("missing", "LIGHT", "LICENCE", "USE", "OURS", "FOREIGN", "PAUSED", "AWAY")
# Files and folders of the engine whose steps have messages that the window shows.
SHOWN_STEPS = ("fetching.py", "generators/live_portrait_learning.py", "training")


def marked(path: Path) -> Iterator[str]:
    """Yield the texts given to `tr`, to `translate` (second argument) or to a marker."""
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


def errors() -> list[str]:
    """Return every sentence of the engine's and the session's errors and remarks once, sorted, with "{}" for
    values.
    """
    found: set[str] = set()
    for room in ("engine", "session"):
        for path in (ROOT / "app" / room).rglob("*.py"):
            found.update(error_texts(ast.parse(path.read_text(encoding="utf-8"))))
    for shown in SHOWN_STEPS:
        place = ROOT / "app" / "engine" / shown
        for path in place.rglob("*.py") if place.is_dir() else (place,):
            found.update(messages(ast.parse(path.read_text(encoding="utf-8"))))
    return sorted(text for text in found if any(letter.isalpha() for letter in text))


def messages(module: ast.Module) -> Iterator[str]:
    """Yield the messages of a module's steps: the third value of every `Step`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Step" and len(node.args) > 2:
            yield from templates(node.args[2], _assigned(module))


def error_texts(module: ast.Module) -> Iterator[str]:
    """Yield the sentences of a module's errors and of what it reports as missing.

    A name stands for whatever the module assigns to it anywhere.
    """
    assigned = _assigned(module)
    for name in SPOKEN:
        for words in assigned.get(name, []):
            yield from templates(words, assigned)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "EngineError":
            for argument in node.args[:2]:
                yield from templates(argument, assigned)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Check":  # name, detail, fix
            for argument in (node.args[0], *node.args[2:4]):
                yield from templates(argument, assigned)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Remark":
            yield from templates(node.args[0], assigned)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Kind":  # title, licence, use
            for argument in node.args[1:4]:
                yield from templates(argument, assigned)


def _assigned(module: ast.Module) -> dict[str, list[ast.expr]]:
    """Return what is assigned to each name, anywhere in the module."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
    return assigned


def templates(text: ast.expr, assigned: Mapping[str, list[ast.expr]]) -> Iterator[str]:
    """Yield the sentences an expression can be, with "{}" for every value in them."""
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        yield text.value
    elif isinstance(text, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in text.values)
    elif isinstance(text, ast.IfExp):
        for branch in (text.body, text.orelse):
            yield from templates(branch, assigned)
    elif isinstance(text, ast.Name):
        for value in assigned.get(text.id, []):
            yield from templates(value, {})


def texts() -> list[str]:
    """Return every text once, sorted."""
    from app.engine.face.controls import CONTROLS
    from app.engine.face.handles import HANDLES, HEAD_TITLE
    from app.engine.files import ASSETS
    from app.session.presets import SHIPPED, read_presets
    from app.ui.actions import TABLE

    found: set[str] = set()
    for room in ("ui", "session"):
        for path in (ROOT / "app" / room).rglob("*.py"):
            found.update(marked(path))
    found.update(text for spec in TABLE for text in (spec.title, spec.tip))
    found.update(control.title for control in CONTROLS)
    found.update(path.stem for path in (ASSETS / "performances").glob("*.performance"))
    found.update((*(handle.title for handle in HANDLES), HEAD_TITLE))
    found.update(preset.name for path in SHIPPED.glob("*.json") for preset in read_presets(path))
    return sorted(text for text in found if any(letter.isalpha() for letter in text))


def missing(language: str) -> list[str]:
    """Return the texts and errors without a translation."""
    from app.ui import i18n

    known, known_errors = i18n.read(language), i18n.read(language, "-errors")
    without = [text for text in texts() if text not in known]
    return without + [text for text in errors() if text not in known_errors]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", metavar="LANGUAGE")
    language = parser.parse_args().missing
    for text in missing(language) if language else texts() + errors():
        print(json.dumps(text, ensure_ascii=False))


if __name__ == "__main__":
    main()
