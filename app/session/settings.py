"""Keeps what Mien remembers between two starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from app.engine.files import data_folder
from app.engine.imaging.options import ExportOptions

RECENTS = 12  # photos that the welcome page and the menu list


class Settings:
    """Typed access to an INI file. Every change is on disk before the call returns, so that nothing is lost."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or data_folder() / "settings.ini"
        self._store = QSettings(str(self.path), QSettings.Format.IniFormat)

    def _get(self, key: str, default: str) -> str:
        return str(self._store.value(key, default))

    def _set(self, key: str, value: Any) -> None:
        self._store.setValue(key, value)
        self._store.sync()

    @property
    def theme(self) -> str:
        """Return "dark", "light" or "system"."""
        return self._get("theme", "dark")

    @theme.setter
    def theme(self, name: str) -> None:
        self._set("theme", name)

    @property
    def language(self) -> str:
        """Return a language's two letters, "" for the system's language."""
        return self._get("language", "")

    @language.setter
    def language(self, code: str) -> None:
        self._set("language", code)

    @property
    def surround(self) -> str:
        """Return what surrounds the picture: "theme", "black", "mid" or "white"."""
        return self._get("surround", "theme")

    @surround.setter
    def surround(self, name: str) -> None:
        self._set("surround", name)

    @property
    def tour_seen(self) -> bool:
        return self._get("tour_seen", "no") == "yes"

    @tour_seen.setter
    def tour_seen(self, seen: bool) -> None:
        self._set("tour_seen", "yes" if seen else "no")

    @property
    def unlinked(self) -> frozenset[str]:
        """Return the pairs of controls whose left and right sides move alone."""
        return frozenset(str(name) for name in self._json("unlinked", []))

    @unlinked.setter
    def unlinked(self, pairs: frozenset[str]) -> None:
        self._set_json("unlinked", sorted(pairs))

    @property
    def recent(self) -> list[Path]:
        """Return the files that were opened last, the newest first; some of them may be gone."""
        return [Path(name) for name in self._json("recent", [])]

    def add_recent(self, path: Path) -> None:
        """Put a file first among the recent files."""
        names = [str(path.absolute()), *(str(p) for p in self.recent if p != path.absolute())]
        self._set_json("recent", names[:RECENTS])

    def clear_recent(self) -> None:
        self._set_json("recent", [])

    @property
    def export_folder(self) -> Path | None:
        """Return the folder of the last export, which may be gone; None before the first one."""
        folder = self._json("export", {}).get("folder")
        return Path(folder) if isinstance(folder, str) else None

    @export_folder.setter
    def export_folder(self, folder: Path) -> None:
        self._set_json("export", {**self._json("export", {}), "folder": str(folder)})

    @property
    def export_options(self) -> ExportOptions:
        """Return those options of the last export that the next one begins with; bits follow each photo."""
        kept = self._json("export", {})
        quality = kept.get("quality")
        return ExportOptions(
            quality if isinstance(quality, int) else None,
            srgb=kept.get("srgb") is True,
            keep_metadata=kept.get("keep_metadata") is not False,
        )

    @export_options.setter
    def export_options(self, options: ExportOptions) -> None:
        chosen: dict[str, bool | int] = {"srgb": options.srgb, "keep_metadata": options.keep_metadata}
        if options.quality is not None:
            chosen["quality"] = options.quality
        self._set_json("export", {**self._json("export", {}), **chosen})

    @property
    def shortcuts(self) -> dict[str, str]:
        """Return only the keys that the user changed, by the action's name."""
        return dict(self._json("shortcuts", {}))

    @shortcuts.setter
    def shortcuts(self, keys: dict[str, str]) -> None:
        self._set_json("shortcuts", keys)

    def layout(self, name: str) -> QByteArray:
        """Return a saved window or dock layout; empty if there is none."""
        value = self._store.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_layout(self, name: str, state: QByteArray) -> None:
        self._set(f"layout/{name}", state)

    def clear_layouts(self) -> None:
        self._store.remove("layout")
        self._store.sync()

    def _json(self, key: str, default: Any) -> Any:
        try:
            value = json.loads(self._get(key, ""))
        except ValueError:
            return default
        return value if isinstance(value, type(default)) else default

    def _set_json(self, key: str, value: Any) -> None:
        self._set(key, json.dumps(value, ensure_ascii=False))
