"""Shows the settings: appearance and language, and every command's keys, searchable and editable."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.session.settings import Settings
from app.ui import i18n, theme
from app.ui.actions import TABLE, Actions, translated


class ShortcutsEditor(QWidget):
    """Lets the user find a command and press its new keys."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(self.tr("Search by name or keys"))
        self.search.setAccessibleName(self.tr("Search"))
        self.search.textChanged.connect(self._filter)
        self.table = QTreeWidget(self)
        self.table.setAccessibleName(self.tr("Keyboard shortcuts"))
        self.table.setHeaderLabels([self.tr("Command"), self.tr("Keys")])
        self.table.setRootIsDecorated(False)
        self.table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.currentItemChanged.connect(self._on_chosen)
        self.keys = QKeySequenceEdit(self)
        self.keys.setAccessibleName(self.tr("New keys"))
        self.keys.setMaximumSequenceLength(1)
        self.keys.editingFinished.connect(self._on_keys)
        clear = QPushButton(self.tr("Remove"), self)
        clear.clicked.connect(self._on_clear)
        reset = QPushButton(self.tr("Reset all"), self)
        reset.clicked.connect(self._on_reset)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        theme.caption(self.note)
        row = QHBoxLayout()
        row.addWidget(QLabel(self.tr("New keys"), self))
        row.addWidget(self.keys, 1)
        row.addWidget(clear)
        row.addWidget(reset)
        column = QVBoxLayout(self)
        for part in (self.search, self.table):
            column.addWidget(part)
        column.addLayout(row)
        column.addWidget(self.note)
        self._fill()

    def _fill(self) -> None:
        chosen = self._name()
        self.table.clear()
        for spec in TABLE:
            shown = ", ".join(s.toString(_NATIVE) for s in self._actions[spec.name].shortcuts())
            item = QTreeWidgetItem(self.table, [translated(spec.title).rstrip("…"), shown])
            item.setData(0, Qt.ItemDataRole.UserRole, spec.name)
            if spec.name == chosen:
                self.table.setCurrentItem(item)
        if not chosen:
            self.table.setCurrentItem(self._items()[0])
        self._filter(self.search.text())

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.table.topLevelItem(row) for row in range(self.table.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _name(self) -> str:
        item = self.table.currentItem()
        return str(item.data(0, Qt.ItemDataRole.UserRole)) if item else ""

    @Slot(str)
    def _filter(self, text: str) -> None:
        for item in self._items():
            words = f"{item.text(0)} {item.text(1)}".lower()
            item.setHidden(text.lower() not in words)

    @Slot()
    def _on_chosen(self) -> None:
        self.keys.setKeySequence(self._first(self._name()))
        self.note.clear()

    def _first(self, name: str) -> QKeySequence:
        """Return the keys that the field shows of a command; empty without a command or keys."""
        shortcuts = self._actions[name].shortcuts() if name else []
        return shortcuts[0] if shortcuts else QKeySequence()

    @Slot()
    def _on_keys(self) -> None:
        self._assign_keys(self.keys.keySequence().toString())

    def _assign_keys(self, keys: str) -> None:
        name = self._name()
        owner = self._actions.owner(keys, name) if keys else None
        if owner is not None:
            title = self._actions[owner].text().rstrip("…")
            self.note.setText(self.tr("{} has these keys already. Remove them there first.").format(title))
        elif name and QKeySequence(keys) != self._first(name):
            self._actions.set_keys(name, keys)
            self._fill()

    @Slot()
    def _on_clear(self) -> None:
        self.keys.clear()
        self._assign_keys("")

    @Slot()
    def _on_reset(self) -> None:
        self._actions.reset_keys()
        self._fill()


class SettingsDialog(QDialog):
    """Shows the settings; all take effect at once, except that the language waits for the next start."""

    theme_chosen = Signal(str)
    surround_chosen = Signal(str)

    def __init__(
        self, settings: Settings, actions: Actions, tab: int = 0, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self.setMinimumSize(560, 520)
        self._settings = settings
        names = {"dark": self.tr("Dark"), "light": self.tr("Light"), "system": self.tr("As the system")}
        self.theme = self._combo(self.tr("Theme"), names, settings.theme)
        self.theme.currentIndexChanged.connect(self._on_theme)
        rounds = {"theme": self.tr("As the theme"), "black": self.tr("Black")}
        rounds |= {"mid": self.tr("Mid grey"), "white": self.tr("White")}
        self.surround = self._combo(self.tr("Around the picture"), rounds, settings.surround)
        self.surround.currentIndexChanged.connect(self._on_surround)
        languages = {"": self.tr("As the system"), **i18n.LANGUAGES}
        self.language = self._combo(self.tr("Language"), languages, settings.language)
        self.language.currentIndexChanged.connect(self._on_language)
        self.note = QLabel(self)
        theme.caption(self.note)
        self.shortcuts = ShortcutsEditor(actions, self)
        general = QWidget(self)
        form = QFormLayout(general)
        form.addRow(self.tr("Theme"), self.theme)
        form.addRow(self.tr("Around the picture"), self.surround)
        form.addRow(self.tr("Language"), self.language)
        form.addRow("", self.note)
        tabs = QTabWidget(self)
        tabs.setDocumentMode(True)
        tabs.addTab(general, self.tr("General"))
        tabs.addTab(self.shortcuts, self.tr("Keyboard"))
        tabs.setCurrentIndex(tab)
        self.tabs = tabs
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(tabs)
        column.addWidget(buttons)

    def _combo(self, name: str, choices: dict[str, str], chosen: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setAccessibleName(name)
        for key, words in choices.items():
            combo.addItem(words, key)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
        return combo

    @Slot()
    def _on_theme(self) -> None:
        self.theme_chosen.emit(self.theme.currentData())

    @Slot()
    def _on_surround(self) -> None:
        self._settings.surround = self.surround.currentData()
        self.surround_chosen.emit(self.surround.currentData())

    @Slot()
    def _on_language(self) -> None:
        self._settings.language = self.language.currentData()
        self.note.setText(self.tr("The language changes when Mien starts next."))


_NATIVE = QKeySequence.SequenceFormat.NativeText
