"""An emulator and a memory for the tests of the small kinds: one handler or several, planned and applied for real."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport
from reconciler.emulator.server import LocalServer
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound, Handler
from reconciler.model.value import Path
from tests.kinds.kind_bench import ACCOUNT, KindBench

Finding = tuple[Path, str, str]


@dataclass
class Emulated:
    """The emulator's side, and a bench that speaks to it."""

    server: LocalServer
    api: Cloudflare
    bench: KindBench

    def drive(self, method: str, page: str, document: Any = None) -> Any:
        """Calls one of the emulator's pages."""
        url = f"http://127.0.0.1:{self.server.port}/emulator/{page}"
        content = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(url, content, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """Switches faults on; none: off."""
        self.drive("PUT", "faults", list(faults))

    def world(self, kind: str) -> list[dict[str, Any]]:
        """What there is of a kind."""
        found: list[dict[str, Any]] = self.drive("GET", "world").get(kind, [])
        return found

    def requests(self, *, reads: bool = False) -> list[str]:
        """Method and end of each path since the last time; without `reads`, writes only."""
        listed = self.drive("GET", "ledger")
        new, self._seen = listed[self._seen :], len(listed)
        return [
            f"{one['method']} {one['path'].partition(ACCOUNT + '/')[2].removeprefix('containers/')}"
            for one in new
            if reads or one["method"] != "GET"
        ]

    _seen = 0


@contextlib.contextmanager
def emulated(server: LocalServer, make: Callable[[Cloudflare], Handler]) -> Iterator[Emulated]:
    """An empty world, whose time goes on where somebody waits, and the handler that `make` gives."""

    def sleep(seconds: float) -> None:
        made.drive("POST", "clock", {"advance": seconds})

    api = Cloudflare(Transport(server.base_url, ApiCredentials(token="t0ken"), sleep=sleep), ACCOUNT)
    handler = make(api)
    made = Emulated(server, api, KindBench({handler.kind.name: handler}))
    made.drive("DELETE", "world")
    made.faults()
    made.requests()
    yield made
    api.transport.close()


def bind(
    handler: Handler, block: dict[str, Any], key: str = "x", **context: Any
) -> tuple[Bound, list[Finding]]:
    """What a block comes to, and what is found wrong with it."""
    errors: list[Finding] = []
    given: dict[str, Any] = {
        "address": ResourceAddress(handler.kind.name, key),
        "project": "shop",
        "environment": None,
        "account_id": ACCOUNT,
        "name": None,
        "default_name": f"shop-{key}",
        "registry_host": "registry.cloudflare.com",
        "sections": {},
        "text_of": lambda _address, _path: None,
        "report": lambda path, code, summary, detail: errors.append((path, code, f"{summary}; {detail}")),
        "warn": lambda *_: None,
        **context,
    }
    return handler.bind(block, BindContext(**given)), errors
