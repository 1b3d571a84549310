"""The stand-in for Cloudflare as a process of its own (`python -m bench.server`), with the time that every answer took.

The emulator's ledger says when a request arrived; how long its answer took stands in `GET /bench/times`, by ledger number.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from reconciler.emulator.server import LocalServer

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]


class Timed:
    """An ASGI app around another, which times each answer from its request's arrival until it is handed over."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._times: list[list[float]] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One conversation."""
        path = scope.get("path", "")
        if path == "/bench/times":
            await _answer(self._times, send)
        elif scope["type"] != "http" or path.startswith("/emulator/"):
            await self._app(scope, receive, send)
        else:
            # The app opens its ledger line before it first waits for anything, so both count alike.
            times = [time.perf_counter(), 0.0]
            self._times.append(times)
            await self._app(scope, receive, send)
            times[1] = time.perf_counter() - times[0]


async def _answer(document: Any, send: Send) -> None:
    body = json.dumps(document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class TimedServer(LocalServer):
    """A stand-in whose answers are timed."""

    def __init__(self, data: Path | None) -> None:
        super().__init__(data)
        self._server.config.app = Timed(self.app)


def main() -> None:
    """Serves until stdin closes; the first line printed is the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    server = TimedServer(parser.parse_args().data)
    with server:
        print(server.port, flush=True)
        closed = threading.Thread(target=sys.stdin.read)
        closed.start()
        closed.join()


if __name__ == "__main__":
    main()
