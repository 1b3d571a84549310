"""Runs the stand-in: in a thread of this process for `--local` and tests, or as `reconciler emulator`."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.emulator.app import App
from reconciler.emulator.settings import Settings
from reconciler.emulator.world import World

ANY_ACCOUNT = "0" * 32
ANY_TOKEN = "local"  # noqa: S105 - any token will do where none is set


class _Protocol(H11Protocol):
    """Lets the app reach the connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Stops at once when told to, where uvicorn would look ten times a second."""

    loop: asyncio.AbstractEventLoop | None = None
    stopping: asyncio.Event

    async def main_loop(self) -> None:
        self.stopping = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self.stopping.wait()

    def handle_exit(self, sig: int, frame: Any) -> None:
        # Without uvicorn's own, which would raise the signal again and end the process before the world is closed.
        self.stop()

    def stop(self) -> None:
        """May be called by any thread and by a signal handler: both must wake the loop from its sleep."""
        self.should_exit = True
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.stopping.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)
        await self.lifespan.shutdown()


def _server(app: App) -> _Server:
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=120,
    )
    return _Server(config)


def _listen(port: int) -> socket.socket:
    # With its protocol named, asyncio turns Nagle's algorithm off; without, every answer may wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} of 127.0.0.1 cannot be used: {error.strerror}") from error
    listener.listen(2048)
    return listener


class LocalServer:
    """A stand-in on a free port, served by a thread of this process for as long as the `with` lasts.

    It answers from the moment it is entered. `world` may be read by the process; only requests change it.
    Raises OSError where the data folder is in use by another process.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        port: int = 0,
        token: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.world = World(data, settings=settings)
        self.app = App(self.world, token)
        try:
            self._socket = _listen(port)
        except OSError:
            self.world.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._server = _server(self.app)
        self._thread = threading.Thread(target=self._run, name="emulator", daemon=True)

    @property
    def base_url(self) -> str:
        """What `CLOUDFLARE_API_BASE_URL` is for clients of this server."""
        return f"http://127.0.0.1:{self.port}/client/v4"

    def start(self) -> None:
        """Starts the thread; requests are accepted at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the requests under way, and writes the world down."""
        self._server.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()
        self.world.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def serve(
    port: int = 8787,
    data: Path | None = None,
    missing_images: str = "refuse",
    token: str | None = None,
) -> None:
    """Serves until interrupted, after printing what clients have to export. Raises OSError if it cannot start."""
    settings = Settings(missing_images=missing_images)
    with World(data, settings=settings) as world:
        listener = _listen(port)
        sys.stdout.write(exports(listener.getsockname()[1], token))
        sys.stdout.flush()
        try:
            _server(App(world, token)).run(sockets=[listener])
        except KeyboardInterrupt:
            return


def exports(port: int, token: str | None) -> str:
    """The lines that point wrangler, the reconciler or any other client here."""
    return (
        f"export CLOUDFLARE_API_BASE_URL=http://127.0.0.1:{port}/client/v4\n"
        f"export CLOUDFLARE_API_TOKEN={token or ANY_TOKEN}\n"
        f"export CLOUDFLARE_ACCOUNT_ID={ANY_ACCOUNT}\n"
        f"export CLOUDFLARE_CONTAINER_REGISTRY=127.0.0.1:{port}\n"
    )
