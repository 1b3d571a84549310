"""Cloudflare's containers API as plain methods: dicts in, dicts out (reference 2).

Bodies go out as they are given. Deletions return when the service has said yes, which is not when the thing is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from reconciler.clients.account_api import AccountApi, Document, object_in
from reconciler.clients.transport import segment
from reconciler.errors import NotFoundError

_APPLICATIONS = "/containers/applications"
_DEPLOYMENTS = "/containers/deployments"
_SECRETS = "/containers/secrets"
_KEYS = "/containers/ssh-public-keys"
_REGISTRIES = "/containers/registries"
_PROTOCOLS = "/containers/registries/protos"
_DASH = "/containers/dash/applications"


class ContainersApi(AccountApi):
    """Every operation of the containers gateway that something here needs; docs/api-coverage.md says why others do not."""

    def list_applications(
        self,
        *,
        name: str | None = None,
        image: str | None = None,
        labels: Sequence[str] = (),
        per_page: int | None = None,
    ) -> list[Document]:
        """Lists applications, all in one answer unless `per_page` (at most 500) is given (reference 2.1)."""
        query = {"name": name, "image": image, "label": list(labels), "per_page": per_page}
        return self._pages_by_token(_APPLICATIONS, query)

    def get_application(self, application_id: str) -> Document:
        """Gives one application; a namespace id finds one managed by Durable Objects (reference 2.1)."""
        return self._document("GET", _application(application_id))

    def create_application(self, body: Mapping[str, Any]) -> Document:
        """Creates an application (reference 2.1.1)."""
        return self._document("POST", _APPLICATIONS, json=body)

    def update_application(self, application_id: str, body: Mapping[str, Any]) -> Document:
        """Changes an application; running instances need a rollout besides (reference 2.1.6)."""
        return self._document("PATCH", _application(application_id), json=body)

    def delete_application(self, application_id: str) -> None:
        """Asks for an application's end, which comes later (reference 2.1.7)."""
        self._ask("DELETE", _application(application_id))

    def list_application_versions(self, application_id: str) -> list[Document]:
        """Lists an application's versions with their configurations (reference 2.1)."""
        return self._documents("GET", f"{_application(application_id)}/versions")

    def get_application_status(self, application_id: str) -> Document:
        """Gives the queue of an application with jobs (reference 2.1, 2.3)."""
        return self._document("GET", f"{_application(application_id)}/status")

    def list_application_deployments(self, application_id: str) -> list[Document]:
        """Lists the deployments that run an application (reference 2.1)."""
        return self._documents("GET", f"{_application(application_id)}/deployments")

    def list_instances(
        self,
        application_id: str,
        *,
        name_prefix: str | None = None,
        state: str | None = None,
        per_page: int | None = None,
    ) -> list[Document]:
        """Lists an application's instances, `active` or `not-active` ones if asked (reference 2.9)."""
        query = {"name_prefix": name_prefix, "state": state, "per_page": per_page}
        return self._pages_by_token(f"{_application(application_id)}/instances-v2", query)

    def get_instance(self, application_id: str, instance_id: str) -> Document:
        """Gives one instance of an application (reference 2.9)."""
        return self._document("GET", f"{_application(application_id)}/instances/{segment(instance_id)}")

    def list_dash_instances(self, application_id: str, *, per_page: int | None = None) -> Document:
        """Gives all `instances` and `durable_objects` of an application as the dashboard has them (reference 2.9)."""
        path = f"{_DASH}/{segment(application_id)}/instances"
        found: Document = {"instances": [], "durable_objects": []}
        for answer in self._answers_by_token(path, {"per_page": per_page}):
            page = object_in("GET", path, answer)
            for key, rows in found.items():
                rows += page.get(key) or []
        return found

    def prepare_image(self, image: str) -> Document:
        """Asks for an image to be made ready, and how far that is: repeated until `ready` (reference 2.12)."""
        return self._document(
            "POST", "/containers/image-preparations", json={"image": image}, idempotent=True
        )

    def create_rollout(self, application_id: str, body: Mapping[str, Any]) -> Document:
        """Starts a rollout, which takes the place of one under way (reference 2.2)."""
        return self._document("POST", f"{_application(application_id)}/rollouts", json=body)

    def list_rollouts(
        self, application_id: str, *, limit: int | None = None, last: str | None = None
    ) -> list[Document]:
        """Lists rollouts, all of them unless `limit` is given (reference 2.2)."""
        query = {"limit": limit, "last": last}
        return self._documents("GET", f"{_application(application_id)}/rollouts", query=query)

    def get_rollout(self, application_id: str, rollout_id: str) -> Document:
        """Gives one rollout with its steps and progress (reference 2.2)."""
        return self._document("GET", _rollout(application_id, rollout_id))

    def act_on_rollout(self, application_id: str, rollout_id: str, action: str) -> Document:
        """Says `next`, `previous` or `revert`; `success` in what comes back may be false (reference 2.2)."""
        return self._document("POST", _rollout(application_id, rollout_id), json={"action": action})

    def create_job(self, application_id: str, body: Mapping[str, Any]) -> Document:
        """Starts a job (reference 2.3)."""
        return self._document("POST", f"{_application(application_id)}/jobs", json=body)

    def get_job(self, application_id: str, job_id: str) -> Document:
        """Gives one job with its status and events (reference 2.3)."""
        return self._document("GET", _job(application_id, job_id))

    def find_job(self, application_id: str, is_it: Callable[[Document], bool]) -> Document | None:
        """Gives the job of an application that is the one, though its status may not show it at once."""
        others: set[str] = set()

        def shown() -> Document | None:
            known = self.get_application_status(application_id).get("jobs") or {}
            for job_id in known.keys() - others:
                with suppress(NotFoundError):
                    job = self.get_job(application_id, job_id)
                    if is_it(job):
                        return job
                    others.add(job_id)  # one that cannot be shown yet is asked for again
            return None

        return self.transport.awaited(shown, lambda job: job is not None)

    def terminate_job(self, application_id: str, job_id: str) -> Document:
        """Asks a job to end (reference 2.3)."""
        return self._document("PATCH", _job(application_id, job_id), json={"terminate": True})

    def list_secrets(self) -> list[Document]:
        """Lists the account's secrets, without values (reference 2.4)."""
        return self._documents("GET", _SECRETS)

    def create_secret(self, name: str, value: str) -> Document:
        """Creates an account secret (reference 2.4)."""
        return self._document("POST", _SECRETS, json={"name": name, "value": value})

    def update_secret(self, name: str, value: str) -> Document:
        """Gives an account secret a new value and version (reference 2.4)."""
        return self._document("PATCH", f"{_SECRETS}/{segment(name)}", json={"value": value})

    def delete_secret(self, name: str) -> None:
        """Deletes an account secret (reference 2.4)."""
        self._ask("DELETE", f"{_SECRETS}/{segment(name)}")

    def list_ssh_public_keys(self) -> list[Document]:
        """Lists the account's SSH keys; their text may be missing (reference 2.5)."""
        return self._documents("GET", _KEYS)

    def create_ssh_public_key(self, name: str, public_key: str) -> Document:
        """Adds an SSH key (reference 2.5)."""
        return self._document("POST", _KEYS, json={"name": name, "public_key": public_key})

    def delete_ssh_public_key(self, name: str) -> None:
        """Deletes an SSH key, by name although it is used by id (reference 2.5)."""
        self._ask("DELETE", f"{_KEYS}/{segment(name)}")

    def list_deployments(
        self,
        *,
        app_id: str | None = None,
        location: str | None = None,
        image: str | None = None,
        state: str | None = None,
        ipv4: str | None = None,
        labels: Sequence[str] = (),
    ) -> list[Document]:
        """Lists deployments, those of applications too (reference 2.6)."""
        query = {"app_id": app_id, "location": location, "image": image, "state": state, "ipv4": ipv4}
        return self._documents("GET", f"{_DEPLOYMENTS}/v2", query={**query, "label": list(labels)})

    def get_deployment(self, deployment_id: str) -> Document:
        """Gives one deployment (reference 2.6)."""
        return self._document("GET", _deployment(deployment_id, "v2"))

    def create_deployment(self, body: Mapping[str, Any]) -> Document:
        """Creates a deployment in a location (reference 2.6)."""
        return self._document("POST", f"{_DEPLOYMENTS}/v2", json=body)

    def update_deployment(self, deployment_id: str, body: Mapping[str, Any]) -> Document:
        """Changes a deployment, which is then placed anew (reference 2.6)."""
        return self._document("PATCH", _deployment(deployment_id, "v2"), json=body)

    def delete_deployment(self, deployment_id: str) -> None:
        """Deletes a deployment and its placements (reference 2.6)."""
        self._ask("DELETE", _deployment(deployment_id, "v2"))

    def recreate_deployment(self, deployment_id: str, body: Mapping[str, Any]) -> Document:
        """Replaces a deployment by one with a new id (reference 2.6)."""
        return self._document("POST", _deployment(deployment_id, "recreate"), json=body)

    def list_placements(self, deployment_id: str) -> list[Document]:
        """Lists where a deployment ran and runs, with events (reference 2.9)."""
        return self._documents("GET", _deployment(deployment_id, "placements"))

    def get_placement(self, placement_id: str) -> Document:
        """Gives one placement with its events (reference 2.9)."""
        return self._document("GET", f"/containers/placements/{segment(placement_id)}")

    def replace_placement(self, placement_id: str) -> Document:
        """Places a deployment's container anew (reference 2.6)."""
        path = f"/containers/placements/{segment(placement_id)}"
        return self._document("POST", path, json={"replace": True})

    def list_ips(
        self,
        *,
        placement_id: str | None = None,
        allocated: bool | None = None,
        ip_type: str | None = None,
        deployment_id: str | None = None,
    ) -> Document:
        """Gives the account's addresses as `ips` (reference 2.10)."""
        query = {"placement_id": placement_id, "allocated": allocated, "ipType": ip_type}
        return self._document("GET", "/containers/ips", query={**query, "deployment_id": deployment_id})

    def list_registries(self) -> list[Document]:
        """Lists the registries that images may come from (reference 2.7)."""
        return self._documents("GET", _REGISTRIES)

    def find_registry(self, domain: str) -> Document | None:
        """Gives the registry of a domain that is there for certain, though a list may not show it at once."""

        def of_domain() -> list[Document]:
            return [one for one in self.list_registries() if one.get("domain") == domain]

        shown = self.transport.awaited(of_domain, bool)
        return shown[0] if shown else None

    def create_registry(self, body: Mapping[str, Any]) -> Document:
        """Adds a registry (reference 2.7.1)."""
        return self._document("POST", _REGISTRIES, json=body)

    def delete_registry(self, domain: str) -> Document:
        """Removes a registry; `secrets_store_ref` names the secret left behind (reference 2.7.1)."""
        return self._document("DELETE", f"{_REGISTRIES}/{segment(domain)}")

    def create_registry_credentials(
        self, domain: str, permissions: Sequence[str], expiration_minutes: int
    ) -> Document:
        """Mints a user name and password for a registry; never kept (reference 2.7.4)."""
        body = {"permissions": list(permissions), "expiration_minutes": expiration_minutes}
        path = f"{_REGISTRIES}/{segment(domain)}/credentials"
        return self._document("POST", path, json=body, idempotent=True)

    def list_registry_protocols(self) -> list[Document]:
        """Lists the registry protocols (reference 2.8)."""
        return self._documents("GET", _PROTOCOLS)

    def create_registry_protocol(self, proto: str, domains: Sequence[Mapping[str, str]]) -> Document:
        """Adds a registry protocol (reference 2.8)."""
        return self._document("POST", _PROTOCOLS, json={"proto": proto, "domains": list(domains)})

    def update_registry_protocol(self, proto: str, domains: Sequence[Mapping[str, str]]) -> Document:
        """Replaces all domains of a registry protocol (reference 2.8)."""
        return self._document("PUT", _PROTOCOLS, json={"proto": proto, "domains": list(domains)})

    def delete_registry_protocol(self, proto: str) -> None:
        """Deletes a registry protocol that nothing refers to (reference 2.8)."""
        self._ask("DELETE", f"{_PROTOCOLS}/{segment(proto)}")

    def get_account(self) -> Document:
        """Gives the account's limits, locations and defaults (reference 2.11)."""
        return self._document("GET", "/containers/me")

    def update_account(self, defaults: Mapping[str, Any]) -> Document:
        """Changes the account's defaults (reference 2.11)."""
        return self._document("PATCH", "/containers/me", json={"defaults": defaults})


def _application(application_id: str) -> str:
    return f"{_APPLICATIONS}/{segment(application_id)}"


def _rollout(application_id: str, rollout_id: str) -> str:
    return f"{_application(application_id)}/rollouts/{segment(rollout_id)}"


def _job(application_id: str, job_id: str) -> str:
    return f"{_application(application_id)}/jobs/{segment(job_id)}"


def _deployment(deployment_id: str, what: str) -> str:
    return f"{_DEPLOYMENTS}/{segment(deployment_id)}/{what}"
