"""What is wrong with a user's configuration, as data: where, what, and how to mend it.

Problems are collected, all of them, and never raised. An `error` makes its resource unacceptable
(the last good version stays in force); a `warning` does not.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document stands: a file (or an object's address) and its first line, from 1."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else "<unknown>"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about one resource.

    `path` is the field, as `spec.http[0].route[1].weight`; `line` and `column` count from 1 and are
    those of the field itself where the text is known, else of the document.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    resource: str = ""  # Kind namespace/name
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        subject = " ".join(part for part in (place, self.path) if part)
        text = f"{subject}: {self.message}" if subject else self.message
        return f"{text} ({self.hint})" if self.hint else text
