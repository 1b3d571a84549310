"""How Cloudflare words its answers: the v4 envelope, its errors, and the bare form of the older gateway (reference 1.4, 1.5).

Operations return an `Answer` or raise a `Refusal` and know nothing of envelopes; `app.py` renders both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

encode = msgspec.json.encode
Headers = list[tuple[str, str]]


@dataclass(slots=True)
class Raw:
    """An answer sent as it is: registry answers, plain texts, the emulator's own pages.

    A body that is no bytes is streamed; then `headers` should hold its Content-Length.
    """

    status: int = 200
    body: bytes | AsyncIterator[bytes] = b""
    headers: Headers = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """What an operation gives back: its encoded `result`, still without the envelope."""

    result: bytes = b"{}"
    status: int = 200
    info: dict[str, Any] | None = None
    headers: Headers = field(default_factory=list)

    def render(self, bare: bool) -> Raw:
        """Puts the result into the v4 envelope, unless the gateway has none."""
        if bare:
            return Raw(self.status, self.result, [JSON, *self.headers])
        info = b',"result_info":' + encode(self.info) if self.info is not None else b""
        body = b'{"success":true,"errors":[],"messages":[],"result":' + self.result + info + b"}"
        return Raw(self.status, body, [JSON, *self.headers])


JSON = ("content-type", "application/json")


def ok(result: Any, status: int = 200, info: dict[str, Any] | None = None) -> Answer:
    """An answer whose result is still a value."""
    return Answer(encode(result), status, info)


def ok_list(encoded: Iterable[bytes], info: dict[str, Any] | None = None) -> Answer:
    """A list of objects that are encoded already, such as `World.encoded_all` gives."""
    return Answer(b"[" + b",".join(encoded) + b"]", 200, info)


def json_raw(value: Any, status: int = 200) -> Raw:
    """A JSON answer without any envelope."""
    return Raw(status, encode(value), [JSON])


class Refusal(Exception):  # noqa: N818 - an answer, not a bug
    """An operation says no; what it did before is kept, so it is raised before anything is written."""

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or []

    def envelope(self) -> dict[str, Any]:
        """The error object of the v4 envelope."""
        raise NotImplementedError

    def bare(self) -> dict[str, Any]:
        """The whole body where there is no envelope."""
        return {"error": self.message}

    def render(self, bare: bool) -> Raw:
        """The refusal as an answer of its gateway."""
        body = (
            self.bare()
            if bare
            else {"success": False, "errors": [self.envelope()], "messages": [], "result": None}
        )
        return Raw(self.status, encode(body), [JSON, *self.headers])


class ServiceError(Refusal):
    """A refusal of the Containers service: `{error, details}` as JSON text inside the message (reference 1.5, 1.6).

    `ServiceError(400, "VALIDATE_INPUT", {"configuration.vcpu": "must be at least 0.0625"})`
    """

    def __init__(self, status: int, error: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(status, error)
        self.details = details

    def envelope(self) -> dict[str, Any]:
        """Code 1000, and the service's own error as text."""
        return {"code": 1000, "message": encode(self.bare()).decode()}

    def bare(self) -> dict[str, Any]:
        """`{error, details}`, the form in which the service itself answers."""
        return {"error": self.message} | ({"details": self.details} if self.details is not None else {})


class GatewayError(Refusal):
    """A refusal of the v4 gateway or of the Workers API: a number and a text, `GatewayError(404, 10007, "...")`."""

    def __init__(
        self, status: int, code: int, message: str, headers: Headers | None = None, **extra: Any
    ) -> None:
        super().__init__(status, message, headers)
        self.code = code
        self.extra = extra

    def envelope(self) -> dict[str, Any]:
        """The number, the text, and what else is known (`meta`, `error_chain`)."""
        return {"code": self.code, "message": self.message, **self.extra}
