"""What the directory refuses, and why."""


class DirectoryError(Exception):
    """The directory could not answer."""

    code = "DIRECTORY"


class NobodyHere(DirectoryError):
    """Nobody by that id is known in this unit."""

    code = "NOBODY_HERE"

    def __init__(self, person: str, unit: str) -> None:
        super().__init__(f"{unit} không có người mang mã “{person}” / {unit} knows nobody by the id “{person}”")


class BadDirectory(DirectoryError):
    """The stored directory is not one we can read. Nothing was guessed."""

    code = "BAD_DIRECTORY"
