"""Cloudflare's Workers API as plain methods: dicts in, dicts out (reference 3).

What metadata holds is for its caller; only whether an upload may be repeated is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from reconciler.clients.account_api import AccountApi, Document
from reconciler.clients.multipart import Part, encode
from reconciler.clients.transport import segment
from reconciler.errors import NotFoundError, UnavailableError

_SCRIPTS = "/workers/scripts"
_VERSION_NOT_YET = "100146"
_LOOKS = 5
_BETWEEN_LOOKS = 0.5
_SUBDOMAIN_DATE = {"Cloudflare-Workers-Script-Api-Date": "2025-08-01"}
_STRICT = {"bindings_inherit": "strict"}


class WorkersApi(AccountApi):
    """Every operation on scripts, and around them, that reconciling needs."""

    def upload_script(self, script: str, metadata: Mapping[str, Any], modules: Sequence[Part]) -> Document:
        """Uploads a script, live at once (reference 3.1).

        `version_of` the result is the new version. With `migrations` an upload is not repeated: the service would refuse, or do
        them twice.
        """
        content, content_type = encode([_json_part("metadata", metadata), *modules])
        return self._document(
            "PUT",
            _script(script),
            query={"excludeScript": True, **_STRICT},
            content=content,
            content_type=content_type,
            idempotent="migrations" not in metadata,
        )

    def upload_script_version(
        self, script: str, metadata: Mapping[str, Any], modules: Sequence[Part]
    ) -> Document:
        """Uploads a version that is not live; not for scripts with containers (reference 3.5)."""
        content, content_type = encode([_json_part("metadata", metadata), *modules])
        return self._document(
            "POST", f"{_script(script)}/versions", query=_STRICT, content=content, content_type=content_type
        )

    def list_scripts(self) -> list[Document]:
        """Lists scripts with `etag`, `modified_on` and `migration_tag` (reference 3.3)."""
        return self._pages_by_number(_SCRIPTS, {})

    def get_service(self, script: str) -> Document:
        """Gives a script's service, whose default environment holds tag and `migration_tag` (reference 3.3)."""
        return self._document("GET", f"/workers/services/{segment(script)}")

    def get_worker(self, script: str) -> Document:
        """Gives a script by the newer API, with its subdomain and tags (traffic of wrangler 4.164)."""
        return self._document("GET", f"/workers/workers/{segment(script)}")

    def delete_script(self, script: str, *, force: bool = False) -> None:
        """Deletes a script, its Durable Objects with it; `force` although others bind to it (reference 3.6)."""
        self._ask("DELETE", _script(script), query={"force": True if force else None})

    def delete_service(self, script: str, *, force: bool = False) -> None:
        """Deletes a script the way wrangler does (reference 3.6)."""
        self._ask("DELETE", f"/workers/services/{segment(script)}", query={"force": force})

    def get_script_references(self, script: str) -> Document:
        """Gives what refers to a script (reference 3.6)."""
        return self._document("GET", f"{_script(script)}/references")

    def list_tail_producers(self, script: str) -> list[Document]:
        """Lists the scripts whose tail goes to this one (reference 3.6)."""
        return self._documents("GET", f"/workers/tails/by-consumer/{segment(script)}")

    def list_script_versions(self, script: str, *, deployable: bool = True) -> list[Document]:
        """Lists a script's latest versions (reference 3.3)."""
        query = {"deployable": True if deployable else None}
        return _rows(self._document("GET", f"{_script(script)}/versions", query=query), "items")

    def get_script_version(self, script: str, version_id: str) -> Document:
        """Gives a version with its bindings; one just uploaded is waited for some seconds (reference 3.1, 3.3)."""
        path = f"{_script(script)}/versions/{segment(version_id)}"
        for _ in range(_LOOKS):
            try:
                return self._document("GET", path)
            except NotFoundError as error:
                if error.code != _VERSION_NOT_YET:
                    raise
            self.transport.pause(_BETWEEN_LOOKS)
        return self._document("GET", path)

    def list_script_deployments(self, script: str) -> list[Document]:
        """Lists which versions were live, newest first (reference 3.3)."""
        return _rows(self._document("GET", f"{_script(script)}/deployments"), "deployments")

    def create_script_deployment(
        self, script: str, body: Mapping[str, Any], *, force: bool = False
    ) -> Document:
        """Makes versions live by percentage (reference 3.5)."""
        query = {"force": True if force else None}
        return self._document("POST", f"{_script(script)}/deployments", query=query, json=body)

    def get_script_settings(self, script: str) -> Document:
        """Gives the settings of the live version, bindings among them (reference 3.3)."""
        return self._document("GET", f"{_script(script)}/settings")

    def update_script_settings(self, script: str, settings: Mapping[str, Any]) -> Document:
        """Changes settings, which makes a new version (reference 3.3)."""
        content, content_type = encode([_json_part("settings", settings)])
        path = f"{_script(script)}/settings"
        return self._document("PATCH", path, content=content, content_type=content_type)

    def get_unversioned_settings(self, script: str) -> Document:
        """Gives `logpush`, `observability`, `tags` and `tail_consumers` (reference 3.3)."""
        return self._document("GET", f"{_script(script)}/script-settings")

    def update_unversioned_settings(self, script: str, settings: Mapping[str, Any]) -> Document:
        """Changes what belongs to the script and not to a version (reference 3.3)."""
        return self._document("PATCH", f"{_script(script)}/script-settings", json=settings)

    def list_script_secrets(self, script: str) -> list[Document]:
        """Lists the names of a script's secrets (reference 3.4)."""
        return self._documents("GET", f"{_script(script)}/secrets")

    def put_script_secret(self, script: str, name: str, text: str) -> Document:
        """Creates or replaces one secret, in a new version that goes live (reference 3.4)."""
        body = {"name": name, "text": text, "type": "secret_text"}
        return self._document("PUT", f"{_script(script)}/secrets", json=body)

    def delete_script_secret(self, script: str, name: str) -> None:
        """Deletes one secret (reference 3.4)."""
        self._ask("DELETE", f"{_script(script)}/secrets/{segment(name)}", query={"url_encoded": True})

    def update_script_secrets(self, script: str, texts: Mapping[str, str | None]) -> None:
        """Sets the named secrets at once, deletes those that are None, leaves all others (reference 3.4)."""
        secrets = {
            name: None if text is None else {"name": name, "text": text, "type": "secret_text"}
            for name, text in texts.items()
        }
        self._ask(
            "PATCH",
            f"{_script(script)}/secrets-bulk",
            content=msgspec.json.encode({"secrets": secrets}),
            content_type="application/merge-patch+json",
        )

    def get_account_subdomain(self) -> str:
        """Gives the account's name under workers.dev; empty if it has none (reference 3.8)."""
        try:
            return str(self._document("GET", "/workers/subdomain").get("subdomain") or "")
        except NotFoundError:
            return ""

    def put_account_subdomain(self, subdomain: str) -> Document:
        """Registers the account's name under workers.dev (reference 3.8)."""
        return self._document("PUT", "/workers/subdomain", json={"subdomain": subdomain})

    def get_script_subdomain(self, script: str) -> Document:
        """Tells whether a script and its previews answer under workers.dev (reference 3.8)."""
        return self._document("GET", f"{_script(script)}/subdomain")

    def set_script_subdomain(self, script: str, body: Mapping[str, bool]) -> Document:
        """Switches `enabled` and `previews_enabled` (reference 3.8)."""
        path = f"{_script(script)}/subdomain"
        return self._document("POST", path, json=body, headers=_SUBDOMAIN_DATE, idempotent=True)

    def list_schedules(self, script: str) -> list[Document]:
        """Lists a script's crons (reference 3.8)."""
        return _rows(self._document("GET", f"{_script(script)}/schedules"), "schedules")

    def set_schedules(self, script: str, crons: Sequence[str]) -> None:
        """Replaces all crons of a script (reference 3.8)."""
        self._ask("PUT", f"{_script(script)}/schedules", json=[{"cron": cron} for cron in crons])

    def list_zones(self, *, name: str | None = None) -> list[Document]:
        """Lists the zones that the credentials may see (reference 1.8)."""
        return self._pages_by_number("/zones", {"name": name, "account.id": self.account_id})

    def set_script_routes(self, script: str, routes: Sequence[Mapping[str, Any]]) -> None:
        """Replaces all routes of a script (reference 3.8)."""
        self._ask("PUT", f"{_script(script)}/routes", json=list(routes))

    def list_zone_routes(self, zone_id: str) -> list[Document]:
        """Lists a zone's routes, of all scripts (reference 3.8)."""
        return self._documents("GET", f"/zones/{segment(zone_id)}/workers/routes")

    def create_zone_route(self, zone_id: str, body: Mapping[str, Any]) -> Document:
        """Adds a route to a zone (reference 3.8)."""
        return self._document("POST", f"/zones/{segment(zone_id)}/workers/routes", json=body)

    def update_zone_route(self, zone_id: str, route_id: str, body: Mapping[str, Any]) -> Document:
        """Replaces a route of a zone (reference 3.8)."""
        path = f"/zones/{segment(zone_id)}/workers/routes/{segment(route_id)}"
        return self._document("PUT", path, json=body)

    def delete_zone_route(self, zone_id: str, route_id: str) -> None:
        """Deletes a route of a zone (reference 3.8)."""
        self._ask("DELETE", f"/zones/{segment(zone_id)}/workers/routes/{segment(route_id)}")

    def list_domains(self, *, service: str | None = None) -> list[Document]:
        """Lists custom domains (reference 3.8)."""
        return self._documents("GET", "/workers/domains", query={"service": service})

    def put_domain(self, body: Mapping[str, Any]) -> Document:
        """Binds a host name to a script (reference 3.8)."""
        return self._document("PUT", "/workers/domains", json=body)

    def delete_domain(self, domain_id: str) -> None:
        """Frees a custom domain (reference 3.8)."""
        self._ask("DELETE", f"/workers/domains/{segment(domain_id)}")

    def list_namespaces(self, *, per_page: int = 1000) -> list[Document]:
        """Lists the account's Durable Object namespaces (reference 3.7)."""
        return self._pages_by_number("/workers/durable_objects/namespaces", {"per_page": per_page})


def version_of(uploaded: Mapping[str, Any]) -> str:
    """Gives the id of the version that an upload made; it comes without its dashes (reference 1.9)."""
    try:
        return str(UUID(str(uploaded.get("deployment_id"))))
    except ValueError:
        raise UnavailableError("the upload was accepted, but its version was not named", sent=True) from None


def _script(script: str) -> str:
    return f"{_SCRIPTS}/{segment(script)}"


def _json_part(name: str, value: Any) -> Part:
    return Part(name, msgspec.json.encode(value), "application/json")


def _rows(document: Document, key: str) -> list[Document]:
    rows = document.get(key)
    return rows if isinstance(rows, list) else []
