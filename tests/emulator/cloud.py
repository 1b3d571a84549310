"""A stand-in without sockets: requests go straight into the ASGI app, and real time moves only when told to."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from reconciler.emulator.app import App
from reconciler.emulator.settings import Settings
from reconciler.emulator.world import World

ACCOUNT = "a" * 32
IMAGE = f"registry.cloudflare.com/{ACCOUNT}/app"
NAMESPACE = "d" * 32


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        assert self.status < 300, self.body
        return self.json["result"]

    @property
    def error(self) -> str:
        """The service's constant or text, out of the message (reference 1.5)."""
        assert self.status >= 400, self.body
        return str(json.loads(self.json["errors"][0]["message"])["error"])

    @property
    def details(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.json["errors"][0]["message"])["details"]
        return found


class Cloud:
    """One world and its front door; paths are relative to the account's containers unless they begin with /."""

    def __init__(self, data: Path | None = None, token: str | None = None, **settings: Any) -> None:
        self.real = 1_800_000_000.0
        start = Settings(missing_images="accept")
        start.update(settings)
        self.world = World(data, source=lambda: self.real, settings=start)
        self.app = App(self.world, token)

    def ask(self, method: str, path: str, body: Any = None, account: str = ACCOUNT, **headers: str) -> Reply:
        url = urlsplit(path if path.startswith("/") else f"/client/v4/accounts/{account}/containers/{path}")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"host": "127.0.0.1:1", "authorization": "Bearer t"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": unquote(url.path),
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }
        return asyncio.run(self._converse(scope, content))

    async def _converse(self, scope: dict[str, Any], content: bytes) -> Reply:
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        head = messages[0]
        headers = {name.decode(): value.decode() for name, value in head["headers"]}
        return Reply(head["status"], headers, b"".join(message.get("body", b"") for message in messages[1:]))

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None) -> Reply:
        return self.ask("PATCH", path, body)

    def put(self, path: str, body: Any = None) -> Reply:
        return self.ask("PUT", path, body)

    def delete(self, path: str) -> Reply:
        return self.ask("DELETE", path)

    def wait(self, seconds: float) -> None:
        self.real += seconds

    def faults(self, *rules: dict[str, Any]) -> None:
        assert self.put("/emulator/faults", list(rules)).status == 200

    def settings(self, **settings: Any) -> None:
        assert self.put("/emulator/settings", settings).status == 200

    def ledger(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.get("/emulator/ledger").json
        return entries

    def namespace(self, namespace: str = NAMESPACE, enabled: bool = True) -> str:
        """Puts a Durable Object namespace as an upload of its Worker would."""
        container = {"class_name": "App"} if enabled else None
        facts = {"id": namespace, "name": "w_App", "script": "w", "class": "App", "use_sqlite": True}
        self.world.put("namespace", ACCOUNT, namespace, {**facts, "container": container})
        return namespace

    def application(self, name: str = "api", **fields: Any) -> dict[str, Any]:
        """Creates an application without a class that runs three instances."""
        reply = self.post("applications", wish(name, **fields))
        created: dict[str, Any] = reply.result
        return created


def wish(name: str = "api", image: str = f"{IMAGE}:1", **fields: Any) -> dict[str, Any]:
    """A body that creates an application."""
    configuration = {"image": image, "instance_type": "lite", **fields.pop("configuration", {})}
    base = {"name": name, "scheduling_policy": "default", "instances": 3, "max_instances": 3}
    return {**base, "configuration": configuration, **fields}
