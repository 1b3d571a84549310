"""A `Cloudflare` that speaks to a script instead of a network, and keeps what it was asked."""

from __future__ import annotations

import json
from typing import Any

import httpx

from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport
from tests.clients.clock import Clock

ACCOUNT = "0123456789abcdef0123456789abcdef"
BASE = "https://api.example/client/v4"
ROOT = f"/client/v4/accounts/{ACCOUNT}"


class Scripted:
    """Answers with these documents in turn, the last one for ever; a number is a status with an error code."""

    def __init__(self, *documents: dict[str, Any] | tuple[int, int]) -> None:
        self.documents = list(documents)
        self.requests: list[httpx.Request] = []
        self.clock = Clock()
        transport = Transport(
            BASE,
            ApiCredentials(token="t0ken"),
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
            inner=httpx.MockTransport(self._answer),
        )
        self.api = Cloudflare(transport, ACCOUNT)

    @property
    def asked(self) -> list[tuple[str, str, Any]]:
        """Method, path with query, and body of each request."""
        return [
            (request.method, request.url.raw_path.decode().removeprefix(ROOT), _body(request))
            for request in self.requests
        ]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        document = self.documents.pop(0) if len(self.documents) > 1 else self.documents[0]
        if isinstance(document, tuple):
            status, code = document
            errors = [{"code": code, "message": "no"}]
            return httpx.Response(status, json={"success": False, "errors": errors, "result": None})
        return httpx.Response(200, json={"success": True, "errors": [], **document})


def _body(request: httpx.Request) -> Any:
    if not request.content:
        return None
    multipart = request.headers["content-type"].startswith("multipart/")
    return "multipart" if multipart else json.loads(request.content)
