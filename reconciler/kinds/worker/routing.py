"""How a script is reached and when it runs: workers.dev, crons, routes, custom domains; sent only where set and different."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.model.change import Change
from reconciler.model.value import Attributes, Value

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare


class Routing:
    """Sends one worker's triggers."""

    def __init__(self, client: Cloudflare, script: str, change: Change, *, everything: bool) -> None:
        self._client = client
        self._script = script
        self._change = change
        self._wanted: Attributes = change.wanted
        self._everything = everything
        remembered = change.prior.attributes if change.prior and not everything else {}
        self._before: Mapping[str, Value] = remembered.get("routes") or {}

    def send(self, *, is_new: bool) -> Iterator[str]:
        """Sends each part that differs, and names it once it is done."""
        if self._subdomain(is_new):
            yield "subdomain"
        if self._differs("triggers"):
            self._client.set_schedules(self._script, (self._wanted.get("triggers") or {}).get("crons") or [])
            yield "schedules"
        if self._differs("routes"):
            self._routes()
            yield "routes"

    def _differs(self, key: str) -> bool:
        return self._change.touches(key) or (self._everything and key in self._wanted)

    def _subdomain(self, is_new: bool) -> bool:
        if not self._differs("workers_dev") and not self._differs("preview_urls") and not is_new:
            return False
        asked = self._wanted.get("workers_dev")
        if asked is None and is_new:
            asked = not self._wanted.get("routes")
            if asked and not self._client.get_account_subdomain():
                # Nothing was asked for, and an account without a name under workers.dev has no addresses there.
                return False
        body: dict[str, Any] = {}
        if asked is None:
            asked = self._client.get_script_subdomain(self._script).get("enabled", False)
        body["enabled"] = asked
        if "preview_urls" in self._wanted:
            body["previews_enabled"] = self._wanted["preview_urls"]
        self._client.set_script_subdomain(self._script, body)
        return True

    def _routes(self) -> None:
        wanted: Mapping[str, Mapping[str, Value]] = self._wanted.get("routes") or {}
        plain = [
            {"pattern": pattern, **route}
            for pattern, route in wanted.items()
            if not route.get("custom_domain")
        ]
        had_plain = any(not route.get("custom_domain") for route in self._before.values())
        if plain or had_plain:
            self._client.set_script_routes(self._script, plain)
        domains = {host: route for host, route in wanted.items() if route.get("custom_domain")}
        for host, route in domains.items():
            zone = {key: route[key] for key in ("zone_id", "zone_name") if key in route}
            self._client.put_domain(
                {"hostname": host, "service": self._script, "environment": "production", **zone}
            )
        gone = {host for host, route in self._before.items() if route.get("custom_domain")} - domains.keys()
        for domain in self._client.list_domains(service=self._script) if gone else ():
            if domain.get("hostname") in gone:
                self._client.delete_domain(domain["id"])
