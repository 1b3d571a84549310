"""What an HTTP reply of Cloudflare's API means: an answer, or the error it stands for (reference 1.4 to 1.6).

Pure: replies in, answers or members of the error family out. Whether to try again is the transport's question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from reconciler.clients.remedies import REMEDIES
from reconciler.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    UnavailableError,
)
from reconciler.frozen import frozen

NO_ROUTE = "7003"
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_SECONDS = re.compile(r"\d+(\.\d+)?")
_RAY = re.compile(r"[0-9A-Za-z-]{1,64}")
_LONGEST_TEXT = 800
# Answered with 400, yet they say what 409 says elsewhere (reference 1.6).
_CONFLICTS = {"DURABLE_OBJECT_ALREADY_HAS_APPLICATION", "IMAGE_REGISTRY_PROTO_IS_REFERENCED"}
# 10000 authentication error; 6003 and 6111 malformed credentials: these come with 400 too.
_BAD_CREDENTIALS = {"10000", "6003", "6111"}


@frozen
class Reply:
    """An HTTP reply as it came; `what` names the request in messages: `GET /containers/me`."""

    what: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@frozen
class Answer:
    """What the API said when it said yes; header names are matched in any case."""

    result: Any
    result_info: Mapping[str, Any]
    status: int
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Complaint:
    code: str = ""
    text: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def answer_of(reply: Reply) -> Answer:
    """Gives the result of a reply, or raises what it stands for."""
    if reply.headers.get("cf-mitigated") == "challenge":
        raise _challenged(reply)
    succeeded = 200 <= reply.status < 300
    if succeeded and not reply.body:
        return Answer({}, {}, reply.status, reply.headers)
    document = _decode(reply.body)
    if reply.status == 429:
        raise error_of(reply, document if isinstance(document, dict) else {})
    if not isinstance(document, dict):
        raise _unusable(reply)
    if not succeeded or document.get("success") is False:
        raise error_of(reply, document)
    if document.get("success") is not True:
        raise _unusable(reply)
    info = document.get("result_info")
    result = document.get("result", {})
    return Answer(result, info if isinstance(info, dict) else {}, reply.status, reply.headers)


def error_of(reply: Reply, document: Mapping[str, Any]) -> ProviderError:
    """Gives the error that a refusal stands for, with the service's constant or number as its code."""
    complaint = _read(document)
    label = " ".join(filter(None, (str(reply.status), complaint.code)))
    told = _details_as_text(complaint) or "without a reason"
    message = f"Cloudflare answered {reply.what} with {label}: {told}"
    error = _family(reply, complaint, message)
    error.status, error.code, error.details = reply.status, complaint.code, complaint.details
    error.fix = error.fix or REMEDIES.get(complaint.code, "")
    return error


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Gives the seconds to wait that a reply asks for; a date is held against the server's own `Date`."""
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until = http_date(value)
    if until is None:
        return None
    return max(0.0, until - (http_date(headers.get("date", "")) or now))


def http_date(text: str) -> float | None:
    """Gives an HTTP date in Unix seconds; None if it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _family(reply: Reply, complaint: _Complaint, message: str) -> ProviderError:
    status, code = reply.status, complaint.code
    if status == 429:
        return RateLimitedError(message, fix="wait some minutes and run again")
    if status >= 500 or status == 408:
        return UnavailableError(f"{message}{_ray(reply)}", sent=True, fix="run again")
    if status in (401, 403) or code in _BAD_CREDENTIALS:
        return AuthenticationError(message, fix=_fix_for_refusal(status, code))
    if status == 404:
        return NotFoundError(message, fix=_NOT_OFFERED if code == NO_ROUTE else "")
    if status == 409 or code in _CONFLICTS:
        return ConflictError(message)
    return ProviderError(message)


_NOT_OFFERED = "this operation is not open to every account: ask Cloudflare for it, or take the resource out of the manifest"


def _fix_for_refusal(status: int, code: str) -> str:
    if code == NO_ROUTE:
        return _NOT_OFFERED
    if _CONSTANT.fullmatch(code):
        return ""
    if status == 403:
        return (
            "the token lacks a permission: Workers Containers Write, for workers also Workers Scripts Write"
        )
    return "check CLOUDFLARE_API_TOKEN: it may be mistyped, expired or revoked"


def _read(document: Mapping[str, Any]) -> _Complaint:
    """Finds the service's own words in the four places where they have been seen (reference 1.5)."""
    if isinstance(document.get("error"), str):
        return _unwrapped(document, "")
    errors = [error for error in _list(document.get("errors")) if isinstance(error, dict)]
    if not errors:
        return _Complaint()
    number = str(errors[0].get("code", ""))
    if len(errors) == 1:
        first = str(errors[0].get("message", ""))
        inner = _decode(first.encode(errors="replace")) if first.startswith("{") else None
        if isinstance(inner, dict) and isinstance(inner.get("error"), str):
            return _unwrapped(inner, number)
        if _CONSTANT.fullmatch(first):
            return _Complaint(first)
    meta = errors[0].get("meta")
    details = dict(meta) if isinstance(meta, dict) else {}
    return _Complaint(number, "; ".join(_messages(errors)), details)


def _unwrapped(body: Mapping[str, Any], number: str) -> _Complaint:
    """Reads `{error, details, request_id}`; the error may be a constant, a sentence, or such an object as text."""
    text = str(body["error"])
    inner = _decode(text.encode(errors="replace")) if text.startswith("{") else None
    if isinstance(inner, dict) and isinstance(inner.get("error"), str) and inner["error"] != text:
        return _unwrapped(inner, number)
    details = body.get("details")
    kept = dict(details) if isinstance(details, dict) else {"details": details} if details else {}
    if body.get("request_id"):
        kept["request_id"] = body["request_id"]
    return _Complaint(text, "", kept) if _CONSTANT.fullmatch(text) else _Complaint(number, text, kept)


def _messages(errors: list[dict[str, Any]]) -> list[str]:
    told: list[str] = []
    for error in errors[:10]:
        chain = [link for link in _list(error.get("error_chain")) if isinstance(link, dict)]
        told += [str(each["message"]) for each in (error, *chain) if each.get("message")]
    return list(dict.fromkeys(told))


def _details_as_text(complaint: _Complaint) -> str:
    reason = complaint.details.get("reason")
    told = [str(reason)] if reason else [_pair(path, text) for path, text in complaint.details.items()]
    text = " ".join("; ".join(filter(None, (complaint.text, *told))).split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _pair(path: str, value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if path == "." else f"{path}: {text}"


def _challenged(reply: Reply) -> UnavailableError:
    return UnavailableError(
        f"Cloudflare's bot protection stopped {reply.what}{_ray(reply)}",
        status=reply.status,
        fix="run from another network, or give the ray id to whoever administers the account",
    )


def _unusable(reply: Reply) -> UnavailableError:
    kind = reply.headers.get("content-type", "").partition(";")[0] or "nothing that could be read"
    if 300 <= reply.status < 400:
        kind = "a redirect, which is not followed"
    return UnavailableError(
        f"{reply.what} got {reply.status} with {kind} instead of an answer of the API{_ray(reply)}",
        sent=not 300 <= reply.status < 500 or reply.status == 408,
        status=reply.status,
        fix="run again" if reply.status >= 500 else "check CLOUDFLARE_API_BASE_URL and any proxy",
    )


def _ray(reply: Reply) -> str:
    ray = reply.headers.get("cf-ray", "")
    return f" (ray {ray})" if _RAY.fullmatch(ray) else ""


def _decode(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
