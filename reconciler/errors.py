"""What can go wrong, as one family; what a user wrote is answered with diagnostics instead.

ReconcilerError                 exit 1 unless a class below says otherwise
├── ManifestError               the manifest cannot be read or is wrong; carries its diagnostics
├── GraphError
│   └── CycleError              resources wait for each other in a loop
├── PlanError
│   ├── StalePlanError          what a saved plan rests on has moved             (exit 3)
│   └── HazardNotAllowedError   a blocked hazard was not allowed                 (exit 3)
├── RefusedError                nothing was touched, on purpose                  (exit 3)
├── StateError                  the memory cannot be trusted or written
│   ├── StateMismatchError      another lineage, account, target or environment  (exit 3)
│   ├── DamagedStateError       torn, emptied, replayed, too new                 (exit 3)
│   └── LockHeldError           somebody else is writing                         (exit 3)
├── ProviderError               an outside system said no, or nothing
│   ├── NotFoundError
│   ├── ConflictError
│   ├── RateLimitedError
│   ├── AuthenticationError
│   ├── UnavailableError        no usable answer; `sent` says whether the work may have been done
│   └── IntegrityError          bytes do not match their digest
├── ApplyError                  applied in part                                  (exit 4)
└── InterruptedRunError         the user asked to stop                           (exit 130)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ReconcilerError(Exception):
    """Anything this tool says no with; `message` is one line, `fix` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, fix: str = "", address: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.address = address

    def __str__(self) -> str:
        where = f"{self.address}: " if self.address else ""
        what_to_do = f"; {self.fix}" if self.fix else ""
        return f"{where}{self.message}{what_to_do}"


class ManifestError(ReconcilerError):
    """The manifest is wrong; `diagnostics` holds every finding, each with its line."""

    def __init__(self, message: str, *, diagnostics: Sequence[Any] = (), fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.diagnostics = tuple(diagnostics)


class GraphError(ReconcilerError):
    """The dependency graph cannot be ordered."""


class CycleError(GraphError):
    """Resources wait for each other; the message prints the loops, hop by hop, `loops` has a diagnostic for each."""

    def __init__(self, message: str, *, loops: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.loops = tuple(loops)


class PlanError(ReconcilerError):
    """No plan can be made, or the one at hand cannot be used."""


class StalePlanError(PlanError):
    """What a saved plan rests on has moved since."""

    exit_code = 3


class HazardNotAllowedError(PlanError):
    """The plan holds a blocked hazard that no flag allows."""

    exit_code = 3


class RefusedError(ReconcilerError):
    """Stopped on purpose before anything was touched."""

    exit_code = 3


class StateError(ReconcilerError):
    """The state cannot be read, trusted or written."""


class StateMismatchError(StateError):
    """The state belongs to another lineage, account, project, environment or target."""

    exit_code = 3


class DamagedStateError(StateError):
    """The state is torn, emptied, replayed, or written by a newer version."""

    exit_code = 3


class LockHeldError(StateError):
    """Somebody else is writing; the message names who, where and since when."""

    exit_code = 3


class ProviderError(ReconcilerError):
    """An outside system refused or failed.

    `status` is the HTTP status (0: none), `code` the service's own constant or number as text
    (`VALIDATE_INPUT`, `10007`), `details` what it added (reference 1.5).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        details: Mapping[str, Any] | None = None,
        fix: str = "",
        address: str = "",
    ) -> None:
        super().__init__(message, fix=fix, address=address)
        self.status = status
        self.code = code
        self.details = dict(details or {})


class NotFoundError(ProviderError):
    """The thing asked for is not there."""


class ConflictError(ProviderError):
    """The thing exists already, or is in use."""


class RateLimitedError(ProviderError):
    """The budget is spent; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 0.0, status: int = 429, fix: str = "") -> None:
        super().__init__(message, status=status, fix=fix)
        self.retry_after = retry_after


class AuthenticationError(ProviderError):
    """No credentials, or they do not allow this."""


class UnavailableError(ProviderError):
    """No usable answer came back; with `sent`, the work may have been done all the same."""

    def __init__(self, message: str, *, sent: bool = False, status: int = 0, fix: str = "") -> None:
        super().__init__(message, status=status, fix=fix)
        self.sent = sent


class IntegrityError(ProviderError):
    """Bytes do not match the digest they were asked for by."""


class ApplyError(ReconcilerError):
    """Applied in part: what is done is recorded; running again goes on."""

    exit_code = 4


class InterruptedRunError(ReconcilerError):
    """The user asked to stop; what is done is recorded."""

    exit_code = 130
