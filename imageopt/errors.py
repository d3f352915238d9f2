"""The errors a user can meet: each carries one line of cause, one line of remedy and an exit code.

Raise where the cause is known; only `cli` turns them into words and codes.
"""


class ImageoptError(Exception):
    """What went wrong (`cause`) and what to do about it (`remedy`), one line each, whatever names were put in."""

    exit_code = 3

    def __init__(self, cause: str, remedy: str) -> None:
        self.cause = one_line(cause)
        self.remedy = one_line(remedy)
        super().__init__(self.cause)


def one_line(text: str) -> str:
    """The text with a space for each line break, control or formatting character: strangers' files have them."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


class UsageError(ImageoptError):
    """Wrong arguments or configuration: exit 2."""

    exit_code = 2


class InputError(ImageoptError):
    """Something given could not be found or read: no such image, damaged archive. Exit 3."""


class ToolMissing(ImageoptError):
    """A program or service that is needed is not there: no engine, no buildx. Exit 3."""


class ToolFailed(ImageoptError):
    """A program or service was there and said no, or broke off. Exit 3."""
