"""Builds the workspace Edit: the picture with its compare bar, and the panels around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMimeData,
    QObject,
    QPoint,
    QRect,
    QRectF,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from app.engine.contract import Flow, Rendered
from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.handles import Handle
from app.engine.files import data_folder
from app.session.presets import PresetLibrary
from app.session.project import edit_from_json, edit_to_json
from app.session.session import Session
from app.session.settings import Settings
from app.session.values import PAIRS, percent
from app.ui.actions import Actions
from app.ui.canvas.canvas import Canvas
from app.ui.canvas.display import to_display
from app.ui.canvas.nmfc_preview import NmfcPreview
from app.ui.canvas_link import CanvasLink
from app.ui.panels.edit_panel import WIDTH_PX, EditPanel
from app.ui.panels.faces_rail import FacesRail
from app.ui.panels.history_panel import HistoryPanel
from app.ui.panels.presets_panel import PresetsPanel
from app.ui.panels.result_panel import ResultPanel
from app.ui.workspaces import LEFT, RIGHT, Panel

MENU = "frontalise neutralise reset_face - next_face draw_box linked - before split after"
MENU += " - fit actual_size zoom_face - copy_picture export"  # the canvas's menu
NMFC_PX = 146  # logical px; the side of the picture in the corner, chosen by eye
EDIT_TYPE = "application/x-mien-edit"


class CompareBar(QWidget):
    """The bar with before, split and after, the zoom, and the layers."""

    layer_toggled = Signal(str, bool)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self.layers = {
            name: self._layer(name, words)
            for name, words in (
                ("mesh", self.tr("Mesh")),
                ("nmfc", self.tr("NMFC")),
                ("flow", self.tr("Flow")),
            )
        }
        self.zoom = QLabel(self)
        self.zoom.setAccessibleName(self.tr("Zoom"))
        self.zoom.setMinimumWidth(52)
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(2)
        for name in ("before", "split", "after"):
            row.addWidget(self._button(actions, name))
        row.addStretch(1)
        for button in self.layers.values():
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.zoom)
        for name in ("zoom_out", "zoom_in", "fit"):
            row.addWidget(self._button(actions, name, words=name == "fit"))

    def _button(self, actions: Actions, name: str, words: bool = True) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(actions[name])
        button.setAccessibleName(actions[name].text())
        style = (
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon if words else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        button.setToolButtonStyle(style)
        return button

    def _layer(self, name: str, words: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(words)
        button.setCheckable(True)
        button.setAccessibleName(self.tr("Lay {} over the picture").format(words))
        explained = {
            "nmfc": self.tr("NMFC: each place of the face in its own colour, as networks are shown it")
        }
        button.setToolTip("\n".join(t for t in (button.accessibleName(), explained.get(name, "")) if t))
        button.setProperty("layer", name)
        button.toggled.connect(self._on_layer)
        return button

    def show_flow_tip(self, there: bool) -> None:
        """Say in the flow button's tip whether the generator gives a flow."""
        silent = self.tr("This generator gives no flow")
        self.layers["flow"].setToolTip(self.layers["flow"].accessibleName() if there else silent)

    @Slot(bool)
    def _on_layer(self, shown: bool) -> None:
        self.layer_toggled.emit(self.sender().property("layer"), shown)

    @Slot(float)
    def show_zoom(self, zoom: float) -> None:
        self.zoom.setText(percent(zoom))


