"""Shows pose, gaze, expression, components and a generator's own directions, as far as the generator obeys
them.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.engine.contract import GeneratorInfo
from app.engine.face.controls import COMPONENTS, GAZE, POSE, SEMANTIC, Control
from app.session.components import carried
from app.session.session import Session
from app.session.values import PAIRS
from app.ui.panels.binding import Gestures, RowBinding
from app.ui.panels.hover_pictures import HoverPictures
from app.ui.panels.latents_group import LatentsGroup
from app.ui.panels.verb_row import VerbRow
from app.ui.widgets.folding_group import FoldingGroup
from app.ui.widgets.gaze_pad import GazePad
from app.ui.widgets.parameter_slider import ParameterSlider, chain

WIDTH_PX = 410  # logical px; names, tracks and numbers fit side by side in German too


class EditPanel(QScrollArea):
    """Holds everything that edits the active face, in groups that fold."""

    weights_wanted = Signal(str)  # name of the generator whose weights are missing

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.rows: dict[str, RowBinding] = {}
        self.groups: dict[str, tuple[FoldingGroup, tuple[str, ...]]] = {}
        self._pictures = HoverPictures(session, self)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(280)
        self.setAccessibleName(self.tr("Edit"))
        content = QWidget(self)
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(8, 4, 8, 8)
        self._column.setSpacing(0)
        self._build()
        self._column.addStretch(1)
        self.setWidget(content)
        chain([binding.row for binding in self.rows.values()])
        self._connect()
        self.refresh()

    def _build(self) -> None:
        pose = self._group("pose", self.tr("Pose"), POSE)
        tip = self.tr("Turn the head to the camera")
        self.frontalise = VerbRow(
            self.session, self.tr("Frontalise"), "frontalise", tip, self.session.frontalise, pose
        )
        pose.body.addWidget(self.frontalise)
        self._build_gaze()
        expression = self._group("expression", self.tr("Expression"), SEMANTIC)
        tip = self.tr("Relax the expression")
        self.neutralise = VerbRow(
            self.session, self.tr("Neutralise"), "neutralise", tip, self.session.neutralise, expression
        )
        expression.body.addWidget(self.neutralise)
        components = self._group("components", self.tr("Components 1–28 (σ)"), COMPONENTS, folded=True)
        components.heading.setToolTip(
            self.tr(
                "The face model's own axes. σ: one standard deviation of how far people's faces go on an axis"
            )
        )
        self.latents = LatentsGroup(self.session, self)
        self.latents.weights_wanted.connect(self.weights_wanted)
        self._column.addWidget(self.latents)

    def _group(
        self, name: str, title: str, controls: tuple[Control, ...], folded: bool = False
    ) -> FoldingGroup:
        group = FoldingGroup(title, folded, self)
        for control in controls:
            self._row(group, control)
        names = tuple(c.name for c in controls)
        self.groups[name] = group, names
        group.reset_wanted.connect(lambda: self.session.reset(names))
        self._column.addWidget(group)
        return group

    def _row(self, group: FoldingGroup, control: Control) -> None:
        row = ParameterSlider(control, group)
        self.rows[control.name] = RowBinding(self.session, row)
        self._pictures.watch(row)
        if control.name in PAIRS:
            row.with_chain()
            row.linked.connect(lambda linked, name=control.name: self.session.link((name,), linked))
        group.body.addWidget(row)

    def _build_gaze(self) -> None:
        """Make the pad, which drags both angles, and beside it their numbers, which need no tracks."""
        group = self._group("gaze", self.tr("Gaze"), GAZE)
        self.pad = GazePad(*GAZE, group)
        self._pad_gestures = Gestures(self.session, self.pad, self.pad)
        self.pad.edited.connect(self._on_gaze)
        numbers = QVBoxLayout()
        numbers.setContentsMargins(8, 0, 0, 0)
        numbers.addStretch(1)
        for control in GAZE:
            row = self.rows[control.name].row
            row.without_track()
            numbers.addWidget(row)
        numbers.addStretch(1)
        beside = QHBoxLayout()
        beside.setContentsMargins(4, 4, 0, 0)
        beside.addWidget(self.pad)
        beside.addLayout(numbers, 1)
        group.body.addLayout(beside)

    def _connect(self) -> None:
        self.session.document_changed.connect(self.refresh)
        self.session.active_changed.connect(self.refresh)
        self.session.portrait_opened.connect(self.refresh)
        self.session.faces_changed.connect(self.refresh)
        self.session.generator_changed.connect(self.show_generator)
        self.session.linked_changed.connect(self.show_links)
        self.show_links()

    # -- showing

    @Slot()
    def refresh(self) -> None:
        """Show the document's values; without a face nothing can be moved."""
        has_face = self.session.face is not None
        for group, _ in self.groups.values():
            group.content.setEnabled(has_face)
        for control, part in zip(COMPONENTS, carried(self.session.face, self.session.edit)):
            self.rows[control.name].carried = part
        for binding in self.rows.values():
            binding.show()
        gaze = [(self.session.value(c.name), self.session.own_value(c.name)) for c in GAZE]
        self.pad.show_value((gaze[0][0], gaze[1][0]), (gaze[0][1], gaze[1][1]))
        asked = {name for name, _ in self.session.edit.values}
        for group, names in self.groups.values():
            group.show_changed(not asked.isdisjoint(names))
        self.latents.refresh()

    @Slot(object)
    def show_generator(self, info: GeneratorInfo) -> None:
        """Show only the controls that this generator obeys; groups without any are hidden."""
        for name, binding in self.rows.items():
            binding.row.setVisible(name in info.controls)
        for group, names in self.groups.values():
            group.setVisible(any(name in info.controls for name in names))
        self.pad.setVisible("gaze_x" in info.controls)
        self.latents.show_generator(info)

    def reveal(self, name: str) -> None:
        """Unfold a control's group, scroll to its row and give it the focus."""
        row = self.rows[name].row
        for group, names in self.groups.values():
            if name in names:
                group.heading.setChecked(True)
        self.ensureWidgetVisible(row)
        row.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # -- changing

    @Slot(object)
    def _on_gaze(self, value: tuple[float, float] | None) -> None:
        x, y = value if value is not None else (None, None)
        self.session.set_values({"gaze_x": x, "gaze_y": y}, gesture=self._pad_gestures.number)

    @Slot()
    def show_links(self) -> None:
        """Show for every pair whether its two sides move together."""
        for name in PAIRS:
            self.rows[name].row.show_linked(self.session.is_linked(name))
