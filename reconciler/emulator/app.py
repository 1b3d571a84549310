"""The front door as one ASGI callable: gate, ledger, faults, then the operation, then the envelope.

Plain ASGI, since every test of the project goes through here. What an operation does is in the families' modules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from reconciler.emulator import containers, gate, registry, workers
from reconciler.emulator.answers import JSON, Answer, GatewayError, Raw, Refusal, encode
from reconciler.emulator.call import Call
from reconciler.emulator.clock import http_date
from reconciler.emulator.faults import Faults, echoed
from reconciler.emulator.ledger import Entry, masked
from reconciler.emulator.pages import Pages
from reconciler.emulator.routing import Match, Outcome, Router
from reconciler.emulator.world import World

API = ["client", "v4"]
HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

Send = Callable[[dict[str, Any]], Awaitable[None]]


class App:
    """Serves one world. A connection that a fault cuts is cut through `scope["state"]["transport"]`."""

    def __init__(self, world: World, token: str | None = None) -> None:
        self.world = world
        self.faults = Faults()
        self._token = token
        self._limiter = gate.Limiter(world.settings)
        self._pages = Pages(world, self.faults)
        self._router = Router()
        for routes in (*containers.ROUTES, *workers.ROUTES):
            self._router.include(routes)
        for kind, settler in (containers.SETTLERS | workers.SETTLERS | registry.SETTLERS).items():
            world.on_due(kind, settler)
        containers.connect(world)

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send
    ) -> None:
        """One ASGI conversation: a request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            answer = await self._answer(_call(scope, receive, self.world))
            if answer is None:
                await _cut(scope, receive)
            else:
                await _send(answer, self.world.clock.now(), send)

    async def _answer(self, call: Call) -> Raw | None:
        """The answer, or None where the connection is to be cut instead."""
        try:
            gate.check_origin(call.headers)
        except Refusal as refusal:
            return refusal.render(bare=False)
        if call.path.startswith("/emulator/"):
            await call.read()
            return self._pages.answer(call)
        query = {name: values[0] if len(values) == 1 else values for name, values in call.query.items()}
        call.entry = self.world.ledger.open(self.world.clock.now(), call.method, call.path, query)
        try:
            return await self._recorded(call)
        except ConnectionError:
            return None
        except Refusal as refusal:
            return refusal.render(bare=False)
        except Exception as error:  # noqa: BLE001 - the client gets the reason, and the server lives on
            return _broken(call, error)
        finally:
            self.world.entry = call.entry
            self.world.commit()
            self.world.entry = None

    async def _recorded(self, call: Call) -> Raw | None:
        match = self._router.find(call.method, call.segments[2:]) if call.segments[:2] == API else None
        streams = call.segments[0] == "v2" or bool(match and match.operation and match.operation.streams)
        if not streams:
            await call.read()
            call.entry.body = masked(_document(call), call.path)
        fault = call.entry.fault = self.faults.due(call.method, call.path)
        answer = await self._faulted(call, match, fault or {})
        if answer is not None:
            call.entry.status = answer.status
        return answer

    async def _faulted(self, call: Call, match: Match | None, fault: dict[str, Any]) -> Raw | None:
        if fault.get("drop") == "before":
            return None
        if "delay" in fault:
            await asyncio.sleep(float(fault["delay"]))
        if "status" in fault:
            headers = {"content-type": "application/json"} | {
                name.lower(): str(value) for name, value in fault.get("headers", {}).items()
            }
            return Raw(int(fault["status"]), encode(fault.get("body", {})), list(headers.items()))
        if "html" in fault:
            return Raw(502, HTML, [("content-type", "text/html; charset=UTF-8")])
        self.world.settle()
        if "stale" in fault:
            call.past = self.world.as_of(self.world.clock.now() - float(fault["stale"]))
        answer = await self._gated(call, match)
        if "echo" in fault and JSON in answer.headers and isinstance(answer.body, bytes):
            answer.body = encode(echoed(msgspec.json.decode(answer.body), fault["echo"]))
        return None if fault.get("drop") == "after" else answer

    async def _gated(self, call: Call, match: Match | None) -> Raw:
        """The operation's answer or refusal in the form of its gateway, with the rate limit headers."""
        if call.segments[0] == "v2":
            return await registry.serve(call)
        bare = call.segments[4:5] == ["cloudchamber"]
        limits = []
        try:
            limits = self._limiter.admit(call.headers.get("authorization", ""), self.world.clock.now())
            gate.check_token(call.headers, self._token)
            gate.check_refused(self.world.settings, call.segments[2:])
            outcome = await _operate(call, match)
            answer = outcome.render(bare) if isinstance(outcome, Answer) else outcome
        except Refusal as refusal:
            answer = refusal.render(bare)
        answer.headers = [*answer.headers, *limits]
        return answer


def _broken(call: Call, error: Exception) -> Raw:
    reason = f"the emulator failed at {call.method} {call.path}: {type(error).__name__}: {error}"
    call.entry.status = 500
    return GatewayError(500, 1101, reason).render(bare=False)


async def _operate(call: Call, match: Match | None) -> Outcome:
    if match is None:
        raise GatewayError(
            404, 7003, f"Could not route to {call.path}, perhaps your object identifier is invalid?"
        )
    if match.operation is None:
        raise GatewayError(405, 7001, f"Method {call.method} not available for that URI.")
    call.account = match.params.pop("account", "")
    outcome = match.operation.handler(call, **match.params)
    return outcome if isinstance(outcome, Answer | Raw) else await outcome


def _call(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], world: World) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    segments = [unquote(segment) for segment in scope["raw_path"].decode("latin-1").strip("/").split("/")]
    return Call(
        method=scope["method"],
        path=scope["path"],
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        segments=segments,
        scheme_and_host=f"{scope['scheme']}://{headers.get('host', '')}",
        receive=receive,
        entry=Entry(0, 0.0, scope["method"], scope["path"], {}),
        live=world,
    )


def _document(call: Call) -> Any:
    """What the ledger keeps of a body: JSON, or the metadata part of an upload."""
    if call.headers.get("content-type", "").startswith("multipart/"):
        texts = [part.data for part in _parts(call) if part.name in ("metadata", "settings")]
    else:
        texts = [call.body] if call.body.lstrip()[:1] in (b"{", b"[") else []
    try:
        return msgspec.json.decode(texts[0]) if texts else None
    except msgspec.DecodeError:
        return None


def _parts(call: Call) -> list[Any]:
    try:
        return call.parts
    except ValueError:
        return []


async def _send(answer: Raw, now: float, send: Send) -> None:
    names = {name.lower() for name, _ in answer.headers}
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    if "date" not in names:
        headers.append((b"date", http_date(now).encode()))
    if isinstance(answer.body, bytes) and "content-length" not in names and answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if isinstance(answer.body, bytes):
        await send({"type": "http.response.body", "body": answer.body})
        return
    async for chunk in answer.body:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _cut(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]]) -> None:
    transport = scope.get("state", {}).get("transport")
    if transport is None:
        raise ConnectionResetError("a fault cut the connection")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _live(receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
