"""The requests of Terraform's state protocol, one function each; knows addresses and credentials, not what they are for.

No redirect is followed, so that no credential goes where the manifest does not say.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from reconciler.errors import AuthenticationError, StateError, UnavailableError
from reconciler.frozen import frozen
from reconciler.storage.identity import is_loopback

TIMEOUT = 15.0
MOST_BYTES = 1 << 28


@frozen
class Reply:
    """An answer. `date`: the server's time in Unix seconds, None where it told none."""

    status: int
    body: bytes
    date: float | None = None

    @property
    def is_good(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """A redirect is an answer like another."""


@frozen
class Door:
    """Where the state is got and posted, where it is locked, and with which methods."""

    address: str
    lock_address: str
    unlock_address: str
    lock_method: str = "LOCK"
    unlock_method: str = "UNLOCK"
    authorization: str = field(default="", repr=False)
    opener: OpenerDirector = field(default_factory=lambda: build_opener(_NoRedirects()), repr=False)

    @classmethod
    def of(cls, settings: Mapping[str, Any], environ: Mapping[str, str], names: Mapping[str, str]) -> Door:
        """The door that a manifest's `state:` tells of, with credentials from the environment."""
        address = _filled(str(settings["address"]), names)
        lock_address = _filled(str(settings.get("lock_address", "")), names) or address
        unlock_address = _filled(str(settings.get("unlock_address", "")), names) or lock_address
        authorization = _authorization(environ)
        for url in (address, lock_address, unlock_address):
            _check_address(url, has_password=authorization != "")
        lock_method = str(settings.get("lock_method", "LOCK"))
        unlock_method = str(settings.get("unlock_method", "UNLOCK"))
        return cls(address, lock_address, unlock_address, lock_method, unlock_method, authorization)

    def get(self) -> Reply:
        """The document."""
        return self._ask("GET", self.address)

    def post(self, document: bytes, ticket: str) -> Reply:
        """Puts a document in its place, under a lock."""
        joint = "&" if urlsplit(self.address).query else "?"
        return self._ask("POST", f"{self.address}{joint}ID={quote(ticket)}", document)

    def lock(self, info: bytes) -> Reply:
        """Takes the lock."""
        return self._ask(self.lock_method, self.lock_address, info)

    def unlock(self, info: bytes) -> Reply:
        """Gives the lock back."""
        return self._ask(self.unlock_method, self.unlock_address, info)

    def _ask(self, method: str, url: str, body: bytes | None = None) -> Reply:
        request = Request(url, data=body, method=method)  # noqa: S310 - _check_address lets http and https pass
        if self.authorization:
            request.add_unredirected_header("Authorization", self.authorization)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            request.add_header("Content-MD5", base64.b64encode(md5).decode())
        reply = self._answer(request)
        if reply.status in (401, 403):
            raise AuthenticationError(
                f"{self.address} answered {reply.status} to {method}: the credentials do not allow this",
                fix="set RECONCILER_HTTP_USERNAME and RECONCILER_HTTP_PASSWORD (or Terraform's TF_HTTP_...)",
            )
        return reply

    def _answer(self, request: Request) -> Reply:
        try:
            with self._opened(request) as answer:
                return Reply(answer.status, answer.read(MOST_BYTES), _date(answer.headers))
        except (OSError, HTTPException):
            raise UnavailableError(
                f"{self.address} gives no usable answer",
                sent=True,
                fix="look at `address` and your connection",
            ) from None

    def _opened(self, request: Request) -> Any:
        try:
            return self.opener.open(request, timeout=TIMEOUT)
        except HTTPError as error:  # an answer like another
            return error


def _date(headers: Any) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return None


def _filled(address: str, names: Mapping[str, str]) -> str:
    for place, name in names.items():
        address = address.replace(place, quote(name, safe=""))
    return address


def _check_address(url: str, *, has_password: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise StateError(
            f"`state:` needs an http or https address without a password in it, not {parts.scheme}://{parts.hostname}"
        )
    if has_password and parts.scheme == "http" and not is_loopback(url):
        raise StateError(f"a password is not sent to {url} in clear", fix="use https")


def _authorization(environ: Mapping[str, str]) -> str:
    user = environ.get("RECONCILER_HTTP_USERNAME") or environ.get("TF_HTTP_USERNAME", "")
    password = environ.get("RECONCILER_HTTP_PASSWORD") or environ.get("TF_HTTP_PASSWORD", "")
    if not user and not password:
        return ""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
