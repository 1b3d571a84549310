"""One request under way: what an operation is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

import msgspec

from reconciler.emulator import multipart
from reconciler.emulator.answers import GatewayError, ServiceError
from reconciler.emulator.ledger import Entry
from reconciler.emulator.world import World

BODY_LIMIT = 100 * 1024 * 1024


@dataclass(slots=False)
class Call:
    """Method, path, query, headers (names in lower case), and, unless the operation streams, the body.

    `scheme_and_host` is how the client reached us (`http://127.0.0.1:8787`), for absolute addresses in answers.
    """

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    segments: list[str]
    scheme_and_host: str
    receive: Callable[[], Awaitable[Any]]
    entry: Entry
    live: World
    past: World | None = None
    account: str = ""
    body: bytes = b""
    _read: bool = field(default=False, repr=False)

    @property
    def world(self) -> World:
        """The world to work on; what is put into it is noted in this request's ledger entry.

        In an operation that awaits, take it again after every await: requests between may have had it.
        For a read under the fault `stale` it is the world of some seconds ago.
        """
        if self.past is not None and self.method in ("GET", "HEAD"):
            return self.past
        self.live.entry = self.entry
        return self.live

    @property
    def now(self) -> float:
        """The world's time."""
        return self.world.clock.now()

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query, each name with all its values."""
        return parse_qs(self.query_string, keep_blank_values=True)

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    @cached_property
    def document(self) -> Any:
        """The body as JSON whatever its content type (wrangler sends some as text/plain); ValueError if it is none."""
        return msgspec.json.decode(self.body)

    def fields(self) -> dict[str, Any]:
        """The body as a JSON object, or the Containers service's refusal."""
        try:
            document = self.document
        except ValueError:
            document = None
        if isinstance(document, dict):
            return document
        raise ServiceError(400, "VALIDATE_INPUT", {".": "expected a JSON object"})

    @cached_property
    def parts(self) -> list[multipart.Part]:
        """The parts of an upload; ValueError if the body is no upload."""
        return multipart.parts(self.body, self.headers.get("content-type", ""))

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes in, for operations that are registered with `streams=True`."""
        if self._read:
            return
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("the client went away before its body was complete")
            more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]
        self._read = True

    async def read(self) -> bytes:
        """Reads the whole body into `body`; refuses one that nobody means."""
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > BODY_LIMIT:
                raise GatewayError(413, 10027, f"the body is larger than {BODY_LIMIT // 2**20} MiB")
            chunks.append(chunk)
        self.body = b"".join(chunks)
        return self.body
