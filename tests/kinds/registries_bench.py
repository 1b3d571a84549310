"""Two registries for the tests of images: Cloudflare's, played by the emulator, and another one on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.emulator.registry_access import mint
from reconciler.emulator.server import LocalServer
from reconciler.kinds.image import Builder, ImageHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Source
from reconciler.model.resource import Desired
from tests.clients.clock import Clock
from tests.clients.faulty_registry import FaultyRegistry, running
from tests.kinds.image_bench import ACCOUNT, HOST, bind_image
from tests.kinds.kind_bench import KindBench

API = ResourceAddress("image", "api")


@dataclass
class Registries:
    """Both registries, their clients, and a handler that speaks to them."""

    server: LocalServer
    elsewhere: FaultyRegistry
    folder: Path
    opened: dict[str, Registry] = field(default_factory=dict)
    _seen: int = 0

    def __post_init__(self) -> None:
        self.drive("DELETE", "world")
        self.drive("PUT", "faults", [])
        self.bench = self.another_machine()
        self.managed_requests()

    def another_machine(self, builder: Builder | None = None) -> KindBench:
        """A fresh memory over the same registries."""
        handler = ImageHandler(
            registry=self.registry, base_dir=self.folder, account_id=ACCOUNT, builder=builder
        )
        return KindBench({"image": handler})

    def registry(self, host: str) -> Registry:
        if host not in self.opened:
            self.opened[host] = self._open(host)
        return self.opened[host]

    def _open(self, host: str) -> Registry:
        if host != HOST:
            return Registry(host, sleep=Clock().sleep)
        password = mint(self.server.world, ACCOUNT, ["pull", "push"], minutes=60)
        endpoint = f"http://127.0.0.1:{self.server.port}"
        return Registry(
            HOST, credentials=lambda: Credentials("v1", password), endpoint=endpoint, sleep=Clock().sleep
        )

    @property
    def managed(self) -> Registry:
        return self.registry(HOST)

    @property
    def other(self) -> Registry:
        return self.registry(self.elsewhere.host)

    def close(self) -> None:
        for registry in self.opened.values():
            registry.close()

    def drive(self, method: str, page: str, document: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.server.port}/emulator/{page}"
        content = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(url, content, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def managed_requests(self) -> list[str]:
        """What Cloudflare's registry was asked since the last time, tags and digests left out."""
        listed = self.drive("GET", "ledger")
        new, self._seen = listed[self._seen :], len(listed)
        return [f"{one['method']} {one['path'].rsplit('/', 2)[1]}" for one in new if one["status"] != 401]

    def other_requests(self) -> list[str]:
        """The same for the other registry."""
        seen, self.elsewhere.seen = self.elsewhere.seen, []
        return [f"{one.method} {one.path.rsplit('/', 2)[1]}" for one in seen]

    def wish(
        self, block: Mapping[str, Any], *, name: str = "shop-api", key: str = "api", **options: Any
    ) -> Desired:
        """An image as the manifest wants it; the other registry is under `registries`."""
        binding = bind_image(block, key=key, registries={"other": self.elsewhere.host}, protocols=("shared",))
        assert binding.messages == []
        return Desired(
            ResourceAddress("image", key),
            binding.attributes,
            name=name,
            settings=binding.bound.settings,
            source=Source("containers.yaml", 3, 3),
            **options,
        )


@contextmanager
def registries(server: LocalServer, folder: Path) -> Iterator[Registries]:
    with running() as elsewhere:
        made = Registries(server, elsewhere, folder)
        yield made
        made.close()
