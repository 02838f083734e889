"""The export dialog has defaults that lose nothing, and uses the folder that is meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.engine.imaging.options import ExportOptions
from app.engine.imaging.photo import Photo
from app.engine.imaging.reading import open_photo
from app.session.settings import Settings
from app.ui.dialogs.export import ExportDialog
from app.ui.main_window import MainWindow
from tests.engine.imaging.profiles import DISPLAY_P3, SRGB_CURVE, rgb_profile
from tests.ui.hands import CTRL
from tests.ui.modal import accept_dialog


def picture(path: Path, deep: bool = False, clear: bool = False) -> Photo:
    pixels = np.zeros((6, 8, 3), np.uint16 if deep else np.uint8)
    return Photo(pixels, np.full((6, 8), 9, pixels.dtype) if clear else None, path=path)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    made = Settings()
    made.export_options = ExportOptions(eight_bit=True)  # the last export's
    return made


def export(qtbot: QtBot, settings: Settings, photo: Photo) -> ExportDialog:
    dialog = ExportDialog(photo, settings)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


@pytest.mark.parametrize(
    ("name", "deep", "clear", "suffix"),
    [
        ("deep.tif", True, False, ".tif"),
        ("clear.png", False, True, ".png"),
        ("plain.jpeg", False, False, ".jpg"),
        ("deep.heic", True, False, ".png"),
        ("clear.webp", False, True, ".webp"),
    ],
)
def test_the_photos_own_format_depth_and_transparency_are_the_default(
    qtbot: QtBot, settings: Settings, tmp_path: Path, name: str, deep: bool, clear: bool, suffix: str
) -> None:
    dialog = export(qtbot, settings, picture(tmp_path / name, deep, clear))
    assert dialog.path.suffix == suffix and not dialog.options.eight_bit
    assert "bits" not in dialog.note.text() and "transparen" not in dialog.note.text()


def test_what_the_chosen_format_cannot_hold_is_said_before(
    qtbot: QtBot, settings: Settings, tmp_path: Path
) -> None:
    dialog = export(qtbot, settings, picture(tmp_path / "all.tif", deep=True, clear=True))
    dialog.name.setText(str(tmp_path / "web.jpeg"))  # a typed name sets the format, and stays as it was typed
    assert dialog.format.suffix == ".jpg" and dialog.path.name == "web.jpeg"
    assert "16" in dialog.note.text() and "transparency" in dialog.note.text()
    dialog.format.choose(".png")
    assert dialog.path.name == "web.png" and "transparency" not in dialog.note.text()


def test_eight_bits_are_offered_only_where_there_are_more(
    qtbot: QtBot, settings: Settings, tmp_path: Path
) -> None:
    shallow = export(qtbot, settings, picture(tmp_path / "a.png"))
    deep = export(qtbot, settings, picture(tmp_path / "b.png", deep=True))
    assert not shallow.format.eight_bit.isVisible() and deep.format.eight_bit.isVisible()
    deep.format.choose(".jpg")
    assert not deep.format.eight_bit.isVisible()


def test_options_that_cannot_matter_are_not_shown(qtbot: QtBot, settings: Settings, tmp_path: Path) -> None:
    plain = export(qtbot, settings, picture(tmp_path / "a.png")).format
    assert not plain.quality.isVisible() and not plain.number.isVisible()  # PNG keeps everything
    # Of an untagged photo without a word.
    assert not plain.srgb.isVisible() and not plain.metadata.isVisible()
    plain.choose(".jpg")
    assert plain.quality.isVisible() and plain.number.isEnabled() and plain.options().quality == 95
    rich = replace(
        picture(tmp_path / "b.png"), icc=rgb_profile(DISPLAY_P3, SRGB_CURVE), exif=b"Exif\0\0II*\0"
    )
    tagged = export(qtbot, settings, rich).format
    assert tagged.srgb.isVisible() and tagged.metadata.isVisible() and not tagged.quality.isVisible()
    tagged.choose(".bmp")  # BMP holds neither profile nor camera data
    assert not tagged.srgb.isVisible() and not tagged.metadata.isVisible()


def test_an_export_begins_with_the_options_of_the_last_one(
    qtbot: QtBot, settings: Settings, tmp_path: Path
) -> None:
    first = export(
        qtbot,
        settings,
        replace(picture(tmp_path / "a.jpg"), icc=rgb_profile(DISPLAY_P3, SRGB_CURVE), exif=b"camera"),
    )
    first.format.number.setValue(80)
    first.format.srgb.setChecked(True)
    first.format.metadata.setChecked(False)
    first.accept()
    lossless = export(qtbot, Settings(), picture(tmp_path / "b.png", deep=True))
    lossless.accept()  # this has no quality to remember
    again = ExportOptions(quality=80, srgb=True, keep_metadata=False)
    assert export(qtbot, Settings(), picture(tmp_path / "c.jpg")).options == again


def test_a_folder_in_which_an_export_failed_is_not_remembered(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    portrait = opened.session.portrait
    assert portrait is not None

    def asked(folder: Path) -> None:
        dialog = ExportDialog(portrait.photo, opened.settings, opened)
        dialog.name.setText(str(folder / "a.png"))
        if folder is bad:
            bad.rmdir()
        dialog.accept()
        opened.session.export(dialog.path, dialog.options)

    with qtbot.waitSignal(opened.session.exported):
        asked(good)
    crashes: list[str] = []
    opened.session.crashed.disconnect()
    opened.session.crashed.connect(crashes.append)  # the fake engine does not check what it writes
    with qtbot.waitSignal(opened.session.job_ended):
        asked(bad)
    assert opened.settings.export_folder == good


def test_the_export_dialog_writes_what_it_says(
    opened: MainWindow, photo: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.session.set_value("yaw", 5)
    accept_dialog("ExportDialog")
    with qtbot.waitSignal(opened.session.job_ended):
        qtbot.keyClick(opened, Qt.Key.Key_E, CTRL)
    written = photo.with_name(f"{photo.stem}-mien.png")
    assert written.exists() and str(written) in opened.bar.words.text()


def test_the_export_dialog_grows_with_what_it_says(qtbot: QtBot, tmp_path: Path) -> None:
    photo = tmp_path / "clear.png"
    Image.fromarray(np.zeros((80, 80, 4), np.uint8)).save(photo)
    dialog = ExportDialog(open_photo(photo), Settings())
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    kinds = dialog.format.format
    kinds.setCurrentIndex(kinds.findData(".jpg"))
    qtbot.wait(20)
    assert kinds.height() >= kinds.sizeHint().height()
    note = dialog.note
    assert note.height() >= note.heightForWidth(note.width()) and "transparen" in note.text()


def test_a_name_that_is_typed_keeps_folder_and_ending(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    portrait = opened.session.portrait
    assert portrait is not None
    photo = replace(portrait.photo, path=tmp_path / "a.png")
    dialog = ExportDialog(photo, opened.settings, opened)
    qtbot.addWidget(dialog)
    QTest.keyClicks(dialog.name, "b")
    assert dialog.path == tmp_path / "b.png"
