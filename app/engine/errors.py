"""Defines the one error that a user can meet."""

from __future__ import annotations

from typing import Literal

# The command of a window that does what a remedy says: open another photo, let the user draw a box, show the models,
# ask for another place to export to, or show the Live workspace.
Action = Literal["", "open", "draw_box", "models", "export", "live_space"]


class Remark(str):
    """A whole sentence that a user should read and that stops nothing; windows translate it like an error's."""


class EngineError(Exception):
    """Something the user can understand and act on.

    `message` says what happened, `remedy` the one thing to do; both are whole sentences, in English: a window
    translates them by the templates that `tools/texts.py` finds. `action` is the command that does what the remedy
    says, where there is one.
    """

    def __init__(self, message: str, remedy: str, action: Action = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy
        self.action: Action = action

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


# `GeneratorInfo.missing` of a generator without torch.
LIGHT = "it needs networks, which Mien Light leaves out"


def without_torch(error: ModuleNotFoundError) -> EngineError | None:
    """Return the error for users where torch is the missing module; None where another module is."""
    if (error.name or "").partition(".")[0] != "torch":
        return None
    return EngineError("This needs networks, which Mien Light leaves out.", "Install the full Mien.")
