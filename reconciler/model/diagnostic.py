"""What is said about what a user wrote: where, what, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.frozen import frozen


class Severity(StrEnum):
    """How bad a finding is; only an error stops."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place in a file; line and column are 1-based, 0 where there is no such place."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@frozen
class Diagnostic:
    """One finding; `summary` is one line that says what is wrong, `detail` what to do, `code` is stable."""

    severity: Severity
    code: str
    summary: str
    detail: str = ""
    address: str = ""
    source: Source = Source()

    def __str__(self) -> str:
        what = f"{self.summary}; {self.detail}" if self.detail else self.summary
        what = f"{self.address}: {what}" if self.address else what
        return f"{self.source}  {what}" if self.source.file else what
