"""Lists every command of the window in one table: name, words, keys, icon, menu."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from app.session.settings import Settings
from app.ui import icons


@dataclass(frozen=True)
class Spec:
    """One command. keys: portable key sequences, separated by blanks, of which the first is shown; group: name of
    the group of commands that exclude each other.
    """

    name: str
    title: str
    menu: str
    keys: str = ""
    icon: str = ""
    tip: str = ""
    checkable: bool = False
    group: str = ""


TABLE = (
    Spec("open", "Open…", "file", "Ctrl+O", "open", "Open a photo or a project"),
    Spec("sample", "Open the sample portrait", "file", "", "photo"),
    Spec("paste", "Paste photo", "file", "Ctrl+V", "photo", "Open the picture on the clipboard"),
    Spec("save", "Save project", "file", "Ctrl+S", "save"),
    Spec("save_as", "Save project as…", "file", "Ctrl+Shift+S"),
    Spec("revert", "Revert", "file", "", "reset", "Back to what the file holds"),
    Spec("export", "Export…", "file", "Ctrl+E", "export", "Write the edited photo to a new file"),
    Spec("batch", "Export a folder…", "file", "Ctrl+Shift+E", "batch", "Apply one edit to many photos"),
    Spec("close", "Close photo", "file", "Ctrl+W", "close"),
    Spec("quit", "Quit", "file", "Ctrl+Q"),
    Spec("undo", "Undo", "edit", "Ctrl+Z", "undo"),
    Spec("redo", "Redo", "edit", "Ctrl+Shift+Z Ctrl+Y", "redo"),
    Spec("copy_edit", "Copy edit", "edit", "Ctrl+Shift+C", "copy", "Copy what is asked of this face"),
    Spec("paste_edit", "Paste edit", "edit", "Ctrl+Shift+V", "", "Ask the same of this face"),
    Spec("copy_picture", "Copy picture", "edit", "Ctrl+C", "", "Copy the edited photo to the clipboard"),
    Spec("snapshot", "Take snapshot", "edit", "Ctrl+Alt+S", "snapshot", "Keep this state under a name"),
    Spec("reset_face", "Reset face", "edit", "Ctrl+Shift+R", "reset", "Leave this face as in the photo"),
    Spec("reset_all", "Reset all faces", "edit"),
    Spec("settings", "Settings…", "edit", "Ctrl+,", "settings"),
    Spec("frontalise", "Frontalise", "face", "Ctrl+Shift+F", "frontalise", "Turn the head to the camera"),
    Spec("neutralise", "Neutralise", "face", "Ctrl+Shift+N", "neutralise", "Relax the expression"),
    Spec("next_face", "Next face", "face", "Ctrl+PgDown Ctrl+]", "face", "Also Tab on the picture"),
    Spec("previous_face", "Previous face", "face", "Ctrl+PgUp Ctrl+["),
    Spec("draw_box", "Draw a box around a face", "face", "Ctrl+D", "draw-box", "", True),
    Spec(
        "linked", "Link left and right", "face", "Ctrl+L", "link", "All pairs; each has its own chain", True
    ),
    Spec("fit", "Fit", "view", "Ctrl+0", "fit", "Show the whole photo"),
    Spec(
        "actual_size",
        "100 %",
        "view",
        "Ctrl+1",
        "actual-size",
        "One pixel of the photo is one of the screen",
    ),
    Spec("zoom_face", "Zoom to face", "view", "Ctrl+2", "face", "Show the face that is edited large"),
    Spec("zoom_in", "Zoom in", "view", "Ctrl++ Ctrl+=", "zoom-in"),
    Spec("zoom_out", "Zoom out", "view", "Ctrl+-", "zoom-out"),
    Spec("before", "Before", "view", "\\", "before", "Show the photo as it was", True, "compare"),
    Spec("split", "Split", "view", "Y", "split", "Before and after with a divider", True, "compare"),
    Spec("after", "After", "view", "", "after", "Show the edited photo", True, "compare"),
    Spec("preview", "Face model", "view", "Ctrl+M", "nmfc", "Show what the face model is asked for", True),
    Spec("full_screen", "Full screen", "view", "F11 F", "full-screen", "", True),
    Spec("hide_panels", "Hide panels", "view", "Ctrl+B", "layout", "", True),
    Spec("reset_layout", "Reset workspace", "view", "", "", "Put every panel back in its place"),
    Spec("edit_space", "Edit", "workspace", "Ctrl+Alt+1", "", "Edit a photo", True, "workspace"),
    Spec("live_space", "Live", "workspace", "Ctrl+Alt+2", "", "Drive the portrait", True, "workspace"),
    Spec("live_record", "Record", "live", "F9", "record", "Start or stop recording"),
    Spec("live_neutral", "Set neutral", "live", "F6", "neutralise", "Average the driver's face at rest"),
    Spec("live_pause", "Pause", "live", "F7", "pause", "Hold the portrait still"),
    Spec("live_mirror", "Mirror", "live", "F8", "mirror", "Move as in a mirror"),
    Spec("film", "Render a film…", "live", "Ctrl+Alt+E", "", "Drive the portrait by a clip at full size"),
    Spec("dark", "Dark", "theme", "", "", "", True, "theme"),
    Spec("light", "Light", "theme", "", "", "", True, "theme"),
    Spec("system", "As the system", "theme", "", "", "", True, "theme"),
    Spec("toggle_theme", "Dark or light", "view", "Ctrl+Shift+T", "theme"),
    Spec("commands", "Commands…", "help", "Ctrl+Shift+P F3", "commands", "Find any command by its name"),
    Spec("shortcuts", "Keyboard shortcuts…", "help", "F1 Ctrl+Alt+/", "keyboard"),
    Spec("models", "Models…", "help", "", "model", "Trained weights: what is there, what is missing"),
    Spec("training", "Train models…", "help", "", "performance", "A model of one person, or of many"),
    Spec("tour", "Show me around", "help", "", "help"),
    Spec("diagnostics", "Diagnostics…", "help", "", "info"),
    Spec("about", "About Mien", "help"),
)


class Actions(QObject):
    """The table as QActions, with the user's own keys, tooltips that show them, and exclusive groups."""

    keys_changed = Signal()

    def __init__(self, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._groups: dict[str, QActionGroup] = {}
        self._actions = {spec.name: self._make(spec) for spec in TABLE}
        self.apply_keys()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def _make(self, spec: Spec) -> QAction:
        action = QAction(translated(spec.title), self)
        action.setObjectName(spec.name)
        action.setCheckable(spec.checkable)
        if spec.icon:
            icons.put(action, spec.icon)
        if spec.group:
            if spec.group not in self._groups:
                self._groups[spec.group] = QActionGroup(self)
            self._groups[spec.group].addAction(action)
        return action

    def apply_keys(self) -> None:
        """Take the keys from the table and the settings, and show them in the tooltips."""
        own = self._settings.shortcuts
        for spec in TABLE:
            action = self._actions[spec.name]
            sequences = [QKeySequence(keys) for keys in own.get(spec.name, spec.keys).split()]
            action.setShortcuts(sequences)
            words = translated(spec.tip or spec.title).rstrip("…")
            shown = self.native_keys(spec.name)
            action.setToolTip(f"{words} ({shown})" if shown else words)
        self.keys_changed.emit()

    def set_keys(self, name: str, keys: str) -> None:
        """Give a command the user's own keys ("" for none) and keep them."""
        default = next(spec.keys for spec in TABLE if spec.name == name)
        own = {n: k for n, k in self._settings.shortcuts.items() if n != name}
        self._settings.shortcuts = own if keys == default else {**own, name: keys}
        self.apply_keys()

    def reset_keys(self) -> None:
        self._settings.shortcuts = {}
        self.apply_keys()

    def owner(self, keys: str, but: str = "") -> str | None:
        """Return the command that already has these keys, other than the command `but`; None where no command
        has them.
        """
        sequence = QKeySequence(keys)
        for spec in TABLE:
            if spec.name != but and sequence in self._actions[spec.name].shortcuts():
                return spec.name
        return None

    def native_keys(self, name: str) -> str:
        """Return a command's first keys as the system's language writes them; "" where it has none."""
        keys = self._actions[name].shortcuts()
        return keys[0].toString(QKeySequence.SequenceFormat.NativeText) if keys else ""

    def keys(self, name: str) -> str:
        """Return all keys of a command as portable sequences, separated by blanks."""
        return " ".join(s.toString() for s in self._actions[name].shortcuts())

    def enable(self, names: tuple[str, ...], enabled: bool) -> None:
        for name in names:
            self._actions[name].setEnabled(enabled)


def translated(text: str) -> str:
    """Return a text of the table in the window's language."""
    return QCoreApplication.translate("Actions", text)
