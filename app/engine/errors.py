"""The one error a user can meet."""


class EngineError(Exception):
    """Something the user can understand and act on.

    `message` says what happened, `remedy` the one thing to do; both are whole sentences.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"
