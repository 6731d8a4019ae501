"""The one way in which set-up ends early: a message that says what, where and what to do."""

USER = 2
MACHINE = 1


class SetupFailed(Exception):
    """Set-up cannot go on. `code` is the exit status: 2 if something is for the user to install, 1 otherwise."""

    def __init__(self, message: str, code: int = MACHINE) -> None:
        super().__init__(message)
        self.code = code
