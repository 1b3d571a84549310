"""Speaks to an emulator in this process, without a socket, the way a deployer of Workers does."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httpx

from reconciler.emulator.app import App
from reconciler.emulator.world import World

ACCOUNT = "a" * 32
CODE = "export class App {}\nexport class Other {}\nexport default { fetch() {} }"
NEW_APP = {"new_tag": "v1", "new_sqlite_classes": ["App"]}
APP_BINDING = {"type": "durable_object_namespace", "name": "APP", "class_name": "App"}


class WorkersApi:
    """A world of its own, and the requests that change it."""

    def __init__(self) -> None:
        self.world = World(source=lambda: 1_795_000_000.0)
        self._app = App(self.world)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request to a path below the account, or to one that begins with `//` below the API."""
        base = "/client/v4" if path.startswith("//") else f"/client/v4/accounts/{ACCOUNT}"
        return asyncio.run(self._send(method, base + path.replace("//", "/"), options))

    def result(self, method: str, path: str, **options: Any) -> Any:
        """The result of a request that must succeed."""
        answer = self.send(method, path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def refusal(self, method: str, path: str, **options: Any) -> tuple[int, int]:
        """Status and code of a request that must fail."""
        return refusal_of(self.send(method, path, **options))

    def upload(
        self, script: str = "edge", code: str = CODE, method: str = "PUT", query: str = "", **metadata: Any
    ) -> httpx.Response:
        """Uploads a script of one module."""
        path = f"/workers/scripts/{script}" + ("/versions" if method == "POST" else "") + query
        return self.send(method, path, files=upload_files(code, **metadata))

    def deploy(self, script: str = "edge", **options: Any) -> dict[str, Any]:
        """Uploads a script, which must succeed."""
        answer = self.upload(script, **options)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    def namespaces(self) -> dict[str, dict[str, Any]]:
        """The namespaces of the account by name, as the world has them."""
        return {one["name"]: one for one in self.world.all("namespace", ACCOUNT)}

    def add_application(self, namespace: str) -> str:
        """Puts a container application named web on a namespace; returns its id."""
        self.world.settings.update({"missing_images": "accept"})
        body = {
            "name": "web",
            "scheduling_policy": "default",
            "instances": 0,
            "max_instances": 1,
            "configuration": {"image": f"registry.cloudflare.com/{ACCOUNT}/web:1"},
            "durable_objects": {"namespace_id": namespace},
        }
        answer = self.send("POST", "/containers/applications", json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["result"]["id"])

    def bindings(self, script: str = "edge") -> dict[str, dict[str, Any]]:
        """The bindings of a script by name, as settings show them."""
        settings = self.result("GET", f"/workers/scripts/{script}/settings")
        return {binding["name"]: binding for binding in settings["bindings"]}

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(cast("Any", self._app))
        headers = {"Authorization": "Bearer any", **options.pop("headers", {})}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers=headers, **options)


def upload_files(code: str = CODE, **metadata: Any) -> dict[str, Any]:
    """The parts of an upload of one module."""
    document = json.dumps({"main_module": "index.js", **metadata})
    return {
        "metadata": (None, document, "application/json"),
        "index.js": ("index.js", code, "application/javascript+module"),
    }


def refusal_of(answer: httpx.Response) -> tuple[int, int]:
    """Status and code of a failure."""
    body = answer.json()
    assert body["success"] is False, body
    return answer.status_code, body["errors"][0]["code"]
