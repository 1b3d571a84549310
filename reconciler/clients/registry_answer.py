"""A registry's answer, read whole, and the error that a refusal becomes.

Knows the error format of the distribution specification; asks nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from reconciler.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    UnavailableError,
)
from reconciler.frozen import frozen

_LONGEST_REMARK = 300


@frozen
class Answer:
    """Status, headers (names in lower case) and body of one answer, and the URL that gave it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        """Tells whether the work was done."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float:
        """Seconds the service wants to be left alone; dates are read by its own clock."""
        wanted = self.headers.get("retry-after", "")
        if wanted.isdecimal():
            return float(wanted)
        try:
            until, now = (parsedate_to_datetime(text) for text in (wanted, self.headers.get("date", "")))
            return max(0.0, (until - now).total_seconds())
        except (TypeError, ValueError):
            return 0.0

    def json(self, subject: str) -> dict[str, Any]:
        """The body as a JSON object; ProviderError if it is none."""
        document = _parsed(self.body)
        if not isinstance(document, dict):
            raise ProviderError(f"{subject}: the answer cannot be read as JSON", status=self.status)
        return document

    def error_code(self) -> str:
        """The registry's own constant for what is wrong, or nothing."""
        return _first_error(self.body)[0]


def refusal(answer: Answer, subject: str, *, advice: str = "") -> ProviderError:
    """Turns a refusal into the error for it; `subject` is what was asked for, `advice` what helps with a login."""
    code, remark = _first_error(answer.body)
    said = ", ".join(part for part in (f"HTTP {answer.status}", code, remark) if part)
    status = answer.status
    if status in (401, 403):
        return AuthenticationError(f"{subject}: not allowed ({said})", status=status, code=code, fix=advice)
    if status == 404:
        return NotFoundError(
            f"{subject}: not found ({said})", status=status, code=code, fix="check the name and the tag"
        )
    if status == 409:
        return ConflictError(f"{subject}: in the way of another ({said})", status=status, code=code)
    if status == 429:
        return _too_many(answer, subject, said)
    if status >= 500:
        fix = "the registry has a fault of its own; run again later"
        return UnavailableError(f"{subject}: no usable answer ({said})", sent=True, status=status, fix=fix)
    return ProviderError(f"{subject}: refused ({said})", status=status, code=code)


def _too_many(answer: Answer, subject: str, said: str) -> RateLimitedError:
    wait = f"wait {answer.retry_after:.0f} s" if answer.retry_after else "wait a while, or log in"
    return RateLimitedError(
        f"{subject}: too many requests ({said})",
        retry_after=answer.retry_after,
        fix=f"{wait}, then run again",
    )


def _first_error(body: bytes) -> tuple[str, str]:
    document = _parsed(body)
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return "", ""
    return _one_line(first.get("code")), _one_line(first.get("message"))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _one_line(value: Any) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(c if c.isprintable() else "?" for c in text)[:_LONGEST_REMARK]