class EditSpace(QObject):
    """Holds canvas, compare bar and panels over one session."""

    def __init__(self, session: Session, settings: Settings, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._settings, self._actions, self._window = session, settings, actions, window
        self.canvas = Canvas(window)
        self.canvas.set_surround(settings.surround)
        self.compare = CompareBar(actions, window)
        self.link = CanvasLink(session, self.canvas)
        self.rail = FacesRail(session)
        self.edit = EditPanel(session)
        self.presets = PresetsPanel(session, PresetLibrary(data_folder() / "presets"))
        self.history = HistoryPanel(session)
        self.result = ResultPanel(session)
        self.nmfc = NmfcPreview(self.canvas)
        self._rendered: Rendered | None = None
        self._preview_asked = False  # whether the user asked for the preview, so that it may cover the face
        self.stage = QWidget(window)
        column = QVBoxLayout(self.stage)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.compare)
        self._connect()

    def _connect(self) -> None:
        self.canvas.zoom_changed.connect(self.compare.show_zoom)
        self.canvas.mode_changed.connect(self._on_mode)
        self.canvas.drawing_changed.connect(self._actions["draw_box"].setChecked)
        self.compare.layer_toggled.connect(self._on_layer)
        self._session.rendered.connect(self._on_rendered)
        self._session.flow_ready.connect(self._on_flow)
        self._session.closed.connect(self._on_closed)
        self._session.portrait_opened.connect(self._on_opened)
        self.canvas.menu_wanted.connect(self._show_menu)
        self._connect_nmfc()
        self._actions["after"].setChecked(True)
        self._actions["linked"].setChecked(not self._session.unlinked)
        self.rail.open_wanted.connect(self._actions["open"].trigger)
        self.rail.box_wanted.connect(self.canvas.set_drawing_box)
        self.canvas.drawing_changed.connect(self.rail.draw_box.setChecked)
        self.presets.failed.connect(self._session.failed)
        self._session.linked_changed.connect(self._on_linked)
        self.edit.weights_wanted.connect(self._actions["models"].trigger)

    def panels(self) -> list[Panel]:
        """Return every panel with its first place."""
        return [
            Panel("faces", self.tr("Faces"), self.rail, LEFT, titled=False),
            Panel(
                "edit", self.tr("Face"), self.edit, RIGHT, "edit live", width=WIDTH_PX, height=560, front=True
            ),
            Panel("presets", self.tr("Presets"), self.presets, RIGHT, tabbed="edit"),
            Panel("history", self.tr("History"), self.history, RIGHT, tabbed="edit"),
            Panel("result", self.tr("Result"), _padded(self.result), RIGHT, titled=False),
        ]

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Return the functions of this workspace's commands, by the command's name."""
        canvas, session = self.canvas, self._session
        return {
            "fit": canvas.fit,
            "actual_size": canvas.actual_size,
            "zoom_face": canvas.zoom_to_face,
            "zoom_in": lambda: canvas.zoom_by(1.25),
            "zoom_out": lambda: canvas.zoom_by(0.8),
            "before": canvas.toggle_before,
            "split": canvas.toggle_split,
            "after": lambda: canvas.set_mode("after"),
            "frontalise": session.frontalise,
            "neutralise": session.neutralise,
            "next_face": session.next_face,
            "previous_face": session.previous_face,
            "draw_box": lambda: canvas.set_drawing_box(self._actions["draw_box"].isChecked()),
            "linked": lambda: session.link(PAIRS, self._actions["linked"].isChecked()),
            "preview": self._on_preview,
            "copy_edit": self._copy_edit,
            "paste_edit": self._paste_edit,
            "copy_picture": self._copy_picture,
            "snapshot": self._take_snapshot,
        }

    @Slot(str, bool)
    def _on_layer(self, name: str, shown: bool) -> None:
        self.canvas.set_layer(name, shown)
        if name == "flow":
            self._session.show_flow(shown)

    @Slot(object)
    def _on_flow(self, flow: Flow | None) -> None:
        self.compare.show_flow_tip(flow is not None or self._session.edit.is_identity)

    @Slot(object)
    def _on_opened(self) -> None:
        """Zoom to the photo's only face where it is small, once the canvas has its size."""
        QTimer.singleShot(0, self.canvas, self.canvas.show_small_face)

    def menu(self, handle: Handle | None) -> QMenu:
        """Return the menu for the handle that was clicked, or for the picture where no handle was."""
        menu = QMenu(self.canvas)
        if handle is not None:
            words = self.tr("Reset {}").format(QCoreApplication.translate("Handle", handle.title))
            menu.addAction(words).triggered.connect(lambda: self.canvas.reset_wanted.emit(handle))
            menu.addSeparator()
        for part in MENU.split():
            if part == "-":
                menu.addSeparator()
            elif self._actions[part].isEnabled():
                menu.addAction(self._actions[part])
        return menu

    @Slot(QPoint, object)
    def _show_menu(self, where: QPoint, handle: Handle | None) -> None:
        menu = self.menu(handle)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(where)

    # -- the face model's picture in the corner

    def _connect_nmfc(self) -> None:
        self.canvas.resized.connect(self._place_nmfc)
        self.canvas.zoom_changed.connect(lambda _: self._place_nmfc())
        self.canvas.faces_shown.connect(self._place_nmfc)
        self._session.nmfc_ready.connect(self.nmfc.show_picture)
        self._session.portrait_opened.connect(self.nmfc.clear)
        self._session.portrait_opened.connect(self._ask_nmfc)
        self._session.faces_changed.connect(self._ask_nmfc)
        self.nmfc.mesh_chosen.connect(self._ask_nmfc)
        self.nmfc.hidden.connect(self._actions["preview"].trigger)
        self._actions["preview"].setChecked(True)
        self._ask_nmfc()

    @Slot()
    def _ask_nmfc(self) -> None:
        """Ask for the face model's picture while there is a face and the user wants it."""
        shown = self._preview_wanted
        self._place_nmfc()
        size = round(NMFC_PX * self.canvas.devicePixelRatioF())
        self._session.show_nmfc(size if shown else None, self.nmfc.mesh)

    @Slot()
    def _on_preview(self) -> None:
        self._preview_asked = self._actions["preview"].isChecked()
        self._ask_nmfc()

    @Slot()
    def _place_nmfc(self) -> None:
        """Put the picture in a corner where it hides no face; where there is none, hide it unless the user
        wants it.
        """
        room = self.canvas.rect().adjusted(12, 12, -12, -12)
        right, bottom = room.right() - self.nmfc.width() + 1, room.bottom() - self.nmfc.height() + 1
        corners = [(right, bottom), (room.left(), bottom), (right, room.top()), (room.left(), room.top())]
        free = [QPoint(*at) for at in corners if not self._hides_face(QRect(QPoint(*at), self.nmfc.size()))]
        self.nmfc.move(free[0] if free else QPoint(right, bottom))
        self.nmfc.setVisible(self._preview_wanted and (bool(free) or self._preview_asked))

    def _hides_face(self, place: QRect) -> bool:
        view = self.canvas.view
        return any(
            QRectF(view.to_view(face.rect.topLeft()), face.rect.size() * view.zoom).intersects(QRectF(place))
            for face in self.canvas.faces
        )

    @property
    def _preview_wanted(self) -> bool:
        return self._actions["preview"].isChecked() and self._session.face is not None

    @Slot(str)
    def _on_mode(self, mode: str) -> None:
        self._actions[mode].setChecked(True)

    @Slot(object)
    def _on_rendered(self, rendered: Rendered) -> None:
        self._rendered = rendered

    @Slot()
    def _on_closed(self) -> None:
        self._rendered = None

    @Slot()
    def _on_linked(self) -> None:
        self._settings.unlinked = self._session.unlinked
        self._actions["linked"].setChecked(not self._session.unlinked)

    def _take_snapshot(self) -> None:
        proposal = self._window.tr("Snapshot {}").format(len(self._session.document.snapshots) + 1)
        title, words = self.tr("Take snapshot"), self.tr("Name")
        with self._session.held():
            name, taken = QInputDialog.getText(self._window, title, words, text=proposal)
            if taken and name.strip():
                self._session.take_snapshot(name.strip())

    def _copy_edit(self) -> None:
        """Copy the edit, as our own type for other faces and as text for other programs."""
        text = json.dumps(edit_to_json(self._session.edit))
        data = QMimeData()
        data.setData(EDIT_TYPE, text.encode())
        data.setText(text)
        QGuiApplication.clipboard().setMimeData(data)

    def _paste_edit(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if data is None or not data.hasFormat(EDIT_TYPE):
            what = self.tr("There is no edit on the clipboard.")
            self._session.failed.emit(EngineError(what, self.tr("Copy a face's edit first.")))
            return
        edit = edit_from_json(json.loads(bytes(data.data(EDIT_TYPE).data())))
        kept = tuple((n, v) for n, v in edit.values if BY_NAME[n].group != "placement")
        self._session.apply(replace(edit, values=kept), self.tr("Paste edit"))

    def _copy_picture(self) -> None:
        portrait = self._session.portrait
        if portrait is None:
            return
        shown = self._rendered or portrait.photo
        picture = to_display(shown.pixels, shown.alpha, portrait.photo.icc).levels[0]
        QGuiApplication.clipboard().setImage(QImage(picture).copy())


class _Fitted(QWidget):
    """A holder that takes the height of its content at the current width, because words may wrap."""

    def event(self, event: QEvent) -> bool:
        layout = self.layout()
        if layout is not None and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            wraps = layout.hasHeightForWidth()
            self.setFixedHeight(
                layout.totalHeightForWidth(self.width()) if wraps else self.sizeHint().height()
            )
        return super().event(event)


def _padded(panel: QWidget) -> QWidget:
    """Return the panel in a holder of its height, at a small distance from the edges."""
    holder = _Fitted()
    column = QVBoxLayout(holder)
    column.setContentsMargins(8, 4, 8, 4)
    column.addWidget(panel)
    return holder
