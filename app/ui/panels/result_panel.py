"""Shows what was asked beside what a fresh fit of the render finds, and marks what was missed."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication, QEvent, Qt, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from app.engine.contract import Measurement, Rendered
from app.engine.face.controls import BY_NAME, CONTROLS
from app.engine.face.parameters import N_EXPRESSION, FaceEdit
from app.session.session import Session
from app.session.values import filled
from app.ui import i18n, icons, theme
from app.ui.widgets.folding_group import FoldingGroup
from app.ui.widgets.number_field import shown

ORDER = {control.name: at for at, control in enumerate(CONTROLS)}
# How far a fresh fit may differ before a row is marked; chosen by the errors in docs/measured.md.
POSE_MISS, GAZE_MISS = 2.0, 4.0  # degrees
SURE = 2.0  # standard deviations of the reading by which true pictures may differ
# Shares of the movement asked that count as obtained, and the difference (in full movements) that is no miss.
SHARE_LOW, SHARE_HIGH, SLACK = 0.8, 1.25, 0.1
EXPRESSION_MISS = 0.5  # sigmas
ROWS, FEW_ROWS = 12, 4  # rows of the table in a tall and in a low window
TALL_PX = 800  # logical px of the window from which there is room for all rows beside the sliders


def misses(name: str, asked: float, measured: float, uncertainty: float = 0.0) -> bool:
    """Return whether the render is further from what was asked than Mien promises and the reading can err.

    uncertainty: the reading's standard deviation; one true picture in twenty differs by twice as much.
    """
    group = BY_NAME[name].group
    if group == "pose":
        return abs(asked - measured) > max(POSE_MISS, SURE * uncertainty)
    if group == "gaze":
        return abs(asked - measured) > max(GAZE_MISS, SURE * uncertainty)
    near = abs(asked - measured) <= SLACK
    return not near and not SHARE_LOW <= (measured / asked if asked else 0.0) <= SHARE_HIGH


def expression_miss(measurement: Measurement) -> float:
    """Return how far the 28 components are from what was asked: root mean square, sigmas."""
    pairs = zip(measurement.expression_asked, measurement.expression_measured)
    return math.sqrt(sum((a - b) ** 2 for a, b in pairs) / N_EXPRESSION)


class ResultPanel(FoldingGroup):
    """Shows a small table under the sliders, new after each full render."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self.heading.setText(self.tr("Result"))
        self.heading.setAccessibleName(self.heading.text())
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._session = session
        self.summary = QLabel(self.content)
        self.summary.setWordWrap(True)
        about = self.tr(
            "How alike photo and result are by the shapes of the faces, or by an imported recogniser."
        )
        limits = self.tr(
            "By shapes, frames of one person are 73 % alike and two people 30 to 42 %; turns lower it."
        )
        self.summary.setToolTip(f"{about} {limits}")
        self.summary.setContentsMargins(4, 0, 4, 4)
        self.body.addWidget(self.summary)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(4, 0, 4, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self.body.addLayout(self._grid)
        self.doubts = QLabel(self.content)
        self.doubts.setWordWrap(True)
        self.doubts.setContentsMargins(4, 2, 4, 4)
        self.body.addWidget(self.doubts)
        self._doubts: tuple[str, ...] = ()
        self._changed = ""
        self._shown: Measurement | None = None
        self._of: tuple[int, FaceEdit] | None = None  # the face and the edit that the table is about
        session.document_changed.connect(self._on_document)
        session.rendered.connect(self._on_rendered)
        session.measured.connect(self.show_measurement)
        session.closed.connect(lambda: self.show_measurement(None))
        self.show_measurement(None)

    @Slot(object)
    def _on_rendered(self, rendered: Rendered) -> None:
        self._changed = filled(self.tr("{:.1f} % of pixels changed"), rendered.changed * 100)
        self._doubts = rendered.doubts

    @Slot(object)
    def show_measurement(self, measurement: Measurement | None) -> None:
        """Show a measurement; None where the active face is not edited, or cannot be measured."""
        self._of = self._session.document.active, self._session.edit
        self._show(measurement, self.tr("The result could not be measured."))

    @Slot()
    def _on_document(self) -> None:
        """Remove the table if it is about another face or another edit."""
        if self._of != (self._session.document.active, self._session.edit):
            self._of = None
            self._show(None, self.tr("Measuring…"))

    def _show(self, measurement: Measurement | None, otherwise: str) -> None:
        self._shown = measurement
        while self._grid.count():
            item = self._grid.takeAt(0)
            label = item.widget() if item is not None else None
            if label is not None:
                label.hide()  # it is deleted later, and must not be seen under the new one until then
                label.deleteLater()
        nothing = self._session.edit.is_identity or self._session.face is None
        known = self._doubts if self._of is not None and not nothing else ()
        self.doubts.setText("\n".join(f"\u26a0 {i18n.sentence(doubt)}" for doubt in known))
        self.doubts.setVisible(bool(known))
        if measurement is None:
            self.summary.setText(self.tr("Nothing is changed yet.") if nothing else otherwise)
        else:
            identity = self.tr("identity {:.0f} %").format(measurement.identity * 100)
            self.summary.setText(", ".join(t for t in (self._changed, identity) if t))
            self._fill(measurement)
        self._lay_out()

    def _lay_out(self) -> None:
        """Give the panel and all around it their new heights at once: painted in between, the words stood apart in the
        old height, and the panels' separator went through them.
        """
        widget: QWidget | None = self.content
        while widget is not None:
            QCoreApplication.sendPostedEvents(widget, QEvent.Type.LayoutRequest)
            widget = widget.parentWidget()

    def _fill(self, measurement: Measurement) -> None:
        asked = dict(self._session.edit.values)
        off = expression_miss(measurement) if any(BY_NAME[n].group == "components" for n in asked) else None
        names = sorted((n for n in asked if n in measurement.measured and n in ORDER), key=ORDER.__getitem__)
        if off is not None:
            self._cell(ROWS + 2, 0, self.tr("Components"))
            self._cell(ROWS + 2, 2, filled(self.tr("{:.2f} σ off"), off))
            self._mark(ROWS + 2, off > EXPRESSION_MISS)
        if not names:
            return
        for column, text in ((1, self.tr("asked")), (2, self.tr("measured"))):
            self._cell(0, column, text, quiet=True)
        most = ROWS if self.window().height() >= TALL_PX else FEW_ROWS
        for row, name in enumerate(names[:most], 1):
            known = measurement.uncertainty.get(name)
            self._line(row, name, measurement.asked.get(name, asked[name]), measurement.measured[name], known)
        if len(names) > most:
            self._cell(ROWS + 1, 0, self.tr("and {} more").format(len(names) - most), quiet=True)

    def _line(
        self, row: int, name: str, asked: float, measured: float, uncertainty: float | None = None
    ) -> None:
        """Fill a row of the table; uncertainty: standard deviation of the measured value, None where it is
        not known.
        """
        control = BY_NAME[name]
        self._cell(row, 0, QCoreApplication.translate("Control", control.title))
        self._cell(row, 1, shown(control, asked))
        text = shown(control, measured)
        self._cell(row, 2, text if uncertainty is None else f"{text} ± {shown(control, uncertainty)}")
        self._mark(row, misses(name, asked, measured, uncertainty or 0.0))

    def _mark(self, row: int, missed: bool) -> None:
        if missed:
            mark = QLabel(self.content)
            pixels = icons.pixmap("warning", theme.current().accent, 16, self.devicePixelRatioF())
            mark.setPixmap(pixels)
            mark.setToolTip(self.tr("The render misses what was asked."))
            mark.setAccessibleName(mark.toolTip())
            self._grid.addWidget(mark, row, 3)

    def _cell(self, row: int, column: int, text: str, quiet: bool = False) -> None:
        label = QLabel(text, self.content)
        if quiet:
            theme.caption(label)
        label.setMinimumHeight(label.sizeHint().height())  # words that wrap below must not cut it
        side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
        self._grid.addWidget(label, row, column, side | Qt.AlignmentFlag.AlignVCenter)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_shown"):
            self._show(self._shown, self.summary.text())  # marks in the new theme's colour
        super().changeEvent(event)
