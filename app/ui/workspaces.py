"""Keeps the docks and the layouts of the workspaces Edit and Live."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QTabWidget, QWidget

from app.session.settings import Settings

LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
LAYOUT_VERSION = 2  # version of the panels' arrangement; a stored layout of another is ignored


@dataclass(frozen=True, eq=False)
class Panel:
    """A panel and its first place.

    space: the workspaces that it belongs to; width, height: px at the start (0: the panel's own size);
    tabbed: the panel with which it shares its place; shown: whether it is visible at the start; titled:
    whether it has a bar by which it is moved; front: whether its tab is the one seen first.
    """

    name: str
    title: str
    widget: QWidget
    area: Qt.DockWidgetArea
    space: str = "edit"
    width: int = 0
    height: int = 0
    tabbed: str = ""
    shown: bool = True
    titled: bool = True
    front: bool = False


class Workspaces(QObject):
    """Keeps one layout for each workspace; every panel can be moved, closed, floated and put back."""

    changed = Signal(str)
    hidden_changed = Signal(bool)

    def __init__(self, window: QMainWindow, settings: Settings, panels: list[Panel], menu: QMenu) -> None:
        super().__init__(window)
        self._window, self._settings, self._panels = window, settings, panels
        self.current = "edit"
        self._hidden: list[QDockWidget] = []
        self._out = True  # whether no panel is in the window
        # The titles wait until all docks have moved, because Qt reports each while it still moves the others.
        self._titles = QTimer(self, singleShot=True, interval=0)
        self._titles.timeout.connect(self._show_titles)
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.docks = {panel.name: self._dock(panel) for panel in panels}
        for name in self.docks:
            menu.addAction(self.docks[name].toggleViewAction())

    def _dock(self, panel: Panel) -> QDockWidget:
        dock = QDockWidget(panel.title, self._window)
        dock.setObjectName(panel.name)
        dock.setAccessibleName(panel.title)
        dock.setWidget(panel.widget)
        if not panel.titled:
            dock.setTitleBarWidget(QWidget(dock))
            return dock
        for signal in (dock.topLevelChanged, dock.dockLocationChanged, dock.visibilityChanged):
            signal.connect(self._schedule_titles)
        return dock

    @Slot()
    def _schedule_titles(self) -> None:
        self._titles.start()

    @Slot()
    def _show_titles(self) -> None:
        """Show a panel's title bar only where it has no tab, because a tab is both title and handle."""
        for panel in self._panels:
            dock = self.docks[panel.name]
            tabbed = bool(self._window.tabifiedDockWidgets(dock)) and not dock.isFloating()
            if panel.titled and tabbed != (dock.titleBarWidget() is not None):
                bare = dock.titleBarWidget()
                dock.setTitleBarWidget(QWidget(dock) if tabbed else None)  # type: ignore[arg-type]
                if bare is not None:
                    bare.deleteLater()

    def _add(self) -> list[Panel]:
        """Put the workspace's panels into the window and take the other's out; return those that were put in."""
        self._out = False
        here = [panel for panel in self._panels if self.current in panel.space.split()]
        for panel in self._panels:
            self._remove(panel)
            self.docks[panel.name].toggleViewAction().setVisible(panel in here)
        for panel in here:
            self.docks[panel.name].setFloating(False)
            self._window.addDockWidget(panel.area, self.docks[panel.name])
            self.docks[panel.name].setVisible(panel.shown)
        return here

    def _put_back(self) -> None:
        """Put every panel of the workspace at its first place."""
        here = self._add()
        for panel in here:
            if panel.tabbed:
                self._window.tabifyDockWidget(self.docks[panel.tabbed], self.docks[panel.name])
        for panel in here:
            if panel.front:
                self.docks[panel.name].raise_()
        self._resize()
        QTimer.singleShot(0, self, self._resize)  # sizes take effect once the panels are laid out

    def _resize(self) -> None:
        if self._out or not self._settings.layout(f"docks-{self.current}").isEmpty():
            return
        here = [p for p in self._panels if self.current in p.space.split() and p.shown]
        for size, way in (("width", Qt.Orientation.Horizontal), ("height", Qt.Orientation.Vertical)):
            sized = [p for p in here if getattr(p, size)]
            if sized:
                self._window.resizeDocks(
                    [self.docks[p.name] for p in sized], [getattr(p, size) for p in sized], way
                )

    def restore(self) -> None:
        """Restore the layout as it was left; panels that it does not know stand at their first place."""
        state = self._settings.layout(f"docks-{self.current}")
        if state.isEmpty():
            self._put_back()
            return
        # The panels are not tabbed before this: Qt would leave the old tab bar behind the restored one.
        self._add()
        if not self._window.restoreState(state, LAYOUT_VERSION):
            self._put_back()

    def clear(self) -> None:
        """Take every panel out of the window, because nothing is open; `restore` brings them back."""
        self._out = True
        for panel in self._panels:
            self._remove(panel)

    def _remove(self, panel: Panel) -> None:
        """Take a panel out of the window.

        It is hidden first, else Qt would later show it again at its place.
        """
        self.docks[panel.name].hide()
        self._window.removeDockWidget(self.docks[panel.name])

    def keep(self) -> None:
        """Remember the layout."""
        if self._out:
            return
        self.show_all()
        self._settings.set_layout(f"docks-{self.current}", self._window.saveState(LAYOUT_VERSION))

    def switch(self, space: str) -> None:
        """Keep this workspace's layout and show the other workspace."""
        if space != self.current:
            self.keep()
            self.current = space
            self.restore()
            self.changed.emit(space)

    def reset(self) -> None:
        """Put all panels of both workspaces at their first places."""
        self._hidden = []
        self._settings.clear_layouts()
        self._put_back()
        self.hidden_changed.emit(False)

    def hide_all(self) -> None:
        """Show only the picture; `show_all` brings the panels back."""
        self._hidden = [dock for dock in self.docks.values() if not dock.isHidden()]
        for dock in self._hidden:
            dock.hide()
        self.hidden_changed.emit(True)

    def show_all(self) -> None:
        hidden, self._hidden = self._hidden, []
        for dock in hidden:
            dock.show()
        if hidden:
            self.hidden_changed.emit(False)

    def reveal(self, name: str) -> None:
        """Bring one panel to the front."""
        dock = self.docks[name]
        dock.show()
        dock.raise_()
