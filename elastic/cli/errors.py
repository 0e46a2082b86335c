"""How a command ends: exit codes, and an error that says what to do next."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3


class CommandError(Exception):
    """A command could not do what was asked; the text says why and what to do, `code` is the exit code."""

    def __init__(self, text: str, code: Exit = Exit.FAILED) -> None:
        """Keep the exit code."""
        super().__init__(text)
        self.code = code
