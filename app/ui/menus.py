"""Fills menu bar and tool bar from the table of commands."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QMainWindow, QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from app.session.settings import Settings
from app.ui.actions import TABLE, Actions

# "-" is a separator, "recent", "theme" and "panels" are submenus.
LAYOUT = {
    "file": "open sample paste recent - save save_as revert - export batch - close quit",
    "edit": "undo redo - copy_edit paste_edit copy_picture - snapshot reset_face reset_all - settings",
    "face": "frontalise neutralise - next_face previous_face draw_box linked",
    "view": "fit actual_size zoom_face zoom_in zoom_out - before split after preview"
    " - theme panels hide_panels full_screen - reset_layout",
    "live": "edit_space live_space - live_record live_neutral live_pause live_mirror - film",
    "help": "commands shortcuts tour - models training diagnostics about",
}


class RecentMenu(QMenu):
    """Lists the files opened last, read from the settings whenever it is shown."""

    chosen = Signal(object)  # Path

    def __init__(self, settings: Settings, title: str, parent: QWidget) -> None:
        super().__init__(title, parent)
        self._settings = settings
        self.aboutToShow.connect(self._fill)

    @Slot()
    def _fill(self) -> None:
        self.clear()
        for path in self._settings.recent:
            action = self.addAction(path.name)
            action.setToolTip(str(path))
            action.setEnabled(path.exists())
            action.triggered.connect(lambda _=False, p=path: self.chosen.emit(p))
        self.addSeparator()
        forget = self.addAction(self.tr("Clear the list"))
        forget.triggered.connect(lambda _=False: self._settings.clear_recent())


class Menus:
    """The menu bar; another class fills `panels`."""

    def __init__(self, window: QMainWindow, actions: Actions, settings: Settings) -> None:
        titles = {
            "file": window.tr("&File"),
            "edit": window.tr("&Edit"),
            "face": window.tr("F&ace"),
            "view": window.tr("&View"),
            "live": window.tr("&Live"),
            "help": window.tr("&Help"),
        }
        self.recent = RecentMenu(settings, window.tr("Open recent"), window)
        self.panels = QMenu(window.tr("Panels"), window)
        self.theme = QMenu(window.tr("Theme"), window)
        for spec in TABLE:
            if spec.menu == "theme":
                self.theme.addAction(actions[spec.name])
        self.theme.addSeparator()
        self.theme.addAction(actions["toggle_theme"])
        for menu, names in LAYOUT.items():
            target = window.menuBar().addMenu(titles[menu])
            target.setToolTipsVisible(True)
            for name in names.split():
                self._add(target, name, actions)

    def _add(self, menu: QMenu, name: str, actions: Actions) -> None:
        submenu = {"recent": self.recent, "panels": self.panels, "theme": self.theme}.get(name)
        if submenu is not None:
            menu.addMenu(submenu)
        elif name == "-":
            menu.addSeparator()
        else:
            menu.addAction(actions[name])


class TopBar(QToolBar):
    """Open, undo, workspaces in the middle, commands at the right."""

    def __init__(self, window: QMainWindow, actions: Actions) -> None:
        super().__init__(window.tr("Main"), window)
        self.setObjectName("top_bar")
        self.setMovable(False)
        self.setIconSize(QSize(16, 16))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in ("open", "save", "undo", "redo"):
            self._button(actions, name)
        self.addSeparator()
        for name in ("frontalise", "neutralise"):
            self._button(actions, name, words=True)
        self._stretch()
        for name in ("edit_space", "live_space"):
            self._button(actions, name, words=True)
        self._stretch()
        for name in ("fit", "actual_size", "hide_panels"):
            self._button(actions, name)
        self._button(actions, "commands", words=True)

    def _button(self, actions: Actions, name: str, words: bool = False) -> None:
        action = actions[name]
        self.addAction(action)
        button = self.widgetForAction(action)
        assert isinstance(button, QToolButton)
        button.setAccessibleName(action.text().rstrip("…"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # Else it shows, under the pointer, the action's icon for a menu's chosen line.
        button.setAutoRaise(False)
        if words:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _stretch(self) -> None:
        space = QWidget(self)
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
